"""Checks of the values of a configuration."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import fields
from typing import TYPE_CHECKING

from ecrkeeper_server import tracing
from ecrkeeper_server.events.queue_url import QueueUrl
from ecrkeeper_server.identity.algorithms import ALGORITHMS, secure
from ecrkeeper_server.names import partition_of, shown

if TYPE_CHECKING:
    from ecrkeeper_server.config.settings import Config

_RANGES = {
    "aws_timeout_seconds": (0.1, 120.0),
    "resync_seconds": (1.0, 86_400.0),
    "organization_seconds": (0.1, 86_400.0),
    "account_check_seconds": (0.1, 86_400.0),
    "event_debounce_seconds": (0.0, 60.0),
    "event_resync_seconds": (1.0, 86_400.0),
    "contest_window_seconds": (1.0, 86_400.0),
    "lease_seconds": (1.0, 600.0),
    "drain_seconds": (0.0, 600.0),
    "concurrency": (1, 1000),
    "pool_size": (1, 200),
    "max_calls": (1, 100_000),
    "max_calls_per_principal": (1, 100_000),
    "max_streams": (1, 100_000),
    "max_streams_per_principal": (1, 100_000),
    "max_health_streams": (1, 100_000),
    "rate_per_principal": (0.0, 1_000_000.0),
    "burst_per_principal": (1, 1_000_000),
    "elements_per_principal": (0.0, 100_000_000.0),
    "burst_elements_per_principal": (1, 1_000_000_000),
    "cpu_per_principal": (0.0, 64.0),
    "max_message_bytes": (64 * 1024, 64 * 1024 * 1024),
    "max_request_bytes": (1024 * 1024, 16 * 1024 * 1024 * 1024),
    "max_metadata_bytes": (8 * 1024, 1024 * 1024),
    "max_stream_seconds": (1.0, 86_400.0),
    "max_connection_seconds": (1.0, 86_400.0),
    "max_connections": (1, 100_000),
    "jwt_leeway_seconds": (0.0, 300.0),
    "jwt_refresh_seconds": (10.0, 86_400.0),
    "audit_retention_days": (0, 36_500),
}
_PORT = re.compile(r"[0-9]{1,5}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CHOICES = {
    "role": ("all", "api", "engine"),
    "log_level": ("debug", "info", "warning", "error"),
    "log_format": ("json", "text"),
    "access_log": ("all", "changes", "errors", "off"),
}


def check(config: Config) -> list[str]:
    """Return every error of a configuration's values."""
    errors = [
        f"{name}: must be from {low} to {high}, got {getattr(config, name)}"
        for name, (low, high) in _RANGES.items()
        if not low <= getattr(config, name) <= high
    ]
    for name, allowed in _CHOICES.items():
        if getattr(config, name) not in allowed:
            errors.append(f"{name}: must be one of {', '.join(allowed)}, got {getattr(config, name)!r}")
    if not config.database_url.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
        errors.append("database_url: must begin with sqlite:/// or postgresql://")
    elif config.database_url.startswith("sqlite") and config.role != "all":
        errors.append("role: SQLite serves one process; run it with role all, or use Postgres")
    elif config.database_url.startswith("sqlite") and config.share_port:
        errors.append("share_port: SQLite serves one process; use Postgres for several")
    if partition_of(config.home_region) is None:
        errors.append(f"home_region: must be an AWS Region, got {config.home_region!r}")
    errors += _role_template(config) + _organization(config) + _queues(config)
    if config.aws_endpoint_url and not config.aws_endpoint_url.startswith(("http://", "https://")):
        errors.append(f"aws_endpoint_url: must begin with http:// or https://, got {config.aws_endpoint_url!r}")
    errors += _listening(config) + _origins(config) + _console(config)
    errors += _controls(config)
    if config.tracing and (packages := tracing.missing()):
        errors.append(
            f"tracing: needs {', '.join(packages)}; install ecrkeeper with the extra, as in 'ecrkeeper[server,otel]'"
        )
    return errors + _identity(config)


