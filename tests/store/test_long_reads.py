"""Reads of registries with many owners: in steps, and of one moment."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from ecrkeeper_server.declarations.commands import PutDeclaration
from ecrkeeper_server.declarations.committer import Committer
from ecrkeeper_server.declarations.idempotency import Caller
from ecrkeeper_server.errors import NotFound
from ecrkeeper_server.names import RegistryName, SettingsName
from ecrkeeper_server.store import declarations, listing, registry_sets, registry_texts, resources, tables, work
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.declarations import Stored
from ecrkeeper_server.store.declared_texts import reading_texts_of
from ecrkeeper_server.store.json_columns import AT_ONCE, ROW_CHARACTERS
from ecrkeeper_server.store.rows import Declaration, Resource
from ecrkeeper_server.store.specs import DeclarationSpec
from ecrkeeper_server.store.unit_of_work import Origin
from ecrkeeper_server.store.work import columns_of
from ecrkeeper_server.turns import WORK, Steps, Turns, Work, finish
from msgspec.structs import replace

from tests import declaring
from tests.views import largest

FEW, MANY = RegistryName("111111111111", "eu-west-1"), RegistryName("111111111111", "us-east-1")
NAME = SettingsName(MANY, "owner-0001")
OWNERS = 600
MOST_ROWS = 2 + AT_ONCE // ROW_CHARACTERS
"""The rows of a step, the one that begins the next step among them."""
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
Read = Callable[[Tx], Steps[Any]]


def settings(at: int) -> dict[str, Any]:
    return {"pull_time_update_exclusions": {"principalArns": [f"arn:aws:iam::111111111111:role/{at}"]}}


def fill(tx: Tx) -> None:
    for name, owners in ((FEW, 3), (MANY, OWNERS)):
        resources.create(tx, name, {"mode": "ENFORCE"})
        declared = [replace(largest.owner(f"owner-{at:04}", settings(at)), region=name.region) for at in range(owners)]
        tx.insert_rows(tables.declarations, [columns_of(each) for each in declared])


@pytest.fixture
async def filled(db: Database) -> Database:
    await db.write(fill)
    return db


def rows_of(tx: Tx) -> list[Resource]:
    return resources.page(tx, RegistryName.kind, "-", "", 10)


def reading_registry(tx: Tx, name: RegistryName) -> Steps[tuple[Resource | None, Sequence[Stored]]]:
    texts = yield from registry_texts.reading(tx, name)
    return None if texts.row is None else resources.parsed_row(texts.row), texts.declared


READS: list[tuple[str, Read, Read]] = [
    ("one registry", lambda tx: reading_registry(tx, FEW), lambda tx: reading_registry(tx, MANY)),
    (
        "several registries",
        lambda tx: reading_texts_of(tx, rows_of(tx)[:1]),
        lambda tx: reading_texts_of(tx, rows_of(tx)),
    ),
    ("a unit of work", lambda tx: work.reading(tx, [SettingsName(FEW, "a")]), lambda tx: work.reading(tx, [NAME])),
    ("listed ones", lambda tx: listing.reading(tx, [str(FEW)]), lambda tx: listing.reading(tx, [str(FEW), str(MANY)])),
    (
        "a page",
        lambda tx: listing.reading_page(tx, RegistryName.kind, "-", "", 1, None),
        lambda tx: listing.reading_page(tx, RegistryName.kind, "-", "", 25, None),
    ),
]
PARSED: list[tuple[str, Callable[[Tx], Steps[Steps[Any]]], int]] = [
    ("few of listed ones", lambda tx: listing.reading(tx, [str(FEW)]), 1),
    ("listed ones", lambda tx: listing.reading(tx, [str(FEW), str(MANY)]), 5),
    ("a page", lambda tx: listing.reading_page(tx, RegistryName.kind, "-", "", 25, None), 5),
    ("the declarations of accounts", lambda tx: registry_sets.reading_declared(tx, [MANY.account]), 5),
]
IDS = [what for what, _, _ in READS]


class Counted:
    """Counts the rows that a reader takes of each query."""

    def __init__(self) -> None:
        self.rows = 0

    def of(self, tx: Tx) -> Tx:
        def ask(conn: Any, queries: Any) -> list[Any]:
            return [self._taken(conn.execute(query, values)) for query, values in queries]

        return dataclasses.replace(tx, ask=ask)

    def _taken(self, rows: Any) -> Iterator[Any]:
        for row in rows:
            self.rows += 1
            yield row


@SQLITE
@pytest.mark.parametrize(("what", "few", "many"), READS, ids=IDS)
async def test_step_reads_few_rows(filled: Database, what: str, few: Read, many: Read) -> None:
    def read(tx: Tx) -> tuple[list[int], list[int]]:
        return rows_in_steps(tx, few), rows_in_steps(tx, many)

    of_few, of_many = await filled.read(read)
    assert len(of_few) == 1, what
    assert len(of_many) > 4, what
    assert max(of_many) <= MOST_ROWS, what


def rows_in_steps(tx: Tx, read: Read) -> list[int]:
    counted, found = Counted(), [0]
    for _ in read(counted.of(tx)):
        found[-1] = counted.rows - sum(found[:-1])
        found.append(0)
    found[-1] = counted.rows - sum(found[:-1])
    return found


@pytest.mark.parametrize(("what", "read", "steps"), PARSED, ids=[what for what, *_ in PARSED])
async def test_step_parses_few_rows(
    filled: Database, monkeypatch: pytest.MonkeyPatch, what: str, read: Callable[[Tx], Steps[Steps[Any]]], steps: int
) -> None:
    parsing = await filled.read_in_turns(read)
    made, found, make = [0], [0], declarations.Declaration

    def counted(*columns: Any) -> Declaration:
        made[0] += 1
        return make(*columns)

    monkeypatch.setattr(declarations, "Declaration", counted)
    for _ in parsing:
        found[-1] = made[0] - sum(found[:-1])
        found.append(0)
    found[-1] = made[0] - sum(found[:-1])
    assert len(found) >= steps, what
    assert (len(found) == 1) == (steps == 1), what
    assert max(found) <= MOST_ROWS, what
    assert sum(found) >= (OWNERS if steps > 1 else 3), what


async def test_long_read_is_like_a_short_one(filled: Database) -> None:
    row, texts = await filled.read_in_turns(lambda tx: reading_registry(tx, MANY))
    both = await filled.read_in_turns(lambda tx: reading_texts_of(tx, [row]))
    assert both == {str(MANY): texts}
    declared = await filled.read(lambda tx: declarations.of_registry(tx, MANY))
    assert [declarations.parsed(each) for each in texts] == declared
    assert [each.owner for each in declared] == [f"owner-{at:04}" for at in range(OWNERS)]
    unit = finish(work.parsing(await filled.read_in_turns(lambda tx: work.reading(tx, [NAME]))))
    assert unit == await filled.read(lambda tx: work.load(tx, [NAME]))
    assert (list(unit.declared[MANY].values()), unit.registries) == (declared, {MANY: row})
    read = await filled.read_then_parse(lambda tx: listing.reading(tx, [str(MANY), "accounts/0/registries/none"]))
    assert {name: (each.row, each.declared) for name, each in read.items()} == {str(MANY): (row, declared)}
    page = await filled.read_then_parse(lambda tx: listing.reading_page(tx, RegistryName.kind, "-", "", 9, None))
    assert [each.row.registry for each in page] == [FEW, MANY]
    assert page[1] == read[str(MANY)]


@SQLITE
async def test_long_read_is_of_one_moment(filled: Database) -> None:
    paused, go_on = asyncio.Event(), False

    def change(tx: Tx) -> None:
        last = declaring.get(tx, SettingsName(MANY, f"owner-{OWNERS - 1:04}"))
        assert last is not None
        resources.set_spec(tx, str(MANY), {"mode": "OBSERVE"})
        declaring.put(tx, last.name, settings(-1), registry_generation=2, origin=Origin("Test"))

    def reading(tx: Tx) -> Steps[tuple[Resource | None, Sequence[Stored]]]:
        steps = reading_registry(tx, MANY)
        yield next(steps)
        paused.set()
        while not go_on:
            yield
        return (yield from steps)

    task = asyncio.create_task(filled.read_in_turns(reading))
    await paused.wait()
    before = await filled.read(lambda tx: declarations.of_registry(tx, MANY))
    await filled.write(change)
    after = await filled.read(lambda tx: declarations.of_registry(tx, MANY))
    go_on = True
    row, texts = await task
    assert row is not None and row.generation == 1
    assert [declarations.parsed(each) for each in texts] == before != after


@SQLITE
async def test_failed_and_cancelled_reads_leave_nothing_open(filled: Database) -> None:
    def failing(tx: Tx) -> Steps[None]:
        yield from reading_registry(tx, MANY)
        raise NotFound("Registry", "it")

    def endless(tx: Tx) -> Steps[None]:
        yield from reading_registry(tx, MANY)
        while True:
            yield

    for _ in range(2):
        with pytest.raises(NotFound):
            await filled.read_in_turns(failing)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await filled.read_in_turns(endless)
    await filled.write(lambda tx: resources.set_spec(tx, str(MANY), {"mode": "OBSERVE"}))
    row, texts = await filled.read_in_turns(lambda tx: reading_registry(tx, MANY))
    assert row is not None and (row.generation, len(texts)) == (2, OWNERS)
    assert (await filled.read(lambda tx: resources.get(tx, str(MANY)))) == row


async def test_attempt_is_charged_for_owners_that_others_declared(filled: Database) -> None:
    charged: list[int] = []
    WORK.set(lambda: Work(Turns(), "me", charge=charged.append))
    spec = DeclarationSpec(settings(OWNERS), "REMOVE", False)
    call = PutDeclaration(name=NAME, change=lambda _: spec, caller=Caller("Test"), create=True, update=True)
    tried = await Committer(filled).attempt(call)
    assert len(tried.specs) == OWNERS
    # A list of one item each, and each owner.
    assert charged == [2 * OWNERS]


async def test_calls_on_one_registry_read_its_declarations_once(filled: Database) -> None:
    names = [SettingsName(MANY, f"owner-{at:04}") for at in range(16)] + [SettingsName(FEW, "new")]
    texts = await filled.read_in_turns(lambda tx: work.reading(tx, names))
    assert len(texts.declared) == OWNERS + 15 + 3
    unit = finish(work.parsing(texts))
    assert [len(unit.declared[registry]) for registry in (MANY, FEW)] == [OWNERS, 3]
    assert all(unit.newest[each.name] == each.generation for each in unit.declared[MANY].values())
    assert unit.newest[names[-1]] == 0
