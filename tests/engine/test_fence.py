"""The fence is the last step before a write, after everything that waits."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import pytest
from ecrkeeper_server.aws.call import Call
from ecrkeeper_server.aws.client import AwsClient, AwsOptions
from ecrkeeper_server.aws.limits import RATES
from ecrkeeper_server.aws.wire import Credentials
from ecrkeeper_server.engine.attempt import Attempt, LeaseLostError
from ecrkeeper_server.engine.options import EngineOptions
from ecrkeeper_server.engine.worker import Engine
from ecrkeeper_server.errors import Unavailable
from ecrkeeper_server.store import queue
from ecrkeeper_sim.server import serve

from tests.engine.conftest import World

ACCOUNT, REGION = "111111111111", "us-east-1"
PUT = ("ecr", "PutRegistryScanningConfiguration", {"scanType": "BASIC", "rules": []})


async def sent(url: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/_sim/requests") as answer:
        requests = (await answer.json())["requests"]
    return sum(request["service"] == "ecr" for request in requests)


async def test_lease_lost_during_credential_fetch_stops_write() -> None:
    has_lease = True

    async def slow(_: str) -> Credentials:
        nonlocal has_lease
        has_lease = False
        return Credentials(ACCOUNT, "secret")

    async def fence() -> None:
        if not has_lease:
            raise LeaseLostError

    async with serve() as simulator:
        client = AwsClient(AwsOptions(endpoint_url=simulator.url), provider=slow)
        with pytest.raises(LeaseLostError):
            await client.write(Call(ACCOUNT, REGION, *PUT, fence=fence))
        assert await sent(simulator.url) == 0
        has_lease = True
        await client.write(Call(ACCOUNT, REGION, *PUT))
        assert await sent(simulator.url) == 1
        await client.close()


async def test_write_is_fenced_after_rate_limit_wait() -> None:
    burst = int(RATES["ecr-write"][1])
    checks: list[str] = []

    async def provide(_: str) -> Credentials:
        return Credentials(ACCOUNT, "secret")

    def clock() -> float:
        checks.append("rate")
        return 0.0

    async def fence() -> None:
        checks.append("fence")
        if checks.count("fence") > burst:
            raise LeaseLostError

    async with serve() as simulator:
        client = AwsClient(AwsOptions(endpoint_url=simulator.url), provider=provide, clock=clock)
        for _ in range(burst):
            await client.write(Call(ACCOUNT, REGION, *PUT, fence=fence))
        del checks[:-1]
        checks += ["fence"] * (burst - checks.count("fence"))
        began = time.monotonic()
        with pytest.raises(LeaseLostError):
            await client.write(Call(ACCOUNT, REGION, *PUT, fence=fence))
        assert time.monotonic() - began > 0.9 / RATES["ecr-write"][0]
        assert checks[-1] == "fence"
        assert "rate" in checks[burst:-1]
        assert await sent(simulator.url) == burst
        await client.close()


@dataclass
class SlowDatabase:
    """Returns how long a lease remains, and lets this many seconds pass."""

    answers: list[tuple[float, float]]
    now: float = 0.0

    async def read(self, _: Any) -> tuple[float, dict[str, Any]]:
        left, took = self.answers.pop(0)
        self.now += took
        return left, {}

    def attempt(self) -> Attempt:
        nothing, claimed = cast(Any, None), cast(Any, SimpleNamespace(spec={}))
        return Attempt(claimed, cast(Any, self), nothing, nothing, 0, REGION, monotonic=lambda: self.now)


# (remaining seconds, seconds of the answer) of each check, whether the write may go, reason
ANSWERS = [
    ([(30.0, 0.1)], True, "held, and told at once"),
    ([(0.0, 0.1)], False, "lost"),
    ([(2.0, 5.0), (0.0, 0.1)], False, "lost while the answer was on its way: the process stood still"),
    ([(2.0, 5.0), (1.5, 0.1)], True, "stood still and still holds it, because nobody noticed"),
]


@pytest.mark.parametrize(("answers", "goes", "reason"), ANSWERS, ids=[row[2] for row in ANSWERS])
async def test_fence_result_expires(answers: list[tuple[float, float]], goes: bool, reason: str) -> None:
    database = SlowDatabase(list(answers))
    try:
        await database.attempt().fence()
        assert goes, reason
    except LeaseLostError:
        assert not goes, reason
    assert not database.answers


async def test_lease_renewal_continues_after_unexpected_error(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()
    faults, renew = [RuntimeError("unthought of"), Unavailable("away", reason="AWAY")], queue.renew

    def faulty(*args: Any) -> Any:
        if faults:
            raise faults.pop()
        return renew(*args)

    async def hold() -> None:
        reached.set()
        await go_on.wait()

    monkeypatch.setattr(queue, "renew", faulty)
    world.aws.before["GetRegistryScanningConfiguration"] = hold
    await world.declare({"scanning_configuration": {"scanType": "BASIC"}})
    engine = Engine(world.db, world.aws, EngineOptions(lease=0.06), jitter=lambda: 1.0)
    task = asyncio.create_task(engine.run())
    await asyncio.wait_for(reached.wait(), 10)
    assert await renewed(world)
    assert not faults
    # Also while the engine finishes its last attempts.
    stop = asyncio.create_task(engine.stop(5))
    await asyncio.sleep(0.05)
    assert await renewed(world)
    go_on.set()
    await stop
    await task
    row = await world.row()
    assert row.observed_generation == row.generation


async def renewed(world: World) -> bool:
    until = (await world.row()).lease_until or 0
    # Less than the lease; otherwise another claim takes the resource.
    world.seconds += 0.03
    for _ in range(300):
        if ((await world.row()).lease_until or 0) > until:
            return True
        await asyncio.sleep(0.01)
    return False


async def test_client_rejects_write_sent_as_read() -> None:
    async with serve() as simulator:
        client = AwsClient(AwsOptions(endpoint_url=simulator.url))
        with pytest.raises(ValueError, match="ecr.apply"):
            await client.call(ACCOUNT, REGION, *PUT)
        assert await sent(simulator.url) == 0
        await client.close()
