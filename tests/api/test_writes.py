"""Writes: optional parts, writes without change, and etags."""

from __future__ import annotations

import uuid
from typing import Any

import grpc
import pytest
from ecrkeeper._failures import from_rpc
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from ecrkeeper.v1 import registry_settings_service_pb2_grpc
from ecrkeeper.v1.registry_pb2 import Registry, RegistrySettings
from ecrkeeper.v1.role_pb2 import ServiceLinkedRole
from ecrkeeper.v1.settings_pb2 import Settings

from tests.e2e.live import WAIT_SECONDS, Live, Place, fields_of, fresh_account, message, rejection
from tests.harness import eventually

CODE = grpc.StatusCode
QUAY = {"pull_through_cache_rules": {"rules": [{"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}]}}


@pytest.fixture
def place(live: Live) -> Place:
    return live.registry(fresh_account())


@pytest.mark.parametrize(
    ("mask", "reason"),
    [
        (["*"], "`*` replaces everything"),
        (["settings"], "the mask names the settings as a whole"),
        (["deletion_policy", "settings"], "beside another field, too"),
    ],
)
@pytest.mark.parametrize("settings", [{}, {"deletion_policy": "ABANDON"}], ids=["name", "policy"])
@pytest.mark.parametrize("validate_only", [False, True])
def test_omitted_settings_are_not_removed(
    place: Place, mask: list[str] | None, reason: str, settings: dict[str, Any], validate_only: bool
) -> None:
    before = place.apply(QUAY)
    change = RegistrySettings(name=before.name, **settings)
    update = place.live.client.update_registry_settings
    error = rejection(CODE.INVALID_ARGUMENT, update, change, mask, validate_only=validate_only)
    assert fields_of(error) == ["registry_settings.settings"], reason
    assert "settings: {}" in str(error)
    assert "update_mask" in str(error)
    assert place.live.client.get_registry_settings(before.name).etag == before.etag


def test_mask_may_omit_settings_and_empty_settings_are_valid(place: Place) -> None:
    before = place.apply(QUAY)
    update = place.live.client.update_registry_settings
    policy = RegistrySettings(name=before.name, deletion_policy="ABANDON")  # type: ignore[arg-type]
    assert update(policy, ["deletion_policy"]).settings == message(QUAY)
    remaining = update(RegistrySettings(name=before.name), ["settings.pull_through_cache_rules"])
    assert remaining.settings == Settings()
    place.apply(QUAY)
    emptied = update(RegistrySettings(name=before.name, settings=Settings()))
    assert emptied.settings == Settings()
    assert emptied.generation > remaining.generation


def test_declaration_is_not_created_without_settings(place: Place) -> None:
    client = place.live.client
    for mask in (None, ["deletion_policy"]):
        declaration = RegistrySettings(name=place.part("platform"))
        error = rejection(CODE.INVALID_ARGUMENT, client.update_registry_settings, declaration, mask, allow_missing=True)
        assert fields_of(error) == ["registry_settings.settings"]
    assert client.create_registry_settings(place.name, "platform", settings={}).generation == 1


ENHANCED = {"scanning_configuration": {"scanType": "ENHANCED", "rules": []}}


def scans(frequency: str, *filters: str) -> dict[str, Any]:
    texts = [{"filter": text, "filterType": "WILDCARD"} for text in filters]
    return {"scanning_configuration": {"rules": [{"scanFrequency": frequency, "repositoryFilters": texts}]}}


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ("REMOVE", "the scan type would go back to BASIC, which has no CONTINUOUS_SCAN"),
        ("ABANDON", "AWS would stay as it is, but nobody could change what is left, or import it"),
    ],
)
@pytest.mark.parametrize("validate_only", [False, True])
def test_deletion_of_other_owners_requirement_is_rejected(
    place: Place, policy: str, reason: str, validate_only: bool
) -> None:
    place.apply(ENHANCED, "security", deletion_policy=policy)
    place.apply(scans("CONTINUOUS_SCAN", "prod*"), "team-b")
    place.apply(scans("SCAN_ON_PUSH", "dev*"), "team-c")
    client, before = place.live.client, place.read()
    delete = client.delete_registry_settings
    error = rejection(CODE.FAILED_PRECONDITION, delete, place.part("security"), validate_only=validate_only)
    assert (error.reason, error.metadata["owners"]) == ("STILL_NEEDED", "team-b"), reason
    assert [violation.subject for violation in error.violations] == ["scanning_configuration"]  # type: ignore[attr-defined]
    assert "CONTINUOUS_SCAN" in str(error)
    assert place.read().generation == before.generation
    delete(place.part("team-b"), validate_only=validate_only)
    if not validate_only:
        delete(place.part("security"))


def test_update_mask_may_be_absent_or_star(place: Place) -> None:
    client, name = place.live.client, place.part("team-a")
    place.keep(mode="PAUSED")
    registry = client.update_registry(Registry(name=place.name, unmanaged_elements="PRUNE"))  # type: ignore[arg-type]
    assert (registry.mode, registry.unmanaged_elements) == (3, 2)
    assert client.update_registry(registry, ["*"]).etag == registry.etag
    registry = client.update_registry(Registry(name=place.name), "*")
    assert (registry.mode, registry.unmanaged_elements) == (1, 1)
    declared = client.apply_registry_settings(name, QUAY, deletion_policy="ABANDON", allow_replacement=True)
    assert client.update_registry_settings(RegistrySettings(name=name)).etag == declared.etag
    changed = client.update_registry_settings(RegistrySettings(name=name, settings={"registry_policy": {}}))
    assert (changed.deletion_policy, changed.allow_replacement) == (2, True)
    assert [field.name for field, _ in changed.settings.ListFields()] == ["registry_policy"]
    repeated = client.update_registry_settings(RegistrySettings(name=name, settings={}), "*")
    assert (repeated.deletion_policy, repeated.allow_replacement) == (1, False)
    role_name = f"accounts/{place.account}/serviceLinkedRoles/replication"
    requested = ServiceLinkedRole(name=role_name, description="d", tags={"a": "b"}, mode="OBSERVE")  # type: ignore[arg-type]
    client.update_service_linked_role(requested, allow_missing=True)
    role = client.update_service_linked_role(ServiceLinkedRole(name=role_name, description="e"))
    assert (role.description, dict(role.tags), role.mode) == ("e", {"a": "b"}, 2)
    role = client.update_service_linked_role(ServiceLinkedRole(name=role_name), "*")
    assert (role.HasField("description"), dict(role.tags), role.mode) == (False, {}, 1)


def test_rollback_records_its_revision_even_if_0(place: Place) -> None:
    before = place.converged(QUAY)
    with grpc.insecure_channel(place.live.server.address) as channel:
        rollback: Any = registry_settings_service_pb2_grpc.RegistrySettingsServiceStub(channel).RollbackRegistrySettings
        with pytest.raises(grpc.RpcError) as caught:
            rollback(pb.RollbackRegistrySettingsRequest(name=place.part("platform")), timeout=10)
    error: Any = caught.value
    assert error.code() is CODE.INVALID_ARGUMENT
    assert error.details().startswith("revision: is required")
    assert place.read().generation == before.generation
    back = place.live.client.rollback_registry_settings(place.part("platform"), 0)
    assert back.settings == message({"pull_through_cache_rules": {}})


def test_unchanged_write_stores_nothing(either: Live) -> None:
    place = either.registry(fresh_account())
    client = either.client
    before = place.apply(QUAY, reason="first")
    place.converged(QUAY)
    client.create_service_linked_role(
        f"accounts/{place.account}", "replication", service_linked_role=ServiceLinkedRole(tags={"a": "b"})
    )
    role = client.list_service_linked_roles(f"accounts/{place.account}")
    (name,) = [each.name for each in role if each.name.endswith("/replication")]
    client.reconcile_service_linked_role(name).result(timeout=WAIT_SECONDS)
    registry, kept, since = place.read(), client.get_service_linked_role(name), either.aws.position()
    events = [event.name for event in client.list_audit_events(f"account = {place.account}")]
    repeated = place.apply(QUAY, reason="again", request_id=str(uuid.uuid4()))
    assert (repeated.etag, repeated.generation) == (before.etag, 1)
    declaration = RegistrySettings(name=repeated.name, settings=repeated.settings)
    assert client.update_registry_settings(declaration, ["settings"]).etag == before.etag
    assert client.rollback_registry_settings(repeated.name, 1).etag == before.etag
    assert place.keep(mode="ENFORCE").etag == registry.etag
    assert client.update_service_linked_role(kept, ["tags"]).etag == kept.etag
    assert place.read().next_reconcile_time == registry.next_reconcile_time
    assert client.get_service_linked_role(name).next_reconcile_time == kept.next_reconcile_time
    assert [r.revision for r in client.list_registry_settings_revisions(repeated.name) if r.revision] == [1]
    assert [event.name for event in client.list_audit_events(f"account = {place.account}")] == events
    assert [call for call in either.aws.requests(since) if call["account"] == place.account] == []


def test_request_id_of_unchanged_write_is_remembered(place: Place) -> None:
    request_id = str(uuid.uuid4())
    place.apply(QUAY)
    place.apply(QUAY, request_id=request_id)
    error = rejection(CODE.ALREADY_EXISTS, place.apply, {}, request_id=request_id)
    assert error.reason == "REQUEST_ID_REUSED"


def test_redeclared_resource_is_reconciled_now_if_missing(place: Place) -> None:
    unmanaged = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "public.ecr.aws"}
    place.seed(pullThroughCacheRules=[unmanaged])
    before = place.apply(QUAY)
    eventually(lambda: place.read().last_error.message)
    place.seed(pullThroughCacheRules=[])
    assert place.apply(QUAY).etag == before.etag
    eventually(lambda: place.aws()["pullThroughCacheRules"])
    registry = eventually(lambda: current if not (current := place.read()).last_error.message else None)
    assert registry.observed_generation == registry.generation


def test_unstored_resource_has_no_etag(place: Place) -> None:
    client = place.live.client
    role = f"accounts/{place.account}/serviceLinkedRoles/replication"
    assert place.read(refresh=True).etag == ""
    assert client.get_service_linked_role(role, refresh=True).etag == ""
    requested = ServiceLinkedRole()
    assert (
        client.create_service_linked_role(
            f"accounts/{place.account}", "replication", service_linked_role=requested, validate_only=True
        ).etag
        == ""
    )
    assert place.apply(QUAY, validate_only=True).etag == ""
    before = place.apply(QUAY)
    planned = place.apply({"registry_policy": {}}, validate_only=True)
    assert planned.etag == before.etag
    assert place.apply({"registry_policy": {}}, etag=planned.etag).generation == 2


@pytest.mark.parametrize("validate_only", [True, False])
def test_etag_of_deleted_declaration_is_rejected(place: Place, validate_only: bool) -> None:
    client, name = place.live.client, f"accounts/{place.account}/serviceLinkedRoles/replication"
    registry, role = Registry(name=place.name, etag="old-1"), ServiceLinkedRole(name=name, etag="old-1")
    more = {"validate_only": validate_only}
    calls = {
        "declaration": lambda: place.apply(QUAY, etag="old-1", **more),
        "registry": lambda: client.update_registry(registry, ["mode"], **more),
        "role": lambda: client.update_service_linked_role(role, allow_missing=True, **more),
    }
    for label, call in calls.items():
        error = rejection(CODE.ABORTED, call)
        assert "was deleted" in str(error), label
    place.untouched()


def test_creation_ignores_etag(place: Place) -> None:
    client = place.live.client
    with grpc.insecure_channel(place.live.server.address) as channel:
        create: Any = registry_settings_service_pb2_grpc.RegistrySettingsServiceStub(channel).CreateRegistrySettings
        declaration = RegistrySettings(settings=message(QUAY), etag="old-1")
        request = pb.CreateRegistrySettingsRequest(
            parent=place.name, registry_settings_id="platform", registry_settings=declaration
        )
        assert create(request, timeout=10).generation == 1
    role = ServiceLinkedRole(etag="old-1")
    assert (
        client.create_service_linked_role(
            f"accounts/{place.account}", "replication", service_linked_role=role
        ).generation
        == 1
    )


def test_rejection_has_call_id_and_request_id(place: Place) -> None:
    call_id, request_id = f"call-{place.account}", str(uuid.uuid4())
    with grpc.insecure_channel(place.live.server.address) as channel:
        rollback: Any = registry_settings_service_pb2_grpc.RegistrySettingsServiceStub(channel).RollbackRegistrySettings
        request = pb.RollbackRegistrySettingsRequest(name=place.part("platform"), revision=7, request_id=request_id)
        with pytest.raises(grpc.RpcError) as caught:
            rollback(request, metadata=(("x-request-id", call_id),), timeout=10)
    error = from_rpc(caught.value, request)
    assert error.call_id == error.metadata["call_id"] == call_id
    assert error.request_id == request_id
    assert "request_id" not in error.metadata, "one word for each of the two"


FAULTY = {"pull_through_cache_rules": {"rules": [{"ecrRepositoryPrefix": "hub", "upstreamRegistryUrl": "no.example"}]}}


def test_settings_outside_the_mask_are_not_validated(place: Place) -> None:
    before = place.apply(QUAY)
    update, declaration = place.live.client.update_registry_settings, RegistrySettings(name=before.name)
    declaration.settings.CopyFrom(message({**FAULTY, "registry_policy": {}}))
    for allow_missing in (False, True):
        after = update(declaration, ["settings.registry_policy"], allow_missing=allow_missing)
        assert after.settings == message({**QUAY, "registry_policy": {}})
    error = rejection(CODE.INVALID_ARGUMENT, update, declaration, ["settings.pull_through_cache_rules"])
    assert fields_of(error)[0].startswith("registry_settings.settings.pull_through_cache_rules")
    declaration.name = place.part("other")
    error = rejection(CODE.INVALID_ARGUMENT, update, declaration, ["settings.registry_policy"], allow_missing=True)
    assert fields_of(error)[0].startswith("registry_settings.settings.pull_through_cache_rules")


@pytest.mark.parametrize("validate_only", [True, False])
def test_update_that_creates_a_role_ignores_the_mask(place: Place, validate_only: bool) -> None:
    name = f"accounts/{place.account}/serviceLinkedRoles/replication"
    role = ServiceLinkedRole(name=name, tags={"a": "b"}, description="ours", mode="OBSERVE")  # type: ignore[arg-type]
    update = place.live.client.update_service_linked_role
    created = update(role, ["description"], allow_missing=True, validate_only=validate_only)
    assert (dict(created.tags), created.description, created.mode) == ({"a": "b"}, "ours", role.mode)
    if not validate_only:
        reserved = ServiceLinkedRole(name=name, tags={"aws:a": "b"}, description="theirs")
        assert update(reserved, ["description"]).tags == created.tags
