"""Configuration: one TOML file, overridden by environment variables; all faults are named at once."""

from __future__ import annotations

import ipaddress
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from ecrkeeper_server import tracing
from ecrkeeper_server.identity.algorithms import ALGORITHMS, secure
from ecrkeeper_server.names import partition_of

PREFIX = "ECRKEEPER_"


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of the server. The environment's name of each is `ECRKEEPER_` and the field in upper case."""

    database_url: str = "sqlite:///ecrkeeper.db"
    listen: str = "127.0.0.1:50051"
    share_port: bool = False
    metrics_listen: str = "127.0.0.1:9464"
    insecure: bool = False
    role: str = "all"
    reflection: bool = True
    open_reflection: bool = False
    tls_certificate_file: str = ""
    tls_key_file: str = ""
    tls_client_ca_file: str = ""
    jwt_issuer: str = ""
    jwt_audience: str = ""
    jwt_jwks_url: str = ""
    jwt_jwks_file: str = ""
    jwt_algorithms: str = "RS256,ES256"
    jwt_leeway_seconds: float = 30.0
    jwt_refresh_seconds: float = 300.0
    jwt_principal_claim: str = "sub"
    jwt_principal_prefix: str = ""
    jwt_groups_claim: str = "groups"
    policy_file: str = ""
    home_region: str = "us-east-1"
    aws_endpoint_url: str = ""
    aws_role_template: str = ""
    aws_external_id: str = ""
    aws_timeout_seconds: float = 10.0
    resync_seconds: float = 900.0
    lease_seconds: float = 30.0
    drain_seconds: float = 20.0
    concurrency: int = 32
    pool_size: int = 8
    max_calls: int = 800
    max_calls_per_principal: int = 200
    max_streams: int = 1000
    max_streams_per_principal: int = 100
    max_health_streams: int = 200
    rate_per_principal: float = 1000.0
    burst_per_principal: int = 2000
    max_message_bytes: int = 4 * 1024 * 1024
    max_request_bytes: int = 128 * 1024 * 1024
    max_metadata_bytes: int = 16 * 1024
    max_stream_seconds: float = 1800.0
    max_connection_seconds: float = 1800.0
    max_connections: int = 2000
    audit_retention_days: int = 365
    log_level: str = "info"
    log_format: str = "json"
    access_log: str = "changes"
    tracing: bool = False


