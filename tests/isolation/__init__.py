"""Isolation of what AWS refuses of documents that several owners share."""
