"""A server process with ten times the calls that it accepts."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import ecrkeeper
from ecrkeeper.v1 import registry_settings_service_pb2 as pb

from tests import harness
from tests.edge.calls import CHECK, GET, SERVING, SETTINGS, WATCH, Calls
from tests.edge.half_sent import HalfSent
from tests.fuzz.messages import varint

ROOT = Path(__file__).parents[2]
MOST = 4 * 2**20
CAPACITY = 8
SECONDS = 4.0
CONNECTIONS = 8
LATENCY = 0.1
# Unknown fields of this size would fill memory if calls were read before rejection.
PADDING = b"\xa2\x06\x80\x80\x10" + b"x" * 2**18
NAMED = pb.GetRegistryRequest(name="accounts/111111111111/registries/us-east-1").SerializeToString()


@dataclass
class Observed:
    """The results of the callers."""

    codes: Counter[str] = field(default_factory=Counter)
    without_delay: int = 0
    health: list[float] = field(default_factory=list)


def resident(server: harness.Server) -> float:
    """Return the memory of a process in MiB."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


async def burst(address: str) -> Observed:
    """Ten times as many callers as the server accepts, beside a health check."""
    observed = Observed()
    end = time.monotonic() + SECONDS

    async def call(calls: Calls, caller: int) -> None:
        # An account for each caller: AWS calls to one account are rate limited.
        name = f"accounts/{500_000_000_000 + caller}/registries/us-east-1"
        request = pb.ValidatePullThroughCacheRuleRequest(name=name, ecr_repository_prefix="hub").SerializeToString()
        while time.monotonic() < end:
            failure = await calls.failure(request + PADDING, f"{SETTINGS}/ValidatePullThroughCacheRule", timeout=20)
            observed.codes[f"{failure.code} {failure.reason}"] += 1
            if failure.code == "RESOURCE_EXHAUSTED" and not (
                failure.retry_after and "grpc-retry-pushback-ms" in failure.trailers
            ):
                observed.without_delay += 1

    async def check(calls: Calls) -> None:
        while time.monotonic() < end:
            began = time.monotonic()
            assert await calls.get(method=CHECK, timeout=10) == SERVING
            observed.health.append(time.monotonic() - began)
            await asyncio.sleep(0.05)

    channels = [Calls(address) for _ in range(CONNECTIONS + 1)]
    busy = [call(channels[number % CONNECTIONS], number) for number in range(10 * CAPACITY)]
    await asyncio.gather(check(channels[-1]), *busy)
    for channel in channels:
        await channel.channel.close()
    return observed


async def afterwards(address: str) -> None:
    """A normal call without retries is answered at once."""
    async with Calls(address) as calls:
        began = time.monotonic()
        assert (await calls.failure(NAMED, GET)).code == "NOT_FOUND"
        assert time.monotonic() - began < 1.0


async def patient(address: str) -> None:
    """Many simultaneous callers are served, because the client library retries."""
    async with ecrkeeper.AsyncClient(address, insecure=True, timeout=30) as client:
        pages = [anext(client.list_registries().pages) for _ in range(2 * CAPACITY)]
        await asyncio.gather(*pages)


async def flood(address: str, server: harness.Server) -> None:
    """The most and largest requests are mostly incomplete; other calls are answered."""
    host, port = address.split(":")
    async with contextlib.AsyncExitStack() as stack:
        hostile = [await stack.enter_async_context(HalfSent(host, int(port), f"127.0.0.{at}")) for at in range(2, 6)]
        for connection in hostile:
            for at in range(300):
                connection.start(GET if at % 3 else WATCH, MOST)
        # A quick server rejects some of them before they have sent that much.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(10):
                while sum(connection.sent for connection in hostile) < 16 * MOST:
                    await asyncio.sleep(0.05)
        large = await stack.enter_async_context(Calls(address))
        padded = NAMED + b"\xa2\x06" + varint(MOST - 100) + b"x" * (MOST - 100)
        failures = await asyncio.gather(*[large.failure(padded, GET, timeout=60) for _ in range(100)])
        assert {each.code for each in failures} <= {"NOT_FOUND", "RESOURCE_EXHAUSTED"}
        assert all(each.retry_after for each in failures if each.code == "RESOURCE_EXHAUSTED")
        modest = await stack.enter_async_context(Calls(address))
        answer = await modest.failure(NAMED, GET, timeout=20)
        if answer.code == "RESOURCE_EXHAUSTED":
            # On a slow machine, slots are not released within the time that a call waits.
            await asyncio.sleep(answer.retry_after)
            answer = await modest.failure(NAMED, GET, timeout=20)
        assert answer.code == "NOT_FOUND", (answer.reason, answer.text)
        assert await modest.get(method=CHECK) == SERVING
        while not any(connection.ended for connection in hostile):
            await asyncio.sleep(0.05)


def test_flood_of_large_requests_stays_within_manifest_memory(aws: harness.Simulator, tmp_path: Path) -> None:
    server = harness.Server(tmp_path, f"sqlite:///{tmp_path / 'ecrkeeper.db'}", aws.url)
    try:
        asyncio.run(flood(server.address, server))
        status = Path(f"/proc/{server.process.pid}/status").read_text()
        peak = next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM"))
    finally:
        assert server.stop() == 0
    (limit,) = re.findall(r"limits: {memory: (\d+)Mi}", (ROOT / "deploy/kubernetes/api.yaml").read_text())
    # The rest is for the work of the calls.
    assert peak < int(limit) * 2 / 3, peak


def test_tenfold_load_keeps_health_and_memory(aws: harness.Simulator, tmp_path: Path) -> None:
    aws.control("POST", "faults", [{"kind": "latency", "seconds": LATENCY}])
    url = f"sqlite:///{tmp_path / 'ecrkeeper.db'}"
    limits = {"max_calls": CAPACITY, "max_calls_per_principal": 10 * CAPACITY, "rate_per_principal": 0}
    server = harness.Server(tmp_path, url, aws.url, **limits)
    try:
        asyncio.run(burst(server.address))
        before = resident(server)
        observed = asyncio.run(burst(server.address))
        after = resident(server)
        asyncio.run(afterwards(server.address))
        asyncio.run(patient(server.address))
    finally:
        assert server.stop() == 0
    assert set(observed.codes) == {"NOT_FOUND AWS_NOT_FOUND", "RESOURCE_EXHAUSTED OVERLOADED"}, observed.codes
    assert all(count > 20 for count in observed.codes.values()), observed.codes
    assert observed.without_delay == 0
    assert len(observed.health) > 5 and max(observed.health) < 1.0, max(observed.health)
    assert after - before < 50, (before, after)
    log = (tmp_path / "server.log").read_text()
    assert "Traceback" not in log
    assert log.count("calls_rejected") <= 4, "many refusals are few lines"
