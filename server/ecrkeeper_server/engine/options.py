"""Options of the engine."""

from __future__ import annotations

from msgspec import Struct


class EngineOptions(Struct, frozen=True):
    """Options of the engine; times in seconds.

    An attempt that takes longer than `attempt_timeout` is cancelled.
    """

    concurrency: int = 128
    lease: float = 30.0
    resync: float = 900.0
    # Contested elements are written at most once in this many seconds.
    contest_window: float = 600.0
    attempt_timeout: float = 300.0
    home_region: str = "us-east-1"
    # Whether CloudTrail is asked who caused drift.
    attribution: bool = True
    # The retention of audit events in days; 0 is unlimited.
    audit_days: int = 365
