"""The server: stores what owners declare and makes AWS match it."""
