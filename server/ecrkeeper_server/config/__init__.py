"""The configuration and its checks."""
