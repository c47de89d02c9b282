"""No server of a test outlives it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests import harness


@pytest.fixture(autouse=True)
def _no_server_outlives_its_test(monkeypatch: pytest.MonkeyPatch, aws: harness.Simulator) -> Iterator[None]:
    started: list[harness.Process] = []
    begin = harness.Process.__init__

    def noted(self: harness.Process, *args: Any) -> None:
        begin(self, *args)
        started.append(self)

    monkeypatch.setattr(harness.Process, "__init__", noted)
    yield
    for process in started:
        if process.process.poll() is None:
            process.kill()
