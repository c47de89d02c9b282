"""Filters on resources: their cost and completeness in the database."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from ecrkeeper_server.api.services.context import resource_fields
from ecrkeeper_server.api.services.filters import filter_expression, matcher
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import claims, drifting, endings, queue, resources
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.filter_expression import condition_of
from ecrkeeper_server.store.rows import Resource
from ecrkeeper_server.store.states import State
from ecrkeeper_server.store.tables import schedule
from ecrkeeper_server.turns import finish
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, event, select, text, update

from tests import databases

FIELDS = resource_fields("region", {"owner": lambda row: row.spec.get("owners", [])})
COUNT = 100_000
COLUMNS = """INSERT INTO resources (name, kind, account, place, uid, spec, state, generation, observed_generation,
    create_time, update_time, reason, drifted)"""
# One registry in 100 differs, one in 1,000 is denied, one in 1,000 is paused. 5,000 accounts, 20 Regions.
VALUES = """SELECT 'accounts/' || account || '/registries/' || region, 'registry', account, region, 'u',
    CASE WHEN n % 1000 = 7 THEN '{"mode":"PAUSED"}' ELSE '{"mode":"ENFORCE"}' END, '{}', 1, 1,
    1, 1, CASE WHEN n % 1000 = 0 THEN 'AWS_ACCESS_DENIED' WHEN n % 100 = 0 THEN 'OUT_OF_SYNC' END,
    n % 100 = 0 FROM (SELECT n, CAST(100000000000 + n / 20 AS TEXT) AS account, 'region-' || (n % 20) AS region FROM"""
SERIES = {
    "sqlite": f"(WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < {COUNT - 1}) SELECT n FROM s))",
    "postgresql": f"generate_series(0, {COUNT - 1}) AS n) AS seeded",
}
SCHEDULE = """INSERT INTO schedule (name, account, requested, due_at, failures) SELECT name, account, 1, 1, 0
    FROM resources"""
ELEMENTS = (
    """INSERT INTO drifting SELECT name, 'registry_policy', 'statement-' || account FROM resources WHERE drifted"""
)
OWNERS = """INSERT INTO declarations (account, region, owner, uid, settings, deletion_policy, allow_replacement,
    generation, observed_generation, registry_generation, create_time, update_time)
    SELECT account, place, CASE WHEN drifted THEN 'team-b' ELSE 'team-a' END, 'u', '{}', 'REMOVE', false, 1, 1, 1, 1, 1
    FROM resources"""


@dataclass(frozen=True)
class Fleet:
    """A database with 100,000 registries."""

    url: str

    def plan(self, filter: str) -> str:
        """Return the query plan of the first page of a filter."""
        condition = condition_of(filter_expression(filter, FIELDS), "registry")
        engine = create_engine(self.url.replace("postgresql://", "postgresql+psycopg://"))
        query = resources.page_query("registry", "-", "", 101, condition)
        compiled = str(query.compile(engine, compile_kwargs={"literal_binds": True}))
        explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
        with engine.connect() as conn:
            lines = conn.exec_driver_sql(f"{explain} {compiled.replace('%', '%%')}").all()
        engine.dispose()
        return "\n".join(str(row[-1]) for row in lines)

    def fetched(self, filter: str) -> int:
        """Return the number of rows that the database returns for a filter."""
        condition = condition_of(filter_expression(filter, FIELDS), "registry")
        engine = create_engine(self.url.replace("postgresql://", "postgresql+psycopg://"))
        with engine.connect() as conn:
            count = len(conn.execute(resources.page_query("registry", "-", "", COUNT, condition)).all())
        engine.dispose()
        return count


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def fleet(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    url = databases.migrated(request, request.param, tmp_path_factory.mktemp("fleet"))
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as conn:
        conn.execute(text(f"{COLUMNS} {VALUES} {SERIES[engine.dialect.name]}"))
        conn.execute(text(SCHEDULE))
        conn.execute(text(ELEMENTS))
        conn.execute(text(OWNERS))
    with engine.begin() as conn:
        conn.execute(text("ANALYZE"))
    engine.dispose()
    yield Fleet(url)


INDEXED = {
    # filter: the indexes that may serve it
    "reason = AWS_ACCESS_DENIED": ("resources_reason",),
    "drift = true": ("resources_drifted",),
    "setting = registry_policy": ("drifting_setting", "drifting"),
    'element = "statement-100000000100"': ("drifting_element",),
    "owner = team-b": ("declarations_owner",),
    "account = 100000000100": ("resources_account",),
    "region = region-7": ("resources_place",),
    "reason = AWS_ACCESS_DENIED OR reason = AWS_THROTTLED": ("resources_reason",),
    "reason = AWS_ACCESS_DENIED OR element = x": ("drifting_element",),
    "NOT (reason = IN_SYNC OR drift = false)": ("resources_drifted",),
    "mode = PAUSED": ("resources_mode",),
    "region = region-7 AND drift = true AND mode = ENFORCE": ("resources_drifted", "resources_place"),
}
# SQLite says SCAN for a whole table or index; Postgres says Seq Scan, which is correct for small tables.
FULL = re.compile(r"^SCAN (resources|declarations)\b|Seq Scan on (resources|declarations)")


@pytest.mark.parametrize("filter", INDEXED)
def test_filter_uses_index_with_100_000_registries(fleet: Fleet, filter: str) -> None:
    plan = fleet.plan(filter)
    assert not FULL.search(plan), plan
    assert any(index in plan for index in INDEXED[filter]), plan


# Filters on what is out of order: how the database finds it depends on how much there is, but it leaves out the rest.
FEW = [
    "reason != IN_SYNC",
    "NOT reason = IN_SYNC AND NOT account = 1",
    "conditions.Ready = FALSE",
    "conditions.Synced = FALSE AND mode = ENFORCE",
    "conditions.Blocked = TRUE OR conditions.Degraded = TRUE",
]


@pytest.mark.parametrize("filter", FEW)
def test_filter_on_problems_fetches_no_healthy_row(fleet: Fleet, filter: str) -> None:
    assert fleet.fetched(filter) == COUNT // 100


@pytest.mark.parametrize("filter", ["mode = PAUSED", "mode != ENFORCE", "NOT mode = ENFORCE"])
def test_filter_on_a_mode_fetches_no_other_row(fleet: Fleet, filter: str) -> None:
    assert fleet.fetched(filter) == COUNT // 1000


@pytest.mark.parametrize("filter", ["reconciling = true", "mode = ENFORCE", "mode != PAUSED"])
def test_filter_without_index_scans_pages(fleet: Fleet, filter: str) -> None:
    assert condition_of(filter_expression(filter, FIELDS), "registry") is None
    assert "resources_reason" not in fleet.plan(filter)


def conditions(reason: str, *, blocked: bool = False) -> list[dict[str, Any]]:
    """The conditions of a state whose `Ready` has this reason."""
    ready = reason == "IN_SYNC"
    holding = {"Ready": ready, "Synced": ready, "Blocked": blocked}
    return [
        {"type": kind, "status": "TRUE" if holds else "FALSE", "reason": reason, "message": "", "since": 1}
        for kind, holds in holding.items()
    ]


STATES: list[dict[str, Any]] = [
    {},
    {"conditions": conditions("IN_SYNC"), "drift": []},
    {
        "conditions": conditions("OUT_OF_SYNC"),
        "drift": [{"setting": "registry_policy", "key": "s", "kind": "MISSING"}],
    },
    {
        "conditions": conditions("AWS_ACCESS_DENIED", blocked=True),
        "drift": [
            {"setting": "registry_policy", "key": "t", "kind": "MISSING"},
            {"setting": "signing_configuration", "key": "s", "kind": "MISSING"},
        ],
    },
]
RESTRICTION = st.sampled_from(
    [f"reason {o} {r}" for o in ("=", "!=") for r in ("IN_SYNC", "OUT_OF_SYNC", "AWS_ACCESS_DENIED", "OTHER")]
    + [f"drift {o} {v}" for o in ("=", "!=") for v in ("true", "false")]
    + [f"setting {o} {s}" for o in ("=", "!=") for s in ("registry_policy", "signing_configuration")]
    + [f"element {o} {e}" for o in ("=", "!=") for e in "st"]
    + [f"region {o} {r}" for o in ("=", "!=") for r in ("us-east-1", "us-east-2")]
    + [f"conditions.{k} {o} {v}" for k in ("Ready", "Blocked") for o in ("=", "!=") for v in ("TRUE", "FALSE")]
    + [f"mode {o} {m}" for o in ("=", "!=") for m in ("ENFORCE", "PAUSED", "OBSERVE")]
    + ["owner = nobody", "owner != nobody", "account != 000000000001"]
)
FILTERS = st.recursive(
    RESTRICTION,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: "(" + " AND ".join(f"({p})" for p in parts) + ")"),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: "(" + " OR ".join(f"({p})" for p in parts) + ")"),
        inner.map(lambda part: f"NOT ({part})"),
    ),
    max_leaves=6,
)


async def stored(db: Database) -> list[Resource]:
    """Store one registry in each state, in the form of attempts."""
    for at, state in enumerate(STATES):
        name = RegistryName("000000000001", f"us-east-{at + 1}")
        spec = {"mode": ("ENFORCE", "PAUSED", "OBSERVE", "ENFORCE")[at]}
        await db.write(lambda tx, name=name, spec=spec: resources.ensure(tx, name, spec, due=True))  # type: ignore[misc]
        if not state:
            later = update(schedule).where(schedule.c.name == str(name)).values(due_at=None)
            await db.write(lambda tx, later=later: tx.conn.execute(later))  # type: ignore[misc]
            continue
        (row,) = await db.write(lambda tx: claims.claim(tx, lease=30, backlog=claims.Capacity(1)))
        reason = state["conditions"][0]["reason"]
        outcome = queue.Outcome(state, 1, None, 0, 1, reason=None if reason == "IN_SYNC" else reason)

        def save(tx, row=row, outcome=outcome, state=state):  # type: ignore[no-untyped-def]
            endings.finish(tx, [(row, outcome)])
            drifting.change(tx, row.name, finish(drifting.comparing(State({}), State(state))))

        await db.write(save)
    return await db.read(lambda tx: resources.page(tx, "registry", "-", "", 100))


async def test_database_filter_omits_no_match(db: Database) -> None:
    rows = await stored(db)
    assert [row.state for row in rows] == STATES
    loop = asyncio.get_running_loop()

    @settings(max_examples=150)
    @given(FILTERS)
    def check(filter: str) -> None:
        expression, matches = filter_expression(filter, FIELDS), matcher(filter, FIELDS)
        condition = condition_of(expression, "registry")
        reading = db.read(lambda tx: resources.page(tx, "registry", "-", "", 100, condition))
        names = {row.name for row in asyncio.run_coroutine_threadsafe(reading, loop).result(30)}
        assert {row.name for row in rows if matches(row)} <= names

    await asyncio.to_thread(check)


def drift_of(*elements: tuple[str, str]) -> State:
    return State({"drift": [{"setting": setting, "key": key} for setting, key in elements]})


@pytest.mark.parametrize(
    ("before", "after", "statements", "reason"),
    [
        ([], [], [], "nothing differs"),
        ([0, 1, 2], [2, 1, 0], [], "the same elements differ"),
        ([], [0, 1], ["INSERT"], "the first drift"),
        ([0, 1], [], ["DELETE"], "all of it has gone"),
        ([0, 1], [1, 2], ["DELETE", "INSERT"], "one element is replaced by another"),
        ([0], [0, 1], ["INSERT"], "one more"),
        ([0, 1], [1], ["DELETE"], "one less"),
        (range(3_000), range(1_500, 4_500), ["DELETE"] * 2 + ["INSERT"] * 2, "very many"),
    ],
)
async def test_drift_index_changes_only_elements_that_differ(
    db: Database, before: Sequence[int], after: Sequence[int], statements: list[str], reason: str
) -> None:
    name, settings = "accounts/1/registries/a", ("registry_policy", "signing_configuration")
    old, new = (drift_of(*((settings[at % 2], f"{at}") for at in ats)) for ats in (before, after))
    executed: list[str] = []

    def change(tx: Tx, old: State, new: State) -> None:
        drifting.change(tx, name, finish(drifting.comparing(old, new)))

    await db.write(lambda tx: drifting.change(tx, "other", finish(drifting.comparing(State({}), drift_of(("s", "0"))))))
    await db.write(lambda tx: change(tx, State({}), old))
    with listening(executed):
        await db.write(lambda tx: change(tx, old, new))
    assert [each for each in executed if each in ("INSERT", "DELETE")] == statements, reason
    rows = await db.read(lambda tx: tx.conn.execute(select(drifting.drifting)).all())
    expected = {(name, *each) for each in finish(new.finding_drift_elements())}
    assert {tuple(row) for row in rows} == expected | {("other", "s", "0")}, reason
    assert len(rows) == len(after) + 1, reason


@contextmanager
def listening(executed: list[str]) -> Iterator[None]:
    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        executed.append(statement.split(maxsplit=1)[0])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def test_drift_index_is_searched_by_settings(db: Database) -> None:
    rows = await stored(db)
    expected = {"registry_policy": {rows[2].name, rows[3].name}, "signing_configuration": {rows[3].name}}

    async def named(setting: str) -> set[str]:
        condition = condition_of(filter_expression(f"setting = {setting}", FIELDS), "registry")
        return {row.name for row in await db.read(lambda tx: resources.page(tx, "registry", "-", "", 100, condition))}

    assert {setting: await named(setting) for setting in expected} == expected
    state = State(STATES[3])
    kept = State({"drift": [each for each in STATES[3]["drift"] if each["setting"] == "registry_policy"]})
    await db.write(lambda tx: drifting.change(tx, rows[3].name, finish(drifting.comparing(state, kept))))
    assert await named("signing_configuration") == set()
    await db.write(lambda tx: resources.remove(tx, rows[3].name))
    assert await named("registry_policy") == {rows[2].name}
