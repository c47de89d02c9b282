"""Tests of the documentation site, which need its builder."""
