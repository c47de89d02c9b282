"""Identity and authorization as configured.

Reports all errors of all files at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import grpc
import grpc.aio
import structlog
from msgspec import Struct

from ecrkeeper_server.access.policy import Policy
from ecrkeeper_server.api.layers.access import Access
from ecrkeeper_server.api.layers.authentication import Authentication
from ecrkeeper_server.api.tls import server_credentials
from ecrkeeper_server.config.lists import words
from ecrkeeper_server.config.settings import Config, ConfigError
from ecrkeeper_server.identity.caller import Authenticator
from ecrkeeper_server.identity.certificates import Pair, pair_of
from ecrkeeper_server.identity.files import FileError, WatchedFiles

# The modules for tokens and policies are loaded only if they are configured, before the server
# listens.
if TYPE_CHECKING:
    from ecrkeeper_server.identity.keys import Keys, KeySource
    from ecrkeeper_server.identity.oidc import Client
    from ecrkeeper_server.identity.tokens import TokenVerifier

T = TypeVar("T")
log = structlog.get_logger("ecrkeeper.security")

_PEM_BYTES = 1024 * 1024
_CHECK_SECONDS = 1.0


class Security(Struct, frozen=True):
    """Transport security, authentication and authorization of the server."""

    tls: WatchedFiles[Pair] | None
    authentication: Authentication
    access: Access
    policy: WatchedFiles[Policy] | None
    keys: KeySource | None
    client: Client | None = None

    def listen(self, server: grpc.aio.Server, address: str) -> int:
        """Add the address to a server, with TLS if configured; return the port."""
        if self.tls is None:
            return server.add_insecure_port(address)
        return server.add_secure_port(address, server_credentials(self.tls))

    async def maintain(self) -> None:
        """Follow changes of the policy and of the issuer's keys, until cancelled."""
        while True:
            try:
                if self.policy is not None:
                    await asyncio.to_thread(self.policy.refresh)
                if self.keys is not None:
                    await self.keys.maintain()
            except Exception:  # The current files stay in force, and the next check may succeed.
                log.exception("security_not_maintained")
            await asyncio.sleep(_CHECK_SECONDS)


def open_security(config: Config) -> Security:
    """Read all files; ConfigError has every error of every file.

    A server with only the engine has no callers and needs no file but the policy, which
    bounds registry sets.
    """
    if config.role == "engine":
        config = Config(policy_file=config.policy_file)
    errors: list[str] = []
    pair = _opened("tls", _tls_paths(config), pair_of, _PEM_BYTES, errors)
    policy = _policy(config, errors)
    source = _key_source(config, errors)
    client = _oidc_client(config, errors)
    if errors:
        raise ConfigError(errors)
    tokens = _verifier(config, source) if source is not None else None
    authenticator = Authenticator(tokens, certificates=bool(config.tls_client_ca_file))
    return Security(
        tls=pair,
        authentication=Authentication(authenticator, open_reflection=config.open_reflection),
        access=Access(lambda: policy.value) if policy is not None else Access(),
        policy=policy,
        keys=source,
        client=client,
    )


def _opened(
    description: str, paths: Sequence[str], parse: Callable[[list[bytes]], T], max_bytes: int, errors: list[str]
) -> WatchedFiles[T] | None:
    if not paths:
        return None
    try:
        return WatchedFiles(description, [Path(path) for path in paths], parse, max_bytes)
    except FileError as error:
        errors += [f"{description}: {error}" for error in error.errors]
        return None


def _tls_paths(config: Config) -> list[str]:
    return [p for p in (config.tls_certificate_file, config.tls_key_file, config.tls_client_ca_file) if p]


def _policy(config: Config, errors: list[str]) -> WatchedFiles[Policy] | None:
    if not config.policy_file:
        return None
    from ecrkeeper_server.access import policy_file

    def parse(contents: list[bytes]) -> Policy:
        try:
            return policy_file.parse(contents[0])
        except policy_file.PolicyError as error:
            raise FileError(error.errors) from error

    return _opened("policy_file", [config.policy_file], parse, policy_file.MAX_BYTES, errors)


def _key_source(config: Config, errors: list[str]) -> KeySource | None:
    if not config.jwt_issuer:
        return None
    from ecrkeeper_server.identity import keys

    algorithms = words(config.jwt_algorithms)
    if not config.jwt_jwks_file:
        fetch = keys.fetcher(config.jwt_issuer, config.jwt_jwks_url)
        return keys.IssuerKeys(fetch, algorithms, period=config.jwt_refresh_seconds)

    def parse(contents: list[bytes]) -> Keys:
        return keys.parse_keys(contents[0], algorithms)

    file = _opened("jwt_jwks_file", [config.jwt_jwks_file], parse, keys.MAX_BYTES, errors)
    return keys.KeyFile(file) if file is not None else None


def _oidc_client(config: Config, errors: list[str]) -> Client | None:
    """Return the client with which browsers sign in; None if it is not configured."""
    if not config.console_oidc_client_id:
        return None
    from ecrkeeper_server.identity.oidc import Client

    secret, file = "", config.console_oidc_client_secret_file
    if file:
        try:
            secret = Path(file).read_text().strip()
        except (OSError, ValueError) as error:
            errors.append(f"console_oidc_client_secret_file: {error}")
    return Client(
        config.jwt_issuer,
        config.console_oidc_client_id,
        secret,
        config.console_oidc_scopes,
        f"{config.console_url}/console/login/callback",
    )


def _verifier(config: Config, source: KeySource) -> TokenVerifier:
    from ecrkeeper_server.identity.tokens import TokenOptions, TokenVerifier

    options = TokenOptions(
        issuer=config.jwt_issuer,
        audiences=words(config.jwt_audience),
        algorithms=words(config.jwt_algorithms),
        leeway=config.jwt_leeway_seconds,
        principal_claim=config.jwt_principal_claim,
        groups_claim=config.jwt_groups_claim,
        principal_prefix=config.jwt_principal_prefix,
    )
    return TokenVerifier(options, source)
