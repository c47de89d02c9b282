"""Accepted calls in the audit trail of a running server, and queries of it."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import ecrkeeper
import grpc
import pytest
from ecrkeeper.v1.audit_pb2 import AuditEvent
from google.protobuf import json_format

from tests.e2e.live import WAIT_SECONDS, Live, Place, fields_of, fresh_account, message, rejection, rules
from tests.harness import eventually

CODE = grpc.StatusCode
QUAY = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}
OTHER_QUAY = {**QUAY, "upstreamRegistryUrl": "public.ecr.aws"}
K8S = {"ecrRepositoryPrefix": "k8s", "upstreamRegistryUrl": "registry.k8s.io"}


@pytest.fixture
def place(either: Live) -> Place:
    return either.registry(fresh_account())


def caches(*rules: dict[str, str]) -> dict[str, Any]:
    return {"pull_through_cache_rules": {"rules": list(rules)}}


def events(place: Place, filter: str = "kind = CALL") -> list[AuditEvent]:
    """Return the events of the account, oldest first."""
    return list(place.live.client.list_audit_events(f"account = {place.account} AND {filter}"))[::-1]


def changes(event: AuditEvent) -> list[tuple[str, str, str, Any, Any]]:
    rows = json_format.MessageToDict(event).get("changes", [])
    return [(r["setting"], r["key"], r["kind"].removeprefix("KIND_"), r.get("before"), r.get("after")) for r in rows]


def one(listed: list[AuditEvent]) -> AuditEvent:
    assert len(listed) == 1, listed
    return listed[0]


@dataclass(frozen=True)
class Accepted:
    """A call, its preconditions, and the event that it records."""

    reason: str
    call: Callable[[Place], Any]
    method: str
    resource: str
    changes: list[tuple[str, str, str, Any, Any]]
    before: Callable[[Place], Any] = lambda _: None


RULE, ROLE = "pull_through_cache_rules", "service_linked_role"


def role(place: Place) -> str:
    return f"accounts/{place.account}/serviceLinkedRoles/replication"


def create_role(place: Place, **fields: Any) -> Any:
    requested = ecrkeeper.ServiceLinkedRole(**fields)
    return place.live.client.create_service_linked_role(
        f"accounts/{place.account}", "replication", service_linked_role=requested
    )


def update_role(place: Place) -> Any:
    requested = ecrkeeper.ServiceLinkedRole(name=role(place), tags={"a": "2"}, mode=ecrkeeper.Mode.OBSERVE)
    return place.live.client.update_service_linked_role(requested, ["tags", "mode"])


def forget_operation(place: Place) -> None:
    operation = place.live.client.reconcile_registry(place.name)
    operation.result(timeout=WAIT_SECONDS)
    place.live.client.delete_operation(operation.name)


ACCEPTED = {
    "create": Accepted(
        "every element that is declared is an addition",
        lambda p: p.live.client.create_registry_settings(
            p.name, "team", settings=message(caches(QUAY))
        ),
        "CreateRegistrySettings", "{name}/settings/team", [(RULE, "quay", "ADD", None, ...)],
    ),
    "update": Accepted(
        "an unchanged element is no change",
        lambda p: p.apply(caches(QUAY, K8S), "team", deletion_policy="ABANDON"),
        "UpdateRegistrySettings", "{name}/settings/team",
        [("registry_settings", "deletion_policy", "UPDATE", "REMOVE", "ABANDON"), (RULE, "k8s", "ADD", None, ...)],
        lambda p: p.apply(caches(QUAY), "team"),
    ),
    "delete": Accepted(
        "every element is a removal",
        lambda p: p.live.client.delete_registry_settings(p.part("team")),
        "DeleteRegistrySettings", "{name}/settings/team", [(RULE, "quay", "REMOVE", ..., None)],
        lambda p: p.apply(caches(QUAY), "team"),
    ),
    "delete nothing": Accepted(
        "the call is accepted, although it changes nothing",
        lambda p: p.live.client.delete_registry_settings(p.part("team"), allow_missing=True),
        "DeleteRegistrySettings", "{name}/settings/team", [],
    ),
    "roll back": Accepted(
        "the difference is that to what was declared last",
        lambda p: p.live.client.rollback_registry_settings(p.part("team"), 1),
        "RollbackRegistrySettings", "{name}/settings/team", [(RULE, "k8s", "REMOVE", ..., None)],
        lambda p: (p.apply(caches(QUAY), "team"), p.apply(caches(QUAY, K8S), "team")),
    ),
    "import": Accepted(
        "what AWS has becomes a declaration",
        lambda p: p.live.client.import_registry_settings(p.name, "team", settings=[RULE]),
        "ImportRegistrySettings", "{name}/settings/team", [(RULE, "quay", "ADD", None, ...)],
        lambda p: p.seed(pullThroughCacheRules=[QUAY]),
    ),
    "keep a registry otherwise": Accepted(
        "only the fields that change",
        lambda p: p.keep(mode="OBSERVE", unmanaged_elements="PRESERVE"),
        "UpdateRegistry", "{name}", [("registry", "mode", "UPDATE", "ENFORCE", "OBSERVE")],
    ),
    "refresh a registry": Accepted(
        "it may lead to writes in AWS",
        lambda p: p.live.client.reconcile_registry(p.name),
        "ReconcileRegistry", "{name}", [], lambda p: p.apply({}, "team"),
    ),
    "start a backfill": Accepted(
        "the destination says what is copied where",
        lambda p: p.live.client.start_replication_backfill(
            p.name, ecrkeeper.ReplicationDestination(region="us-west-2", registry_id=p.account)
        ),
        "StartReplicationBackfill", "{name}",
        [("replication_backfill", "{account}/us-west-2", "ADD", None, ...)],
        lambda p: p.seed(replicationConfiguration=rules((p.account, "us-west-2"))),
    ),
    "stop a backfill": Accepted(
        "it is sent to AWS by the call itself",
        lambda p: p.live.client.stop_replication_backfill(
            next(iter(p.live.client.list_replication_backfills(p.name))).name
        ),
        "StopReplicationBackfill", "{name}/replicationBackfills/{backfill}",
        [("replication_backfill", "{backfill}", "UPDATE", None, {"status": "STOPPING"})],
        lambda p: p.seed(
            replicationConfiguration=rules((p.account, "us-west-2")),
            backfills=[{"destination": {"region": "us-west-2", "registryId": p.account}, "status": "IN_PROGRESS"}],
        ),
    ),
    "create a role": Accepted(
        "with what is declared of it",
        lambda p: create_role(p, description="ours", tags={"a": "1"}),
        "CreateServiceLinkedRole", "accounts/{account}/serviceLinkedRoles/replication",
        [
            (ROLE, "description", "ADD", None, "ours"), (ROLE, "managed", "ADD", None, True),
            (ROLE, "mode", "ADD", None, "ENFORCE"), ("tags", "a", "ADD", None, "1"),
        ],
    ),
    "update a role": Accepted(
        "tag by tag", update_role,
        "UpdateServiceLinkedRole", "accounts/{account}/serviceLinkedRoles/replication",
        [(ROLE, "mode", "UPDATE", "ENFORCE", "OBSERVE"), ("tags", "a", "UPDATE", "1", "2")],
        lambda p: create_role(p, tags={"a": "1"}),
    ),
    "forget a registry": Accepted(
        "its mode goes with it",
        lambda p: p.live.client.delete_registry(p.name),
        "DeleteRegistry", "{name}", [("registry", "registry", "REMOVE", {"mode": "OBSERVE"}, None)],
        lambda p: p.keep(mode="OBSERVE"),
    ),
    "release a role": Accepted(
        "it stays in AWS",
        lambda p: p.live.client.delete_service_linked_role(role(p), deletion_policy="ABANDON"),
        "DeleteServiceLinkedRole", "accounts/{account}/serviceLinkedRoles/replication",
        [(ROLE, "deletion_policy", "ADD", None, "ABANDON")], create_role,
    ),
    "delete a role": Accepted(
        "and whether an adopted one, too",
        lambda p: p.live.client.delete_service_linked_role(role(p), force_delete_adopted=True),
        "DeleteServiceLinkedRole", "accounts/{account}/serviceLinkedRoles/replication",
        [(ROLE, "deletion", "ADD", None, {"forced": True})], create_role,
    ),
    "refresh a role": Accepted(
        "it may lead to writes in AWS",
        lambda p: p.live.client.reconcile_service_linked_role(role(p)),
        "ReconcileServiceLinkedRole", "accounts/{account}/serviceLinkedRoles/replication", [], create_role,
    ),
    "forget an operation": Accepted(
        "its content is deleted", forget_operation, "DeleteOperation", "operations/{operation}", [],
        lambda p: p.apply({}, "team"),
    ),
}  # fmt: skip
# The calls that tests/fleet/test_audit.py makes.
FLEET_CALLS = {
    "CreateAccount", "UpdateAccount", "DeleteAccount", "CreateRegistrySet", "UpdateRegistrySet", "DeleteRegistrySet",
    "PauseRollout", "ResumeRollout", "ApproveRollout", "CancelRollout", "RollBackRollout",
}  # fmt: skip


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted_call_records_one_event(place: Place, name: str) -> None:
    case = ACCEPTED[name]
    case.before(place)
    count = len(events(place, f"kind = CALL AND method = {case.method}"))
    case.call(place)
    event = one(events(place, f"kind = CALL AND method = {case.method}")[count:])
    last = event.resource.rsplit("/", 1)[-1]
    names = {"name": place.name, "account": place.account, "backfill": last, "operation": last}
    assert event.resource == case.resource.format(**names)
    assert event.outcome == AuditEvent.SUCCEEDED
    assert event.call_id
    assert event.account == place.account
    assert event.region == ("" if "Role" in event.resource else place.region)
    recorded = changes(event)
    assert [c[:3] for c in recorded] == [(c[0], c[1].format(**names), c[2]) for c in case.changes]
    for (*_, before, after), (*_, wanted_before, wanted_after) in zip(recorded, case.changes, strict=True):
        for value, expected in ((before, wanted_before), (after, wanted_after)):
            assert (value is not None) if expected is ... else value == expected


def test_mutating_rpcs_are_in_the_table() -> None:
    from ecrkeeper._base import PATHS

    reading = ("Get", "List", "Watch", "WhoAmI", "Check", "Explain", "Validate", "Wait", "CancelOperation")
    methods = {path.rsplit("/", 1)[1] for path in PATHS.values()}
    expected = {case.method for case in ACCEPTED.values()} | FLEET_CALLS
    assert {m for m in methods if not m.startswith(reading)} == expected


def test_event_has_caller_ids_and_reason(place: Place) -> None:
    request_id, call_id = str(uuid.uuid4()), f"call-{uuid.uuid4().hex}"
    with grpc.insecure_channel(place.live.server.address) as channel:
        from ecrkeeper.v1 import registry_settings_service_pb2 as pb
        from ecrkeeper.v1.registry_settings_service_pb2_grpc import RegistrySettingsServiceStub

        declaration = ecrkeeper.RegistrySettings(name=place.part("team"), settings=message(caches(QUAY)))
        call = pb.UpdateRegistrySettingsRequest(
            registry_settings=declaration, allow_missing=True, request_id=request_id, reason="CHG-17"
        )
        send = RegistrySettingsServiceStub(channel).UpdateRegistrySettings
        send(call, metadata=(("x-request-id", call_id),), timeout=10)
        send(call, metadata=(("x-request-id", "again"),), timeout=10)
    event = one(events(place))
    assert (event.request_id, event.call_id, event.reason) == (request_id, call_id, "CHG-17")
    assert list(event.owners) == ["team"]
    assert event.generation == place.read().generation
    assert place.live.client.get_audit_event(event.name) == event
    for text in (
        f"call_id = {call_id}",
        f"request_id = {request_id}",
        f'resource = "{place.part("team")}"',
        "owner = team AND kind = CALL",
    ):
        assert one(events(place, text)).name == event.name


def test_takeover_is_recorded_for_former_owner(place: Place) -> None:
    place.apply(caches(QUAY, K8S), "first")
    place.apply(caches(OTHER_QUAY), "second", force=True)
    _, second, first = events(place)
    assert (second.owners[0], [c[:3] for c in changes(second)]) == ("second", [(RULE, "quay", "ADD")])
    assert (first.owners[0], [c[:3] for c in changes(first)]) == ("first", [(RULE, "quay", "REMOVE")])
    assert (first.reason, first.request_id) == ("taken over by second", second.request_id)


def test_rejected_and_validate_only_calls_record_no_event(place: Place) -> None:
    client = place.live.client
    place.apply(caches(QUAY), "team", validate_only=True)
    watched = ecrkeeper.Registry(name=place.name, mode=ecrkeeper.Mode.OBSERVE)
    client.update_registry(watched, ["mode"], validate_only=True)
    client.create_service_linked_role(f"accounts/{place.account}", "replication", validate_only=True)
    rejection(CODE.NOT_FOUND, client.delete_registry_settings, place.part("team"))
    rejection(
        CODE.INVALID_ARGUMENT, place.apply, caches({**QUAY, "upstreamRegistryUrl": "nowhere.example.com"}), "team"
    )
    assert events(place) == []
    place.apply(caches(QUAY), "team")
    rejection(CODE.ABORTED, client.delete_registry_settings, place.part("team"), etag="stale")
    rejection(CODE.FAILED_PRECONDITION, place.apply, caches(OTHER_QUAY), "other")
    assert [event.method for event in events(place)] == ["UpdateRegistrySettings"]


def test_events_are_paged_newest_first_within_time_range(place: Place) -> None:
    client = place.live.client
    for n in range(5):
        place.apply({}, f"team-{n}")
    of_account = f"account = {place.account} AND kind = CALL"
    pages = list(client.list_audit_events(of_account, page_size=2).pages)
    assert [[e.owners[0] for e in page.audit_events] for page in pages] == [
        ["team-4", "team-3"],
        ["team-2", "team-1"],
        ["team-0"],
    ]
    middle = pages[1].audit_events[0].create_time
    assert [e.owners[0] for e in client.list_audit_events(of_account, end_time=middle)] == ["team-1", "team-0"]
    assert [e.owners[0] for e in client.list_audit_events(of_account, start_time=middle)] == [
        "team-4",
        "team-3",
        "team-2",
    ]
    later = datetime.now(UTC) + timedelta(days=1)
    assert list(client.list_audit_events(of_account, start_time=later)) == []
    token = pages[0].next_page_token
    error = rejection(
        CODE.INVALID_ARGUMENT, lambda: list(client.list_audit_events(of_account, end_time=middle, page_token=token))
    )
    assert fields_of(error) == ["page_token"]


@pytest.mark.parametrize(
    ("filter", "field"),
    [("colour = red", "filter"), ("kind =", "filter"), ("kind = CALL OR", "filter")],
)
def test_invalid_filter_is_rejected(place: Place, filter: str, field: str) -> None:
    client = place.live.client
    assert fields_of(rejection(CODE.INVALID_ARGUMENT, lambda: list(client.list_audit_events(filter)))) == [field]
    assert fields_of(rejection(CODE.INVALID_ARGUMENT, lambda: next(iter(client.watch_audit_events(filter))))) == [field]


@pytest.mark.parametrize("name", ["auditEvents/0", "auditEvents/x", "auditEvents/99999999999999999999", "events/1"])
def test_invalid_name_is_rejected(place: Place, name: str) -> None:
    assert fields_of(rejection(CODE.INVALID_ARGUMENT, place.live.client.get_audit_event, name)) == ["name"]


def test_missing_event_is_not_found(place: Place) -> None:
    rejection(CODE.NOT_FOUND, place.live.client.get_audit_event, "auditEvents/999999999999999999")


def test_invalid_times_and_tokens_are_rejected(place: Place) -> None:
    from google.protobuf.timestamp_pb2 import Timestamp

    client = place.live.client
    bad = Timestamp(seconds=2**62)
    error = rejection(CODE.INVALID_ARGUMENT, lambda: list(client.list_audit_events(start_time=bad, end_time=bad)))
    assert fields_of(error) == ["start_time", "end_time"]
    for token in ("x", "bm9uZQ==", "WzEsIDJd" * 9, "Wy0xLCAwXQ==", "WzkyMjMzNzIwMzY4NTQ3NzU4MDYsIDBd"):
        with client.watch_audit_events(resume_token=token) as steps:
            assert fields_of(rejection(CODE.INVALID_ARGUMENT, next, steps)) == ["resume_token"]


def test_stream_sends_past_and_new_events_and_resumes(place: Place) -> None:
    client = place.live.client
    place.apply({}, "before")
    start = one(events(place)).create_time
    of_account = f"account = {place.account} AND kind = CALL"
    received: list[tuple[str, str]] = []
    with client.watch_audit_events(of_account, start_time=start, timeout=60) as steps:
        writer = threading.Timer(0.3, lambda: [place.apply({}, f"during-{n}") for n in range(3)])
        writer.start()
        for step in steps:
            if step.HasField("audit_event"):
                received.append((step.audit_event.owners[0], step.resume_token))
            if len(received) == 4:
                break
        writer.join()
    assert [owner for owner, _ in received] == ["before", "during-0", "during-1", "during-2"]
    with client.watch_audit_events(of_account, resume_token=received[1][1], timeout=60) as steps:
        first = next(step for step in steps if step.HasField("audit_event"))
        assert first.audit_event.owners[0] == "during-1"
    with client.watch_audit_events(of_account, timeout=60) as steps:
        assert not next(steps).HasField("audit_event")
        place.apply({}, "after")
        assert next(steps).audit_event.owners[0] == "after"


def test_aws_write_is_streamed_before_and_after(place: Place) -> None:
    with place.live.client.watch_audit_events(f"account = {place.account} AND kind = AWS_WRITE", timeout=60) as steps:
        next(steps)
        place.apply(caches(QUAY), "team")
        received = []
        for step in steps:
            received.append(step.audit_event)
            if received[-1].outcome == AuditEvent.SUCCEEDED:
                break
    assert {event.name for event in received} == {received[0].name}
    # A late reader sees only the end.
    assert [event.outcome for event in received][:-1] in ([], [AuditEvent.UNKNOWN])
    eventually(lambda: not place.read().reconciling)
