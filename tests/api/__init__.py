"""The API of a running server."""
