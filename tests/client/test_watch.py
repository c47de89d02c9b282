"""Streams that outlive the connection, and waiting for a registry to be in sync."""

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
from ecrkeeper.v1.common_pb2 import Condition
from ecrkeeper.v1.registry_pb2 import DeclarationStatus
from ecrkeeper.v1.registry_settings_service_pb2 import WatchRegistriesResponse as Step
from ecrkeeper.v1.role_service_pb2 import WatchServiceLinkedRolesResponse as RoleStep
from google.rpc import error_details_pb2

from .fake import FakeServer, fail, info, status

NAME = "accounts/111111111111/registries/us-east-1"
COMPLETE = Step(kind=Step.KIND_SNAPSHOT_COMPLETE)


def current(name: str, **fields: Any) -> Step:
    return Step(kind=Step.KIND_CURRENT, registry=ecrkeeper.Registry(name=name, **fields))


def removed(name: str) -> Step:
    return Step(kind=Step.KIND_REMOVED, registry=ecrkeeper.Registry(name=name))


def stream(*steps: Any, then: str = "") -> Any:
    """Return an answer that sends steps and then ends, fails with a code, or stays open."""

    def answer(_request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        yield from steps
        if then == "open":
            ended = threading.Event()
            context.add_callback(ended.set)
            ended.wait(10)
        elif then:
            fail(then)(_request, context)

    return answer


def test_a_watch_subscribes_again_and_tells_what_vanished_meanwhile(
    server: FakeServer, client: ecrkeeper.Client
) -> None:
    server.on(
        "WatchRegistries",
        stream(current("a"), current("b"), COMPLETE, current("c"), then="UNAVAILABLE"),
        stream(current("a"), COMPLETE, then="open"),
    )
    with client.watch_registries() as steps:
        told = [next(steps) for _ in range(8)]
    assert told[:4] == [current("a"), current("b"), COMPLETE, current("c")]
    assert told[4:] == [current("a"), removed("b"), removed("c"), COMPLETE]


def test_a_watch_subscribes_again_after_the_server_ended_the_stream(
    server: FakeServer, client: ecrkeeper.Client
) -> None:
    server.on("WatchServiceLinkedRoles", stream(RoleStep(kind=2)), stream(RoleStep(kind=2), then="open"))
    with client.watch_service_linked_roles("accounts/1") as steps:
        assert [next(steps).kind for _ in range(2)] == [2, 2]
    assert {request.parent for request in server.requests("WatchServiceLinkedRoles")} == {"accounts/1"}


def test_a_removal_is_not_told_twice(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on(
        "WatchRegistries",
        stream(current("a"), COMPLETE, removed("a"), then="UNAVAILABLE"),
        stream(COMPLETE, then="open"),
    )
    with client.watch_registries() as steps:
        assert [next(steps) for _ in range(4)] == [current("a"), COMPLETE, removed("a"), COMPLETE]


def test_a_server_that_cannot_be_reached_at_first_is_reported(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on("WatchRegistries", fail("UNAVAILABLE"))
    with pytest.raises(ecrkeeper.Unavailable):
        next(client.watch_registries())


def test_a_watch_that_is_limited_later_comes_again_when_told(server: FakeServer, client: ecrkeeper.Client) -> None:
    delay = error_details_pb2.RetryInfo(retry_delay={"nanos": 300_000_000})
    limited = fail("RESOURCE_EXHAUSTED", "slow down", delay)
    # gRPC's own attempts come first: the fake server, unlike the real one, does not tell them when.
    server.on("WatchRegistries", stream(COMPLETE, then="UNAVAILABLE"), *[limited] * 4, stream(COMPLETE, then="open"))
    with client.watch_registries() as steps:
        assert [next(steps) for _ in range(2)] == [COMPLETE, COMPLETE]
    assert len(server.asked) == 6


def test_a_watch_that_meets_a_quota_ends(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on("WatchRegistries", stream(COMPLETE, then="UNAVAILABLE"), fail("RESOURCE_EXHAUSTED"))
    steps = client.watch_registries()
    assert next(steps) == COMPLETE
    with pytest.raises(ecrkeeper.ResourceExhausted):
        next(steps)


def test_a_watch_that_is_refused_later_ends_with_the_refusal(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on("WatchRegistries", stream(COMPLETE, then="UNAVAILABLE"), fail("PERMISSION_DENIED"))
    steps = client.watch_registries()
    assert next(steps) == COMPLETE
    with pytest.raises(ecrkeeper.PermissionDenied):
        next(steps)


def test_a_watch_has_no_deadline_unless_it_is_given_one(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on("WatchRegistries", stream(COMPLETE, then="open"))
    with client.watch_registries() as steps:
        next(steps)
    assert (server.asked[0].deadline or 1e9) > 1e6
    with pytest.raises(ecrkeeper.DeadlineExceeded):
        list(client.watch_registries(timeout=0.05))


def test_closing_a_watch_from_another_thread_ends_the_iteration(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on("WatchRegistries", stream(COMPLETE, then="open"))
    steps = client.watch_registries()
    told = []
    for step in steps:
        told.append(step)
        threading.Thread(target=steps.close).start()
    assert told == [COMPLETE]
    assert list(steps) == []


def test_a_watch_that_is_closed_before_it_began_asks_nothing(server: FakeServer, client: ecrkeeper.Client) -> None:
    steps = client.watch_registries()
    steps.close()
    assert list(steps) == [] and server.asked == []


def test_the_asyncio_watch_subscribes_again_and_can_be_closed(server: FakeServer) -> None:
    server.on(
        "WatchRegistries",
        stream(current("a"), COMPLETE, then="UNAVAILABLE"),
        stream(COMPLETE, then="open"),
    )

    async def watch() -> list[Step]:
        told = []
        async with ecrkeeper.AsyncClient(server.target, insecure=True) as client:
            steps = client.watch_registries()
            async for step in steps:
                told.append(step)
                if len(told) == 4:
                    asyncio.get_running_loop().call_soon(lambda: asyncio.ensure_future(steps.close()))
        return told

    assert asyncio.run(watch()) == [current("a"), COMPLETE, removed("a"), COMPLETE]


def test_cancelling_the_task_of_an_asyncio_watch_cancels_the_task(server: FakeServer) -> None:
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


def conditions(**states: bool) -> list[Condition]:
    of = {True: Condition.STATUS_TRUE, False: Condition.STATUS_FALSE}
    return [Condition(type=name, status=of[holds], reason="WHY") for name, holds in states.items()]


BEHIND = current(NAME, generation=2, observed_generation=1, reconciling=True, conditions=conditions(Synced=False))
SYNCED = current(NAME, generation=2, observed_generation=2, conditions=conditions(Synced=True))


def test_waiting_for_sync_ends_when_aws_matches_the_newest_generation(
    server: FakeServer, client: ecrkeeper.Client
) -> None:
    server.on("WatchRegistries", stream(BEHIND, COMPLETE, SYNCED, then="open"))
    assert client.wait_until_synced(f"{NAME}/settings/team-a") == SYNCED.registry
    request = server.requests("WatchRegistries")[0]
    assert (request.parent, request.filter) == ("accounts/111111111111", 'region = "us-east-1"')


def test_waiting_for_a_generation_passes_over_an_older_one(server: FakeServer, client: ecrkeeper.Client) -> None:
    third = current(NAME, generation=3, observed_generation=3, conditions=conditions(Synced=True))
    server.on("WatchRegistries", stream(SYNCED, COMPLETE, third, then="open"))
    assert client.wait_until_synced(NAME, generation=3) == third.registry


def test_waiting_for_a_blocked_registry_fails_with_its_last_error(server: FakeServer, client: ecrkeeper.Client) -> None:
    error = status("FAILED_PRECONDITION", "AWS said no", info("AWS_ACCESS_DENIED"))
    blocked = current(NAME, generation=2, observed_generation=2, conditions=conditions(Blocked=True), last_error=error)
    server.on("WatchRegistries", stream(BEHIND, COMPLETE, blocked, then="open"))
    with pytest.raises(ecrkeeper.OperationFailed, match="AWS said no") as caught:
        client.wait_until_synced(NAME)
    assert caught.value.reason == "AWS_ACCESS_DENIED"


@pytest.mark.parametrize(
    ("mode", "observed", "reason"), [("MODE_PAUSED", 1, "PAUSED"), ("MODE_OBSERVE", 2, "OBSERVE_ONLY")]
)
def test_waiting_for_a_registry_that_nobody_brings_into_sync_fails_at_once(
    server: FakeServer, client: ecrkeeper.Client, mode: Any, observed: int, reason: str
) -> None:
    why = Condition(type="Synced", status=Condition.STATUS_FALSE, reason=reason)
    kept = current(NAME, generation=2, observed_generation=observed, mode=mode, conditions=[why])
    server.on("WatchRegistries", stream(kept, COMPLETE, then="open"))
    with pytest.raises(ecrkeeper.FailedPrecondition, match=mode.removeprefix("MODE_")) as caught:
        client.wait_until_synced(NAME, timeout=20)
    assert caught.value.reason == reason


def test_a_registry_that_is_only_observed_can_be_in_sync(server: FakeServer, client: ecrkeeper.Client) -> None:
    behind = current(
        NAME, generation=2, observed_generation=1, mode="MODE_OBSERVE", conditions=conditions(Synced=False)
    )
    synced = current(NAME, generation=2, observed_generation=2, mode="MODE_OBSERVE", conditions=conditions(Synced=True))
    server.on("WatchRegistries", stream(behind, COMPLETE, synced, then="open"))
    assert client.wait_until_synced(NAME) == synced.registry


@pytest.mark.parametrize("steps", [[COMPLETE], [BEHIND, COMPLETE, removed(NAME)]], ids=["never there", "removed"])
def test_waiting_for_a_registry_that_is_not_there_ends(
    server: FakeServer, client: ecrkeeper.Client, steps: list[Step]
) -> None:
    server.on("WatchRegistries", stream(*steps, then="open"))
    with pytest.raises(ecrkeeper.NotFound) as caught:
        client.wait_until_synced(NAME)
    assert (caught.value.reason, caught.value.resource) == ("NOT_FOUND", NAME)


OWNER = f"{NAME}/settings/team-a"


def declared(generation: int, observed: int, **states: bool) -> DeclarationStatus:
    return DeclarationStatus(
        owner="team-a", generation=generation, observed_generation=observed, conditions=conditions(**states)
    )


def beside_a_blocked_owner(status: DeclarationStatus) -> Step:
    error = status_of_other()
    return current(
        NAME, generation=5, observed_generation=5, conditions=conditions(Blocked=True, Synced=False), last_error=error,
        declarations=[DeclarationStatus(owner="other", conditions=conditions(Blocked=True)), status],
    )  # fmt: skip


def status_of_other() -> Any:
    return status("FAILED_PRECONDITION", "of somebody else", info("AWS_REFUSED"))


def test_waiting_for_a_declaration_ignores_other_owners(server: FakeServer, client: ecrkeeper.Client) -> None:
    behind, done = (beside_a_blocked_owner(declared(3, n, Synced=n == 3)) for n in (2, 3))
    server.on("WatchRegistries", stream(behind, COMPLETE, done, then="open"))
    assert client.wait_until_synced(OWNER) == done.registry


def test_waiting_for_a_blocked_declaration_fails_with_its_own_error(
    server: FakeServer, client: ecrkeeper.Client
) -> None:
    mine = declared(3, 2, Blocked=True, Synced=False)
    mine.last_error.CopyFrom(status("FAILED_PRECONDITION", "of mine", info("PRINCIPAL_NOT_FOUND")))
    server.on("WatchRegistries", stream(beside_a_blocked_owner(mine), COMPLETE, then="open"))
    with pytest.raises(ecrkeeper.OperationFailed, match="of mine") as caught:
        client.wait_until_synced(OWNER)
    assert caught.value.reason == "PRINCIPAL_NOT_FOUND"


def test_waiting_for_a_declaration_too_long_says_how_it_stood(server: FakeServer, client: ecrkeeper.Client) -> None:
    mine = declared(3, 2, Synced=False, Blocked=False)
    server.on("WatchRegistries", stream(beside_a_blocked_owner(mine), COMPLETE, then="open"))
    with pytest.raises(ecrkeeper.DeadlineExceeded, match=r"settings/team-a was not in sync .*\(Synced: WHY\)"):
        client.wait_until_synced(OWNER, 0.05)


def test_waiting_too_long_says_how_the_registry_stood(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on("WatchRegistries", stream(BEHIND, COMPLETE, then="open"))
    with pytest.raises(ecrkeeper.DeadlineExceeded, match=r"not in sync after 0\.05 s \(Synced: WHY\)"):
        client.wait_until_synced(NAME, 0.05)


def test_only_a_registry_can_be_waited_for(client: ecrkeeper.Client) -> None:
    with pytest.raises(ecrkeeper.InvalidArgument):
        client.wait_until_synced("accounts/111111111111")


def test_the_asyncio_client_waits_for_sync_too(server: FakeServer) -> None:
    server.on("WatchRegistries", stream(BEHIND, COMPLETE, SYNCED, then="open"), stream(BEHIND, COMPLETE, then="open"))

    async def wait() -> ecrkeeper.Registry:
        async with ecrkeeper.AsyncClient(server.target, insecure=True) as client:
            registry = await client.wait_until_synced(NAME)
            with pytest.raises(ecrkeeper.DeadlineExceeded, match="not in sync"):
                await client.wait_until_synced(NAME, 0.05)
            return registry

    assert asyncio.run(wait()) == SYNCED.registry


def test_a_stream_of_audit_events_goes_on_behind_its_last_step(server: FakeServer, client: ecrkeeper.Client) -> None:
    one, two = (
        AuditStep(audit_event=ecrkeeper.AuditEvent(name=f"auditEvents/{n}"), resume_token=f"t{n}") for n in (1, 2)
    )
    server.on("WatchAuditEvents", stream(one, then="UNAVAILABLE"), stream(two, then="open"))
    with client.watch_audit_events("kind = CALL", resume_token="t0") as steps:
        assert [next(steps), next(steps)] == [one, two]
    first, second = server.requests("WatchAuditEvents")
    assert (first.resume_token, second.resume_token) == ("t0", "t1")
    assert first.filter == second.filter == "kind = CALL"


def test_a_time_without_a_zone_is_refused(client: ecrkeeper.Client) -> None:
    with pytest.raises(ValueError, match="time zone"):
        client.list_audit_events(start_time=datetime(2030, 1, 1))  # noqa: DTZ001
