"""Writes in registries with many elements, decided before their transaction."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import pytest
from ecrkeeper.v1 import common_pb2, registry_pb2
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from ecrkeeper_server.api.services.registries import Registries
from ecrkeeper_server.declarations.commands import PutDeclaration
from ecrkeeper_server.declarations.committer import Committer
from ecrkeeper_server.declarations.deletion import DeleteDeclaration
from ecrkeeper_server.declarations.idempotency import Caller
from ecrkeeper_server.errors import AlreadyExists, FailedPrecondition
from ecrkeeper_server.names import RegistryName, SettingsName
from ecrkeeper_server.store import claims, declarations, resources, schema, sweep, tables, work
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.decided import describing, save_if_current
from ecrkeeper_server.store.specs import DeclarationSpec
from ecrkeeper_server.store.sqlite import SqliteDatabase
from ecrkeeper_server.store.sqlite_engine import sqlite_engine
from ecrkeeper_server.store.unit_of_work import Manager, Origin, UnitOfWork
from ecrkeeper_server.store.work import columns_of
from ecrkeeper_server.turns import Steps, finish
from google.protobuf import field_mask_pb2
from msgspec.structs import replace
from sqlalchemy import delete, select

from tests import declaring
from tests.dependencies import dependencies
from tests.views import largest

PLACE = RegistryName("111111111111", "us-east-1")
OWNERS = 300
FIRST = SettingsName(PLACE, "owner-0000")
Change = Callable[[Tx], Any]


def settings(at: int, url: str = "quay.io") -> dict[str, Any]:
    return {"pull_through_cache_rules": {"rules": [{"ecrRepositoryPrefix": f"p{at}", "upstreamRegistryUrl": url}]}}


def replicated(at: int) -> dict[str, Any]:
    destination = {"region": "eu-west-1", "registryId": "222222222222"}
    filters = [{"filter": f"team-{at}-{n}/", "filterType": "PREFIX_MATCH"} for n in range(2)]
    return {"replication_configuration": {"rules": [{"destinations": [destination], "repositoryFilters": filters}]}}


def fill(tx: Tx) -> None:
    resources.create(tx, PLACE, {"mode": "ENFORCE"})
    owners = [largest.owner(f"owner-{at:04}", replicated(at)) for at in range(OWNERS)]
    tx.insert_rows(tables.declarations, [columns_of(replace(each, region=PLACE.region)) for each in owners])


@pytest.fixture
async def filled(db: Database) -> Database:
    await db.write(fill)
    return db


def put(owner: str, spec: dict[str, Any], request_id: str = "", **options: Any) -> PutDeclaration:
    declaration = DeclarationSpec(spec, "REMOVE", False)
    caller = Caller("UpdateRegistrySettings", request_id, f"{owner} {spec}")
    arguments: dict[str, Any] = {"create": True, "update": True, **options}
    return PutDeclaration(name=SettingsName(PLACE, owner), change=lambda _: declaration, caller=caller, **arguments)


class Interfering:
    """A database in which something changes after each large read."""

    def __init__(self, db: Database, *changes: Change) -> None:
        self.db, self.read, self.changes, self.reads = db, db.read, list(changes), 0
        self.write, self.reads_inline = db.write, db.reads_inline

    async def read_in_turns(self, query: Callable[[Tx], Steps[Any]]) -> Any:
        read = await self.db.read_in_turns(query)
        self.reads += 1
        if self.changes:
            await self.db.write(self.changes.pop(0))
        return read


def declare(owner: str, spec: dict[str, Any]) -> Change:
    def change(tx: Tx) -> None:
        call = put(owner, spec)
        unit = work.load(tx, [call.name])
        call.decide(unit)
        work.save(tx, unit)

    return change


async def stored(db: Database) -> dict[str, Any]:
    declared = await db.read(lambda tx: declarations.of_registry(tx, PLACE))
    return {one.owner: one.settings for one in declared if one.settings.keys() != {"replication_configuration"}}


class Watched(PutDeclaration, frozen=True, kw_only=True):
    """A call that records in which threads it is decided."""

    threads: list[tuple[str, int]]

    def decide(self, unit: UnitOfWork) -> Any:
        self.threads.append(("decide", threading.get_ident()))
        return super().decide(unit)

    def deciding(self, unit: UnitOfWork) -> Steps[Any]:
        self.threads.append(("deciding", threading.get_ident()))
        return (yield from super().deciding(unit))


def watched(call: PutDeclaration) -> Watched:
    return Watched(**{name: getattr(call, name) for name in call.__struct_fields__}, threads=[])


async def test_large_write_is_decided_on_the_event_loop(filled: Database) -> None:
    committer = Committer(filled)
    calls = [watched(put("new", settings(1))), watched(put("new", settings(2)))]
    for call in calls:
        await committer.write(call)
        # Also the first one, before the process knows the registry.
        assert call.threads == [("deciding", threading.get_ident())]
    assert await stored(filled) == {"new": settings(2)}


async def test_first_write_on_sqlite_reads_few_rows_in_its_thread(filled: Database) -> None:
    watched_db = Interfering(filled)
    writes, write = list[Change](), filled.write

    async def counted(change: Change) -> Any:
        writes.append(change)
        return await write(change)

    watched_db.write = counted
    await Committer(cast("Database", watched_db)).write(put("new", settings(1)))
    # Postgres would wait for another round trip to know that the registry is large; it finds that in a transaction.
    assert len(writes) == (1 if filled.reads_inline else 2)


def reconciled(deps: Any) -> Awaitable[Any]:
    return Registries(deps).ReconcileRegistry(pb.ReconcileRegistryRequest(name=str(PLACE)), deps)


def observed(deps: Any) -> Awaitable[Any]:
    registry = registry_pb2.Registry(name=str(PLACE), mode=common_pb2.OBSERVE)
    mask = field_mask_pb2.FieldMask(paths=["mode"])
    return Registries(deps).UpdateRegistry(pb.UpdateRegistryRequest(registry=registry, update_mask=mask), deps)


def claimed(deps: Any) -> Awaitable[Any]:
    def change(tx: Tx) -> Any:
        resources.request(tx, str(PLACE))
        return sweep.desired(tx, claims.claim(tx, lease=60, backlog=claims.Capacity(1)))

    return cast("Database", deps.db).write(change)


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda deps: Committer(deps.db).write(put("new", settings(1))), "a declaration"),
        (reconciled, "a call that only makes the registry due"),
        (observed, "a call that returns all declarations"),
        (claimed, "an attempt that needs all of them"),
    ],
)
async def test_writer_of_sqlite_returns_no_row_for_each_owner(
    tmp_path: Path, call: Callable[[Any], Awaitable[Any]], reason: str
) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    await asyncio.to_thread(schema.migrate, url)
    db = SqliteDatabase(sqlite_engine(url))
    await db.write(fill)
    rows = list[Any]()

    def counted(_: Any, row: Any) -> Any:
        rows.append(row)
        return row

    # The driver releases the GIL for each row, and a busy loop then keeps it.
    driver: Any = db._writing.connection.driver_connection
    driver.row_factory = counted
    await call(dependencies(db))
    assert 0 < len(rows) < 20, reason
    await db.close()


@pytest.mark.parametrize(
    ("owners", "many", "reason"),
    [
        (0, False, "no declarations"),
        (OWNERS, False, "as many as are decided on in a transaction"),
        (OWNERS + 1, True, "one more"),
    ],
)
async def test_registry_has_many_declarations_by_their_number(
    filled: Database, owners: int, many: bool, reason: str
) -> None:
    def change(tx: Tx) -> bool:
        elsewhere = tables.declarations.c.region == PLACE.region
        if not owners:
            tx.conn.execute(delete(tables.declarations).where(elsewhere))
        elif owners > OWNERS:
            declare("new", settings(1))(tx)
        # Each row weighs 100 characters, however short its settings are.
        return work.has_many(tx, PLACE, OWNERS * 100)

    assert await filled.write(change) is many, reason


async def test_small_write_is_decided_in_its_transaction(db: Database) -> None:
    call = watched(put("new", settings(1)))
    await Committer(db).write(call)
    assert [how for how, _ in call.threads] == ["decide"]


async def test_large_write_stores_what_a_small_one_does(filled: Database) -> None:
    large = await Committer(filled).write(put("new", settings(1), str(uuid.uuid4())))
    row = await filled.read(lambda tx: resources.get(tx, str(PLACE)))
    assert row == large.registry and row.generation == row.requested == 2
    in_transaction: list[Any] = []

    def again(tx: Tx) -> None:
        call = put("other", settings(2), str(uuid.uuid4()))
        unit = work.load(tx, [call.name])
        in_transaction.append(call.decide(unit))
        work.save(tx, unit)

    await filled.write(again)
    (small,) = in_transaction
    same: dict[str, Any] = {"uid": "", "create_time": 0, "update_time": 0, "owner": "", "registry_generation": 0}
    assert replace(large.declared, **same, settings={}) == replace(small.declared, **same, settings={})
    assert small.registry.generation == large.registry.generation + 1


@pytest.mark.parametrize(
    ("changes", "reads", "reason"),
    [
        ([], 1, "nothing changes"),
        ([declare("other", settings(2))], 2, "another owner declares"),
        ([declare("other", settings(at)) for at in range(2, 9)], 3, "others declare all the time"),
    ],
)
async def test_large_write_keeps_concurrent_writes(
    filled: Database, changes: list[Change], reads: int, reason: str
) -> None:
    interfering: Any = Interfering(filled, *changes)
    await Committer(interfering).write(put("new", settings(1)))
    assert interfering.reads == reads, reason
    others = len(changes) - len(interfering.changes)
    expected = {"new": settings(1), **({"other": settings(1 + others)} if others else {})}
    assert await stored(filled) == expected, reason


async def test_conflict_that_appears_meanwhile_is_rejected(filled: Database) -> None:
    interfering: Any = Interfering(filled, declare("other", settings(1, "public.ecr.aws")))
    with pytest.raises(FailedPrecondition):
        await Committer(interfering).write(put("new", settings(1)))
    assert await stored(filled) == {"other": settings(1, "public.ecr.aws")}


async def test_conflict_that_disappears_meanwhile_is_not_reported(filled: Database) -> None:
    await filled.write(declare("other", settings(1, "public.ecr.aws")))
    interfering: Any = Interfering(filled, declare("other", settings(2)))
    await Committer(interfering).write(put("new", settings(1)))
    assert await stored(filled) == {"other": settings(2), "new": settings(1)}


async def test_repeated_large_call_is_stored_once(filled: Database) -> None:
    committer, request_id = Committer(filled), str(uuid.uuid4())
    calls = [put("new", settings(1), each) for each in (request_id, request_id.upper(), request_id)]
    results = await asyncio.gather(*map(committer.write, calls))
    assert {each.declared.generation for each in results} == {1}
    with pytest.raises(AlreadyExists):
        await committer.write(put("other", settings(2), request_id))
    row = await filled.read(lambda tx: resources.get(tx, str(PLACE)))
    assert row is not None and row.generation == 2


async def test_replicas_write_one_large_registry(filled: Database) -> None:
    committers = [Committer(filled) for _ in range(3)]
    calls = [put(f"new-{at}", settings(at)) for at in range(12)]
    await asyncio.gather(*(committers[at % 3].write(call) for at, call in enumerate(calls)))
    assert await stored(filled) == {f"new-{at}": settings(at) for at in range(12)}
    row = await filled.read(lambda tx: resources.get(tx, str(PLACE)))
    assert row is not None and row.generation == 13


async def test_large_deletion_is_stored(filled: Database) -> None:
    committer = Committer(filled)
    await committer.write(put("new", settings(1)))
    name = SettingsName(PLACE, "new")
    written = await committer.write(DeleteDeclaration(name=name, caller=Caller("DeleteRegistrySettings")))
    assert written is not None and written.registry.generation == 3
    assert await stored(filled) == {}


def recreate(tx: Tx) -> None:
    before = declaring.get(tx, FIRST)
    assert before is not None
    declaring.remove(tx, before, Origin("Test"))
    created = declaring.put(tx, FIRST, before.settings, registry_generation=1, origin=Origin("Test"))
    # With the same generation, only the uid differs.
    tx.update_rows(tables.declarations, work.KEY, [{**work.key_of(FIRST), "generation": before.generation}])
    assert created.uid != before.uid


def manage(tx: Tx) -> None:
    unit = work.load(tx, [FIRST])
    unit.mark(unit.declared[PLACE][FIRST.owner], Manager("registrySets/base", 1))
    work.save(tx, unit)


def remove_first(tx: Tx) -> None:
    tx.conn.execute(delete(tables.declarations).where(tables.declarations.c.owner == FIRST.owner))


def call_with(request_id: str) -> Change:
    def change(tx: Tx) -> None:
        values = {"request_id": request_id, "method": "M", "fingerprint": "", "result": "", "create_time": 0}
        tx.insert_rows(tables.requests, [values])

    return change


REQUEST_ID = str(uuid.uuid4())


@pytest.mark.parametrize(
    ("change", "current", "reason"),
    [
        (lambda tx: None, True, "nothing has changed"),
        (declare("new", settings(1)), False, "a new owner declares"),
        (recreate, False, "an owner was deleted and declares the same again"),
        (manage, False, "a registry set manages a declaration now"),
        (remove_first, False, "a declaration is missing, whatever the generation of the registry"),
        (lambda tx: resources.set_spec(tx, str(PLACE), {"mode": "OBSERVE"}), False, "another mode"),
        (lambda tx: resources.request(tx, str(PLACE)), False, "a reconcile is requested"),
        (call_with(REQUEST_ID), False, "a call with the same id was answered"),
        (call_with(str(uuid.uuid4())), True, "a call with another id was answered"),
        (lambda tx: resources.create(tx, RegistryName("333333333333", "eu-west-1"), {}), True, "another registry"),
    ],
)
async def test_decision_is_stored_only_on_its_basis(
    filled: Database, change: Change, current: bool, reason: str
) -> None:
    call = put("owner-0001", settings(1), REQUEST_ID)
    texts = await filled.read_in_turns(lambda tx: work.reading(tx, [call.name], [REQUEST_ID]))
    unit = finish(work.parsing(texts))
    finish(call.deciding(unit))
    basis = finish(describing(unit))
    await filled.write(change)
    assert await filled.write(lambda tx: save_if_current(tx, unit, basis, REQUEST_ID)) is current, reason
    declared = await filled.read(lambda tx: declaring.get(tx, call.name))
    assert declared is not None and (declared.settings == settings(1)) is current, reason


async def test_decision_on_a_new_registry_needs_that_nobody_creates_it(db: Database) -> None:
    call = put("new", settings(1))
    unit = finish(work.parsing(await db.read_in_turns(lambda tx: work.reading(tx, [call.name]))))
    finish(call.deciding(unit))
    basis = finish(describing(unit))
    await db.write(lambda tx: resources.create(tx, PLACE, {"mode": "PAUSED"}))
    assert not await db.write(lambda tx: save_if_current(tx, unit, basis, ""))
    rows = await db.read(lambda tx: tx.conn.execute(select(tables.revisions)).all())
    assert rows == []
