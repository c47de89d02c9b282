"""Pages and indexes find the targets that a plain reading finds."""

from __future__ import annotations

import asyncio
import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from ecrkeeper_server.fleet import matching
from ecrkeeper_server.fleet.membership import plan_targets
from ecrkeeper_server.fleet.names import SetName
from ecrkeeper_server.fleet.selectors import matcher
from ecrkeeper_server.store import fleet_accounts, registry_sets, rollout_targets, rollouts
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.fleet_rows import AccountRow
from ecrkeeper_server.store.fleet_specs import AccountState, Amount, Selector, SetSpec, Source, Wave
from ecrkeeper_server.store.json_columns import AT_ONCE
from ecrkeeper_server.store.rollout_rows import RolloutState
from ecrkeeper_server.store.tables import metadata
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from tests.parsing import both

from .test_rollouts import rollout_row, set_row

REGIONS = ("eu-west-1", "us-east-1", "us-west-2")
WORDS = st.sampled_from(["prod", "dev", "a", "", "/workloads/prod", "/workloads/dev", "shop prod"])


@dataclass(frozen=True)
class Test:
    """A comparison with a field, as a reader of the documentation understands it."""

    __test__ = False
    field: str
    operator: str
    value: str

    @property
    def text(self) -> str:
        return f'{self.field} {self.operator} "{self.value}"'

    def holds(self, row: AccountRow) -> bool:
        if self.field.startswith("labels."):
            value = row.labels.get(self.field.removeprefix("labels."))
        else:
            value = str(getattr(row, self.field))
        if self.operator == "!=":
            return value != self.value
        if value is None:
            return False
        return value == self.value if self.operator == "=" else self.value in value


@dataclass(frozen=True)
class Joined:
    """Conditions that all hold, of which one holds, or of which the first does not."""

    how: str
    parts: tuple[Any, ...]

    @property
    def text(self) -> str:
        if self.how == "NOT":
            return f"(NOT ({self.parts[0].text}))"
        return "(" + f" {self.how} ".join(f"({part.text})" for part in self.parts) + ")"

    def holds(self, row: AccountRow) -> bool:
        parts = [part.holds(row) for part in self.parts]
        return {"AND": all(parts), "OR": any(parts), "NOT": not parts[0]}[self.how]


TESTS = st.builds(
    Test,
    st.sampled_from(["labels.env", "labels.team", "display_name", "organizational_unit"]),
    st.sampled_from(["=", "!=", ":"]),
    WORDS.filter(bool),
)
FILTERS = st.recursive(
    TESTS,
    lambda inner: st.builds(
        Joined, st.sampled_from(["AND", "OR", "NOT"]), st.lists(inner, min_size=2, max_size=3).map(tuple)
    ),
    max_leaves=5,
)
EXCLUDED = ["accounts/*", "accounts/00000000000*", "accounts/*3", "accounts/*/registries/us-*", "accounts/000000000002"]


@dataclass(frozen=True)
class Chosen:
    """A selector, with its filter as conditions."""

    filter: Any
    regions: tuple[str, ...]
    exclude: tuple[str, ...]

    @property
    def selector(self) -> Selector:
        return Selector("" if self.filter is None else self.filter.text, self.regions, self.exclude)

    def takes(self, row: AccountRow, region: str) -> bool:
        if row.state == AccountState.GONE or (self.filter is not None and not self.filter.holds(row)):
            return False
        if region not in row.enabled_regions or (self.regions and region not in self.regions):
            return False
        account = f"accounts/{row.account}"
        names = (account, f"{account}/registries/{region}")
        return not any(fnmatch.fnmatchcase(name, each) for name in names for each in self.exclude)


