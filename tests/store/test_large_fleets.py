"""Pages of a large fleet look at few rows in each step, and omit none."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from ecrkeeper_server.api.services.context import resource_fields
from ecrkeeper_server.api.services.filters import filter_expression
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import (
    audit,
    audit_stream,
    fleet_accounts,
    listing,
    resources,
    rollout_targets,
    versions,
    windows,
)  # fmt: skip
from ecrkeeper_server.store.audit import NewEvent
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.filter_expression import Narrowing, condition_of, narrowing_of
from ecrkeeper_server.store.fleet_rows import AccountRow
from ecrkeeper_server.store.fleet_tables import fleet_accounts as accounts
from ecrkeeper_server.store.rollout_rows import TargetRow, TargetState
from ecrkeeper_server.store.tables import declarations, drifting, schedule
from ecrkeeper_server.store.tables import resources as table
from ecrkeeper_server.store.work import columns_of
from ecrkeeper_server.turns import STEP, Steps, finish
from sqlalchemy import insert, select, update

from .conftest import Clock
from .test_long_reads import MOST_ROWS, rows_in_steps
from .test_rollouts import rollout_row

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
FIELDS = resource_fields("region", {"owner": lambda row: row.spec.get("owners", [])})
REGIONS, COUNT = 20, 3_000
# Few resources, so that a window is a small part of them.
WINDOW = 100
# SQLite takes some 10 instructions for a row of an index, and 50 for a row that meets no condition.
MOST_INSTRUCTIONS = 10_000
ROLLOUT = rollout_row("one")


def account(at: int) -> str:
    return str(100_000_000_000 + at // REGIONS)


def region(at: int) -> str:
    return f"region-{at % REGIONS:02}"


def name(at: int) -> str:
    return f"accounts/{account(at)}/registries/{region(at)}"


def fill(tx: Tx) -> None:
    """Store registries.

    The last ones are out of sync, and have drift and an owner of their own.
    """
    rows = [
        {
            "name": name(at), "kind": "registry", "account": account(at), "place": region(at), "uid": "u",
            "spec": {"mode": "PAUSED" if at % 1_000 == 7 else "ENFORCE"}, "state": {}, "generation": 1,
            "observed_generation": 1, "create_time": 1, "update_time": 1, "drifted": at >= COUNT - 30,
            "reason": "OUT_OF_SYNC" if at >= COUNT - 30 else None,
        }
        for at in range(COUNT)
    ]  # fmt: skip
    due = {"requested": 1, "failures": 0, "due_at": 1}
    declared = {
        "uid": "u", "settings": {}, "deletion_policy": "REMOVE", "allow_replacement": False, "generation": 1,
        "observed_generation": 1, "registry_generation": 1, "create_time": 1, "update_time": 1,
    }  # fmt: skip
    tx.conn.execute(insert(table), rows)
    tx.conn.execute(insert(schedule), [{**due, "name": row["name"], "account": row["account"]} for row in rows])
    for owner, chosen in (("all", range(COUNT)), ("few", range(COUNT - 300, COUNT, 10))):
        owned = [{**declared, "account": account(at), "region": region(at), "owner": owner} for at in chosen]
        tx.conn.execute(insert(declarations), owned)
    drift = [{"name": name(at), "setting": "registry_policy", "element": "s"} for at in range(COUNT - 30, COUNT)]
    tx.conn.execute(insert(drifting), drift)


@pytest.fixture
async def large(db: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    monkeypatch.setattr(windows, "STEP", WINDOW)
    windows._end.cache_clear()
    await db.write(fill)
    yield db
    windows._end.cache_clear()


def narrowed(text: str) -> Narrowing | None:
    return narrowing_of(filter_expression(text, FIELDS), "registry")


def instructions_in_steps(tx: Tx, read: Callable[[Tx], Steps[Any]]) -> list[int]:
    """Return how many of SQLite's instructions each step takes, in hundreds."""
    found = [0]

    def count() -> None:
        found[-1] += 100

    driver: Any = tx.conn.connection.driver_connection
    driver.set_progress_handler(count, 100)
    try:
        for _ in read(tx):
            found.append(0)
    finally:
        driver.set_progress_handler(None, 0)
    return found