def _listening(config: Config) -> list[str]:
    """Return the errors of the addresses."""
    errors, used = [], {config.listen: "listen"}
    for name in ("metrics_listen", "http_listen"):
        address = getattr(config, name)
        other = used.setdefault(address, name)
        if other != name and not address.endswith(":0"):
            errors.append(f"{name}: must not be the address of {other}, got {address!r}")
    encrypted = bool(config.tls_certificate_file)
    for name in ("listen", "metrics_listen", "http_listen"):
        # The metrics port is plain HTTP always; the HTTP port is off without an address.
        insecure = config.insecure or (encrypted and name != "metrics_listen")
        if getattr(config, name) or name != "http_listen":
            errors += _address(name, getattr(config, name), insecure=insecure)
    return errors


_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?")


def _origins(config: Config) -> list[str]:
    """Return the errors of the origins, which must be as browsers send them."""
    origins = words(config.http_allowed_origins)
    errors = [
        f"http_allowed_origins: each must be as browsers send it, such as https://ecr.example.com, got {shown(each)}"
        for each in origins
        if _ORIGIN.fullmatch(each) is None
    ]
    if origins and not config.http_listen:
        errors.append("http_allowed_origins: requires http_listen")
    return errors


def _console(config: Config) -> list[str]:
    """Return the errors of the console's settings."""
    errors = []
    if config.console and not config.http_listen:
        errors.append("console: requires http_listen")
    if config.console_url and _ORIGIN.fullmatch(config.console_url) is None:
        rule = "must be as browsers send it, such as https://ecrkeeper.example.com"
        errors.append(f"console_url: {rule}, got {shown(config.console_url)}")
    if config.console_url and not config.console:
        errors.append("console_url: requires console")
    return errors + _oidc(config)


def _oidc(config: Config) -> list[str]:
    """Return the errors of the settings for the login at the issuer."""
    client = config.console_oidc_client_id
    if not client:
        given = config.console_oidc_client_secret_file
        return ["console_oidc_client_secret_file: requires console_oidc_client_id"] if given else []
    errors = [
        f"console_oidc_client_id: requires {name}"
        for name in ("console", "console_url", "jwt_issuer")
        if not getattr(config, name)
    ]
    if config.jwt_issuer and client not in words(config.jwt_audience):
        errors.append("console_oidc_client_id: must be among jwt_audience, because ID tokens have it as audience")
    if config.jwt_issuer and not secure(config.jwt_issuer):
        errors.append(f"jwt_issuer: must be https, because browsers sign in there, got {config.jwt_issuer!r}")
    if "openid" not in config.console_oidc_scopes.split():
        errors.append(f"console_oidc_scopes: must contain openid, got {shown(config.console_oidc_scopes)}")
    return errors


_QUEUES = 32
_ROLE = re.compile(r"arn:(aws[a-z-]*):iam::[0-9]{12}:role/(?:[\x21-\x7e]+/)?[\w+=,.@-]{1,64}", re.ASCII)


def _role_template(config: Config) -> list[str]:
    template = config.aws_role_template
    if not template:
        return []
    # With `{account}` anywhere else, all accounts would share one role and its account.
    role = _ROLE.fullmatch(template.replace("{account}", "0" * 12))
    if role is None or template.split(":")[4] != "{account}":
        rule = "must be the ARN of a role whose account is {account}, such as arn:aws:iam::{account}:role/ecrkeeper"
        return [f"aws_role_template: {rule}, got {template!r}"]
    partition = partition_of(config.home_region)
    if partition is not None and role[1] != partition:
        return [
            f"aws_role_template: must be in partition {partition}, like home_region {config.home_region},"
            f" got {template!r}"
        ]
    return []