CHOICES = st.builds(
    Chosen,
    st.none() | FILTERS,
    st.lists(st.sampled_from(REGIONS), unique=True, max_size=2).map(tuple),
    st.lists(st.sampled_from(EXCLUDED), max_size=2).map(tuple),
)
ROWS = st.lists(
    st.builds(
        AccountRow,
        account=st.integers(1, 30).map(lambda n: f"{n:012}"),
        uid=st.just("u"),
        display_name=WORDS,
        labels=st.dictionaries(st.sampled_from(["env", "team"]), WORDS),
        organizational_unit=WORDS,
        state=st.sampled_from(list(AccountState)),
        regions=st.lists(st.sampled_from(REGIONS), unique=True, min_size=1),
        source=st.sampled_from(list(Source)),
    ),
    max_size=9,
    unique_by=lambda row: row.account,
)


def stored(tx: Tx, rows: list[AccountRow]) -> None:
    for name in ("fleet_accounts", "rollout_targets", "rollout_accounts", "rollouts", "registry_sets"):
        tx.conn.execute(delete(metadata.tables[name]))
    for row in rows:
        fleet_accounts.add(tx, row)


async def check_all(db: Database, body: Any) -> None:
    """Run a property in a thread, whose examples run on this loop."""
    loop = asyncio.get_running_loop()

    def run(work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, loop).result(60)

    await asyncio.to_thread(body, run)


async def test_pages_find_the_targets_of_the_selector(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "ACCOUNTS", 2)

    async def one(rows: list[AccountRow], chosen: Chosen) -> None:
        await db.write(lambda tx: stored(tx, rows))
        compiled, after, selected = matcher(chosen.selector), "", list[str]()
        while True:
            places, after = await db.read_then_parse(
                lambda tx, a=after: matching.reading_page(tx, compiled, SetName("a"), a)  # type: ignore[misc]
            )
            selected += [str(place.registry) for place in places]
            if not after:
                break
        ordered = sorted(rows, key=lambda row: row.account)
        expected = [
            f"accounts/{row.account}/registries/{region}"
            for row in ordered
            for region in sorted(row.regions)
            if chosen.takes(row, region)
        ]
        assert selected == expected, chosen.selector

    def body(run: Any) -> None:
        @settings(max_examples=120)
        @given(ROWS, CHOICES)
        def check(rows: list[AccountRow], chosen: Chosen) -> None:
            run(one(rows, chosen))

        check()

    await check_all(db, body)


WAVES = st.lists(
    st.tuples(CHOICES, st.none()) | st.tuples(st.none(), st.integers(1, 60)),
    max_size=3,
)


def waves_of(drawn: list[Any]) -> tuple[Wave, ...]:
    waves = [
        Wave(selector=chosen.selector) if chosen is not None else Wave(share=Amount(percent, percent=True))
        for chosen, percent in drawn
    ]
    return (*waves, Wave())


