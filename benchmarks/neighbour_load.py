"""The callers of the benchmark `neighbours`.

Runs as a Child, `python -m benchmarks.neighbour_load`.

Each kind of neighbour calls from an address of its own, so that each is a principal of its own. A neighbour whose call
fails waits for a moment, and then calls again.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import uvloop
from ecrkeeper.v1 import registry_pb2
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from google.protobuf import json_format

from benchmarks.h2 import Channel, connect, headers
from benchmarks.largest_declaration import declaration
from benchmarks.load import SERVICE, Calls, Gets, Updates
from benchmarks.measure import quantile
from benchmarks.processes import answer, orders_while_running
from benchmarks.rows import account, registry

# The registries of the neighbours begin behind those of the innocent caller's account.
FIRST = 40
# Declares the largest replication, too, and is read.
SHOWN = registry(20)
# Has many owners.
CROWDED = registry(21)
# AWS's answers for them are large: one above the limit on size, one above the limit on items.
HEAVY = (registry(2_000), registry(2_020))
_PAUSE = 0.05
_INNOCENT_PAUSE = 0.01
_WATCHES_OF_ONE = 100
_SOURCES = {
    "updates": "127.0.0.2", "validate_only": "127.0.0.3", "views": "127.0.0.4", "answers": "127.0.0.5",
    "owners": "127.0.0.6",
}  # fmt: skip


class Largest(Calls):
    """Each caller declares the largest replication for a registry of its own."""

    def __init__(self, callers: int, *, validate_only: bool = False) -> None:
        super().__init__(SERVICE + "UpdateRegistrySettings", b"")
        self._messages = [
            [largest(registry(FIRST + caller), str(turn), validate_only=validate_only) for turn in range(2)]
            for caller in range(callers)
        ]
        self._turn = 0

    def request(self, caller: int) -> bytes:
        """Return another declaration than last time."""
        self._turn += 1
        return self._messages[caller][self._turn % 2]


def largest(name: str, last: str, *, validate_only: bool = False) -> bytes:
    """Return an Update with the largest replication."""
    request = pb.UpdateRegistrySettingsRequest(validate_only=validate_only, allow_missing=True)
    settings = {"name": f"{name}/settings/large", "settings": declaration(25, last)}
    json_format.ParseDict(settings, request.registry_settings)
    return request.SerializeToString()


class Crowded(Calls):
    """Each caller changes the declaration of another owner of one registry."""

    def __init__(self, callers: int) -> None:
        super().__init__(SERVICE + "UpdateRegistrySettings", b"")
        self._turns = [0] * callers

    def request(self, caller: int) -> bytes:
        """Return another declaration than last time."""
        self._turns[caller] += 1
        request = pb.UpdateRegistrySettingsRequest()
        settings = declaration(1, f"-{caller}-{self._turns[caller] % 2}", destinations=1, filters=1)
        name = f"{CROWDED}/settings/{owner(caller)}"
        json_format.ParseDict({"name": name, "settings": settings}, request.registry_settings)
        return request.SerializeToString()


def owner(number: int) -> str:
    """Return an owner of the registry with many owners."""
    return f"owner-{number:04}"


class Heavy(Calls):
    """Each caller has one of the registries read again whose answers are large."""

    def request(self, caller: int) -> bytes:
        """Return the caller's registry."""
        return pb.ReconcileRegistryRequest(name=HEAVY[caller % len(HEAVY)]).SerializeToString()


def work_of(kind: str, callers: int) -> Calls:
    """Return what a kind of neighbour sends."""
    if kind == "views":
        request = pb.GetRegistryRequest(name=SHOWN, view=registry_pb2.FULL)
        return Calls(SERVICE + "GetRegistry", request.SerializeToString())
    if kind == "answers":
        return Heavy(SERVICE + "ReconcileRegistry", b"")
    if kind == "owners":
        return Crowded(callers)
    return Largest(callers, validate_only=kind == "validate_only")


class Neighbours:
    """Callers of one kind in a closed loop, and streams, until they are stopped."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []
        self._channels: list[Channel] = []
        self._answered = self._failed = self._received = 0

    async def start(self, target: str, kind: str, callers: int) -> None:
        """Begin to call."""
        if kind == "watches":
            await self._watch(target, callers)
            return
        work = work_of(kind, callers)
        channels = [await connect(target, _SOURCES[kind]) for _ in range(min(8, callers))]
        self._channels += channels
        for caller in range(callers):
            channel = channels[caller % len(channels)]
            self._tasks.append(asyncio.create_task(self._call(channel, work, caller, slow=kind == "answers")))

    async def _call(self, channel: Channel, work: Calls, caller: int, *, slow: bool) -> None:
        while True:
            if await called(channel, work, caller):
                self._answered += 1
                await asyncio.sleep(_PAUSE if slow else 0)
            else:
                self._failed += 1
                await asyncio.sleep(_PAUSE)

    async def _watch(self, target: str, streams: int) -> None:
        message = pb.WatchRegistriesRequest(parent=f"accounts/{account(0)}").SerializeToString()
        for first in range(0, streams, _WATCHES_OF_ONE):
            channel = await connect(target, f"127.0.1.{1 + first // _WATCHES_OF_ONE}")
            self._channels.append(channel)
            for _ in range(min(_WATCHES_OF_ONE, streams - first)):
                channel.call(headers(SERVICE + "WatchRegistries"), message, self._ended, self._on_data)
            await asyncio.sleep(1.0)

    def _on_data(self, _size: int) -> None:
        self._received += 1

    def _ended(self, _message: bytes) -> None:
        self._failed += 1

    def stop(self) -> dict[str, Any]:
        """End all calls and streams, and return how many were answered and failed."""
        counted = {"answered": self._answered, "failed": self._failed, "heard": self._received}
        for task in self._tasks:
            task.cancel()
        for channel in self._channels:
            channel.close()
        self.__init__()  # type: ignore[misc]
        return counted


async def called(channel: Channel, work: Calls, caller: int) -> bool:
    """Make one call; return whether it was answered."""
    done: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def end(message: bytes) -> None:
        if not done.done():
            done.set_result(message)

    channel.call(work.head, work.request(caller), end)
    message = await done
    if message:
        work.replied(caller, message)
    return bool(message)


async def innocent(target: str, seconds: float) -> dict[str, Any]:
    """Get and update one declaration by turns for some seconds.

    Returns the latencies in milliseconds.
    """
    channel = await connect(target)
    get, update = Gets(1), Updates(1)
    latencies: dict[str, list[float]] = {"get": [], "update": []}
    failed = 0
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or not latencies["update"]:
        for name, work in (("get", get), ("update", update)):
            began = time.perf_counter()
            if await called(channel, work, 0):
                latencies[name].append(1_000 * (time.perf_counter() - began))
            else:
                failed += 1
            await asyncio.sleep(_INNOCENT_PAUSE)
    channel.close()
    figures = {
        f"{name}_{statistic}": quantile(times, part)
        for name, times in latencies.items()
        for statistic, part in (("median", 0.5), ("worst", 1.0))
    }
    return {**figures, "failed": failed, "calls": sum(map(len, latencies.values()))}


async def _main() -> None:
    neighbours = Neighbours()
    async for order in orders_while_running():
        if order["kind"] == "innocent":
            answer(**await innocent(order["target"], order["seconds"]))
        elif order["kind"] == "stop":
            answer(**neighbours.stop())
        else:
            await neighbours.start(order["target"], order["kind"], order["callers"])
            answer()


if __name__ == "__main__":
    uvloop.run(_main())