class ConfigError(Exception):
    """The configuration has faults; `faults` names every one."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def load(path: Path | None, environment: Mapping[str, str]) -> Config:
    """The configuration of a file and the environment; ConfigError names all faults."""
    faults: list[str] = []
    given = _file(path, faults)
    known = {field.name: field for field in fields(Config)}
    for name in sorted(given):
        if name not in known:
            faults.append(f"{path}: unknown key {name!r}; known are {', '.join(sorted(known))}")
    values: dict[str, Any] = {}
    for name, field in known.items():
        if field.default is MISSING:
            raise AssertionError(name)
        variable = PREFIX + name.upper()
        source, raw = (variable, environment[variable]) if variable in environment else (name, given.get(name))
        values[name] = field.default if raw is None else _convert(source, raw, type(field.default), faults)
    for variable in sorted(environment):
        if variable.startswith(PREFIX) and variable.removeprefix(PREFIX).lower() not in known:
            faults.append(f"unknown environment variable {variable}")
    if not faults:
        faults = check(Config(**values))
    if faults:
        raise ConfigError(faults)
    return Config(**values)


def _file(path: Path | None, faults: list[str]) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text())
    except (OSError, UnicodeError, tomllib.TOMLDecodeError) as error:
        faults.append(f"{path}: {error}")
        return {}


_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


def _convert(source: str, raw: Any, kind: type, faults: list[str]) -> Any:
    if kind is bool and isinstance(raw, str) and raw.lower() in _TRUE | _FALSE:
        return raw.lower() in _TRUE
    if kind is float and isinstance(raw, int) and not isinstance(raw, bool):
        return float(raw)
    if isinstance(raw, kind) and not (kind is int and isinstance(raw, bool)):
        return raw
    if isinstance(raw, str) and kind in (int, float):
        try:
            return kind(raw)
        except ValueError:
            pass
    wanted = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}[kind]
    faults.append(f"{source}: must be {wanted}, got {raw!r}")
    return None


_RANGES = {
    "aws_timeout_seconds": (0.1, 120.0),
    "resync_seconds": (1.0, 86_400.0),
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
_CHOICES = {
    "role": ("all", "api", "engine"),
    "log_level": ("debug", "info", "warning", "error"),
    "log_format": ("json", "text"),
    "access_log": ("all", "changes", "errors", "off"),
}


def check(config: Config) -> list[str]:
    """Every fault of a configuration."""
    faults = [
        f"{name}: must be from {low} to {high}, got {getattr(config, name)}"
        for name, (low, high) in _RANGES.items()
        if not low <= getattr(config, name) <= high
    ]
    for name, allowed in _CHOICES.items():
        if getattr(config, name) not in allowed:
            faults.append(f"{name}: must be one of {', '.join(allowed)}, got {getattr(config, name)!r}")
    if not config.database_url.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
        faults.append("database_url: must begin with sqlite:/// or postgresql://")
    elif config.database_url.startswith("sqlite") and config.role != "all":
        faults.append("role: SQLite serves one process; run it with role all, or use Postgres")
    elif config.database_url.startswith("sqlite") and config.share_port:
        faults.append("share_port: SQLite serves one process; use Postgres for several")
    if partition_of(config.home_region) is None:
        faults.append(f"home_region: must be an AWS Region, got {config.home_region!r}")
    if config.aws_role_template and "{account}" not in config.aws_role_template:
        faults.append("aws_role_template: must hold {account}, as in arn:aws:iam::{account}:role/ecrkeeper")
    if config.aws_endpoint_url and not config.aws_endpoint_url.startswith(("http://", "https://")):
        faults.append(f"aws_endpoint_url: must begin with http:// or https://, got {config.aws_endpoint_url!r}")
    encrypted = {"listen": bool(config.tls_certificate_file)}
    if config.tracing and (packages := tracing.missing()):
        faults.append(
            f"tracing: needs {', '.join(packages)}; install ecrkeeper with the extra, as in 'ecrkeeper[server,otel]'"
        )
    for name in ("listen", "metrics_listen"):
        faults += _address(name, getattr(config, name), insecure=config.insecure or encrypted.get(name, False))
    return faults + _identity(config)


def words(text: str) -> tuple[str, ...]:
    """The words of a list that is separated by commas."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _identity(config: Config) -> list[str]:
    """Faults of what says who callers are and what they may do."""
    faults = []
    if bool(config.tls_certificate_file) != bool(config.tls_key_file):
        faults.append("tls_certificate_file, tls_key_file: give both or neither")
    if config.tls_client_ca_file and not config.tls_certificate_file:
        faults.append("tls_client_ca_file: needs tls_certificate_file and tls_key_file")
    given = [name for name in ("jwt_audience", "jwt_jwks_url", "jwt_jwks_file") if getattr(config, name)]
    if given and not config.jwt_issuer:
        faults.append(f"jwt_issuer: is needed with {', '.join(given)}")
    if config.jwt_issuer:
        faults += _tokens(config)
    if config.jwt_issuer and config.tls_client_ca_file and not config.jwt_principal_prefix:
        faults.append(
            "jwt_principal_prefix: is needed with tls_client_ca_file, or a token could bear the name of a certificate"
        )
    if config.policy_file and not (config.jwt_issuer or config.tls_client_ca_file):
        faults.append("policy_file: rules need callers with names; give jwt_issuer or tls_client_ca_file")
    return faults


def _tokens(config: Config) -> list[str]:
    faults = []
    if not words(config.jwt_audience):
        faults.append("jwt_audience: is needed with jwt_issuer; without it, tokens for any other service would do")
    if config.jwt_jwks_url and config.jwt_jwks_file:
        faults.append("jwt_jwks_url, jwt_jwks_file: give one of them, or neither to ask the issuer by OIDC discovery")
    if config.jwt_jwks_url and not secure(config.jwt_jwks_url):
        faults.append(f"jwt_jwks_url: must be https, or http on this machine, got {config.jwt_jwks_url!r}")
    discovers = not config.jwt_jwks_url and not config.jwt_jwks_file
    if discovers and not secure(config.jwt_issuer):
        faults.append(f"jwt_issuer: must be https to ask it for its keys, got {config.jwt_issuer!r}")
    refused = [name for name in words(config.jwt_algorithms) if name not in ALGORITHMS]
    if refused or not words(config.jwt_algorithms):
        faults.append(f"jwt_algorithms: must be of {', '.join(ALGORITHMS)}, got {config.jwt_algorithms!r}")
    if not config.jwt_principal_claim:
        faults.append("jwt_principal_claim: must not be empty")
    return faults


def _address(name: str, text: str, *, insecure: bool) -> list[str]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        return [f"{name}: must look like 127.0.0.1:50051, got {text!r}"]
    if insecure or host == "localhost":
        return []
    try:
        loopback = ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return [f"{name}: the host must be an IP address or localhost, got {host!r}"]
    if loopback:
        return []
    return [f"{name}: {text} can be reached from outside, and nothing is encrypted; give --insecure if that is meant"]
