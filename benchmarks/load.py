"""The load generator: callers in a closed loop over a few connections.

Runs as a Child, `python -m benchmarks.load`.

Each order opens its connections, warms up, measures, and answers with the number of calls, the time they took and
their quantiles. The same generator drives the server and the echo server.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import uvloop
from ecrkeeper.v1 import registry_pb2
from ecrkeeper.v1 import registry_settings_service_pb2 as pb

from benchmarks.h2 import Channel, connect, headers
from benchmarks.measure import quantile
from benchmarks.processes import answer, orders_while_running
from benchmarks.rows import OWNER, account, registry

SERVICE = "/ecrkeeper.v1.RegistrySettingsService/"
_CONNECTIONS = 8
_VIEWS = {"list basic": registry_pb2.BASIC, "list full": registry_pb2.FULL}
_WATCH_CONNECTIONS = 10
# A thousand concurrent snapshots delay the server beyond its timeout for requests.
_WATCHES_AT_ONCE = 50
# A block continues until it has this many calls, but at most this many seconds.
_FEWEST = 10
_LONGEST = 60.0


class Calls:
    """The callers' requests: always the same message."""

    def __init__(self, path: str, message: bytes) -> None:
        self.head = headers(path)
        self._message = message

    def request(self, caller: int) -> bytes:
        """The next message of a caller."""
        return self._message

    def replied(self, caller: int, message: bytes) -> None:
        """Process the answer."""


class Gets(Calls):
    """Every caller gets a declaration of its own."""

    def __init__(self, callers: int) -> None:
        super().__init__(SERVICE + "GetRegistrySettings", b"")
        self._messages = [pb.GetRegistrySettingsRequest(name=_name(i)).SerializeToString() for i in range(callers)]

    def request(self, caller: int) -> bytes:
        """The caller's own name."""
        return self._messages[caller]


class Updates(Calls):
    """Each caller changes one setting of its declaration, with the last answer's etag."""

    def __init__(self, callers: int) -> None:
        super().__init__(SERVICE + "UpdateRegistrySettings", b"")
        self._requests = [update_request(i) for i in range(callers)]
        self._filters = [_filter(request) for request in self._requests]
        self._count = 0

    def request(self, caller: int) -> bytes:
        """Another filter than last time."""
        self._count += 1
        self._filters[caller].filter = f"team-{self._count % 10}*"
        return self._requests[caller].SerializeToString()

    def replied(self, caller: int, message: bytes) -> None:
        """Keep the new etag."""
        self._requests[caller].registry_settings.etag = registry_pb2.RegistrySettings.FromString(message).etag


def _name(index: int) -> str:
    return f"{registry(index)}/settings/{OWNER}"


def _filter(request: pb.UpdateRegistrySettingsRequest) -> Any:
    scanning = request.registry_settings.settings.scanning_configuration
    return scanning.rules[0].repository_filters[0]


def update_request(index: int, text: str = "team-0*") -> pb.UpdateRegistrySettingsRequest:
    """An update of the scanning filter of one declaration."""
    request = pb.UpdateRegistrySettingsRequest()
    request.registry_settings.name = _name(index)
    request.update_mask.paths.append("settings.scanning_configuration")
    scanning = request.registry_settings.settings.scanning_configuration
    scanning.scan_type = scanning.BASIC
    rule = scanning.rules.add()
    rule.scan_frequency = rule.SCAN_ON_PUSH
    texts = rule.repository_filters.add(filter=text)
    texts.filter_type = texts.WILDCARD
    return request


def calls(order: dict[str, Any]) -> Calls:
    """The content of an order."""
    kind, callers = order["kind"], order["callers"]
    if kind == "get":
        return Gets(callers)
    if kind == "update":
        return Updates(callers)
    if kind == "list":
        request = pb.ListRegistrySettingsRequest(parent="accounts/-/registries/-", page_size=100)
        return Calls(SERVICE + "ListRegistrySettings", request.SerializeToString())
    if kind in _VIEWS:
        registries = pb.ListRegistriesRequest(parent="accounts/-", page_size=100, view=_VIEWS[kind])
        return Calls(SERVICE + "ListRegistries", registries.SerializeToString())
    return Calls(f"/bench.Echo/{order['reply']}", bytes(order["request"]))


