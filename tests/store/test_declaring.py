"""Writes of declarations that share a transaction, and those that cannot."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from ecrkeeper_server.declarations.commands import PutDeclaration, compose_specs
from ecrkeeper_server.declarations.committer import Committer
from ecrkeeper_server.declarations.deletion import DeleteDeclaration
from ecrkeeper_server.declarations.idempotency import Caller
from ecrkeeper_server.declarations.write_result import WriteResult
from ecrkeeper_server.errors import Aborted, AlreadyExists, FailedPrecondition, NotFound, StatusError
from ecrkeeper_server.names import RegistryName, SettingsName
from ecrkeeper_server.store import audit_pages, declarations, resources, schema
from ecrkeeper_server.store.audit import Selection
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.rows import Declaration, Resource
from ecrkeeper_server.store.specs import DeclarationSpec
from ecrkeeper_server.store.unit_of_work import Origin
from ecrkeeper_server.turns import finish
from msgspec.structs import replace

from tests.declaring import get, newest_revisions
from tests.declaring import put as place


def registry(n: int) -> RegistryName:
    return RegistryName(f"{n:012d}", "us-east-1")


def settings(prefix: str = "quay", url: str = "quay.io") -> dict[str, Any]:
    return {"pull_through_cache_rules": {"rules": [{"ecrRepositoryPrefix": prefix, "upstreamRegistryUrl": url}]}}


def put(
    n: int, owner: str = "a", spec: dict[str, Any] | None = None, request_id: str = "", **options: Any
) -> PutDeclaration:
    """Apply settings for a registry, whether or not the owner declares any."""
    declaration = DeclarationSpec(settings() if spec is None else spec, "REMOVE", False)
    caller = Caller("UpdateRegistrySettings", request_id, f"{n} {owner} {declaration.settings}")
    arguments = {"create": True, "update": True, **options}
    return PutDeclaration(
        name=SettingsName(registry(n), owner), change=lambda _: declaration, caller=caller, **arguments
    )


def remove(n: int, owner: str = "a", **options: Any) -> DeleteDeclaration:
    return DeleteDeclaration(name=SettingsName(registry(n), owner), caller=Caller("DeleteRegistrySettings"), **options)


class Counting:
    """A database that counts its transactions."""

    def __init__(self, db: Database) -> None:
        self.db, self.writes, self.read, self.reads_inline = db, 0, db.read, db.reads_inline

    async def write(self, change: Callable[[Tx], Any]) -> Any:
        self.writes += 1
        return await self.db.write(change)


def together(db: Any, *calls: PutDeclaration | DeleteDeclaration) -> Any:
    """Make calls during another one, so that they share a transaction."""
    declaring = Committer(db)
    # A new one each time: an unchanged write stores less.
    first = put(999, spec=settings(uuid.uuid4().hex))
    return asyncio.gather(*(declaring.write(call) for call in (first, *calls)), return_exceptions=True)


async def test_batched_calls_share_transaction_and_fail_separately(db: Database) -> None:
    counting = Counting(db)
    _, one, stale, missing, two = await together(
        counting, put(1), put(2, etag="old"), remove(3), put(4, spec=settings("k8s", "registry.k8s.io"))
    )
    assert counting.writes == 2
    assert isinstance(stale, Aborted)
    assert isinstance(missing, NotFound)
    assert (one.declared.generation, two.declared.settings) == (1, settings("k8s", "registry.k8s.io"))
    stored = [await db.read(lambda tx, n=n: resources.get(tx, str(registry(n)))) for n in (1, 2, 3, 4)]
    assert [row is not None for row in stored] == [True, False, False, True]
    assert stored[0] == one.registry
    assert await db.read(lambda tx: get(tx, one.declared.name)) == one.declared


async def test_second_call_in_batch_sees_the_first(db: Database) -> None:
    _, first, second, conflict, forced, missing, recreated = await together(
        db,
        put(1, "a"),
        put(1, "b"),
        put(1, "c", settings("quay", "public.ecr.aws")),
        put(1, "c", settings("quay", "public.ecr.aws"), force=True),
        remove(1, "a"),
        put(1, "a", settings("k8s", "registry.k8s.io")),
    )
    assert isinstance(conflict, FailedPrecondition)
    assert [each.registry.generation for each in (first, second, forced, missing, recreated)] == [2, 3, 4, 5, 6]
    assert (first.declared.uid != recreated.declared.uid, recreated.declared.generation) == (True, 4)
    declared = await db.read(lambda tx: declarations.of_registry(tx, registry(1)))
    rules = {one.owner: one.settings["pull_through_cache_rules"].get("rules", []) for one in declared}
    assert {owner: [rule["upstreamRegistryUrl"] for rule in each] for owner, each in rules.items()} == {
        "a": ["registry.k8s.io"],
        "b": [],
        "c": ["public.ecr.aws"],
    }
    revisions = await db.read(lambda tx: newest_revisions(tx, first.declared.name))
    assert [(each.revision, each.settings is None) for each in revisions] == [
        (4, False),
        (3, True),
        (2, False),
        (1, False),
    ]


async def test_batched_calls_equal_sequential_calls(db: Database) -> None:
    def calls(n: int) -> list[PutDeclaration | DeleteDeclaration]:
        return [
            put(n, "a"),
            put(n, "b", settings("k8s", "registry.k8s.io")),
            put(n, "c", settings("quay", "public.ecr.aws")),
            put(n, "b", settings("quay", "public.ecr.aws"), force=True),
            remove(n, "a"),
            put(n, "a", create=True, update=False),
            put(n, "a", settings("gone", "quay.io"), create=False),
            remove(n, "d", allow_missing=True),
        ]

    _, *shared = await together(db, *calls(1))
    declaring = Committer(db)
    alone = [(await asyncio.gather(declaring.write(call), return_exceptions=True))[0] for call in calls(2)]
    assert [kind(each) for each in shared] == [kind(each) for each in alone]
    assert await left(db, 1) == await left(db, 2)


def kind(outcome: Any) -> Any:
    if isinstance(outcome, StatusError):
        return outcome.code, outcome.reason
    return outcome and (outcome.declared.generation, outcome.registry.generation)


async def left(db: Database, n: int) -> Any:
    """Return everything that is stored about a registry except names, ids and times."""

    def read(tx: Tx) -> Any:
        row = resources.get(tx, str(registry(n)))
        assert row is not None
        events = finish(finish(audit_pages.reading_page(tx, Selection(account=registry(n).account), None, 100)))
        return (
            plain(row),
            [plain(each) for each in declarations.of_registry(tx, registry(n))],
            [
                (each.revision, each.settings, each.reason, each.method)
                for owner in "abcd"
                for each in newest_revisions(tx, SettingsName(registry(n), owner))
            ],
            [(each.method, each.owners, each.generation, each.changes, each.reason) for each in events],
        )

    return await db.read(read)


def plain(row: Resource | Declaration) -> Any:
    same: dict[str, Any] = {"account": "", "uid": "", "create_time": 0, "update_time": 0}
    return replace(row, **same, **({"name": "", "due_at": 0} if isinstance(row, Resource) else {}))


async def test_repeated_call_in_one_batch_gets_same_response(db: Database) -> None:
    first_id, second_id = str(uuid.uuid4()), str(uuid.uuid4())
    _, first, repeated, other, later = await together(
        db,
        put(1, request_id=first_id),
        put(1, request_id=first_id.upper()),
        put(2, request_id=first_id),
        put(1, spec=settings("k8s", "registry.k8s.io"), request_id=second_id),
    )
    assert isinstance(other, AlreadyExists)
    assert (repeated.declared, repeated.registry) == (first.declared, first.registry)
    assert later.declared.generation == 2
    assert (await Committer(db).write(put(1, request_id=first_id))).declared == later.declared


async def test_validate_only_stores_nothing(db: Database) -> None:
    tried = await Committer(db).attempt(put(1, request_id=str(uuid.uuid4())))
    assert compose_specs(tried.specs).desired["pull_through_cache_rules"]
    assert await db.read(lambda tx: resources.get(tx, str(registry(1)))) is None
    with pytest.raises(NotFound):
        await Committer(db).attempt(put(1, create=False))


async def test_violation_in_one_call_affects_no_other(db: Database) -> None:
    def fail(_: Any) -> DeclarationSpec:
        raise ZeroDivisionError

    _, good, bad = await together(db, put(1), replace(put(2), change=fail))
    assert isinstance(bad, ZeroDivisionError)
    assert good.declared.generation == 1
    assert await db.read(lambda tx: resources.get(tx, str(registry(2)))) is None


@pytest.fixture
async def replicas(postgres_url: str) -> AsyncIterator[list[Database]]:
    opened = [schema.open_database(postgres_url, pool_size=4) for _ in range(2)]
    yield opened
    for db in opened:
        await db.close()


async def test_locked_registry_delays_no_other(replicas: list[Database]) -> None:
    db, other = replicas
    for n in (1, 2):
        await Committer(db).write(put(n))
    held, release = threading.Event(), threading.Event()

    def hold(tx: Tx) -> None:
        resources.get(tx, str(registry(1)), lock=True)
        held.set()
        assert release.wait(30)

    holding = asyncio.create_task(other.write(hold))
    assert await asyncio.to_thread(held.wait, 30)
    declaring = Committer(db)
    calls = (put(n, spec=settings("k8s", "registry.k8s.io")) for n in (3, 1, 2))
    first, blocked, free = (asyncio.create_task(declaring.write(call)) for call in calls)
    try:
        assert (await first).declared.generation == 1
        assert (await free).declared.generation == 2
        assert (await declaring.write(put(4))).declared.generation == 1
        assert not blocked.done()
    finally:
        release.set()
    await holding
    assert (await blocked).declared.generation == 2


async def test_replicas_creating_one_registry_both_succeed(replicas: list[Database]) -> None:
    both, attempts = threading.Barrier(2), {"a": 0, "b": 0}

    def call(owner: str) -> PutDeclaration:
        plain = put(1, owner)

        def change(present: Declaration | None) -> DeclarationSpec:
            attempts[owner] += 1
            if attempts[owner] == 1:
                both.wait(30)
            return plain.change(present)

        return replace(plain, change=change)

    results: list[WriteResult] = await asyncio.gather(
        *(Committer(db).write(call(owner)) for db, owner in zip(replicas, "ab", strict=True))
    )
    assert sorted(attempts.values()) == [1, 2]
    assert sorted(each.registry.generation for each in results) == [2, 3]
    assert len({each.registry.uid for each in results}) == 1
    declared = await replicas[0].read(lambda tx: declarations.of_registry(tx, registry(1)))
    assert [each.owner for each in declared] == ["a", "b"]


async def test_statement_count_is_independent_of_batch_size(db: Database) -> None:
    counts = []
    for many in (2, 20):
        statements: list[str] = []

        class Watching:
            read = db.read

            async def write(self, change: Callable[[Tx], Any], statements: list[str] = statements) -> Any:
                def run(tx: Tx) -> Any:
                    before = tx.conn.execute

                    def execute(statement: Any, *args: Any, **more: Any) -> Any:
                        statements.append(str(statement))
                        return before(statement, *args, **more)

                    tx.conn.execute = execute  # type: ignore[method-assign]
                    try:
                        return change(tx)
                    finally:
                        tx.conn.execute = before  # type: ignore[method-assign]

                return await db.write(run)

        await together(Watching(), *(put(many * 100 + n, request_id=str(uuid.uuid4())) for n in range(many)))
        counts.append(len(statements))
    assert counts[0] == counts[1]


def scanning(kind: str = "", *frequencies: str) -> dict[str, Any]:
    texts = [{"filter": "*", "filterType": "WILDCARD"}]
    rules = [{"scanFrequency": frequency, "repositoryFilters": texts} for frequency in frequencies]
    return {"scanning_configuration": {**({"scanType": kind} if kind else {}), "rules": rules}}


def cached(count: int, first: int = 0) -> dict[str, Any]:
    prefixes = range(first, first + count)
    rules = [{"ecrRepositoryPrefix": f"p{i}", "upstreamRegistryUrl": "quay.io"} for i in prefixes]
    return {"pull_through_cache_rules": {"rules": rules}}


@pytest.mark.parametrize(
    ("declared", "deleted", "allowed", "reason"),
    [
        ({"a": scanning("ENHANCED"), "b": scanning("", "CONTINUOUS_SCAN")}, "a", False, "b's rules need the scan type"),
        ({"a": scanning("ENHANCED"), "b": scanning("", "CONTINUOUS_SCAN")}, "b", True, "nothing needs b's rules"),
        (
            {"a": scanning("ENHANCED"), "b": scanning("", "CONTINUOUS_SCAN"), "c": scanning("ENHANCED")},
            "a", True, "c declares the scan type as well",
        ),
        ({"a": scanning("BASIC"), "b": scanning("", "CONTINUOUS_SCAN")}, "a", True, "it was at fault before"),
        ({"a": cached(10), "b": cached(40, 10), "c": cached(20, 50)}, "a", True, "the quota was exceeded before"),
        ({"a": cached(5), "b": scanning("", "CONTINUOUS_SCAN")}, "a", True, "the fault is of another setting"),
    ],
)  # fmt: skip
async def test_deletion_is_rejected_only_for_violations_it_causes(
    db: Database, declared: dict[str, dict[str, Any]], deleted: str, allowed: bool, reason: str
) -> None:
    def store(tx: Tx) -> None:
        for owner, spec in declared.items():
            name = SettingsName(registry(1), owner)
            resources.ensure(tx, registry(1), {})
            place(tx, name, spec, registry_generation=1, origin=Origin("Test"))

    await db.write(store)
    _, outcome = await together(db, remove(1, deleted))
    assert isinstance(outcome, WriteResult if allowed else FailedPrecondition), reason
