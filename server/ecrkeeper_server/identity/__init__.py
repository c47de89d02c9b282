"""Authentication: the principals of certificates and bearer tokens."""
