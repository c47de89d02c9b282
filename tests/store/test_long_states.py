"""Registries with long states: no thread parses them, no step reads many."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from ecrkeeper_server.api.services.registry_settings import OwnerSettings
from ecrkeeper_server.names import RegistryName, SettingsName
from ecrkeeper_server.store import (
    claims,
    declaration_pages,
    declarations,
    endings,
    listing,
    resources,
    schema,
    sqlite_engine,
    sweep,
)
from ecrkeeper_server.store.claims import Capacity
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.json_columns import AT_ONCE, HASHED_AT_ONCE, json_text
from ecrkeeper_server.store.long_json import LONG
from ecrkeeper_server.store.prepared import Prepared
from ecrkeeper_server.store.queue import Outcome
from ecrkeeper_server.store.rows import Resource
from ecrkeeper_server.store.unit_of_work import Origin
from ecrkeeper_server.turns import Steps

from tests import declaring
from tests.dependencies import dependencies
from tests.parsing import Parsed, both
from tests.views import largest

REGISTRIES = [RegistryName("111111111111", f"eu-west-{at}") for at in range(12)]
NAMES = [SettingsName(registry, "a") for registry in REGISTRIES]
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
READINGS: list[tuple[str, Callable[[Tx], Steps[Any]], int]] = [
    ("registries", lambda tx: both(resources.reading_page(tx, "registry", "-", "", 25)), 1),
    ("whole registries", lambda tx: both(listing.reading_page(tx, "registry", "-", "", 25, None)), 1),
    ("versions of registries", lambda tx: listing.reading_list(tx, "-", "", 25), HASHED_AT_ONCE),
    ("declarations", lambda tx: declarations.reading(tx, NAMES), 1),
    (
        "versions of declarations",
        lambda tx: declaration_pages.reading_page(tx, "-", "-", ("", "", ""), 25),
        HASHED_AT_ONCE,
    ),
]


def state() -> dict[str, Any]:
    filters = [{"filter": f"team-{at:05}/", "filterType": "PREFIX_MATCH"} for at in range(7_000)]
    rules = [{"destinations": [{"region": "eu-west-1", "registryId": "222222222222"}], "repositoryFilters": filters}]
    conditions = largest.conditions("It works.")
    return {"conditions": conditions, "drift": [], "observed": {largest.REPLICATION: {"rules": rules}}}


CHARACTERS = len(json_text(state()) or "")


def exclusion(role: str) -> dict[str, Any]:
    return {"pull_time_update_exclusions": {"principalArns": [f"arn:aws:iam::111111111111:role/{role}"]}}


def fill(tx: Tx) -> None:
    for name in NAMES:
        resources.ensure(tx, name.registry, {"mode": "ENFORCE"}, due=True)
        declaring.put(tx, name, exclusion("x"), registry_generation=1, origin=Origin("Test"))
        resources.patch(tx, str(name.registry), state=state())


@pytest.fixture
async def filled(db: Database) -> Database:
    await db.write(fill)
    return db


async def test_update_does_not_parse_what_aws_has(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    deps = dependencies(filled)
    service, request = OwnerSettings(deps), pb.UpdateRegistrySettingsRequest()
    request.registry_settings.name = str(NAMES[0])
    arns = exclusion("y")["pull_time_update_exclusions"]["principalArns"]
    request.registry_settings.settings.pull_time_update_exclusions.principal_arns.extend(arns)
    parsed = Parsed(monkeypatch)
    updated = await service.UpdateRegistrySettings(request, None)
    assert [each.message for each in updated.conditions] == ["It works."] * 4
    assert parsed.characters < LONG < CHARACTERS
    await asyncio.gather(
        *(service.GetRegistrySettings(pb.GetRegistrySettingsRequest(name=str(name)), None) for name in NAMES)
    )
    assert parsed.characters < LONG


async def test_transactions_of_attempts_do_not_parse_states(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = Parsed(monkeypatch)

    def claim(tx: Tx) -> list[Resource]:
        claimed = claims.claim(tx, lease=60, backlog=Capacity(20))
        assert set(sweep.desired(tx, claimed)) == {str(name) for name in REGISTRIES}
        return claimed

    first, second, *_ = await filled.write(claim)
    # An attempt parses both states in turns before it begins.
    kept, changed = first.stored_state, {**second.stored_state, "drift": [{"setting": "registry_policy"}]}

    def outcome(value: dict[str, Any], *, saved: bool) -> Outcome:
        return Outcome(value, 1, next_in=60, failures=0, observed_at=1, saved=saved)

    before = parsed.characters
    ends = [(first, outcome(kept, saved=False)), (second, outcome(changed, saved=True))]
    ended = await filled.write(lambda tx: endings.finish(tx, ends))
    assert parsed.characters - before < 1_000, "specs only"
    assert parsed.in_threads < LONG
    assert [row is not None and row.stored_state for row in ended] == [kept, changed]
    for row, stored in ((first, kept), (second, changed)):
        current = await filled.read(lambda tx, name=row.name: resources.get(tx, name))  # type: ignore[misc]
        assert current is not None
        assert current.stored_state == stored


@SQLITE
@pytest.mark.parametrize(("what", "reading", "at_once"), READINGS, ids=[what for what, *_ in READINGS])
async def test_step_reads_few_long_states(
    filled: Database, monkeypatch: pytest.MonkeyPatch, what: str, reading: Callable[[Tx], Steps[Any]], at_once: int
) -> None:
    counted = _Counted(monkeypatch)
    found = await filled.read(lambda tx: counted.steps(tx, reading))
    most = 2 + at_once * AT_ONCE // CHARACTERS
    assert sum(found) >= len(REGISTRIES), what
    assert 0 < max(found) <= most < len(REGISTRIES), what
    assert len(await filled.read_in_turns(reading)) == len(REGISTRIES)


async def test_step_hashes_few_long_states(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed, digest = list[int](), sqlite_engine._digest

    def counting(text: str | None, seed: int) -> int | None:
        hashed.append(len(text or ""))
        return digest(text, seed)

    def in_steps(tx: Tx, reading: Callable[[Tx], Steps[Any]]) -> list[int]:
        found = []
        for _ in reading(tx):
            found.append(sum(hashed))
            hashed.clear()
        return found

    monkeypatch.setattr(sqlite_engine, "_digest", counting)
    url = f"sqlite:///{tmp_path / 'ecrkeeper.db'}"
    schema.migrate(url)
    db = schema.open_database(url)
    await db.write(fill)
    for what, reading, at_once in READINGS:
        if at_once == HASHED_AT_ONCE:
            found = await db.read(lambda tx, reading=reading: in_steps(tx, reading))  # type: ignore[misc]
            assert 0 < max(found) <= at_once * AT_ONCE + 2 * CHARACTERS < len(REGISTRIES) * CHARACTERS, what
    await db.close()


class _Counted:
    """Counts the rows that are read of queries."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rows = 0
        cursor = Prepared._cursor
        monkeypatch.setattr(Prepared, "_cursor", lambda *args: self.of(cursor(*args)))

    def of(self, rows: Any) -> Iterator[Any]:
        for row in rows:
            self.rows += 1
            yield row

    def steps(self, tx: Tx, reading: Callable[[Tx], Steps[Any]]) -> Sequence[int]:
        """Return the rows of each step."""

        def ask(conn: Any, queries: Any) -> list[Any]:
            return [self.of(conn.execute(query, values)) for query, values in queries]

        found = []
        for _ in reading(type(tx)(tx.conn, tx.dialect, set(), ask)):
            found.append(self.rows - sum(found))
        return [*found, self.rows - sum(found)]
