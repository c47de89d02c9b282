"""Fair scheduling: throttled and inaccessible accounts, backlogs, new writes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from ecrkeeper_server.aws.limits import LOWEST_RATE, RATES, least_seconds
from ecrkeeper_server.aws.wire import Credentials
from ecrkeeper_server.aws_errors import Temporary
from ecrkeeper_server.names import RegistryName

from .virtual import AwsModel, Fleet, run

SLOW = "900000000000"


def account(n: int) -> str:
    return f"{n:012d}"


def answered(model: AwsModel, whose: str, operation: str = "CreatePullThroughCacheRule") -> list[float]:
    """Return when the calls of an account were made."""
    return [
        at for at, account, _, name, throttled in model.calls if (account, name, throttled) == (whose, operation, False)
    ]


async def wait_for(done: int, model: AwsModel, accounts: list[str], limit: float) -> float:
    """Return when this many registries of these accounts have their rule."""
    async with asyncio.timeout(limit):
        while sum(len(answered(model, account)) for account in accounts) < done:
            await asyncio.sleep(0.05)
    return asyncio.get_running_loop().time()


async def others_time(folder: Path, *, with_throttled: bool) -> tuple[float, float, AwsModel]:
    """Return the time for 50 accounts, and for the throttled one before them."""
    folder.mkdir()
    model = AwsModel(allowed={SLOW: RATES["ecr-read"][0] / 10})
    fleet = Fleet(folder, model, concurrency=8)
    model.seconds[SLOW] = 0.5
    if with_throttled:
        for n in range(30):
            await fleet.declare(SLOW, f"r{n}")
    began = asyncio.get_running_loop().time()
    others = [account(n) for n in range(50)]
    for each in others:
        await fleet.declare(each, "r0")
    others_seconds = await wait_for(50, model, others, 300) - began
    slow_seconds = await wait_for(30, model, [SLOW], 3600) - began if with_throttled else 0.0
    await fleet.end()
    return others_seconds, slow_seconds, model


def test_throttled_account_blocks_no_other_and_converges(tmp_path: Path) -> None:
    alone, _, _ = run(others_time(tmp_path / "alone", with_throttled=False))
    beside, slow_seconds, model = run(others_time(tmp_path / "beside", with_throttled=True))
    assert any(throttled for *_, throttled in model.calls), "nothing was throttled"
    assert beside < 2 * alone
    assert slow_seconds < 300


async def throttled_steps(folder: Path) -> None:
    model = AwsModel(allowed={SLOW: 1.0})
    fleet = Fleet(folder, model, concurrency=8)
    await fleet.declare(SLOW, "r0")
    await wait_for(1, model, [SLOW], 120)
    await asyncio.sleep(60)
    (row,) = await fleet.rows(SLOW)
    assert row.failures == 0
    assert row.observed_generation == row.generation
    assert sum(throttled for *_, throttled in model.calls) >= 2
    assert answered(model, SLOW) == [pytest.approx(2.0, abs=4.0)]
    await fleet.end()


def test_throttled_call_is_retried_within_attempt(tmp_path: Path) -> None:
    run(throttled_steps(tmp_path))


async def hopelessly_throttled(folder: Path) -> AwsModel:
    model = AwsModel(allowed={SLOW: 0.0})
    fleet = Fleet(folder, model, concurrency=8)
    await fleet.declare(SLOW, "r0")
    await asyncio.sleep(600)
    (row,) = await fleet.rows(SLOW)
    assert row.state["error"]["reason"] == "AWS_THROTTLED"
    assert row.failures >= 2
    model.allowed.clear()
    await wait_for(1, model, [SLOW], 400)
    await fleet.end()
    return model


def test_persistent_throttling_is_retried_slowly_until_it_stops(tmp_path: Path) -> None:
    model = run(hopelessly_throttled(tmp_path))
    throttled_at = [at for at, *_, throttled in model.calls if throttled]
    assert 20 < len(throttled_at) < 600 * LOWEST_RATE


async def writes_during_a_sweep(folder: Path, flood: bool) -> tuple[list[float], int]:
    """Return write delays and the number of resyncs, with all slots full of resyncs."""
    model = AwsModel()
    fleet = Fleet(folder, model, concurrency=8)
    slow = [account(1000 + n) for n in range(300)]
    for name in slow:
        model.seconds[name] = 2.0
        await fleet.overdue(name, 1, seconds=3600)
    fleet.engine.triggers.wake()
    await asyncio.sleep(5)
    waited = []
    for n in range(60):
        before = asyncio.get_running_loop().time()
        if flood:
            for more in range(20):
                await fleet.declare(account(n), f"r{more}")
        else:
            await fleet.declare(account(n), "r0")
            await wait_for(1, model, [account(n)], 30)
        waited.append(asyncio.get_running_loop().time() - before)
        await asyncio.sleep(0.3)
    reads = sum(name in set(slow) for _, name, *_ in model.calls)
    await fleet.end()
    return waited, reads


def test_new_writes_are_sent_despite_full_backlog(tmp_path: Path) -> None:
    waited, reads = run(writes_during_a_sweep(tmp_path, flood=False))
    assert max(waited) < 0.5
    assert reads > 60, "the sweep stood still"


def test_flood_of_new_writes_does_not_stop_resyncs(tmp_path: Path) -> None:
    _, reads = run(writes_during_a_sweep(tmp_path, flood=True))
    # They have been due longest, so they use all backlog slots: eight, two seconds each, for 23 seconds.
    assert reads > 60


async def burst_during_a_sweep(folder: Path) -> tuple[float, int]:
    """Return the time of a burst of slow writes, and the number of resyncs."""
    model = AwsModel()
    fleet = Fleet(folder, model, concurrency=8)
    swept = [account(1000 + n) for n in range(300)]
    for name in swept:
        model.seconds[name] = 2.0
        await fleet.overdue(name, 1, seconds=3600)
    fleet.engine.triggers.wake()
    await asyncio.sleep(5)
    burst = [account(n) for n in range(24)]
    began, before = asyncio.get_running_loop().time(), len(model.calls)
    for name in burst:
        model.seconds[name] = 1.0
        await fleet.declare(name, "r0")
    took = await wait_for(len(burst), model, burst, 60) - began
    resyncs = sum(name in set(swept) for _, name, *_ in model.calls[before:])
    await fleet.end()
    return took, resyncs


def test_burst_of_new_writes_uses_the_slots_that_a_sweep_leaves(tmp_path: Path) -> None:
    took, resyncs = run(burst_during_a_sweep(tmp_path))
    # Each needs some 4 s. Two slots of their own would take 48 s.
    assert took < 25
    # The sweep keeps two slots, two seconds each.
    assert resyncs >= took - 4


async def refused_at_the_door(folder: Path) -> tuple[list[float], list[float]]:
    """Return the times of credential requests in an inaccessible account."""
    times: list[float] = []
    closed = True

    async def provide(account: str) -> Credentials:
        if account == SLOW:
            times.append(asyncio.get_running_loop().time())
            if closed:
                raise Temporary("no", reason="AWS_ACCESS_DENIED", after=60.0, operation="AssumeRole")
        return Credentials(account, "secret")

    model = AwsModel()
    fleet = Fleet(folder, model, concurrency=32, provider=provide)
    for n in range(30):
        await fleet.declare(SLOW, f"r{n}", notify=False)
    fleet.engine.triggers.wake()
    await asyncio.sleep(1800)
    closed, rejected = False, list(times)
    await wait_for(30, model, [SLOW], 600)
    await fleet.end()
    return rejected, answered(model, SLOW)


def test_inaccessible_account_is_probed_by_one_resource(tmp_path: Path) -> None:
    rejected, done = run(refused_at_the_door(tmp_path))
    first = [at for at in rejected if at < 1]
    later = [at for at in rejected if at >= 1]
    assert len(first) <= 20, "30 Regions at once"
    assert 5 <= len(later) <= 30
    assert all(after - before >= 30 for before, after in zip(later, later[1:], strict=False))
    assert len(done) == 30
    assert done[-1] - 1800 < 330


EXCLUSIONS = [f"arn:aws:iam::{SLOW}:role/r{at}" for at in range(100)]


async def excluding_a_hundred(folder: Path) -> tuple[list[float], float]:
    model = AwsModel()
    fleet = Fleet(folder, model, concurrency=4)
    settings = {"pull_time_update_exclusions": {"principalArns": EXCLUSIONS}}
    await fleet.declare_all(RegistryName(SLOW, "us-east-1"), settings)
    await asyncio.sleep(120)
    rows = await fleet.rows(SLOW)
    await fleet.end()
    assert [row.observed_generation for row in rows] == [row.generation for row in rows]
    return answered(model, SLOW, "RegisterPullTimeUpdateExclusion"), model.calls[0][0]


def test_hundred_exclusions_are_in_place_as_fast_as_the_rate_allows(tmp_path: Path) -> None:
    writes, began = run(excluding_a_hundred(tmp_path))
    minimum = least_seconds([("ecr", "RegisterPullTimeUpdateExclusion")] * len(EXCLUSIONS))
    assert len(writes) == len(EXCLUSIONS)
    assert minimum == 16
    assert minimum <= writes[-1] - began <= minimum + 2
