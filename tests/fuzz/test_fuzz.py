"""Fuzz every RPC; FUZZ_CALLS, FUZZ_SEED and FUZZ_CASE control or repeat it."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from ecrkeeper_server.api.server import SERVICES
from ecrkeeper_server.store import schema

from tests import harness
from tests.fuzz.drive import METHODS, SLOW, TOGETHER, Case, Driver, new_case, reads, smaller
from tests.fuzz.target import running

CALLS = int(os.environ.get("FUZZ_CALLS", "60"))
SEED = os.environ.get("FUZZ_SEED", "1")
CASE = os.environ.get("FUZZ_CASE", "")
MOST_MIB = 150
# Checking a full store for changes is slow, so continue with an empty one.
ROUND = 1000


def resident() -> float:
    """Return the memory of this process, server and caller, in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def test_all_served_methods_are_fuzzed() -> None:
    for service in (*SERVICES, "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"):
        assert any(method.startswith(f"/{service}/") for method in METHODS)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a migrated, empty SQLite file."""
    path = tmp_path_factory.mktemp("empty") / "ecrkeeper.db"
    schema.migrate(f"sqlite:///{path}")
    with contextlib.closing(sqlite3.connect(path)) as conn:
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


async def _round(path: Path, aws: harness.Simulator, cases: list[Case]) -> Driver:
    async with running(path, aws.url) as target:
        driver = Driver(target)
        while cases:
            many = TOGETHER if all(reads(case.method) for case in cases[:TOGETHER]) else 1
            now, cases = cases[:many], cases[many:]
            fault = await (driver.wrong_together(now) if many > 1 else driver.wrong(now[0]))
            if fault:
                await _fail(driver, now, fault)
        assert await driver.healthy()
        await driver.close()
        return driver


async def _fail(driver: Driver, cases: list[Case], first: str) -> None:
    """Fail with the failing call, minimized, or with all of them.

    Calls that are slow only together, all asking AWS, are no error.
    """
    for case in cases:
        fault = await driver.wrong(case)
        if fault:
            small = await smaller(driver, case)
            pytest.fail(f"{fault}\nreplay with FUZZ_CASE='{small}'\nas it was: '{case}'"[:20_000])
    if first.startswith(SLOW):
        return
    pytest.fail(f"{first}: once, and not again (FUZZ_SEED={SEED}): {[str(case) for case in cases]}"[:20_000])


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("method", METHODS)
async def test_random_calls_do_not_break_the_server(
    aws: harness.Simulator, empty: Path, tmp_path: Path, method: str, record_property: Any
) -> None:
    """Calls that create resources come first, so that names exist."""
    rng = random.Random(f"{SEED} {method}")
    makers = [
        "/ecrkeeper.v1.RegistrySettingsService/UpdateRegistrySettings",
        "/ecrkeeper.v1.RoleService/CreateServiceLinkedRole",
    ]
    before, codes = 0.0, None
    for start in range(0, CALLS, ROUND):
        cases = [new_case(maker, rng) for maker in makers for _ in range(10)]
        cases += [new_case(method, rng) for _ in range(min(ROUND, CALLS - start))]
        path = tmp_path / f"{start}.db"
        shutil.copy(empty, path)
        driver = await _round(path, aws, cases)
        path.unlink()
        codes = driver.codes if codes is None else codes + driver.codes
        # The first round loads and compiles much that stays.
        before = before or resident()
    assert resident() - before < MOST_MIB
    assert codes is not None and codes.total() >= CALLS, codes
    record_property("codes", dict(codes))


@pytest.mark.skipif(not CASE, reason="FUZZ_CASE names no case")
async def test_failed_case_can_be_rerun_alone(aws: harness.Simulator, empty: Path) -> None:
    await _round(empty, aws, [Case.parse(CASE)])
