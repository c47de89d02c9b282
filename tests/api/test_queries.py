"""Queries: start times, owners, attempts, requesters and identities."""

from __future__ import annotations

from importlib.metadata import version

import ecrkeeper
import grpc
import pytest
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from ecrkeeper.v1 import role_service_pb2, server_service_pb2
from ecrkeeper.v1.registry_pb2 import Registry

from tests.e2e.live import WAIT_SECONDS, Live, Place, fields_of, fresh_account, rejection

CODE = grpc.StatusCode
SCANS = {"scanning_configuration": {"scan_type": "ENHANCED"}}
QUAY = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}
CACHES = {"pull_through_cache_rules": {"rules": [QUAY]}}


@pytest.fixture
def place(either: Live) -> Place:
    return either.registry(fresh_account())


def drifting(place: Place) -> Registry:
    """The registry after AWS was changed while it is only observed."""
    place.converged(CACHES)
    place.keep(mode="OBSERVE")
    place.seed(pullThroughCacheRules=[])
    return place.reconcile()


def test_drift_has_start_time_and_owner(place: Place) -> None:
    first = drifting(place)
    (drift,) = first.drift
    assert list(drift.owners) == ["platform"]
    assert 0 < drift.since.ToMicroseconds() <= first.observe_time.ToMicroseconds()
    repeated = place.reconcile()
    assert repeated.observe_time.ToMicroseconds() > first.observe_time.ToMicroseconds()
    assert [each.since for each in repeated.drift] == [drift.since]
    refreshed = place.read(refresh=True)
    assert [(each.since, list(each.owners)) for each in refreshed.drift] == [(drift.since, ["platform"])]
    (own,) = place.live.client.get_registry_settings(place.part("platform")).drift
    assert (own.since, list(own.owners)) == (drift.since, ["platform"])


def test_drift_is_filtered_by_setting_element_and_reason(place: Place) -> None:
    (drift,) = drifting(place).drift
    parent = f"accounts/{place.account}"
    place.live.registry(place.account, "eu-west-1").converged(SCANS)

    def regions_of(filter: str) -> list[str]:
        return [each.name.rpartition("/")[2] for each in place.live.client.list_registries(parent, filter)]

    assert regions_of("drift = true") == regions_of(f"setting = {drift.setting}") == ["us-east-1"]
    assert regions_of(f'element = "{drift.key}" AND reason = OBSERVE_ONLY') == ["us-east-1"]
    assert (
        regions_of("drift = false") == regions_of("NOT drift = true") == regions_of("reason = IN_SYNC") == ["eu-west-1"]
    )
    assert regions_of("reason = OTHER OR drift = true AND mode = OBSERVE") == ["us-east-1"]
    assert regions_of("region = eu-west-1 OR region = us-east-1") == ["eu-west-1", "us-east-1"]
    assert regions_of("setting = registry_policy") == []


def test_element_whose_key_has_a_wildcard_is_found_by_its_key(place: Place) -> None:
    rule = {"scan_frequency": "SCAN_ON_PUSH", "repository_filters": [{"filter": "*", "filter_type": "WILDCARD"}]}
    place.converged({"scanning_configuration": {"scan_type": "BASIC", "rules": [rule]}})
    client, key = place.live.client, "SCAN_ON_PUSH:*"
    assert [each.key for each in client.list_registry_elements(place.name, f'key = "{key}"')] == [key]
    place.keep(mode="OBSERVE")
    place.seed(scanning={"scanType": "BASIC", "rules": []})
    place.reconcile()
    parent = f"accounts/{place.account}"
    assert [each.name for each in client.list_registries(parent, f'element = "{key}"')] == [place.name]
    assert list(client.list_registries(parent, 'element = "SCAN_ON_*"')) == []


def test_page_size_above_the_maximum_is_coerced(place: Place) -> None:
    place.apply(SCANS)
    client = place.live.client
    for size in (1001, 2**31 - 1):
        assert [r.name for r in client.list_registries(f"accounts/{place.account}", page_size=size)] == [place.name]
        assert next(iter(client.list_operations(page_size=size).pages)).operations is not None
        assert len(list(client.list_registry_elements(place.name, page_size=size))) == 1
    error = rejection(CODE.INVALID_ARGUMENT, lambda: list(client.list_registries(page_size=-1)))
    assert fields_of(error) == ["page_size"]


def test_operation_has_start_and_end_times(place: Place) -> None:
    place.apply(SCANS)
    operation = place.live.client.reconcile_registry(place.name)
    operation.result(timeout=WAIT_SECONDS)
    (listed,) = place.live.client.list_operations(filter=f'target = "{place.name}"')
    metadata = pb.ReconcileRegistryMetadata()
    assert listed.metadata.Unpack(metadata)
    assert 0 < metadata.create_time.ToMicroseconds() <= metadata.end_time.ToMicroseconds()
    assert list(metadata.principals) == []


