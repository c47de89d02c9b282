"""A change costs one query, however many streams show it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from typing import Any, cast

import pytest
from ecrkeeper.v1 import audit_service_pb2, fleet_service_pb2, role_service_pb2
from ecrkeeper.v1 import registry_settings_service_pb2 as settings_pb2
from ecrkeeper_server.api.messages.answer import Answer
from ecrkeeper_server.api.services import audit_tail, shared_work
from ecrkeeper_server.api.services import operations as operations_service
from ecrkeeper_server.api.services import rollouts as rollouts_service
from ecrkeeper_server.api.services.audit import Audit
from ecrkeeper_server.api.services.broadcaster import Changes, Subscription
from ecrkeeper_server.api.services.context import Dependencies
from ecrkeeper_server.api.services.operations import Operations
from ecrkeeper_server.api.services.registries import Registries
from ecrkeeper_server.api.services.roles import Roles
from ecrkeeper_server.api.services.rollouts import Rollouts
from ecrkeeper_server.errors import NotFound
from ecrkeeper_server.names import RegistryName, RoleName
from ecrkeeper_server.store import audit, operations, resources, rollouts, schema
from ecrkeeper_server.store.audit import NewEvent
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.fleet_specs import Selector, SetSpec, Wave
from ecrkeeper_server.store.rollout_rows import RolloutRow, RolloutState
from ecrkeeper_server.store.specs import NEW_REGISTRY
from ecrkeeper_server.turns import WORK, Turns, Work
from google.longrunning import operations_pb2
from sqlalchemy import Engine, event

SPEC = SetSpec(selector=Selector(), settings={}, waves=(Wave(),)).to_json()
STREAMS, CHANGES = 200, 3
REGISTRY = RegistryName("111111111111", "us-east-1")
ROLE = RoleName("111111111111", "replication")


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    opened = schema.open_database(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def edge(db: Database) -> Dependencies:
    """Services that hear of changes as a running server does."""
    unused: Any = None
    changes = Changes()
    db.listen(changes.publish)
    return Dependencies(db, unused, changes, lambda: None, "us-east-1")


@pytest.fixture
def queries() -> Iterator[list[str]]:
    """The queries that are executed; no writes."""
    statements: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("SELECT") and "pg_notify" not in statement:
            statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield statements
    event.remove(Engine, "before_cursor_execute", note)


class Context:
    """A call without a deadline."""

    def time_remaining(self) -> None:
        return None


CALL: Any = Context()


def registry_page(edge: Dependencies, view: int) -> Any:
    service = Registries(edge)
    request = settings_pb2.WatchRegistriesRequest(parent="accounts/-", view=view)
    return lambda: service.WatchRegistries(request, CALL)


def role_page(edge: Dependencies, _: int) -> Any:
    service = Roles(edge)
    request = role_service_pb2.WatchServiceLinkedRolesRequest(parent="accounts/111111111111")
    return lambda: service.WatchServiceLinkedRoles(request, CALL)


def audit_page(edge: Dependencies, _: int) -> Any:
    service = Audit(edge)
    return lambda: service.WatchAuditEvents(audit_service_pb2.WatchAuditEventsRequest(), CALL)


def rollout_page(edge: Dependencies, _: int) -> Any:
    service = Rollouts(edge)
    request = fleet_service_pb2.WatchRolloutRequest(name="registrySets/baseline/rollouts/1")
    return lambda: service.WatchRollout(request, CALL)


def change_registry(tx: Tx, number: int) -> None:
    resources.set_spec(tx, str(REGISTRY), {**NEW_REGISTRY, "mode": ("OBSERVE", "ENFORCE")[number % 2]})


def change_role(tx: Tx, number: int) -> None:
    resources.set_spec(tx, str(ROLE), {"description": str(number)})


def change_trail(tx: Tx, number: int) -> None:
    audit.add(tx, [NewEvent(kind="CALL", method=f"Change{number}", resource="x")])


def change_rollout(tx: Tx, number: int) -> None:
    row = rollouts.get(tx, "baseline", 1)
    assert row is not None
    rollouts.change(tx, row, due_in=None, message=f"change {number}")


def fill(tx: Tx) -> None:
    resources.create(tx, REGISTRY, dict(NEW_REGISTRY))
    resources.create(tx, ROLE, {"description": ""})
    row = RolloutRow(
        set_id="baseline", number=1, state=RolloutState.PLANNING, cause="REVISION", principal="", reason="",
        authority={}, spec=SPEC, counts=[], revision=1, create_time=0, update_time=0,
    )  # fmt: skip
    rollouts.add(tx, row)


PAGES = [
    (registry_page, 1, change_registry, "resources", "the fleet, and its registries"),
    (registry_page, 2, change_registry, "resources", "a registry with its declarations"),
    (role_page, 1, change_role, "resources", "the roles"),
    (audit_page, 1, change_trail, "audit_events", "the audit trail"),
    (rollout_page, 1, change_rollout, "rollouts", "a rollout"),
]


async def eventually(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.002)


@pytest.fixture(autouse=True)
def _polls_are_rare(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (audit_tail, operations_service, rollouts_service):
        monkeypatch.setattr(module, "_POLL_SECONDS", 600.0)


@pytest.mark.parametrize(("page", "view", "change", "table", "reason"), PAGES)
async def test_change_costs_one_query_for_200_streams(
    db: Database, edge: Dependencies, queries: list[str], page: Any, view: int, change: Any, table: str, reason: str
) -> None:
    await db.write(fill)
    opened, received = page(edge, view), [0] * STREAMS

    async def follow(number: int) -> None:
        async with aclosing(opened()) as stream:
            async for _ in stream:
                received[number] += 1

    def changed(tx: Tx, number: int) -> None:
        before = len(queries)
        change(tx, number)
        # The write itself reads, too.
        del queries[before:]

    tasks = [asyncio.create_task(follow(number)) for number in range(STREAMS)]
    # The first change finds streams that still begin; each of them hears of it.
    for number in range(1 + CHANGES):
        await eventually(lambda: min(received) > 0)
        await asyncio.sleep(0.1)
        if number == 1:
            del queries[:]
        received[:] = [0] * STREAMS
        await db.write(lambda tx, number=number: changed(tx, number))  # type: ignore[misc]
    await eventually(lambda: min(received) > 0)
    # A read may have been under way when the changes began.
    assert 1 <= len([each for each in queries if table in each]) <= CHANGES + 1, reason
    assert len(queries) <= CHANGES + 1, queries
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert edge.changes.listeners() == 0


@pytest.mark.parametrize(("page", "view", "change", "table", "reason"), PAGES)
async def test_all_principals_pay_for_a_change(
    db: Database, monkeypatch: pytest.MonkeyPatch, page: Any, view: int, change: Any, table: str, reason: str
) -> None:
    ticks, paid = itertools.count(), {"flooder": 0.0, "other": 0.0}
    # Each look at the clock takes a millisecond.
    monkeypatch.setattr(shared_work, "SLICE", 0.0)
    turns, unused = Turns(lambda: next(ticks) / 1_000), cast("Any", None)
    changes = Changes(turns)
    db.listen(changes.publish)
    await db.write(fill)
    opened = page(Dependencies(db, unused, changes, lambda: None, "us-east-1", turns=turns), view)
    received = [0] * 4

    async def follow(number: int, name: str) -> None:
        def spend(seconds: float) -> None:
            paid[name] += seconds

        WORK.set(lambda: Work(turns, name, spent=spend))
        async with aclosing(opened()) as stream:
            async for _ in stream:
                received[number] += 1

    tasks = [asyncio.create_task(follow(*each)) for each in enumerate(("flooder", "flooder", "flooder", "other"))]
    await eventually(lambda: min(received) > 0)
    await asyncio.sleep(0.1)
    paid |= {"flooder": 0.0, "other": 0.0}
    for number in range(CHANGES):
        received[:] = [0] * 4
        await db.write(lambda tx, number=number: change(tx, number))  # type: ignore[misc]
        await eventually(lambda: min(received) > 0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert min(paid.values()) > 0, reason


async def test_end_of_an_operation_costs_one_query_for_all_waiting_calls(
    db: Database, edge: Dependencies, queries: list[str]
) -> None:
    row = await db.write(lambda tx: operations.create(tx, "ReconcileRegistry", resources.create(tx, REGISTRY, {})))
    service = Operations(edge)
    request = operations_pb2.WaitOperationRequest(name=f"operations/{row.id}")
    waiting = [asyncio.create_task(service.WaitOperation(request, CALL)) for _ in range(STREAMS)]
    await eventually(lambda: any("operations" in each for each in queries))
    await asyncio.sleep(0.1)
    del queries[:]
    # Another change wakes none of them.
    await db.write(lambda tx: change_registry(tx, 0))
    await db.write(lambda tx: operations.end(tx, row))
    answers = await asyncio.gather(*waiting)
    assert {each.message.done for each in answers} == {True}
    assert len({id(each.content) for each in answers}) == 1, "rendered and serialized once"
    assert 1 <= len([each for each in queries if "operations" in each]) <= 2
    assert edge.changes.listeners() == 0


async def test_principal_with_many_waiting_calls_delays_no_other(db: Database, edge: Dependencies) -> None:
    row = await db.write(lambda tx: operations.create(tx, "ReconcileRegistry", resources.create(tx, REGISTRY, {})))
    service, done = Operations(edge), list[str]()
    request = operations_pb2.WaitOperationRequest(name=f"operations/{row.id}")

    async def wait(principal: str) -> None:
        WORK.set(lambda: Work(edge.turns, principal))
        await service.WaitOperation(request, CALL)
        done.append(principal)

    waiting = [asyncio.create_task(wait("flooder")) for _ in range(100)]
    waiting.append(asyncio.create_task(wait("other")))
    readers = service._followed._readers
    await eventually(lambda: bool(readers) and all(each.streams == len(waiting) for each in readers.values()))
    await eventually(lambda: all(each._done for each in readers.values()))
    await db.write(lambda tx: operations.end(tx, row))
    await asyncio.gather(*waiting)
    assert done.index("other") <= 3


async def test_other_changes_wake_no_call_that_waits(
    db: Database, edge: Dependencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    def begin(tx: Tx) -> list[str]:
        target = resources.create(tx, REGISTRY, {})
        return [operations.create(tx, "ReconcileRegistry", target).id for _ in range(20)]

    ids, woken = await db.write(begin), list[Subscription]()
    wake = Subscription.wake
    monkeypatch.setattr(Subscription, "wake", lambda self: (woken.append(self), wake(self))[1])
    service = Operations(edge)
    requests = [operations_pb2.WaitOperationRequest(name=f"operations/{each}") for each in ids]
    waiting = [asyncio.create_task(service.WaitOperation(each, CALL)) for each in requests]
    readers = service._followed._readers
    await eventually(lambda: len(readers) == len(ids) and all(each._done for each in readers.values()))
    await db.write(lambda tx: change_registry(tx, 0))
    await db.write(lambda tx: operations.end(tx, operations.pending(tx, str(REGISTRY))[0]))
    done, others = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    assert (len(done), len(woken)) == (1, 1)
    for each in others:
        each.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def test_waiting_without_time_returns_the_state(db: Database, edge: Dependencies) -> None:
    row = await db.write(lambda tx: operations.create(tx, "ReconcileRegistry", resources.create(tx, REGISTRY, {})))
    request = operations_pb2.WaitOperationRequest(name=f"operations/{row.id}")
    request.timeout.FromSeconds(0)
    assert not (await Operations(edge).WaitOperation(request, CALL)).message.done


async def test_streams_of_a_missing_rollout_all_end(edge: Dependencies) -> None:
    opened = rollout_page(edge, 1)

    async def follow() -> None:
        async for _ in opened():
            raise AssertionError("there is no such rollout")

    results = await asyncio.gather(*(follow() for _ in range(5)), return_exceptions=True)
    assert [type(each) for each in results] == [NotFound] * 5
    assert edge.changes.listeners() == 0


async def test_stream_behind_the_tail_misses_nothing(db: Database, edge: Dependencies) -> None:
    """One stream reads nothing while more events arrive than the tail keeps."""
    service = Audit(edge)
    streams = [service.WatchAuditEvents(audit_service_pb2.WatchAuditEventsRequest(), CALL) for _ in range(2)]
    fast, slow = streams
    for each in streams:
        assert (await anext(each)).resume_token
    written: list[str] = []

    async def next_of(stream: Any) -> str:
        while True:
            answer = await asyncio.wait_for(anext(stream), 20)
            if isinstance(answer, Answer):
                return str(answer.message.audit_event.method)

    await db.write(lambda tx: change_trail(tx, 0))
    assert [await next_of(each) for each in streams] == ["Change0"] * 2
    for number in range(1, 8):
        names = [f"Write{number}.{index}" for index in range(90)]
        events = [NewEvent(kind="CALL", method=name, resource="x") for name in names]
        await db.write(lambda tx, events=events: audit.add(tx, events))  # type: ignore[misc]
        written += names
        assert [await next_of(fast) for _ in names] == names
    assert [await next_of(slow) for _ in written] == written
    for each in streams:
        await each.aclose()
