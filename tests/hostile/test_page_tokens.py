"""Page tokens are valid for one database, list and caller."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import io
import json
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import ecrkeeper
import grpc
import psycopg
import pytest
from ecrkeeper.v1 import audit_service_pb2, role_service_pb2
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from ecrkeeper_server.access.policy import Principal
from ecrkeeper_server.api.layers.access import CALLER
from ecrkeeper_server.api.server import registry_settings_service
from ecrkeeper_server.api.services.audit import Audit
from ecrkeeper_server.api.services.broadcaster import Changes
from ecrkeeper_server.api.services.context import Dependencies
from ecrkeeper_server.api.services.operations import Operations
from ecrkeeper_server.api.services.page_tokens import PageKey, TokenSigner
from ecrkeeper_server.api.services.pages import page_of
from ecrkeeper_server.api.services.roles import Roles
from ecrkeeper_server.backup import export, stream
from ecrkeeper_server.errors import InvalidArgument, NotFound
from ecrkeeper_server.names import RegistryName, RoleName
from ecrkeeper_server.store import page_token_key, resources, schema
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.tables import page_token_keys
from google.longrunning import operations_pb2
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete

from tests import harness
from tests.e2e.live import fields_of, rejection

KEY = bytes(range(32))
LIST = pb.ListRegistriesRequest(parent="accounts/-", filter='region = "us-east-1"', page_size=5)


def signer(request: Any = LIST, principal: str = "alice", key: bytes = KEY) -> TokenSigner:
    return TokenSigner(key, request, principal)


def with_token(request: Any, token: str) -> Any:
    copy = type(request)()
    copy.CopyFrom(request)
    copy.page_token = token
    return copy


def rejected(token: str, start: Any = "", *, request: Any = LIST, **by: Any) -> str:
    """Return the reason why a request with a token is rejected."""
    with pytest.raises(InvalidArgument) as caught:
        page_of(with_token(request, token), start, signer(request, **by))
    (violation,) = caught.value.violations
    assert violation.field == "page_token"
    return violation.description


BACKFILLS = pb.ListReplicationBackfillResultsRequest(name="b", status="FAILED")
EVENTS = audit_service_pb2.ListAuditEventsRequest(filter="x")
OPERATIONS = operations_pb2.ListOperationsRequest(name="operations", filter="done=true")
OTHERS: list[tuple[Any, Any, str]] = [
    (LIST, pb.ListRegistriesRequest(parent="accounts/-"), "another filter"),
    (LIST, pb.ListRegistriesRequest(parent=f"accounts/{'1' * 12}", filter=LIST.filter), "another parent"),
    (LIST, role_service_pb2.ListServiceLinkedRolesRequest(parent=LIST.parent, filter=LIST.filter), "another method"),
    (LIST, pb.ListRegistrySettingsRequest(parent=LIST.parent, filter=LIST.filter), "another method of the service"),
    (BACKFILLS, pb.ListReplicationBackfillResultsRequest(name="b"), "another status"),
    (BACKFILLS, pb.ListReplicationBackfillResultsRequest(name="c", status="FAILED"), "another backfill"),
    (EVENTS, audit_service_pb2.ListAuditEventsRequest(filter="y"), "another filter of events"),
    (OPERATIONS, operations_pb2.ListOperationsRequest(name="operations"), "another filter of operations"),
    (OPERATIONS, operations_pb2.ListOperationsRequest(name="o", filter="done=true"), "another name of operations"),
]


@pytest.mark.parametrize(("first", "other", "reason"), OTHERS, ids=[row[2] for row in OTHERS])
def test_token_is_bound_to_list(first: Any, other: Any, reason: str) -> None:
    token = signer(first).token("behind")
    repeated = with_token(first, token)
    repeated.page_size = 7
    assert page_of(repeated, "", signer(repeated)).after == "behind"
    assert "another list" in rejected(token, request=other)


@pytest.mark.parametrize("principal", ["", "bob", "alice ", "Alice", "alic", "alicee", "alice\0"])
def test_token_is_bound_to_caller(principal: str) -> None:
    token = signer().token("behind")
    assert "another caller" in rejected(token, principal=principal)
    assert "another caller" in rejected(signer(principal=principal).token("behind"))


def test_token_is_bound_to_key() -> None:
    assert "another database" in rejected(signer().token("behind"), key=bytes(32))


def unsigned(content: Any) -> str:
    """Return a token of the previous release."""
    query = (
        LIST.DESCRIPTOR.full_name.encode()
        + b"\0"
        + pb.ListRegistriesRequest(parent=LIST.parent, filter=LIST.filter).SerializeToString(deterministic=True)
    )
    digest = hashlib.sha256(query).hexdigest()[:12]
    return base64.urlsafe_b64encode(json.dumps([digest, content]).encode()).decode()


def forged(content: bytes, key: bytes = b"") -> str:
    """Return a well-formed token with a forged code."""
    code = hmac.digest(key, content, hashlib.sha256)[:16]
    return ".".join(["v1", *(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (content, code))])


GOOD = signer().token("behind")
_, CONTENT, CODE = GOOD.split(".")
ODD: list[tuple[str, str]] = [
    (unsigned("behind"), "of the release before"),
    (unsigned(""), "of the release before, for its first page"),
    ("v1", "a version alone"),
    ("v1..", "nothing in it"),
    ("v1.." + CODE, "no content"),
    (f"v1.{CONTENT}.", "no code"),
    (f"v1.{CONTENT}", "no code and no dot"),
    (f"v2.{CONTENT}.{CODE}", "another version"),
    (f"V1.{CONTENT}.{CODE}", "the version in capitals"),
    (f"{CONTENT}.{CODE}", "no version"),
    (f"v1.{CONTENT}.{CODE[:-1]}", "a code that is cut short"),
    (f"v1.{CONTENT}.{CODE}A", "a code that is too long"),
    (f"v1.{CONTENT}.{CODE}==", "padding"),
    (f"v1.{CONTENT}.{'A' * 22}", "a code of zeros"),
    (f"v1.{CONTENT}A.{CODE}", "a content of a length that there is not"),
    (f"v1.{CODE}.{CONTENT}", "the parts changed over"),
    (GOOD + "\n", "a line end behind"),
    (" " + GOOD, "a blank before"),
    (GOOD + "\0", "NUL behind"),
    (GOOD.replace("v1", "v\u0661"), "a digit of another script"),
    (forged(b'"accounts/1"'), "a code of an empty key"),
    (forged(b'"accounts/1"', b"\0" * 32), "a code of a key of zeros"),
    (forged(b"[" * 1000), "deep nesting"),
    (forged(b"9" * 1300), "a number"),
    ("żółw", "another script"),
    ("\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "half of a pair of surrogates"),
    ("x" * 2048, "much"),
]


@pytest.mark.parametrize(("token", "reason"), ODD, ids=[row[1] for row in ODD])
def test_malformed_token_is_rejected(token: str, reason: str) -> None:
    assert "start without a token" in rejected(token)


@given(st.integers(0, len(GOOD) - 1), st.characters(codec="ascii", exclude_characters="\0"))
def test_modified_token_is_rejected_or_equivalent(at: int, character: str) -> None:
    changed = GOOD[:at] + character + GOOD[at + 1 :]
    try:
        # The last character of a part can have unused bits.
        assert page_of(with_token(LIST, changed), "", signer()).after == "behind"
    except InvalidArgument:
        assert changed != GOOD


@given(st.text(max_size=50))
def test_arbitrary_token_is_rejected(token: str) -> None:
    assert not token or rejected(token)


STARTS: list[tuple[Any, Any]] = [
    ("", 5), ("", ["a"]), ("", None), (0, "a"), (0, True), (0, 1.5), ([0, 0], [1]), ([0, 0], [1, "a"]), ([0, 0], [1, True]),
    ([0, 0], "a"), (["", "", ""], ["a", "b", 3]), (["", "", ""], ["a", "b", None]), (["", "", ""], []), ("", {"a": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("start", "content"), STARTS)
def test_token_of_another_release_is_rejected(start: Any, content: Any) -> None:
    assert "not a token of this release" in rejected(signer().token(content), start)


@given(st.text() | st.integers(0, 2**63) | st.lists(st.text() | st.integers(0, 2**63), max_size=3))
def test_token_keeps_its_cursor(after: Any) -> None:
    start = [type(each)() for each in after] if isinstance(after, list) else type(after)()
    assert page_of(with_token(LIST, signer().token(after)), start, signer()).after == after


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    opened = schema.open_database(database_url)
    yield opened
    await opened.close()


async def test_replicas_starting_together_share_one_key(database_url: str) -> None:
    replicas = [schema.open_database(database_url, pool_size=2) for _ in range(4)]
    try:
        migrated = await replicas[0].read(page_token_key.find)
        assert [await PageKey().read(db) for db in replicas] == [migrated] * 4
        await replicas[0].write(lambda tx: tx.conn.execute(delete(page_token_keys)))
        assert [await db.read(page_token_key.find) for db in replicas] == [None] * 4
        # Each has found no key, and creates one.
        keys = await asyncio.gather(*(db.write(page_token_key.create) for db in replicas for _ in range(5)))
        assert len({migrated, *keys}) == 2
        assert {len(key) for key in (migrated, *keys)} == {32}
        assert [await PageKey().read(db) for db in replicas] == [keys[0]] * 4
    finally:
        for db in replicas:
            await db.close()


async def test_page_token_key_is_read_once(db: Database) -> None:
    statements = 0

    class Counting:
        async def read(self, query: Callable[[Tx], Any]) -> Any:
            nonlocal statements
            statements += 1
            return await db.read(query)

        async def write(self, change: Callable[[Tx], Any]) -> Any:
            nonlocal statements
            statements += 1
            return await db.write(change)

    key, counting = PageKey(), Counting()
    keys = {await key.read(counting) for _ in range(100)}  # type: ignore[arg-type]
    assert len(keys) == 1
    assert statements == 1
    assert {await PageKey().read(counting) for _ in range(3)} == keys  # type: ignore[arg-type]
    assert statements == 4


async def test_export_excludes_page_token_key(db: Database) -> None:
    key = await PageKey().read(db)
    await db.write(lambda tx: resources.create(tx, RoleName("111111111111", "replication"), {"mode": "ENFORCE"}))
    out = io.BytesIO()
    writer = stream.Writer(out)
    async for document in export.exported(db):
        writer.write(document.to_json())
    assert b"serviceLinkedRoles/replication" in out.getvalue()
    assert key.hex().encode() not in out.getvalue()
    assert b"page_token" not in out.getvalue()


def fill(tx: Tx) -> None:
    for account in ("111111111111", "222222222222", "333333333333"):
        resources.ensure(tx, RegistryName(account, "us-east-1"), {})
        resources.ensure(tx, RoleName(account, "replication"), {})


CALLS: list[tuple[Callable[[Dependencies], Callable[..., Any]], Any]] = [
    (lambda edge: registry_settings_service(edge).ListRegistries, pb.ListRegistriesRequest(parent="accounts/-")),
    (lambda edge: registry_settings_service(edge).ListRegistryElements, pb.ListRegistryElementsRequest(parent="accounts/111111111111/registries/us-east-1")),
    (lambda edge: registry_settings_service(edge).ListRegistrySettings, pb.ListRegistrySettingsRequest(parent="accounts/-/registries/-")),
    (lambda edge: registry_settings_service(edge).ListRegistrySettingsRevisions, pb.ListRegistrySettingsRevisionsRequest(name="accounts/111111111111/registries/us-east-1/settings/web")),
    (lambda edge: registry_settings_service(edge).ListReplicationBackfills, pb.ListReplicationBackfillsRequest(parent="accounts/111111111111/registries/us-east-1")),
    (lambda edge: registry_settings_service(edge).ListReplicationBackfillResults, pb.ListReplicationBackfillResultsRequest(name=f"accounts/111111111111/registries/us-east-1/replicationBackfills/{uuid.UUID(int=1)}")),
    (lambda edge: registry_settings_service(edge).ListImageReplicationStatuses, pb.ListImageReplicationStatusesRequest(parent="accounts/111111111111/registries/us-east-1", destination={"region": "us-west-2", "registry_id": "111111111111"})),
    (lambda edge: Roles(edge).ListServiceLinkedRoles, role_service_pb2.ListServiceLinkedRolesRequest(parent="accounts/-")),
    (lambda edge: Audit(edge).ListAuditEvents, audit_service_pb2.ListAuditEventsRequest()),
    (lambda edge: Operations(edge).ListOperations, operations_pb2.ListOperationsRequest()),
]  # fmt: skip
PLACES: dict[str, Any] = {
    "ListRegistrySettingsRequest": ["", "", ""], "ListRegistrySettingsRevisionsRequest": 5, "ListAuditEventsRequest": [1, 1],
    "ListReplicationBackfillsRequest": 5, "ListRegistryElementsRequest": [1, "a"],
    "ListImageReplicationStatusesRequest": ["a", 1, "a"],
}  # fmt: skip


def test_all_lists_are_tested() -> None:
    methods = {
        method.input_type.full_name
        for file in (pb, role_service_pb2, audit_service_pb2, operations_pb2)
        for service in file.DESCRIPTOR.services_by_name.values()
        for method in service.methods
        if "page_token" in method.input_type.fields_by_name
    }
    assert {request.DESCRIPTOR.full_name for _, request in CALLS} == methods


@pytest.mark.parametrize(("method", "request_"), CALLS, ids=[type(request).__name__ for _, request in CALLS])
async def test_list_accepts_only_its_own_tokens(db: Database, method: Any, request_: Any) -> None:
    class NoAws:
        async def call(self, *_: Any) -> Any:
            raise LookupError

    edge = Dependencies(db, NoAws(), Changes(), lambda: None, "us-east-1")  # type: ignore[arg-type]
    call, place = method(edge), PLACES.get(type(request_).__name__, "a")
    CALLER.set(Principal("alice"))
    key = await PageKey().read(db)
    for token in (
        GOOD,
        unsigned(place),
        signer(request_, "bob", key).token(place),
        signer(request_, "alice").token(place),
    ):
        with pytest.raises(InvalidArgument) as caught:
            await call(with_token(request_, token), None)
        assert [violation.field for violation in caught.value.violations] == ["page_token"]
    try:
        await call(with_token(request_, signer(request_, "alice", key).token(place)), None)
    except (LookupError, ecrkeeper.RegistryError):
        assert any(each in type(request_).__name__ for each in ("Backfill", "Image")), "only these ask AWS"
    except NotFound:
        assert "Elements" in type(request_).__name__, "the registry of these does not exist"


async def test_list_continues_on_another_replica(database_url: str) -> None:
    replicas = [schema.open_database(database_url, pool_size=2) for _ in range(2)]
    unused: Any = None
    edges = [Dependencies(db, unused, Changes(), lambda: None, "us-east-1") for db in replicas]
    await replicas[0].write(fill)
    try:
        names, token = [], ""
        for at in range(3):
            roles = Roles(edges[at % 2])
            request = role_service_pb2.ListServiceLinkedRolesRequest(parent="accounts/-", page_size=1, page_token=token)
            answer = await roles.ListServiceLinkedRoles(request, unused)
            names += [role.name for role in answer.service_linked_roles]
            token = answer.next_page_token
        assert names == [f"accounts/{n * 12}/serviceLinkedRoles/replication" for n in "123"]
        assert token == ""
    finally:
        for db in replicas:
            await db.close()


def test_servers_on_one_postgres_accept_each_others_tokens(
    aws: harness.Simulator, postgres_url: str, tmp_path: Path
) -> None:
    one, two = (harness.Server(tmp_path, postgres_url, aws.url, role="api") for _ in range(2))
    with (
        ecrkeeper.Client(one.address, insecure=True) as first,
        ecrkeeper.Client(two.address, insecure=True) as second,
    ):
        for n in range(3):
            settings = {"scanningConfiguration": {"scanType": "ENHANCED"}}
            first.apply_registry_settings(f"accounts/{n:012}/registries/us-east-1/settings/web", settings)
        page = next(iter(first.list_registries("accounts/-", page_size=1).pages))
        rest = [registry.name for registry in second.list_registries("accounts/-", page_token=page.next_page_token)]
        assert rest == [f"accounts/{n:012}/registries/us-east-1" for n in (1, 2)]
        with psycopg.connect(postgres_url, autocommit=True) as conn:
            conn.execute("UPDATE page_token_keys SET key = repeat('ab', 32)")
        third = harness.Server(tmp_path, postgres_url, aws.url, role="api")
        with ecrkeeper.Client(third.address, insecure=True) as other:
            error = rejection(
                grpc.StatusCode.INVALID_ARGUMENT,
                lambda: list(other.list_registries("accounts/-", page_token=page.next_page_token)),
            )
        assert fields_of(error) == ["page_token"]
    for server in (one, two, third):
        assert server.stop() == 0
