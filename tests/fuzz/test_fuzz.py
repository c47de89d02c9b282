"""Every RPC with whatever can be sent to it. FUZZ_CALLS, FUZZ_SEED and FUZZ_CASE say how often, how, and what again."""

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
from tests.fuzz.drive import METHODS, SLOW, TOGETHER, Case, Driver, made, reads, smaller
from tests.fuzz.target import running

CALLS = int(os.environ.get("FUZZ_CALLS", "60"))
SEED = os.environ.get("FUZZ_SEED", "1")
CASE = os.environ.get("FUZZ_CASE", "")
MOST_MIB = 150
# So much is stored by then that looking for changes takes long: go on with an empty store.
ROUND = 1000


def resident() -> float:
    """The memory of this process, server and caller, in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def test_every_method_that_is_served_is_fuzzed() -> None:
    for service in (*SERVICES, "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"):
        assert any(method.startswith(f"/{service}/") for method in METHODS)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file with nothing in it."""
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
    """Fail with the call that is wrong on its own, made small, or with all of them.

    Calls that are slow together, all asking AWS, and not one by one, are no fault.
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
async def test_no_call_breaks_the_server(
    aws: harness.Simulator, empty: Path, tmp_path: Path, method: str, record_property: Any
) -> None:
    """Calls that make resources come first, so that names lead somewhere."""
    rng = random.Random(f"{SEED} {method}")
    makers = [
        "/ecrkeeper.v1.RegistrySettingsService/UpdateRegistrySettings",
        "/ecrkeeper.v1.RoleService/CreateServiceLinkedRole",
    ]
    before, codes = 0.0, None
    for start in range(0, CALLS, ROUND):
        cases = [made(maker, rng) for maker in makers for _ in range(10)]
        cases += [made(method, rng) for _ in range(min(ROUND, CALLS - start))]
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
async def test_the_case_of_a_failure_runs_again_alone(aws: harness.Simulator, empty: Path) -> None:
    await _round(empty, aws, [Case.parse(CASE)])
