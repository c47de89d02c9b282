"""The metrics and spans of all parts, from the configuration."""

from __future__ import annotations

from msgspec import Struct

from ecrkeeper_server import tracing
from ecrkeeper_server.api.server import methods
from ecrkeeper_server.config.settings import Config
from ecrkeeper_server.metrics.server import Metrics
from ecrkeeper_server.release import release
from ecrkeeper_server.tracing import Tracing


class Instruments(Struct, frozen=True):
    """The instruments of all parts."""

    metrics: Metrics
    tracing: Tracing | None


def instruments_of(config: Config) -> Instruments:
    """Return the configured instruments."""
    return Instruments(
        Metrics(methods(), version=release(), role=config.role), tracing.start(release()) if config.tracing else None
    )