FILTERS = {
    "owner = all": "an owner of all registries",
    "owner = few": "an owner of the last ones",
    "owner = nobody": "an owner of none",
    "owner != all": "all have the owner",
    "NOT owner = few AND NOT owner = nobody": "two look-ups for each row",
    "owner = all AND drift = true": "only the last ones meet both",
    "owner = few OR mode = PAUSED": "no index has both",
    "setting = registry_policy": "the last ones",
    "setting != registry_policy": "all but the last ones",
    "element != s AND reason = OUT_OF_SYNC": "none",
    "mode != ENFORCE": "few",
    "region = region-07 AND reason != IN_SYNC": "two of 3,000",
    "account != 100000000000": "no index has what differs",
    "account = 100000000149 OR account = 1": "the last account",
}


@pytest.mark.parametrize(("text", "reason"), FILTERS.items())
async def test_windows_find_what_one_query_finds(large: Database, text: str, reason: str) -> None:
    condition = condition_of(filter_expression(text, FIELDS), "registry")
    for after, limit in (("", 25), ("", COUNT), (name(COUNT - 25), 10), (name(1_990), 40)):
        args = ("registry", "-", after, limit)
        at_once = await large.read(lambda tx: [row.name for row in resources.page(tx, *args, condition)])  # noqa: B023
        rows = await large.read_then_parse(lambda tx: resources.reading_page(tx, *args, narrowed(text)))  # noqa: B023
        reads = await large.read_then_parse(lambda tx: listing.reading_page(tx, *args, narrowed(text)))  # noqa: B023
        assert [row.name for row in rows] == at_once, reason
        assert [read.row.name for read in reads] == at_once, reason


@SQLITE
@pytest.mark.parametrize(("text", "reason"), FILTERS.items())
async def test_step_of_a_filter_looks_at_few_registries(large: Database, text: str, reason: str) -> None:
    steps = await large.read(
        lambda tx: instructions_in_steps(
            tx, lambda tx: windows.names_of_page(tx, "registry", "-", "", 25, narrowed(text))
        )
    )
    assert max(steps) <= MOST_INSTRUCTIONS, reason
    for reading in (resources.reading_page, listing.reading_page):
        steps = await large.read(
            lambda tx, reading=reading: instructions_in_steps(  # type: ignore[misc]
                tx, lambda tx: reading(tx, "registry", "-", "", 25, narrowed(text))
            )
        )
        assert max(steps) <= 2 * MOST_INSTRUCTIONS, reason


@SQLITE
@pytest.mark.parametrize("text", ["", "owner = all", "conditions.Ready = FALSE"])
async def test_page_of_an_account_reads_no_other(large: Database, text: str) -> None:
    last = account(COUNT - 1)
    args = ("registry", last, "", 100)
    for read in (
        lambda tx: resources.reading_page(tx, *args, narrowed(text) if text else None),
        lambda tx: listing.reading_page(tx, *args, narrowed(text) if text else None),
        lambda tx: listing.reading_list(tx, last, "", 100),
    ):
        [instructions] = await large.read(lambda tx, read=read: instructions_in_steps(tx, read))  # type: ignore[misc]
        assert instructions <= MOST_INSTRUCTIONS


async def test_versions_are_read_in_steps(large: Database) -> None:
    await large.write(lambda tx: resources.patch(tx, name(3), state={"text": "x" * 2_000_000}))
    found = await large.read_in_turns(lambda tx: versions.reading(tx, "registry", "", COUNT))
    assert [each for each, _ in found] == sorted(map(name, range(COUNT)))
    steps = await large.read(lambda tx: rows_in_steps(tx, lambda tx: versions.reading(tx, "registry", "", COUNT)))
    assert len(steps) > 5
    assert max(steps) <= 5 * MOST_ROWS


def fill_targets(tx: Tx) -> None:
    rows = [
        TargetRow(
            set_id="one", number=1, account=account(at), region=region(at), wave=at % 3, position=at,
            state=TargetState.FAILED if at >= COUNT - 3 else TargetState.SUCCEEDED,
        )
        for at in range(COUNT)
    ]  # fmt: skip
    rollout_targets.add(tx, [*rows, *(TargetRow(**{**_fields(row), "number": 2}) for row in rows[:5])])


def _fields(row: TargetRow) -> dict[str, Any]:
    return {field: getattr(row, field) for field in row.__struct_fields__}


