"""Streams that survive the connection, and waiting for sync."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import ecrkeeper
import grpc
import pytest
from ecrkeeper.v1.audit_service_pb2 import WatchAuditEventsResponse as AuditStep
from ecrkeeper.v1.registry_settings_service_pb2 import WatchRegistriesResponse as Step
from ecrkeeper.v1.role_service_pb2 import WatchServiceLinkedRolesResponse as RoleStep
from google.rpc import error_details_pb2

from .fake import FakeServer, fail

NAME = "accounts/111111111111/registries/us-east-1"
COMPLETE = Step(kind=Step.SNAPSHOT_COMPLETE)


def current(name: str, **fields: Any) -> Step:
    return Step(kind=Step.CURRENT, registry=ecrkeeper.Registry(name=name, **fields))


def removed(name: str) -> Step:
    return Step(kind=Step.REMOVED, registry=ecrkeeper.Registry(name=name))


def stream(*steps: Any, then: str = "") -> Any:
    """Return an answer that streams messages and then ends, fails, or stays open."""

    def answer(_request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        yield from steps
        if then == "open":
            ended = threading.Event()
            context.add_callback(ended.set)
            ended.wait(10)
        elif then:
            fail(then)(_request, context)

    return answer


def test_watch_yields_removals_missed_while_disconnected(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on(
        "WatchRegistries",
        stream(current("a"), current("b"), COMPLETE, current("c"), then="UNAVAILABLE"),
        stream(current("a"), COMPLETE, then="open"),
    )
    with client.watch_registries() as steps:
        received = [next(steps) for _ in range(8)]
    assert received[:4] == [current("a"), current("b"), COMPLETE, current("c")]
    assert received[4:] == [current("a"), removed("b"), removed("c"), COMPLETE]


def test_watch_reconnects_after_stream_end(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on("WatchServiceLinkedRoles", stream(RoleStep(kind=2)), stream(RoleStep(kind=2), then="open"))
    with client.watch_service_linked_roles("accounts/1") as steps:
        assert [next(steps).kind for _ in range(2)] == [2, 2]
    assert {request.parent for request in server.requests("WatchServiceLinkedRoles")} == {"accounts/1"}


def test_watch_yields_removal_once(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on(
        "WatchRegistries",
        stream(current("a"), COMPLETE, removed("a"), then="UNAVAILABLE"),
        stream(COMPLETE, then="open"),
    )
    with client.watch_registries() as steps:
        assert [next(steps) for _ in range(4)] == [current("a"), COMPLETE, removed("a"), COMPLETE]


def test_watch_reports_initially_unreachable_server(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on("WatchRegistries", fail("UNAVAILABLE"))
    with pytest.raises(ecrkeeper.Unavailable):
        next(client.watch_registries())


def test_rate_limited_watch_reconnects_after_delay(server: FakeServer, client: ecrkeeper.Client) -> None:
    delay = error_details_pb2.RetryInfo(retry_delay={"nanos": 300_000_000})
    limited = fail("RESOURCE_EXHAUSTED", "slow down", delay)
    # gRPC retries first: unlike the real server, the fake one sends no retry delay.
    server.on("WatchRegistries", stream(COMPLETE, then="UNAVAILABLE"), *[limited] * 4, stream(COMPLETE, then="open"))
    with client.watch_registries() as steps:
        assert [next(steps) for _ in range(2)] == [COMPLETE, COMPLETE]
    assert len(server.received) == 6


def test_watch_ends_on_exhausted_quota(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on("WatchRegistries", stream(COMPLETE, then="UNAVAILABLE"), fail("RESOURCE_EXHAUSTED"))
    steps = client.watch_registries()
    assert next(steps) == COMPLETE
    with pytest.raises(ecrkeeper.ResourceExhausted):
        next(steps)


def test_rejected_watch_raises(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on("WatchRegistries", stream(COMPLETE, then="UNAVAILABLE"), fail("PERMISSION_DENIED"))
    steps = client.watch_registries()
    assert next(steps) == COMPLETE
    with pytest.raises(ecrkeeper.PermissionDenied):
        next(steps)


def test_watch_has_no_default_deadline(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on("WatchRegistries", stream(COMPLETE, then="open"))
    with client.watch_registries() as steps:
        next(steps)
    assert (server.received[0].deadline or 1e9) > 1e6
    with pytest.raises(ecrkeeper.DeadlineExceeded):
        list(client.watch_registries(timeout=0.05))


def test_watch_can_be_closed_from_another_thread(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on("WatchRegistries", stream(COMPLETE, then="open"))
    steps = client.watch_registries()
    received = []
    for step in steps:
        received.append(step)
        threading.Thread(target=steps.close).start()
    assert received == [COMPLETE]
    assert list(steps) == []


def test_closed_watch_sends_nothing(server: FakeServer, client: ecrkeeper.Client) -> None:
    steps = client.watch_registries()
    steps.close()
    assert list(steps) == [] and server.received == []


def test_asyncio_watch_reconnects_and_closes(server: FakeServer) -> None:
    server.on(
        "WatchRegistries",
        stream(current("a"), COMPLETE, then="UNAVAILABLE"),
        stream(COMPLETE, then="open"),
    )

    async def watch() -> list[Step]:
        received = []
        async with ecrkeeper.AsyncClient(server.target, insecure=True) as client:
            steps = client.watch_registries()
            async for step in steps:
                received.append(step)
                if len(received) == 4:
                    asyncio.get_running_loop().call_soon(lambda: asyncio.ensure_future(steps.close()))
        return received

    assert asyncio.run(watch()) == [current("a"), COMPLETE, removed("a"), COMPLETE]


def test_cancelled_asyncio_watch_cancels_its_task(server: FakeServer) -> None:
    server.on("WatchRegistries", stream(COMPLETE, then="open"))

    async def watch() -> None:
        async with ecrkeeper.AsyncClient(server.target, insecure=True) as client:
            begun = asyncio.Event()

            async def read() -> None:
                async for _ in client.watch_registries():
                    begun.set()

            task = asyncio.create_task(read())
            await begun.wait()
            task.cancel()
            await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(watch())


def test_audit_stream_resumes_after_last_event(server: FakeServer, client: ecrkeeper.Client) -> None:
    one, two = (
        AuditStep(audit_event=ecrkeeper.AuditEvent(name=f"auditEvents/{n}"), resume_token=f"t{n}") for n in (1, 2)
    )
    server.on("WatchAuditEvents", stream(one, then="UNAVAILABLE"), stream(two, then="open"))
    with client.watch_audit_events("kind = CALL", resume_token="t0") as steps:
        assert [next(steps), next(steps)] == [one, two]
    first, second = server.requests("WatchAuditEvents")
    assert (first.resume_token, second.resume_token) == ("t0", "t1")
    assert first.filter == second.filter == "kind = CALL"


def test_naive_time_is_rejected(client: ecrkeeper.Client) -> None:
    with pytest.raises(ValueError, match="time zone"):
        client.list_audit_events(start_time=datetime(2030, 1, 1))  # noqa: DTZ001