class Load:
    """Callers that each send the next call when the last one is answered."""

    def __init__(self, work: Calls, channels: list[Channel], callers: int) -> None:
        self._work = work
        self._channels = channels
        self._callers = callers
        self._stopping = False
        self._running = 0
        self.latencies: list[float] = []
        self.sizes = (0, 0)
        # Includes calls before and after the measured time, because the server's CPU time covers
        # them.
        self.total = 0

    async def run(self, warm_up: float, seconds: float) -> float:
        """Measure for about this many seconds; return the exact time."""
        for caller in range(self._callers):
            self._running += 1
            self._send(caller)
        await asyncio.sleep(warm_up)
        self.latencies.clear()
        began = time.perf_counter()
        await asyncio.sleep(seconds)
        while len(self.latencies) < _FEWEST and time.perf_counter() - began < _LONGEST:
            await asyncio.sleep(0.01)
        measured, kept = time.perf_counter() - began, len(self.latencies)
        self._stopping = True
        while self._running:
            await asyncio.sleep(0.005)
        del self.latencies[kept:]
        return measured

    def _send(self, caller: int) -> None:
        message = self._work.request(caller)
        began = time.perf_counter()

        def done(reply: bytes) -> None:
            self.total += 1
            if reply:
                self.latencies.append(time.perf_counter() - began)
                self._work.replied(caller, reply)
                self.sizes = (len(message), len(reply))
            if self._stopping:
                self._running -= 1
            else:
                self._send(caller)

        self._channels[caller % len(self._channels)].call(self._work.head, message, done)


async def measure(order: dict[str, Any]) -> dict[str, Any]:
    """One order of load."""
    channels = [await connect(order["target"]) for _ in range(min(order["callers"], _CONNECTIONS))]
    load = Load(calls(order), channels, order["callers"])
    began = time.perf_counter()
    seconds = await load.run(order["warm_up"], order["seconds"])
    failed = sum(channel.failed for channel in channels)
    for channel in channels:
        channel.close()
    if not load.latencies:
        raise RuntimeError(f"no call succeeded, {failed} failed: {order}")
    return {
        "units": len(load.latencies),
        "seconds": seconds,
        "total": load.total,
        "failed": failed,
        "elapsed": time.perf_counter() - began,
        "p50": quantile(load.latencies, 0.5),
        "p99": quantile(load.latencies, 0.99),
        "request": load.sizes[0],
        "reply": load.sizes[1],
    }


class Watchers:
    """Streams that stay open."""

    def __init__(self) -> None:
        self._received: list[int] = []
        self._over = 0

    async def open(self, target: str, streams: int) -> dict[str, Any]:
        """Open the streams and wait until each has its snapshot."""
        message = pb.WatchRegistriesRequest(parent=f"accounts/{account(0)}").SerializeToString()
        channels = [await connect(target) for _ in range(_WATCH_CONNECTIONS)]
        self._received, self._over = [0] * streams, 0
        began = time.perf_counter()
        for stream in range(streams):
            channel = channels[stream % len(channels)]
            channel.call(headers(SERVICE + "WatchRegistries"), message, self._ended, self._on_data(stream))
            if stream % _WATCHES_AT_ONCE == _WATCHES_AT_ONCE - 1 or stream == streams - 1:
                await self._until(lambda received, opened=stream + 1: all(received[:opened]), "snapshots")  # type: ignore[misc]
        await asyncio.sleep(1)
        return {"units": streams, "seconds": time.perf_counter() - began}

    async def change(self) -> dict[str, Any]:
        """Wait until every stream has received a change."""
        before = list(self._received)
        answer(units=0, seconds=0)
        began = time.perf_counter()
        await self._until(lambda received: all(a > b for a, b in zip(received, before, strict=True)), "changes")
        return {"units": len(before), "seconds": time.perf_counter() - began}

    def _on_data(self, stream: int) -> Callable[[int], None]:
        def add(size: int) -> None:
            self._received[stream] += size

        return add

    async def _until(self, done: Callable[[list[int]], bool], condition: str) -> None:
        end = time.perf_counter() + _LONGEST
        while not done(self._received):
            if self._over or time.perf_counter() > end:
                silent = sum(not size for size in self._received)
                raise RuntimeError(f"waiting for {condition}: {self._over} watches have ended, {silent} got nothing")
            await asyncio.sleep(0.005)

    def _ended(self, _message: bytes) -> None:
        self._over += 1


async def _main() -> None:
    watchers = Watchers()
    async for order in orders_while_running():
        if order["kind"] == "watch":
            answer(**await watchers.open(order["target"], order["streams"]))
        elif order["kind"] == "change":
            answer(**await watchers.change())
        else:
            answer(**await measure(order))


if __name__ == "__main__":
    uvloop.run(_main())
