"""Transactions of large attempts and calls only run statements."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from types import FrameType
from typing import Any

import pytest
from ecrkeeper_server.declarations.commands import PutDeclaration
from ecrkeeper_server.declarations.committer import Committer
from ecrkeeper_server.declarations.idempotency import Caller
from ecrkeeper_server.ecr.apply import AwsWrite
from ecrkeeper_server.engine.attempt import Attempt, AttemptResult
from ecrkeeper_server.engine.conditions import Status
from ecrkeeper_server.engine.finish import Finisher
from ecrkeeper_server.names import RegistryName, SettingsName
from ecrkeeper_server.settings.elements import Change, ChangeKind
from ecrkeeper_server.store import (
    audit,
    audit_pages,
    claims,
    declarations,
    drifting,
    event_tables,
    json_columns,
    originals,
    resources,
    schema,
    sweep,
    tables,
)
from ecrkeeper_server.store.database import Database, Query, Rows, Tx
from ecrkeeper_server.store.json_columns import json_text
from ecrkeeper_server.store.long_json import LONG
from ecrkeeper_server.store.rows import Resource, parsed
from ecrkeeper_server.store.specs import DeclarationSpec
from ecrkeeper_server.store.states import RegistryState
from ecrkeeper_server.store.work import columns_of
from ecrkeeper_server.turns import finish
from msgspec.structs import replace
from sqlalchemy import Connection, select, update

from tests.views import largest

PLACE = RegistryName("111111111111", "us-east-1")
EXCLUSIONS = "pull_time_update_exclusions"
DRIFT, CHANGED, OWNERS, EVENTS = 6_000, 100, 300, 10
# Some ten statements, of which each runs some hundred lines; and some lines for each owner.
MOST_LINES = 20_000


def arn(at: int) -> str:
    return f"arn:aws:iam::111111111111:role/{at:05}-{'x' * 100}"


def state(numbers: range) -> dict[str, Any]:
    differ = {"setting": EXCLUSIONS, "kind": "UNEXPECTED", "desired": None, "observed": {}, "owners": [], "since": 1}
    drift = [{**differ, "key": arn(at)} for at in numbers]
    return {"observed": {EXCLUSIONS: {}}, "drift": drift, "conditions": largest.conditions("no"), "applied": {}}


class Watched:
    """Counts what transactions write and run."""

    def __init__(self, db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lines = self.characters = self.inside = 0
        self._inside = False
        write, sorted_text = db.write, json_columns._sorted

        async def counted(change: Callable[[Tx], Any]) -> Any:
            return await write(lambda tx: self._run(change, tx))

        def text(value: Any) -> str:
            made = sorted_text(value)
            self.characters += len(made)
            if self._inside:
                self.inside += len(made)
            return made

        monkeypatch.setattr(db, "write", counted)
        monkeypatch.setattr(json_columns, "_sorted", text)

    def reset(self) -> None:
        self.lines = self.characters = self.inside = 0

    def check(self, written: int) -> None:
        """Expect that much is written, and little of it in transactions."""
        assert self.characters > written
        assert self.inside < LONG / 2
        assert 0 < self.lines < MOST_LINES

    def _run(self, change: Callable[[Tx], Any], tx: Tx) -> Any:
        before, self._inside = sys.gettrace(), True
        sys.settrace(self._count)
        try:
            return change(tx)
        finally:
            sys.settrace(before)
            self._inside = False

    def _count(self, _frame: FrameType, event: str, _argument: Any) -> Any:
        self.lines += event == "line"
        return self._count


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    opened = schema.open_database(database_url)

    def fill(tx: Tx) -> None:
        row = resources.ensure(tx, PLACE, {"mode": "ENFORCE"}, due=True)
        resources.patch(tx, row.name, state=state(range(DRIFT)))
        owners = [largest.owner(f"owner-{at:04}", replicated(at)) for at in range(OWNERS)]
        tx.insert_rows(tables.declarations, [columns_of(each) for each in owners])
        drift = finish(drifting.comparing(RegistryState({}), RegistryState(state(range(DRIFT)))))
        drifting.change(tx, row.name, drift)
        tx.conn.execute(update(tables.schedule).values(observe_time=1))

    await opened.write(fill)
    yield opened
    await opened.close()


def replicated(at: int) -> dict[str, Any]:
    destinations = [{"region": "eu-west-1", "registryId": "222222222222"}]
    filters = [{"filter": f"team-{at}/", "filterType": "PREFIX_MATCH"}]
    return {largest.REPLICATION: {"rules": [{"destinations": destinations, "repositoryFilters": filters}]}}


def exclusions(first: int, end: int) -> dict[str, Any]:
    return {EXCLUSIONS: {"principalArns": [arn(at) for at in range(first, end)]}}


async def begin(db: Database) -> Attempt:
    """Claim the registry as a worker does."""

    def claim(tx: Tx) -> tuple[Resource, sweep.Desired]:
        resources.request(tx, str(PLACE))
        (row,) = claims.claim(tx, lease=60, backlog=claims.Capacity(1))
        return row, sweep.desired(tx, [row])[row.name]

    row, desired = await db.write(claim)
    await parsed(row)
    finish(desired.reading())
    aws: Any = None
    return Attempt(row, db, aws, desired, 2, PLACE.region, elements=10_000, reconcile_id="r")


async def current(db: Database) -> Resource:
    row = await db.read(lambda tx: resources.get(tx, str(PLACE)))
    assert row is not None
    return row


async def end(db: Database, attempt: Attempt, ended: dict[str, Any]) -> None:
    result = AttemptResult(RegistryState(ended), Status(True, reason="IN_SYNC"), observed=True, converged=True)
    await Finisher(db, 900.0, lambda: 0.5).finish(attempt, result)


async def indexed(db: Database) -> set[str]:
    return set(await db.read(lambda tx: tx.conn.execute(select(tables.drifting.c.element)).scalars().all()))


async def test_claim_reads_one_row_for_all_owners(db: Database) -> None:
    counts: list[int] = []

    def desired(tx: Tx) -> sweep.Desired:
        row = resources.get(tx, str(PLACE))
        assert row is not None

        def ask(conn: Connection, queries: Sequence[Query]) -> list[Rows]:
            asked = tx.ask(conn, queries)
            counts.extend(len(list(rows)) for rows in asked)
            return asked

        return sweep.desired(dataclasses.replace(tx, ask=ask), [row])[row.name]

    read = await db.write(desired)
    finish(read.reading())
    # SQLite's driver releases the GIL for each row, and a busy loop then keeps it.
    assert counts == [1, 0]
    expected = [largest.owner(f"owner-{at:04}", replicated(at)) for at in range(OWNERS)]
    assert read.declared == expected


async def test_end_of_large_attempt_writes_nothing_long(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(db, monkeypatch)
    # The first one builds the statements.
    for at in (1, 2):
        attempt = await begin(db)
        ended = state(range(at * CHANGED, DRIFT + at * CHANGED))
        watched.reset()
        await end(db, attempt, ended)
        row = await current(db)
        assert [each["key"] for each in row.stored_state["drift"]] == [each["key"] for each in ended["drift"]]
        assert await indexed(db) == {arn(n) for n in range(at * CHANGED, DRIFT + at * CHANGED)}
    watched.check(written=DRIFT * 100)
    requested = select(event_tables.attributions.c.elements)
    (elements,) = await db.read(lambda tx: tx.conn.execute(requested).scalars().all())
    assert elements == [arn(n) for n in range(DRIFT + CHANGED, DRIFT + 2 * CHANGED)]


async def test_end_that_keeps_a_long_state_writes_none(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(db, monkeypatch)
    await end(db, await begin(db), state(range(DRIFT)))
    for _ in range(2):
        attempt, before = await begin(db), await current(db)
        watched.reset()
        # Another list with the same drift.
        await end(db, attempt, {**before.stored_state, "drift": state(range(DRIFT))["drift"]})
    assert watched.characters < LONG / 2
    assert 0 < watched.lines < MOST_LINES
    row = await current(db)
    assert (row.stored_state, row.lease_token, row.due_at is None) == (before.stored_state, None, False)


async def test_state_that_was_saved_before_is_stored_at_the_end(db: Database) -> None:
    claimed = state(range(DRIFT))
    await end(db, await begin(db), claimed)
    attempt = await begin(db)
    before = attempt.claimed.stored_state
    await attempt.record([], RegistryState({**before, "probed_at": 7}))
    assert (await current(db)).stored_state["probed_at"] == 7
    await end(db, attempt, before)
    assert (await current(db)).stored_state == before


async def test_intent_of_large_attempt_writes_nothing_long(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(db, monkeypatch)
    for at in (1, 2):
        attempt = await begin(db)
        changes = [Change(EXCLUSIONS, arn(n), ChangeKind.ADD, None, {}) for n in range(5_000)]
        writes = [AwsWrite("1", "r", "ecr", "Put", {}, changes) for _ in range(EVENTS)]
        unconverged = [replace(each, observed_generation=0) for each in attempt.desired.declared[: at * 10]]
        found = [originals.Original(each, exclusions(at, 2_000)) for each in unconverged]
        intended = RegistryState({**state(range(DRIFT)), "probed_at": at})
        watched.reset()
        await attempt.intend(writes, intended, found)
        assert (await current(db)).stored_state == intended.stored
        assert len({write.id for write in writes}) == EVENTS
        await end(db, attempt, intended.stored)
    watched.check(written=DRIFT * 100)
    events = await db.read_then_parse(lambda tx: audit_pages.reading_page(tx, audit.Selection(), None, 2 * EVENTS))
    assert {3_000 < each.omitted < 5_000 and each.size > audit.CHANGES_LIMIT // 2 for each in events} == {True}
    for at in (0, 15):
        name = SettingsName(PLACE, f"owner-{at:04}")
        first = await db.read(lambda tx, name=name: declarations.get_revision(tx, name, 0))  # type: ignore[misc]
        # Settings that are stored already do not change.
        assert first is not None and first.settings == exclusions(1 if at == 0 else 2, 2_000)
        assert first.deletion_policy == "ABANDON" and first.method == "Observe" and first.create_time > 0


async def test_update_of_large_registry_writes_nothing_long(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    watched, committer = Watched(db, monkeypatch), Committer(db)
    name = SettingsName(PLACE, "team")
    for at in (1, 2):
        spec = DeclarationSpec({largest.TEMPLATES: largest.templates(0, 15 + at)}, "REMOVE", True)
        caller = Caller("UpdateRegistrySettings", "", "x")
        watched.reset()
        written = await committer.write(
            PutDeclaration(name=name, change=lambda _, spec=spec: spec, caller=caller, create=True, update=True)  # type: ignore[misc]
        )
        assert written.declared.settings == spec.settings
    watched.check(written=500_000)
    stored = {each.owner: each for each in await db.read(lambda tx: declarations.of_registry(tx, PLACE))}
    assert stored["team"].settings == spec.settings
    revision = await db.read(lambda tx: declarations.get_revision(tx, name, 2))
    assert revision is not None and json_text(revision.settings) == json_text(spec.settings)


async def test_original_that_changes_meanwhile_is_merged_anew(db: Database) -> None:
    attempt = await begin(db)
    declared = attempt.desired.declared[0]
    switches = ({"account_settings": {"settings": [{"name": name, "value": "X"}]}} for name in "abc")
    first, second, third = (originals.Original(declared, shape) for shape in switches)
    (merged,) = await attempt._merged([second])
    assert merged.merged is not None and merged.merged.text is None
    await db.write(lambda tx: originals.record(tx, [first]))
    await db.write(lambda tx: originals.record(tx, [merged]))
    (merged,) = await attempt._merged([third])
    assert merged.merged is not None and merged.merged.text is not None
    await db.write(lambda tx: originals.record(tx, [merged]))
    stored = await db.read(lambda tx: declarations.get_revision(tx, declared.name, 0))
    assert stored is not None and stored.settings is not None
    assert [each["name"] for each in stored.settings["account_settings"]["settings"]] == ["a", "b", "c"]
