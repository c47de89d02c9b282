"""Algorithms that may sign tokens, and locations that their keys may come from."""

from __future__ import annotations

from urllib.parse import urlsplit

from ecrkeeper_server.plain_text import is_plain

# Only asymmetric ones: with HS256, a key that verifies tokens also signs them.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def secure(url: str) -> bool:
    """Return whether keys fetched there are those of the issuer: https, or http on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    # `http://127.0.0.1:80@elsewhere` leads elsewhere; of blanks and controls each reader makes something else.
    if not host or "@" in parts.netloc or not is_plain(url) or " " in url or "\\" in url:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
