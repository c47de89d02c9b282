"""Isolation of rejected elements in documents that several owners share."""
