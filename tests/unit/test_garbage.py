"""Full garbage collections run when they are due, and Python starts none itself."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys

import pytest
from ecrkeeper_server.garbage import Schedule, collect_garbage

from tests.engine.virtual import run

SCHEDULE = Schedule(seconds=60, grown=1_000)


@pytest.mark.parametrize(
    ("seconds", "grown", "survivors", "due", "reason"),
    [
        (59, 999, 5, False, "neither time nor memory"),
        (60, 0, 1, True, "a minute has passed"),
        (1, 1_000, 1, True, "garbage may hold the memory"),
        (3_600, 9_999, 0, False, "no object has become old, so there is no garbage among the old ones"),
        (1, -5_000, 1, False, "the process has shrunk"),
    ],
)
def test_collection_is_due(seconds: float, grown: int, survivors: int, due: bool, reason: str) -> None:
    assert SCHEDULE.due(seconds, grown, survivors) is due, reason


def test_growth_of_memory_collects_cycles() -> None:
    class Cycle:
        def __init__(self) -> None:
            self.itself = self

    sizes = iter([0, 10, 5_000])

    async def main() -> int:
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(collect_garbage(SCHEDULE, loop.time, lambda: next(sizes, 5_000)))
        await asyncio.sleep(0)
        # The survivors of this collection are old.
        cycle = Cycle()
        gc.collect(1)
        del cycle
        alive = []
        for _ in range(3):
            await asyncio.sleep(1)
            alive.append(sum(type(each) is Cycle for each in gc.get_objects()))
        task.cancel()
        return alive

    assert run(main()) == [1, 0, 0]


def test_python_starts_no_full_collection() -> None:
    script = """
import gc
from ecrkeeper_server.garbage import taken_over
usual = gc.get_threshold()
with taken_over():
    before = gc.get_stats()[2]["collections"]
    kept = [[] for _ in range(300_000)]
    assert gc.isenabled() and gc.get_stats()[1]["collections"] > 0
    assert gc.get_stats()[2]["collections"] == before
assert gc.get_threshold() == usual and not gc.get_freeze_count()
"""
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell")
def test_memory_is_that_of_the_process() -> None:
    script = """
from ecrkeeper_server.garbage import resident
before = resident()
kept = b"x" * 50_000_000
assert 40_000_000 < resident() - before < 60_000_000
"""
    subprocess.run([sys.executable, "-c", script], check=True)
