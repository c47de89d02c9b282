"""Allowed algorithms of tokens, and allowed locations of their keys."""

from __future__ import annotations

from urllib.parse import urlsplit

from ecrkeeper_files.plain_text import is_plain

# Only asymmetric algorithms: with HS256, a key that verifies tokens also signs them.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def secure(url: str) -> bool:
    """Return whether a URL is safe to fetch keys from: https, or http on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    # `http://127.0.0.1:80@elsewhere` leads elsewhere, and parsers disagree about blanks and control
    # characters.
    if not host or "@" in parts.netloc or not is_plain(url) or " " in url or "\\" in url:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
