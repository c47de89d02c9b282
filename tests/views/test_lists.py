"""Lists show the current rows to their readers, although messages are cached."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from ecrkeeper_server.access.policy import Principal
from ecrkeeper_server.access.policy_file import parse
from ecrkeeper_server.api.layers.access import CALLER, Access
from ecrkeeper_server.api.messages.registry import FULL
from ecrkeeper_server.api.services import registries, registry_settings
from ecrkeeper_server.names import RegistryName, SettingsName
from ecrkeeper_server.store import endings, findings, resources, schema
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.tables import declarations, schedule
from ecrkeeper_server.store.tables import resources as resources_table
from ecrkeeper_server.store.unit_of_work import Origin
from sqlalchemy import delete, update

from tests import declaring
from tests.dependencies import dependencies

FIRST, SECOND = RegistryName("111111111111", "eu-west-1"), RegistryName("222222222222", "us-east-1")
NAMES = [SettingsName(registry, owner) for registry in (FIRST, SECOND) for owner in ("a", "b")]
NAME = NAMES[0]
ORIGIN = Origin("Test")
SCAN = {"scanning_configuration": {"scanType": "BASIC"}}
ERROR = {"code": "FAILED_PRECONDITION", "reason": "AWS_REJECTED", "message": "no"}
DRIFT = {"setting": "scanning_configuration", "key": "scan_type", "kind": "CHANGED", "desired": 1, "observed": 2}
Change = Callable[[Tx], Any]


class Counted:
    """A database that counts its reads."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.count = 0

    async def read(self, query: Callable[[Tx], Any]) -> Any:
        self.count += 1
        return await self.db.read(query)

    async def read_in_turns(self, query: Callable[[Tx], Any]) -> Any:
        self.count += 1
        return await self.db.read_in_turns(query)

    async def read_then_parse(self, query: Callable[[Tx], Any]) -> Any:
        self.count += 1
        return await self.db.read_then_parse(query)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.db, name)


class Lists:
    """The two services, with nothing cached yet."""

    def __init__(self, db: Database, access: Access | None = None) -> None:
        self.reads: Any = Counted(db)
        deps = dependencies(self.reads, access=access)
        self._settings, self._registries = registry_settings.OwnerSettings(deps), registries.Registries(deps)
        self._context: Any = None

    async def settings(self, **more: Any) -> pb.ListRegistrySettingsResponse:
        request = pb.ListRegistrySettingsRequest(**{"parent": "accounts/-/registries/-", **more})
        return (await self._settings.ListRegistrySettings(request, self._context)).message

    async def registries(self, **more: Any) -> pb.ListRegistriesResponse:
        request = pb.ListRegistriesRequest(**{"parent": "accounts/-", **more})
        answer: Any = await self._registries.ListRegistries(request, self._context)
        return getattr(answer, "message", answer)  # type: ignore[no-any-return]

    async def every(self) -> tuple[Any, Any]:
        return await self.settings(), await self.registries()

    async def get(self, name: str) -> Any:
        request = pb.GetRegistrySettingsRequest(name=name)
        return (await self._settings.GetRegistrySettings(request, self._context)).message


def put(tx: Tx, name: SettingsName = NAME, settings: dict[str, Any] = SCAN) -> None:
    resources.ensure(tx, name.registry, {"mode": "ENFORCE"}, due=True)
    declaring.put(tx, name, settings, registry_generation=1, origin=ORIGIN)


def put_again(tx: Tx) -> None:
    declared = declaring.get(tx, NAME)
    assert declared is not None
    declaring.remove(tx, declared, ORIGIN)
    put(tx)


def observe(tx: Tx) -> None:
    row = resources.get(tx, str(FIRST))
    assert row is not None
    endings.mark_declarations(tx, row, ["a"])


def state(**members: Any) -> Change:
    return lambda tx: resources.patch(tx, str(FIRST), state=members)


def columns(table: Any, **values: Any) -> Change:
    at = declarations.c.owner == "a" if table is declarations else table.c.name == str(FIRST)
    return lambda tx: tx.conn.execute(update(table).where(at).values(**values))


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    opened = schema.open_database(database_url)
    for name in reversed(NAMES):
        await opened.write(lambda tx, name=name: put(tx, name))  # type: ignore[misc]
    yield opened
    await opened.close()


