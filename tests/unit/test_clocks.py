"""Clocks of replicas, and lost notifications."""

from __future__ import annotations

import ast
from pathlib import Path

import ecrkeeper_server
import pytest
from ecrkeeper_server.api.services.broadcaster import Changes

WALL = {("time", "time"), ("time", "time_ns"), ("datetime", "now"), ("datetime", "utcnow"), ("date", "today")}


@pytest.mark.parametrize("package", ["engine", "store", "settings", "roles"])
def test_replicas_share_no_process_time(package: str) -> None:
    """Reconciles and rows use the database's time: the clocks of replicas differ."""
    folder = Path(ecrkeeper_server.__file__).parent / package
    uses = [
        f"{path.name}:{node.lineno}"
        for path in sorted(folder.glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and (node.value.id, node.attr) in WALL
    ]
    assert uses == []


async def test_watcher_compares_everything_after_lost_notifications() -> None:
    changes = Changes()
    with changes.subscribe_to("a") as listener:
        changes.publish({"a"})
        assert await listener.wait(1) == {"a"}
        assert not listener.overflowed
        changes.publish(set())
        changes.publish({"a"})
        assert await listener.wait(1) == {"a"}
        assert listener.overflowed