async def test_targets_of_a_state_are_found_in_steps(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollout_targets, "STEP", WINDOW)
    await db.write(fill_targets)

    def read(tx: Tx, state: str | None, after: tuple[str, str] = ("", ""), limit: int = 500) -> Steps[list[TargetRow]]:
        return rollout_targets.reading_page(tx, ROLLOUT, after, limit, state)

    failed = await db.read_in_turns(lambda tx: read(tx, TargetState.FAILED))
    assert [row.position for row in failed] == [COUNT - 3, COUNT - 2, COUNT - 1]
    first = await db.read_in_turns(lambda tx: read(tx, TargetState.SUCCEEDED))
    assert [row.position for row in first] == list(range(500))
    assert first == await db.read_in_turns(lambda tx: read(tx, None))
    behind = (account(COUNT - 2), region(COUNT - 2))
    assert [row.position for row in await db.read_in_turns(lambda tx: read(tx, TargetState.FAILED, behind))] == [
        COUNT - 1
    ]
    assert await db.read_in_turns(lambda tx: read(tx, TargetState.RUNNING)) == []
    steps = await db.read(lambda tx: rows_in_steps(tx, lambda tx: read(tx, None)))
    assert max(steps) <= MOST_ROWS
    if db.reads_inline:
        looked = await db.read(lambda tx: instructions_in_steps(tx, lambda tx: read(tx, TargetState.FAILED)))
        assert max(looked) <= MOST_INSTRUCTIONS


async def test_accounts_are_read_in_steps(db: Database) -> None:
    rows = [AccountRow(account=str(100_000_000_000 + at), uid="u", labels={"a": str(at)}) for at in range(500)]
    await db.write(lambda tx: tx.insert_rows(accounts, [columns_of(row) for row in rows]))
    stored = await db.read(lambda tx: fleet_accounts.page(tx, "", 500))
    assert await db.read_then_parse(lambda tx: fleet_accounts.reading_page(tx, "", 500)) == stored
    assert await db.read_then_parse(lambda tx: fleet_accounts.reading_page(tx, rows[7].account, 2)) == stored[8:10]
    steps = await db.read(lambda tx: rows_in_steps(tx, lambda tx: fleet_accounts.reading_page(tx, "", 500)))
    assert max(steps) <= MOST_ROWS


@SQLITE
async def test_stream_begins_in_steps(db: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_stream, "_LOOKED_AT", WINDOW)
    await db.write(lambda tx: audit.add(tx, [NewEvent(kind="CALL", method="old", resource="r")] * COUNT))
    clock.advance(1)
    start = int(clock.seconds * 1_000_000)
    [first, *_] = await db.write(lambda tx: audit.record(tx, [NewEvent(kind="CALL", method="new", resource="r")] * 9))
    steps = await db.read(lambda tx: instructions_in_steps(tx, lambda tx: audit_stream.beginning(tx, start)))
    assert max(steps) <= MOST_INSTRUCTIONS
    cursor = await db.read(lambda tx: finish(audit_stream.beginning(tx, start)))
    part = await db.read_then_parse(lambda tx: audit_stream.streaming(tx, cursor, audit.Selection(start), 200))
    assert [event.id for event in part.events][:1] == [first]
    assert len(part.events) == 9


async def test_stretched_resyncs_are_shortened_in_parts(db: Database) -> None:
    names = [RegistryName(f"{at:012}", "us-east-1") for at in range(STEP + 5)]
    stretched, failing = {"due_at": 2**60, "observe_time": 2**50}, str(names[7])

    def fill(tx: Tx) -> None:
        for name in names:
            resources.ensure(tx, name, {"mode": "ENFORCE"}, due=True)
        tx.conn.execute(update(schedule).values(stretched))
        tx.conn.execute(update(schedule).where(schedule.c.name == failing).values(failures=1))

    await db.write(fill)
    lasts: list[str | None] = [""]
    while lasts[-1] is not None:
        lasts.append(await db.write(lambda tx: resources.shorten_resync(tx, 900.0, lasts[-1] or "")))
    # One that fails keeps its time.
    assert lasts == ["", str(names[STEP]), str(names[-1]), None]
    due = dict(await db.read(lambda tx: tx.conn.execute(select(schedule.c.name, schedule.c.due_at)).all()))
    assert due.pop(failing) == 2**60
    assert set(due.values()) == {2**50 + 900 * 1_000_000}
