"""How the engine works."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How the engine works; times in seconds. An attempt that takes longer than `attempt_timeout` is given up."""

    concurrency: int = 32
    lease: float = 30.0
    resync: float = 900.0
    attempt_timeout: float = 300.0
    home_region: str = "us-east-1"
    # How long audit events are kept; 0 is for ever.
    audit_days: int = 365
