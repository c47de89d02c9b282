"""What may sign tokens, and where its keys may come from."""

from __future__ import annotations

# Asymmetric ones alone: with HS256, whoever can check a token could make one.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")


def secure(url: str) -> bool:
    """Whether keys fetched there are those of the issuer: https, or http on this machine."""
    return url.startswith(("https://", "http://127.0.0.1:", "http://[::1]:", "http://localhost:"))
