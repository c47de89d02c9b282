"""Only transactions that make a resource due wake the engines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from ecrkeeper_server.names import RegistryName, SettingsName
from ecrkeeper_server.store import audit, claims, endings, findings, operations, queue, resources, work
from ecrkeeper_server.store.audit import NewEvent
from ecrkeeper_server.store.database import DUE, Database, Tx
from ecrkeeper_server.store.rows import Method, Resource

NAME = RegistryName("111111111111", "us-east-1")


@dataclass(frozen=True)
class Case:
    reason: str
    change: Callable[[Tx, Resource], Any]
    wakes: bool


def row_of(tx: Tx) -> Resource:
    row = resources.get(tx, str(NAME))
    assert row is not None
    return row


def end(tx: Tx, row: Resource) -> None:
    [claimed] = claims.claim(tx, lease=30.0, backlog=claims.Capacity(10))
    assert endings.finish(tx, [(claimed, queue.Outcome({"new": 1}, 1, 900.0, 0, observed_at=1))]) != [None]


def save_unit(tx: Tx, row: Resource) -> None:
    unit = work.load(tx, [SettingsName(NAME, "team-a")])
    unit.set_spec(unit.registry(NAME, {}), {"mode": "OBSERVE"})
    work.save(tx, unit)


CASES = [
    Case("a new spec", lambda tx, row: resources.set_spec(tx, row.name, {"mode": "OBSERVE"}), True),
    Case("a request", lambda tx, row: resources.request(tx, row.name), True),
    Case("a declaration", save_unit, True),
    Case("an operation", lambda tx, row: operations.reconcile(tx, Method.RECONCILE_REGISTRY, row), True),
    Case("a new resource", lambda tx, _: resources.ensure(tx, RegistryName("2" * 12, "us-east-1"), {}, due=True), True),
    Case("a resource without work", lambda tx, _: resources.ensure(tx, RegistryName("2" * 12, "us-east-1"), {}), False),
    Case("the end of an attempt", end, False),
    Case("an audit event", lambda tx, row: audit.record(tx, [NewEvent(kind="CALL", method="m", resource="r")]), False),
    Case("a finding", lambda tx, row: findings.change(tx, row.name, lambda f: f.without_attribution("no", 1)), False),
    Case("an event, two seconds later", lambda tx, row: resources.enqueue_by_event(tx, [row.name]), False),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
async def test_listeners_learn_what_is_due(db: Database, case: Case) -> None:
    await db.write(lambda tx: resources.ensure(tx, NAME, {}, due=True))

    def change(tx: Tx) -> set[str]:
        case.change(tx, row_of(tx))
        return set(tx.changed)

    assert (DUE in await db.write(change)) == case.wakes
