"""Tests of the TypeScript example, which need Node."""
