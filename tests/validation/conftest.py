"""The simulated AWS of tests/sim."""

from __future__ import annotations

from tests.sim.conftest import aws, simulator  # noqa: F401
