"""Configuration: a TOML file and environment variables, which override it."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from ecrkeeper import profiles

from ecrkeeper_server.config.checks import check
from ecrkeeper_server.names import shown_value

PREFIX = "ECRKEEPER_"


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of the server.

    The environment variable of each is `ECRKEEPER_` and the field's name in upper case.
    """

    database_url: str = "sqlite:///ecrkeeper.db"
    listen: str = "127.0.0.1:50051"
    share_port: bool = False
    metrics_listen: str = "127.0.0.1:9464"
    http_listen: str = ""
    http_allowed_origins: str = ""
    console: bool = False
    console_url: str = ""
    console_oidc_client_id: str = ""
    console_oidc_client_secret_file: str = ""
    console_oidc_scopes: str = "openid"
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
    organization_role_arn: str = ""
    organization_seconds: float = 300.0
    account_check_seconds: float = 900.0
    resync_seconds: float = 900.0
    attribution: bool = True
    event_queue_urls: str = ""
    event_queue_role: str = ""
    event_debounce_seconds: float = 2.0
    event_resync_seconds: float = 21_600.0
    event_probe: bool = False
    contest_window_seconds: float = 600.0
    lease_seconds: float = 30.0
    drain_seconds: float = 20.0
    concurrency: int = 128
    pool_size: int = 8
    max_calls: int = 800
    max_calls_per_principal: int = 200
    max_streams: int = 1000
    max_streams_per_principal: int = 100
    max_health_streams: int = 200
    rate_per_principal: float = 1000.0
    burst_per_principal: int = 2000
    elements_per_principal: float = 10_000.0
    burst_elements_per_principal: int = 100_000
    cpu_per_principal: float = 0.25
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
    """The configuration is invalid; `errors` has every error."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("; ".join(errors))
        self.errors = errors


def load(path: Path | None, environment: Mapping[str, str]) -> Config:
    """Return the configuration of a file and the environment.

    ConfigError has all errors.
    """
    errors: list[str] = []
    content = _file(path, errors)
    known = {field.name: field for field in fields(Config)}
    for name in sorted(content or ()):
        if name not in known:
            errors.append(f"{path}: unknown key {name!r}; known keys are {', '.join(sorted(known))}")
    values: dict[str, Any] = {}
    unread: set[str] = set()
    for name, field in known.items():
        if field.default is MISSING:
            raise AssertionError(name)
        variable = PREFIX + name.upper()
        source, raw = (
            (variable, environment[variable]) if variable in environment else (name, (content or {}).get(name))
        )
        value = field.default if raw is None else _convert(source, raw, type(field.default), errors)
        if value is None or (content is None and variable not in environment):
            unread.add(name)
        values[name] = field.default if value is None else value
    errors += _unknown(environment, known)
    errors += _errors(values, unread)
    if errors:
        raise ConfigError(errors)
    return Config(**values)


def _unknown(environment: Mapping[str, str], known: Collection[str]) -> list[str]:
    """Return errors for unknown variables, including those in the wrong case."""
    errors = []
    for variable in sorted(environment):
        right = variable.upper()
        if not right.startswith(PREFIX) or variable in (PREFIX + name.upper() for name in known):
            continue
        if variable in profiles.VARIABLES:
            continue
        is_known = right.removeprefix(PREFIX).lower() in known
        errors.append(f"unknown environment variable {variable}" + (f"; its name is {right}" if is_known else ""))
    return errors


def _errors(values: dict[str, Any], unread: Collection[str]) -> list[str]:
    """Return the errors of the values, without those caused by unreadable values.

    The intended value is unknown, so an error counts only if it occurs with the default and with
    another value.
    """
    errors = check(Config(**values))
    if not unread:
        return errors
    others = {name: _another(name, values[name]) for name in unread}
    also = check(Config(**{**values, **others}))
    return [error for error in errors if error in also]


def _another(name: str, default: Any) -> Any:
    if isinstance(default, bool):
        return not default
    if isinstance(default, str):
        return "postgresql://" if name == "database_url" else "https://given"
    return default


def _file(path: Path | None, errors: list[str]) -> dict[str, Any] | None:
    """Return the content of a file; None if it cannot be read."""
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text())
    except RecursionError:
        errors.append(f"{path}: is nested too deeply")
    except (OSError, ValueError) as error:
        # ValueError: invalid TOML or UTF-8, a NUL in the path, or a number of thousands of digits.
        errors.append(f"{path}: {error}")
    return None


# Python does not convert much larger numbers to text.
_INTEGERS = 2**64
_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


def _convert(source: str, raw: Any, kind: type, errors: list[str]) -> Any:
    if kind is bool and isinstance(raw, str) and raw.lower() in _TRUE | _FALSE:
        return raw.lower() in _TRUE
    integer = isinstance(raw, int) and not isinstance(raw, bool) and abs(raw) < _INTEGERS
    if integer if kind is int else isinstance(raw, kind):
        return raw
    number = isinstance(raw, int) and not isinstance(raw, bool) and kind is float
    if number or (isinstance(raw, str) and kind in (int, float)):
        try:
            return kind(raw)
        except (ValueError, OverflowError):
            pass
    expected = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}[kind]
    errors.append(f"{source}: must be {expected}, got {shown_value(raw)}")
    return None