def test_undeclared_registry_can_be_deleted(place: Place) -> None:
    client = place.live.client
    place.converged(CACHES)
    place.apply({"registry_policy": {}}, owner="other")
    error = rejection(CODE.FAILED_PRECONDITION, client.delete_registry, place.name)
    assert error.reason == "REGISTRY_DECLARED"
    assert [v.subject for v in error.violations] == [place.part("other"), place.part("platform")]
    client.delete_registry_settings(place.part("other"))
    place.keep(mode="OBSERVE")
    client.delete_registry_settings(place.part("platform"))
    error = rejection(CODE.FAILED_PRECONDITION, client.delete_registry, place.name)
    assert error.reason == "REMOVAL_PENDING"
    assert [v.subject for v in error.violations] == ["pull_through_cache_rules/quay"]
    etag = place.read().etag
    rejection(CODE.ABORTED, client.delete_registry, place.name, etag="other", deletion_policy="ABANDON")
    client.delete_registry(place.name, etag=etag, deletion_policy="ABANDON", validate_only=True)
    assert place.read().etag == etag
    request_id = "0f2b8c9e-1111-4222-8333-444455556666"[:24] + place.account
    client.delete_registry(place.name, etag=etag, deletion_policy="ABANDON", request_id=request_id)
    client.delete_registry(place.name, etag=etag, deletion_policy="ABANDON", request_id=request_id)
    rejection(CODE.NOT_FOUND, place.read)
    rejection(CODE.NOT_FOUND, client.delete_registry, place.name)
    client.delete_registry(place.name, allow_missing=True)
    assert place.aws()["pullThroughCacheRules"]
    (event,) = client.list_audit_events(f"account = {place.account} AND method = DeleteRegistry")
    assert (event.resource, event.request_id) == (place.name, request_id)
    assert list(client.list_registry_settings_revisions(place.part("platform")))
    assert place.apply(SCANS).generation > 1


def test_registry_with_removals_requires_no_policy(place: Place) -> None:
    place.converged(CACHES)
    place.live.client.delete_registry_settings(place.part("platform"))
    place.live.client.reconcile_registry(place.name).result(timeout=WAIT_SECONDS)
    place.live.client.delete_registry(place.name)
    rejection(CODE.NOT_FOUND, place.read)
    assert list(place.live.client.list_registries(f"accounts/{place.account}")) == []


def test_abandoned_role_stays_in_aws(place: Place) -> None:
    client, parent = place.live.client, f"accounts/{place.account}"
    name = client.create_service_linked_role(parent, "replication").name
    client.reconcile_service_linked_role(name).result(timeout=WAIT_SECONDS)
    client.update_service_linked_role({"name": name, "mode": "PAUSED"}, ["mode"])
    rejection(CODE.ABORTED, client.delete_service_linked_role, name, etag="other", deletion_policy="ABANDON")
    client.delete_service_linked_role(name, deletion_policy="ABANDON", validate_only=True)
    assert client.get_service_linked_role(name).name == name
    at = place.live.aws.position()
    operation = client.delete_service_linked_role(name, deletion_policy="ABANDON")
    operation.result(timeout=WAIT_SECONDS)
    (listed,) = client.list_operations(filter=f'target = "{name}" AND method = DeleteServiceLinkedRole')
    metadata = role_service_pb2.DeleteServiceLinkedRoleMetadata()
    assert listed.done and listed.metadata.Unpack(metadata)
    assert (
        metadata.phase == metadata.DONE and metadata.end_time.ToMicroseconds() >= metadata.create_time.ToMicroseconds()
    )
    rejection(CODE.NOT_FOUND, client.get_service_linked_role, name)
    assert place.writes(at) == []
    assert client.get_service_linked_role(name, refresh=True).state == 1
    (event,) = client.list_audit_events(f"account = {place.account} AND method = DeleteServiceLinkedRole")
    assert [(change.key, change.after.string_value) for change in event.changes] == [("deletion_policy", "ABANDON")]


def test_server_info_describes_server(live: Live) -> None:
    info = live.client.get_server_info()
    assert (info.version, info.partition, info.home_region) == (version("ecrkeeper"), "aws", "us-east-1")
    assert "registry_policy" in info.settings
    assert {"ABANDON_ROLE", "DELETE_REGISTRY", "FILTER_OR"} <= set(info.features)
    assert not {"AUTHENTICATION", "AUTHORIZATION"} & set(info.features)
    assert list(info.features) == sorted(info.features)


def test_anonymous_caller_is_allowed_without_policy(live: Live) -> None:
    identity = live.client.who_am_i("accounts/111111111111/registries/us-east-1")
    assert (identity.principal, list(identity.groups), identity.HasField("expire_time")) == ("", [], False)
    assert sorted(identity.verbs) == ["admin", "approve", "delete-role", "force", "read", "write"]
    for name in (
        "accounts/1",
        "accounts/111111111111/other/x",
        "x",
        "accounts/111111111111/registries/us-east-1/settings/-x",
    ):
        error = rejection(CODE.INVALID_ARGUMENT, live.client.who_am_i, name)
        assert fields_of(error) == ["resource"], name


def test_aws_identity_matches_signing_credentials(place: Place) -> None:
    identity = place.live.client.get_aws_identity(f"accounts/{place.account}")
    assert identity.account == place.account
    assert place.account in identity.arn and identity.user_id
    source = server_service_pb2.AwsIdentity.Source.Name(identity.source)
    assumed = "ASSUMED_ROLES" in place.live.client.get_server_info().features
    assert source == ("ASSUMED_ROLE" if assumed else "AMBIENT")
    assert bool(identity.assumed_role_arn) is assumed
    error = rejection(CODE.INVALID_ARGUMENT, place.live.client.get_aws_identity, "accounts/-")
    assert fields_of(error) == ["parent"]


async def test_async_client_has_the_same_calls(live: Live) -> None:
    async with ecrkeeper.AsyncClient(live.server.address, insecure=True) as client:
        assert (await client.get_server_info()).partition == "aws"
        assert (await client.who_am_i()).principal == ""
        await client.delete_registry(f"accounts/{fresh_account()}/registries/us-east-1", allow_missing=True)
