"""Checks of the values of a configuration."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import TYPE_CHECKING

from ecrkeeper_server import tracing
from ecrkeeper_server.config.aws_checks import check_aws
from ecrkeeper_server.config.identity_checks import check_identity
from ecrkeeper_server.config.port_checks import check_ports
from ecrkeeper_server.names import partition_of

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
    errors += check_aws(config) + check_ports(config) + _controls(config)
    if config.tracing and (packages := tracing.missing()):
        errors.append(
            f"tracing: needs {', '.join(packages)}; install ecrkeeper with the extra, as in 'ecrkeeper[server,otel]'"
        )
    return errors + check_identity(config)


def _controls(config: Config) -> list[str]:
    """Return the errors of texts with control characters.

    They do not show the texts, because one may be a secret.
    """
    texts = ((field.name, getattr(config, field.name)) for field in fields(config))
    matches = ((name, _CONTROL.search(value)) for name, value in texts if isinstance(value, str))
    return [
        f"{name}: must not contain control characters, got U+{ord(control[0]):04X} at position {control.start()}"
        for name, control in matches
        if control is not None
    ]