CHANGES: list[tuple[Change, str]] = [
    (lambda tx: put(tx, NAME, {"registry_policy": {"policyText": "{}"}}), "a declaration changed"),
    (lambda tx: put(tx, SettingsName(FIRST, "c")), "a declaration was added"),
    (put_again, "a declaration was deleted and declared again"),
    (observe, "a declaration converged"),
    (state(error=ERROR, owners={"a": {"error": ERROR}}), "an attempt failed"),
    (state(error=ERROR, owners={"b": {"error": ERROR}}), "an attempt failed for the last owner of a registry"),
    (state(drift=[DRIFT]), "drift was found"),
    (lambda tx: findings.change(tx, str(FIRST), lambda stored: stored.without_attribution("no", 1)), "an event was found"),
    (columns(declarations, apply_group="group", generation=7), "a declaration was applied with a group"),
    (columns(declarations, managed_by="set"), "a set took over a declaration"),
    (columns(declarations, settings={}, update_time=1), "the database was restored to an earlier time"),
    (columns(schedule, due_at=1_800_000_000_000_000), "another time is due"),
    (columns(schedule, due_at=None), "nothing is due"),
    (columns(schedule, observe_time=1_800_000_000_000_000), "an attempt found no change"),
    (lambda tx: declaring.remove(tx, declaring.get(tx, NAME), ORIGIN), "a declaration was deleted"),  # type: ignore[arg-type]
]  # fmt: skip


async def test_cached_list_shows_every_change(db: Database) -> None:
    cached = Lists(db)
    before = await cached.every()
    for change, reason in CHANGES:
        await db.write(change)
        after = await cached.every()
        assert after != before, reason
        assert after == await Lists(db).every(), reason
        shown = list(after[0].registry_settings)
        assert shown == [await cached.get(each.name) for each in shown], reason
        before = after


async def test_rows_at_rest_are_read_once(db: Database) -> None:
    lists = Lists(db)
    first, reads = await lists.every(), lists.reads.count
    assert await lists.every() == first
    # One read of the rows for each list; the key of page tokens is known by then.
    assert lists.reads.count == reads + 2
    await db.write(columns(schedule, due_at=1_800_000_000_000_000))
    await lists.every()
    assert lists.reads.count == reads + 4, "times are part of the page"


async def test_list_is_paged_and_filtered_in_order(db: Database) -> None:
    lists, names, token = Lists(db), list[str](), ""
    while not names or token:
        page = await lists.settings(page_size=3, page_token=token)
        names += [each.name for each in page.registry_settings]
        token = page.next_page_token
    assert names == list(map(str, NAMES))
    await db.write(columns(declarations, apply_group="group"))
    for more, expected, reason in (
        ({"parent": f"{SECOND}"}, NAMES[2:], "one registry"),
        ({"parent": "accounts/-/registries/eu-west-1"}, NAMES[:2], "one Region"),
        ({"filter": "owner = b"}, NAMES[1::2], "one owner"),
        ({"filter": "owner != b"}, NAMES[::2], "without one owner"),
        ({"filter": "apply_group = group AND account = 222222222222"}, NAMES[2:3], "a group in an account"),
        ({"filter": "region = us-east-1 OR owner = a"}, [NAMES[0], *NAMES[2:]], "either of two"),
    ):
        listed = await lists.settings(**more)
        assert [each.name for each in listed.registry_settings] == list(map(str, expected)), reason


async def test_declaration_without_its_registry_does_not_end_the_list(db: Database) -> None:
    for table in (resources_table, schedule):
        await db.write(lambda tx, table=table: tx.conn.execute(delete(table).where(table.c.name == str(FIRST))))  # type: ignore[misc]
    page = await Lists(db).settings(page_size=3)
    assert [each.name for each in page.registry_settings] == list(map(str, NAMES[2:]))


async def test_cached_rows_are_shown_only_to_their_readers(db: Database) -> None:
    policy = parse(
        b"rules: [{name: all, principals: [alice], verbs: [read]},"
        b" {name: own, principals: [bob], verbs: [read], owners: [b]}]"
    )
    lists = Lists(db, Access(lambda: policy))
    CALLER.set(Principal("alice"))
    assert [each.name for each in (await lists.settings()).registry_settings] == list(map(str, NAMES))
    assert len((await lists.registries()).registries) == 2
    CALLER.set(Principal("bob"))
    assert [each.name for each in (await lists.settings()).registry_settings] == list(map(str, NAMES[1::2]))
    assert not (await lists.registries()).registries


@pytest.mark.parametrize("more", [{"filter": "mode = ENFORCE"}, {"view": FULL}, {"filter": "reason = NOTHING"}])
async def test_wide_rows_are_read_a_few_at_a_time(
    db: Database, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any]
) -> None:
    limits, page = list[int](), resources.reading_page

    def counting(tx: Tx, kind: str, account: str, after: str, limit: int, condition: Any) -> Any:
        limits.append(limit)
        return page(tx, kind, account, after, limit, condition)

    monkeypatch.setattr(resources, "reading_page", counting)
    for at in range(60):
        await db.write(
            lambda tx, at=at: resources.ensure(tx, RegistryName(f"{at:012}", "eu-west-1"), {"mode": "ENFORCE"})
        )  # type: ignore[misc]
    listed = await Lists(db).registries(page_size=50, **more)
    assert len(listed.registries) == (0 if "NOTHING" in str(more) else 50)
    assert bool(listed.next_page_token) is ("NOTHING" not in str(more))
    assert set(limits) == {25}, "each row may have megabytes"
