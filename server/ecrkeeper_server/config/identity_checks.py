"""Checks of the settings for TLS, tokens and the policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecrkeeper_server.config.lists import words
from ecrkeeper_server.identity.algorithms import ALGORITHMS, secure

if TYPE_CHECKING:
    from ecrkeeper_server.config.settings import Config


def check_identity(config: Config) -> list[str]:
    """Return the errors of the settings for authentication and authorization."""
    errors = []
    if bool(config.tls_certificate_file) != bool(config.tls_key_file):
        errors.append("tls_certificate_file, tls_key_file: set both or neither")
    if config.tls_client_ca_file and not config.tls_certificate_file:
        errors.append("tls_client_ca_file: requires tls_certificate_file and tls_key_file")
    present = [name for name in ("jwt_audience", "jwt_jwks_url", "jwt_jwks_file") if getattr(config, name)]
    if present and not config.jwt_issuer:
        errors.append(f"jwt_issuer: is required with {', '.join(present)}")
    if config.jwt_issuer:
        errors += _tokens(config)
    if config.jwt_issuer and config.tls_client_ca_file and not config.jwt_principal_prefix:
        errors.append(
            "jwt_principal_prefix: is required with tls_client_ca_file, so that no token has the name of a certificate"
        )
    if config.policy_file and not (config.jwt_issuer or config.tls_client_ca_file):
        errors.append("policy_file: requires authentication; set jwt_issuer or tls_client_ca_file")
    return errors


def _tokens(config: Config) -> list[str]:
    errors = []
    if not words(config.jwt_audience):
        errors.append(
            "jwt_audience: is required with jwt_issuer; without it, tokens for any other service would be valid"
        )
    if config.jwt_jwks_url and config.jwt_jwks_file:
        errors.append("jwt_jwks_url, jwt_jwks_file: set one of them, or neither to use OpenID Connect discovery")
    if config.jwt_jwks_url and not secure(config.jwt_jwks_url):
        errors.append(f"jwt_jwks_url: must be https, or http on this machine, got {config.jwt_jwks_url!r}")
    discovers = not config.jwt_jwks_url and not config.jwt_jwks_file
    if discovers and not secure(config.jwt_issuer):
        errors.append(
            f"jwt_issuer: must be https, because the server fetches its keys from there, got {config.jwt_issuer!r}"
        )
    unknown = [name for name in words(config.jwt_algorithms) if name not in ALGORITHMS]
    if unknown or not words(config.jwt_algorithms):
        errors.append(f"jwt_algorithms: must be among {', '.join(ALGORITHMS)}, got {config.jwt_algorithms!r}")
    if not config.jwt_principal_claim:
        errors.append("jwt_principal_claim: must not be empty")
    return errors