def _organization(config: Config) -> list[str]:
    arn = config.organization_role_arn
    if not arn or _ROLE.fullmatch(arn):
        return []
    rule = "must be the ARN of a role in the management account or a delegated one"
    return [f"organization_role_arn: {rule}, as in arn:aws:iam::111111111111:role/ecrkeeper-organization, got {arn!r}"]


def queue_urls(config: Config) -> list[str]:
    """Return the URLs of the queues."""
    return [url.strip() for url in config.event_queue_urls.split(",") if url.strip()]


def _queues(config: Config) -> list[str]:
    """Errors of the queues: each URL, and the role that reads them all."""
    errors, partition, urls = [], partition_of(config.home_region), queue_urls(config)
    for url in urls:
        try:
            queue = QueueUrl.parse(url)
        except ValueError as error:
            errors.append(f"event_queue_urls: each {error}, got {shown(url)}")
            continue
        if partition is not None and partition_of(queue.region) != partition:
            errors.append(
                f"event_queue_urls: must be of partition {partition}, where home_region {config.home_region} is,"
                f" got {shown(url)}"
            )
    if len(urls) > _QUEUES:
        errors.append(f"event_queue_urls: must be {_QUEUES} at most, got {len(urls)}")
    if len(set(urls)) < len(urls):
        errors.append("event_queue_urls: names a queue twice")
    if config.event_queue_role and _ROLE.fullmatch(config.event_queue_role) is None:
        rule = "must be the ARN of a role, as in arn:aws:iam::111111111111:role/ecrkeeper-events"
        errors.append(f"event_queue_role: {rule}, got {shown(config.event_queue_role)}")
    if config.event_queue_role and not urls:
        errors.append("event_queue_role: is needed with event_queue_urls only")
    return errors


def _controls(config: Config) -> list[str]:
    """Return the errors of texts with control characters.

    They do not show the texts, because one may be a secret.
    """
    texts = ((field.name, getattr(config, field.name)) for field in fields(config))
    found = ((name, _CONTROL.search(value)) for name, value in texts if isinstance(value, str))
    return [
        f"{name}: must not contain control characters, got U+{ord(control[0]):04X} at position {control.start()}"
        for name, control in found
        if control is not None
    ]


def words(text: str) -> tuple[str, ...]:
    """Return the words of a comma-separated list."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _identity(config: Config) -> list[str]:
    """Return the errors of the settings for authentication and authorization."""
    errors = []
    if bool(config.tls_certificate_file) != bool(config.tls_key_file):
        errors.append("tls_certificate_file, tls_key_file: set both or neither")
    if config.tls_client_ca_file and not config.tls_certificate_file:
        errors.append("tls_client_ca_file: requires tls_certificate_file and tls_key_file")
    given = [name for name in ("jwt_audience", "jwt_jwks_url", "jwt_jwks_file") if getattr(config, name)]
    if given and not config.jwt_issuer:
        errors.append(f"jwt_issuer: is required with {', '.join(given)}")
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
    refused = [name for name in words(config.jwt_algorithms) if name not in ALGORITHMS]
    if refused or not words(config.jwt_algorithms):
        errors.append(f"jwt_algorithms: must be among {', '.join(ALGORITHMS)}, got {config.jwt_algorithms!r}")
    if not config.jwt_principal_claim:
        errors.append("jwt_principal_claim: must not be empty")
    return errors


def _address(name: str, text: str, *, insecure: bool) -> list[str]:
    host, _, port = text.rpartition(":")
    if not host or _PORT.fullmatch(port) is None or int(port) > 65_535:
        return [f"{name}: must look like 127.0.0.1:50051, got {shown(text)}"]
    if insecure or host == "localhost":
        return []
    try:
        loopback = ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return [f"{name}: the host must be an IP address or localhost, got {host!r}"]
    if loopback:
        return []
    return [f"{name}: {text} is not a loopback address, and TLS is not configured; pass --insecure to allow plaintext"]
