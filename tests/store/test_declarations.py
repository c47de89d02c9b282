"""Declarations, their revisions, operations and answered requests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ecrkeeper_server.errors import AlreadyExists
from ecrkeeper_server.names import RegistryName, SettingsName
from ecrkeeper_server.store import (
    claims,
    declaration_pages,
    declarations,
    endings,
    operations,
    originals,
    resources,
    revision_pages,
    schema,
    sqlite_engine,
    tables,
)
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.declarations import STATE_AT
from ecrkeeper_server.store.declared_texts import reading_texts
from ecrkeeper_server.store.operation_metadata import OperationMetadata
from ecrkeeper_server.store.rows import Declaration, Operation
from ecrkeeper_server.store.state_parts import StoredError
from ecrkeeper_server.store.unit_of_work import Origin
from ecrkeeper_server.turns import finish
from msgspec.structs import replace
from sqlalchemy import func, select

from tests import declaring

from .conftest import Clock

REGISTRY = RegistryName("111111111111", "us-east-1")
NAME = SettingsName(REGISTRY, "team-a")
ONE, TWO = {"scanning_configuration": {"scanType": "BASIC"}}, {"scanning_configuration": {"scanType": "ENHANCED"}}


def put(tx: Tx, settings: dict[str, Any], name: SettingsName = NAME, generation: int = 1) -> Declaration:
    return declaring.put(
        tx, name, settings, deletion_policy="ABANDON", allow_replacement=False, registry_generation=generation,
        origin=Origin("Test", "alice", "id", "because"),
    )  # fmt: skip


async def revisions(db: Database) -> list[tuple[int, Any]]:
    page = await db.read(lambda tx: declaring.newest_revisions(tx, NAME))
    return [(each.revision, each.settings) for each in page]


async def test_declaration_changes_store_revisions(db: Database) -> None:
    await db.write(lambda tx: put(tx, ONE))
    second = await db.write(lambda tx: put(tx, TWO))
    assert (second.generation, second.settings) == (2, TWO)
    await db.write(lambda tx: declaring.remove(tx, second, Origin("Delete")))
    assert await db.read(lambda tx: declaring.get(tx, NAME)) is None
    assert await revisions(db) == [(3, None), (2, TWO), (1, ONE)]
    revision = await db.read(lambda tx: declarations.get_revision(tx, NAME, 1))
    assert revision is not None
    assert (revision.principal, revision.request_id, revision.reason, revision.method) == (
        "alice",
        "id",
        "because",
        "Test",
    )


async def test_recreated_declaration_has_new_uid_and_higher_generation(db: Database) -> None:
    first = await db.write(lambda tx: put(tx, ONE))
    await db.write(lambda tx: declaring.remove(tx, first, Origin("Delete")))
    recreated = await db.write(lambda tx: put(tx, TWO))
    assert recreated.generation == 3
    assert recreated.uid != first.uid
    assert recreated.etag != first.etag


async def test_original_is_stored_once_as_revision_0(db: Database) -> None:
    def rules(prefix: str) -> dict[str, Any]:
        rule = {"ecrRepositoryPrefix": prefix, "upstreamRegistryUrl": "quay.io", "upstreamRegistry": "quay"}
        return {"pull_through_cache_rules": {"rules": [rule]}}

    def switches(**values: str) -> dict[str, Any]:
        return {"account_settings": {"settings": [{"name": k, "value": v} for k, v in values.items()]}}

    declared = await db.write(lambda tx: put(tx, ONE))
    scope, mounting = {"REGISTRY_POLICY_SCOPE": "V2"}, {"BLOB_MOUNTING": "DISABLED"}
    for original in (rules("a"), rules("b"), switches(**scope), switches(**mounting), rules("c")):
        await db.write(lambda tx, o=original: originals.record(tx, [originals.Original(declared, o)]))
    assert await revisions(db) == [(1, ONE), (0, {**rules("a"), **switches(**mounting, **scope)})]


async def test_declarations_converged_by_older_version_have_no_original(db: Database) -> None:
    declared = replace(await db.write(lambda tx: put(tx, ONE)), observed_generation=1)
    await db.write(lambda tx: originals.record(tx, [originals.Original(declared, ONE)]))
    assert await revisions(db) == [(1, ONE)]


async def test_revisions_are_paged_newest_first(db: Database) -> None:
    for i in range(5):
        await db.write(lambda tx, i=i: put(tx, {"n": i}))
    page = await db.read_in_turns(lambda tx: revision_pages.reading_page(tx, NAME, 4, 2))
    assert [each.key for each in page] == [3, 2]


def _name(row: declaration_pages.ListedDeclaration) -> SettingsName:
    return SettingsName(RegistryName(row.account, row.region), row.owner)


async def test_declarations_are_paged_by_account_region_and_owner(db: Database) -> None:
    names = [
        SettingsName(RegistryName(account, region), owner)
        for account in ("111111111111", "222222222222")
        for region in ("eu-west-1", "us-east-1")
        for owner in ("a", "b")
    ]
    for name in reversed(names):
        await db.write(lambda tx, name=name: resources.ensure(tx, name.registry, {}, due=True))
        await db.write(lambda tx, name=name: put(tx, ONE, name))
    after, paged = ("", "", ""), list[SettingsName]()
    while page := await db.read_in_turns(
        lambda tx, after=after: declaration_pages.reading_page(tx, "-", "-", after, 3)
    ):
        paged += [_name(row) for row in page]
        after = (paged[-1].registry.account, paged[-1].registry.region, paged[-1].owner)
    assert paged == names
    some = await db.read_in_turns(
        lambda tx: declaration_pages.reading_page(tx, "222222222222", "us-east-1", ("", "", ""), 9)
    )
    assert list(map(_name, some)) == names[-2:]
    read = await db.read(lambda tx: declarations.stored(tx, names[-2:]))
    assert [declarations.decoded(read[name])[0].name for name in names[-2:]] == names[-2:]
    assert all(declarations.decoded(row)[1].due_at is not None for row in read.values())
    assert await db.read(lambda tx: declarations.of_registries(tx, [])) == {}


async def test_state_is_read_and_hashed_once_for_all_owners_of_a_registry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    digest = sqlite_engine._digest
    monkeypatch.setattr(
        sqlite_engine, "_digest", lambda text, seed: (text and hashed.append(text), digest(text, seed))[1]
    )
    url = f"sqlite:///{tmp_path / 'ecrkeeper.db'}"
    schema.migrate(url)
    db = schema.open_database(url)
    names = [SettingsName(RegistryName("1" * 12, region), f"o{at}") for region in ("a-1", "b-1") for at in range(50)]
    for name in names:
        await db.write(lambda tx, name=name: (resources.ensure(tx, name.registry, {}), put(tx, ONE, name)))  # type: ignore[misc]
    page = await db.read_in_turns(lambda tx: declaration_pages.reading_page(tx, "-", "-", ("", "", ""), 100))
    assert [_name(row) for row in page] == sorted(names, key=str)
    assert len(hashed) == 2, "one state for each registry"
    assert len({(row.region, row.digest) for row in page}) == 2
    read = await db.read_in_turns(lambda tx: declaration_pages.reading(tx, page[10:90]))
    assert len(hashed) == 4
    assert [read[row.place][0] for row in page[10:90]] == page[10:90]
    assert len({id(stored[STATE_AT]) for _, stored in read.values()}) == 2, "rows share the text of a state"
    await db.close()


async def test_declaration_without_its_registry_is_listed_and_not_read(db: Database) -> None:
    await db.write(lambda tx: put(tx, ONE))
    (row,) = await db.read_in_turns(lambda tx: declaration_pages.reading_page(tx, "-", "-", ("", "", ""), 9))
    assert (_name(row), row.digest, row.due_at) == (NAME, None, None)
    assert await db.read_in_turns(lambda tx: declaration_pages.reading(tx, [row])) == {}


async def test_declarations_of_a_registry_are_parsed_one_in_a_step(db: Database) -> None:
    names = [SettingsName(REGISTRY, f"team-{at:02}") for at in range(20)]
    await db.write(lambda tx: [put(tx, ONE, name) for name in names])
    texts = await db.read_in_turns(lambda tx: reading_texts(tx, REGISTRY))
    assert declarations.parsing_cost(texts) == 20 + 20 * len(json.dumps(ONE, separators=(",", ":"))) // 100
    steps = declarations.parsing(texts)
    assert sum(1 for _ in steps) == len(names)
    parsed = finish(declarations.parsing(texts))
    assert [each.name for each in parsed] == names
    assert parsed == await db.read(lambda tx: declarations.of_registry(tx, REGISTRY))


async def test_one_setting_of_an_account_is_read_alone(db: Database) -> None:
    names = [
        SettingsName(RegistryName(account, "us-east-1"), owner) for account in ("1" * 12, "2" * 12) for owner in "ab"
    ]
    policy = {"registry_policy": {"policyText": '{"a": "\\u0000 é"}'}}
    for name in names:
        await db.write(lambda tx, name=name: put(tx, {**ONE, **(policy if name.owner == "a" else {})}, name))  # type: ignore[misc]
    rows = await db.read_in_turns(lambda tx: declarations.reading_setting(tx, "1" * 12, "registry_policy"))
    shapes = {(row.region, row.owner): row.shape and json.loads(row.shape) for row in rows}
    assert shapes == {("us-east-1", "a"): policy["registry_policy"], ("us-east-1", "b"): None}


async def test_only_declarations_of_finished_generation_converge(db: Database) -> None:
    await db.write(lambda tx: resources.ensure(tx, REGISTRY, {}, due=True))
    other = SettingsName(REGISTRY, "team-b")
    await db.write(lambda tx: put(tx, ONE, NAME, 1))
    (row,) = await db.write(lambda tx: claims.claim(tx, backlog=claims.Capacity(1), lease=30))
    await db.write(lambda tx: put(tx, TWO, other, 2))
    await db.write(lambda tx: endings.mark_declarations(tx, row))
    rows = await db.read(lambda tx: declarations.of_registry(tx, REGISTRY))
    assert {each.owner: each.observed_generation for each in rows} == {"team-a": 1, "team-b": 0}


async def test_failed_transaction_stores_nothing(db: Database) -> None:
    def change(tx: Tx) -> None:
        resources.ensure(tx, REGISTRY, {})
        put(tx, ONE)
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        await db.write(change)
    assert await db.read(lambda tx: resources.get(tx, str(REGISTRY))) is None
    assert await db.read(lambda tx: declaring.get(tx, NAME)) is None
    assert await revisions(db) == []


async def test_ensure_creates_resource_once(db: Database) -> None:
    first = await db.write(lambda tx: resources.ensure(tx, REGISTRY, {"mode": "OBSERVE"}))
    second = await db.write(lambda tx: resources.ensure(tx, REGISTRY, {"mode": "PAUSED"}))
    assert (second.uid, second.spec, second.due_at) == (first.uid, {"mode": "OBSERVE"}, None)


UUID = "6F9619FF-8B86-D011-B42D-00C04FC964FF"

# request id, method, fingerprint, result, reason
REQUESTS = [
    (UUID, "Create", "abc", "the-first", "the same call again"),
    (UUID.lower(), "Create", "abc", "the-first", "UUIDs do not differ by case"),
    (UUID, "Delete", "abc", AlreadyExists, "another method"),
    (UUID, "Create", "xyz", AlreadyExists, "other content"),
    ("", "Create", "abc", None, "no request id"),
    (UUID.replace("6", "7"), "Create", "abc", None, "another id"),
]


@pytest.mark.parametrize(
    ("request_id", "method", "fingerprint", "expected", "reason"), REQUESTS, ids=lambda v: str(v)[:12]
)
async def test_request_id_identifies_one_call(
    db: Database, request_id: str, method: str, fingerprint: str, expected: Any, reason: str
) -> None:
    await db.write(lambda tx: operations.save_response(tx, UUID, "Create", "abc", "the-first"))
    await db.write(lambda tx: operations.save_response(tx, "", "Create", "abc", "nothing"))
    if expected is AlreadyExists:
        with pytest.raises(AlreadyExists) as caught:
            await db.read(lambda tx: operations.find_response(tx, request_id, method, fingerprint))
        assert caught.value.reason == "REQUEST_ID_REUSED"
        return
    response = await db.read(lambda tx: operations.find_response(tx, request_id, method, fingerprint))
    assert (response.result if response else None) == expected, reason


async def begin(db: Database, method: str = "Reconcile") -> Operation:
    row = await db.write(lambda tx: resources.ensure(tx, REGISTRY, {}))
    return await db.write(lambda tx: operations.create(tx, method, row, OperationMetadata({"phase": "A"})))


async def test_operation_ends_once(db: Database) -> None:
    operation = await begin(db)
    await db.write(lambda tx: operations.progress(tx, operation, OperationMetadata({"phase": "B"})))
    await db.write(lambda tx: operations.end(tx, operation, response={"ok": True}))
    await db.write(
        lambda tx: operations.end(tx, operation, error=StoredError(code="INTERNAL", reason="INTERNAL", message=""))
    )
    stored = await db.read(lambda tx: operations.get(tx, operation.id))
    assert stored is not None
    assert (stored.done, stored.response, stored.error, stored.metadata) == (True, {"ok": True}, None, {"phase": "B"})


async def test_only_unfinished_operations_are_pending(db: Database, clock: Clock) -> None:
    first = await begin(db)
    clock.advance(1)
    second, other = await begin(db), await begin(db, "StartReplicationBackfill")
    await db.write(lambda tx: operations.end(tx, other, response={}))
    pending = await db.read(lambda tx: operations.pending(tx, str(REGISTRY)))
    assert [each.id for each in pending] == [first.id, second.id]
    assert await db.read(lambda tx: operations.pending(tx, str(REGISTRY), "StartReplicationBackfill")) == []


async def test_purge_deletes_some_operations_and_requests(
    db: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "PURGED_AT_ONCE", 2)
    for at in range(5):
        ended = await begin(db)
        await db.write(lambda tx, ended=ended: operations.end(tx, ended, response={}))  # type: ignore[misc]
        await db.write(lambda tx, at=at: operations.save_response(tx, f"{at}{UUID[1:]}", "Create", "abc", "x"))  # type: ignore[misc]
    clock.advance(86_400 * 8)
    left, more = [], True
    while more:
        more = await db.write(operations.purge)
        left.append(await db.read(lambda tx: [tx.conn.execute(select(func.count()).select_from(table)).scalar_one()
                                             for table in (tables.operations, tables.requests)]))  # fmt: skip
    assert left == [[3, 5], [1, 5], [0, 3], [0, 1], [0, 0]], "a transaction fills one statement at most"


async def test_old_requests_and_ended_operations_are_deleted(db: Database, clock: Clock) -> None:
    running, ended = await begin(db), await begin(db)
    await db.write(lambda tx: operations.end(tx, ended, response={}))
    await db.write(lambda tx: operations.save_response(tx, UUID, "Create", "abc", "x"))
    clock.advance(86_400 * 6)
    await db.write(operations.purge)
    assert await db.read(lambda tx: operations.find_response(tx, UUID, "Create", "abc")) is None
    assert await db.read(lambda tx: operations.get(tx, ended.id)) is not None
    clock.advance(86_400 * 2)
    await db.write(operations.purge)
    assert await db.read(lambda tx: operations.get(tx, ended.id)) is None
    assert await db.read(lambda tx: operations.get(tx, running.id)) is not None