def wave_by_hand(waves: list[Any], rows: list[AccountRow]) -> dict[str, int]:
    """The wave of each target: selectors first, then shares, then the rest."""
    targets = [(row, region) for row in sorted(rows, key=lambda row: row.account) for region in sorted(row.regions)]
    targets = [(row, region) for row, region in targets if row.state != AccountState.GONE]
    by_account: dict[str, int] = {}
    pool = []
    for row, region in targets:
        name = f"accounts/{row.account}/registries/{region}"
        chosen = [at for at, (each, _) in enumerate(waves) if each is not None and each.takes(row, region)]
        if chosen:
            by_account[name] = chosen[0]
        else:
            pool.append(name)
    for at, (_, percent) in enumerate(waves):
        if percent is not None:
            size = max(1, len(targets) * percent // 100)
            by_account.update(dict.fromkeys(pool[:size], at))
            pool = pool[size:]
    return {**by_account, **dict.fromkeys(pool, len(waves))}


async def test_waves_take_the_targets_that_they_should(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "ACCOUNTS", 3)

    async def one(rows: list[AccountRow], drawn: list[Any]) -> None:
        spec = SetSpec(selector=Selector(), settings={}, waves=waves_of(drawn))

        def change(tx: Tx) -> None:
            stored(tx, rows)
            registry_sets.add(tx, set_row("a", spec=spec.to_json()))
            row = rollouts.add(tx, rollout_row("a", spec=spec.to_json()))
            while row.state == RolloutState.PLANNING:
                row = plan_targets(tx, row)

        await db.write(change)
        row = await db.read(lambda tx: rollouts.get(tx, "a", 1))
        assert row is not None
        targets = await db.read_in_turns(lambda tx: rollout_targets.reading_page(tx, row, ("", ""), 500))
        assert {str(each.registry): each.wave for each in targets} == wave_by_hand(drawn, rows)

    def body(run: Any) -> None:
        @settings(max_examples=80)
        @given(ROWS, WAVES)
        def check(rows: list[AccountRow], waves: list[Any]) -> None:
            run(one(rows, waves))

        check()

    await check_all(db, body)


def declare(tx: Tx, rows: Sequence[AccountRow], characters: int) -> None:
    """Store a declaration of the set for each account."""
    stored(tx, rows)
    declarations = metadata.tables["declarations"]
    for row in rows:
        values = {
            "account": row.account, "region": "us-east-1", "owner": "a", "uid": "u",
            "settings": {"registry_policy": {"policyText": "x" * characters}}, "deletion_policy": "REMOVE",
            "allow_replacement": False, "managed_by": "registrySets/a", "set_revision": 1,
            **dict.fromkeys(
                ("generation", "observed_generation", "registry_generation", "create_time", "update_time"), 1
            ),
        }  # fmt: skip
        tx.conn.execute(declarations.insert().values(**values))


async def test_page_ends_before_its_declarations_are_too_large(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "PAGE_CHARACTERS", 2_500)
    rows = [AccountRow(account=f"{number:012}", uid="u", regions=["us-east-1"]) for number in range(1, 8)]

    await db.write(lambda tx: declare(tx, rows, 1_000))
    compiled, after, sizes = matcher(Selector()), "", list[int]()
    while True:
        places, after = await db.read_then_parse(
            lambda tx, a=after: matching.reading_page(tx, compiled, SetName("a"), a)  # type: ignore[misc]
        )
        assert all(place.declared is not None for place in places)
        sizes.append(len(places))
        if not after:
            break
    assert sizes == [2, 2, 2, 1]
    monkeypatch.setattr(matching, "PAGE_CHARACTERS", 10)
    places, after = await db.read_then_parse(lambda tx: matching.reading_page(tx, compiled, SetName("a"), ""))
    assert (len(places), after) == (1, rows[0].account), "one account is read, however large"


async def test_page_of_large_declarations_is_read_in_steps(db: Database) -> None:
    rows = [AccountRow(account=f"{number:012}", uid="u", regions=["us-east-1"]) for number in range(1, 8)]
    await db.write(lambda tx: declare(tx, rows, 200_000))
    name, compiled = SetName("a"), matcher(Selector())

    def steps(tx: Tx) -> int:
        return sum(1 for _ in both(matching.reading_page(tx, compiled, name, "")))

    assert await db.read(steps) >= 1_400_000 // AT_ONCE
    places, after = await db.read_then_parse(lambda tx: matching.reading_page(tx, compiled, name, ""))
    assert (len(places), after) == (7, "")
    assert all(place.declared is not None and place.declared.settings for place in places)


async def test_page_without_settings_is_read_at_once(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "PAGE_CHARACTERS", 10)
    rows = [AccountRow(account=f"{number:012}", uid="u", regions=["us-east-1"]) for number in range(1, 8)]
    await db.write(lambda tx: declare(tx, rows, 200_000))
    name, compiled = SetName("a"), matcher(Selector())

    def steps(tx: Tx) -> int:
        return sum(1 for _ in both(matching.reading_page(tx, compiled, name, "", settings=False)))

    assert await db.read(steps) == 0
    places, after = await db.read_then_parse(lambda tx: matching.reading_page(tx, compiled, name, "", settings=False))
    assert (len(places), after) == (7, "")
    managed = [place.managed_by(name) for place in places]
    assert all(row is not None and row.settings == {} and row.set_revision == 1 for row in managed)
