"""Declarations through a running server, with each database."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import ecrkeeper
import grpc
import pytest
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from ecrkeeper.v1 import registry_settings_service_pb2_grpc
from ecrkeeper.v1.common_pb2 import Drift
from ecrkeeper.v1.registry_pb2 import Element, RegistrySettings

from tests.e2e.live import WAIT_SECONDS, Live, Place, fields_of, fresh_account, message, rejection, rules
from tests.harness import eventually

CODE = grpc.StatusCode
QUAY = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}
K8S = {"ecrRepositoryPrefix": "k8s", "upstreamRegistryUrl": "registry.k8s.io"}


@pytest.fixture
def place(either: Live) -> Place:
    return either.registry(fresh_account())


def caches(*rules: Mapping[str, Any]) -> dict[str, Any]:
    return {"pull_through_cache_rules": {"rules": list(rules)}}


def replicates(place: Place, *regions: str) -> dict[str, Any]:
    return {"replication_configuration": {"rules": [rules((place.account, region))["rules"][0] for region in regions]}}


def cached(place: Place) -> dict[str, str]:
    return {rule["ecrRepositoryPrefix"]: rule["upstreamRegistryUrl"] for rule in place.aws()["pullThroughCacheRules"]}


def synced(place: Place) -> None:
    place.live.client.reconcile_registry(place.name).result(timeout=WAIT_SECONDS)


def empty(place: Place) -> list[Any]:
    return list(place.live.client.list_registries(f"accounts/{place.account}"))


@dataclass(frozen=True)
class Together:
    """The declarations of two owners, and their effects."""

    reason: str
    first: list[dict[str, str]]
    second: list[dict[str, str]]
    force: bool
    result: dict[str, str] | None
    owners: dict[str, list[str]]


OTHER_QUAY = {**QUAY, "upstreamRegistryUrl": "public.ecr.aws"}
TOGETHER = {
    "two owners of different elements": Together(
        "elements are owned, not settings", [QUAY], [K8S], False, {"quay": "quay.io", "k8s": "registry.k8s.io"},
        {"quay": ["first"], "k8s": ["second"]},
    ),
    "two owners of the same element with the same value": Together(
        "agreement is sharing", [QUAY], [QUAY], False, {"quay": "quay.io"}, {"quay": ["first", "second"]}
    ),
    "two owners of the same element with other values": Together(
        "nobody loses an element unknowingly", [QUAY], [OTHER_QUAY], False, None, {}
    ),
    "force takes over what is in conflict and nothing else": Together(
        "the other owner keeps its other elements", [QUAY, K8S], [OTHER_QUAY], True,
        {"quay": "public.ecr.aws", "k8s": "registry.k8s.io"}, {"quay": ["second"], "k8s": ["first"]},
    ),
    "an empty setting beside another owner's": Together(
        "empty says none of mine", [QUAY], [], False, {"quay": "quay.io"}, {"quay": ["first"]}
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TOGETHER.values(), ids=TOGETHER)
def test_owners_share_a_setting_by_element(place: Place, case: Together) -> None:
    place.apply(caches(*case.first), owner="first")
    if case.result is None:
        error = rejection(CODE.FAILED_PRECONDITION, place.apply, caches(*case.second), owner="second", force=case.force)
        assert error.reason == "OWNER_CONFLICT", case.reason
        assert error.metadata["owners"] == "first"
        rejection(CODE.NOT_FOUND, place.live.client.get_registry_settings, place.part("second"))
        return
    place.converged(caches(*case.second), owner="second", force=case.force, allow_replacement=True)
    assert cached(place) == case.result, case.reason
    assert {e.key: list(e.owners) for e in place.read().elements} == case.owners, case.reason


def test_shared_element_is_removed_with_its_last_owner(place: Place) -> None:
    place.apply(caches(QUAY), owner="first")
    place.converged(caches(QUAY), owner="second")
    place.live.client.delete_registry_settings(place.part("first"))
    synced(place)
    assert cached(place) == {"quay": "quay.io"}
    place.live.client.delete_registry_settings(place.part("second"))
    synced(place)
    assert cached(place) == {}


def test_absent_setting_is_unmanaged_and_empty_one_managed(place: Place) -> None:
    place.converged({**caches(QUAY), **replicates(place, "eu-west-1")})
    place.converged({**caches(), **replicates(place, "eu-west-1")})
    assert cached(place) == {}
    declared = place.live.client.get_registry_settings(place.part("platform"))
    assert declared.settings.HasField("pull_through_cache_rules")
    assert not declared.settings.HasField("registry_policy")
    assert place.aws()["replicationConfiguration"]["rules"]


def test_update_mask_limits_changes(place: Place) -> None:
    place.apply({**caches(QUAY), **replicates(place, "eu-west-1")})
    declaration = RegistrySettings(name=place.part("platform"), settings=message(caches(K8S)))
    update = place.live.client.update_registry_settings
    after = update(declaration, ["settings.pull_through_cache_rules"]).settings
    assert after == message({**caches(K8S), **replicates(place, "eu-west-1")})
    assert update(declaration, ["deletion_policy"]).settings == after
    assert update(declaration, ["settings.registry_policy"]).settings == after
    assert update(declaration).settings == message(caches(K8S))


def test_update_of_missing_resource_requires_allow_missing(place: Place) -> None:
    declaration = RegistrySettings(name=place.part("platform"), settings=message(caches(QUAY)))
    update = place.live.client.update_registry_settings
    rejection(CODE.NOT_FOUND, update, declaration)
    assert empty(place) == []
    created = update(declaration, allow_missing=True)
    assert created.generation == 1
    create = place.live.client.create_registry_settings
    rejection(CODE.ALREADY_EXISTS, create, place.name, "platform", settings=declaration.settings)


@pytest.mark.parametrize("method", ["update", "delete", "rollback", "registry"])
def test_stale_etag_is_rejected_without_change(place: Place, method: str) -> None:
    client, name = place.live.client, place.part("platform")
    old = place.apply(caches(QUAY))
    stale_registry = place.read()
    place.converged(caches(K8S))
    calls = {
        "update": lambda: place.apply(caches(QUAY), etag=old.etag),
        "delete": lambda: client.delete_registry_settings(name, etag=old.etag),
        "rollback": lambda: client.rollback_registry_settings(name, 1, etag=old.etag),
        "registry": lambda: client.update_registry(stale_registry, ["mode"]),
    }
    rejection(CODE.ABORTED, calls[method])
    assert client.get_registry_settings(name).settings == message(caches(K8S))


def test_repeated_request_id_returns_first_response(place: Place) -> None:
    request_id = str(uuid.uuid4())
    create = place.live.client.create_registry_settings
    first = create(place.name, "platform", settings=message(caches(QUAY)), request_id=request_id)
    repeated = create(place.name, "platform", settings=message(caches(QUAY)), request_id=request_id)
    assert (repeated.uid, repeated.generation) == (first.uid, first.generation)
    revisions = list(place.live.client.list_registry_settings_revisions(place.part("platform")))
    assert [r.revision for r in revisions if r.revision] == [1]
    delete, deletion = place.live.client.delete_registry_settings, str(uuid.uuid4())
    delete(place.part("platform"), request_id=deletion)
    delete(place.part("platform"), request_id=deletion)


def test_plan_stores_nothing(place: Place) -> None:
    since = place.live.aws.position()
    planned = place.apply(replicates(place, "eu-west-1"), validate_only=True)
    assert [call.operation for call in planned.plan.calls] == ["PutReplicationConfiguration"]
    assert [change.kind for change in planned.plan.calls[0].changes] == [planned.plan.calls[0].changes[0].ADD]
    assert place.writes(since) == []
    place.untouched()


@pytest.mark.parametrize(
    ("policy", "remaining", "reason"),
    [("REMOVE", {}, "the declared elements are removed"), ("ABANDON", {"quay": "quay.io"}, "AWS stays as it is")],
)
def test_declaration_deletion_follows_deletion_policy(
    place: Place, policy: str, remaining: dict[str, str], reason: str
) -> None:
    place.converged(caches(QUAY), deletion_policy=policy)
    place.live.client.delete_registry_settings(place.part("platform"))
    synced(place)
    assert cached(place) == remaining, reason


@pytest.mark.parametrize(
    ("unmanaged", "remaining", "reason"),
    [
        ("PRESERVE", {"quay": "quay.io", "k8s": "registry.k8s.io"}, "nobody asked to remove it"),
        ("PRUNE", {"k8s": "registry.k8s.io"}, "unmanaged elements are removed"),
    ],
)
def test_unmanaged_elements_are_preserved_or_pruned(
    place: Place, unmanaged: str, remaining: dict[str, str], reason: str
) -> None:
    place.seed(pullThroughCacheRules=[QUAY], exclusions=[f"arn:aws:iam::{place.account}:role/scanner"])
    place.keep(unmanaged_elements=unmanaged)
    registry = place.converged(caches(K8S))
    assert cached(place) == remaining, reason
    assert place.aws()["exclusions"], "a setting that nobody declares is never pruned"
    assert [e.key for e in registry.elements if e.state == Element.UNMANAGED] == (
        ["quay"] if len(remaining) == 2 else []
    )


def test_imported_declaration_has_empty_plan(place: Place) -> None:
    place.seed(
        pullThroughCacheRules=[QUAY, K8S], replicationConfiguration=rules((place.account, "eu-west-1"), prefix="prod-")
    )
    imported = place.live.client.import_registry_settings(place.name, "platform")
    assert len(imported.settings.pull_through_cache_rules.rules) == 2
    since = place.live.aws.position()
    planned = place.live.client.update_registry_settings(
        RegistrySettings(name=imported.name, settings=imported.settings), validate_only=True
    )
    assert list(planned.plan.calls) == []
    synced(place)
    assert place.writes(since) == []
    rejection(CODE.ALREADY_EXISTS, place.live.client.import_registry_settings, place.name, "platform")


def test_rollback_restores_original_state(place: Place) -> None:
    client, name = place.live.client, place.part("platform")
    place.converged(caches(QUAY), reason="begin")
    place.converged(caches(K8S), reason="move")
    revisions = {r.revision: r for r in client.list_registry_settings_revisions(name)}
    assert list(revisions)[:2] == [2, 1]
    assert (revisions[1].reason, revisions[2].reason) == ("begin", "move")
    assert {(c.key, c.kind) for c in revisions[2].changes} == {("quay", 4), ("k8s", 1)}
    client.rollback_registry_settings(name, 1)
    synced(place)
    assert cached(place) == {"quay": "quay.io"}
    rejection(CODE.NOT_FOUND, client.rollback_registry_settings, name, 77)


def test_revision_0_holds_state_before_first_declaration(place: Place) -> None:
    client, name = place.live.client, place.part("platform")
    place.seed(replicationConfiguration=rules((place.account, "us-west-2")))
    place.converged(replicates(place, "us-west-2", "eu-west-1"))
    (first,) = [r for r in client.list_registry_settings_revisions(name) if r.revision == 0]
    assert first.settings.replication_configuration == message(replicates(place, "us-west-2")).replication_configuration
    client.rollback_registry_settings(name, 0)
    synced(place)
    assert place.aws()["replicationConfiguration"] == rules((place.account, "us-west-2"))


def test_operations_are_filtered_by_target_and_done(place: Place) -> None:
    place.converged(caches(QUAY))
    client = place.live.client
    client.reconcile_registry(place.name).result(timeout=WAIT_SECONDS)

    def names_of(filter: str) -> list[str]:
        return [operation.name for operation in client.list_operations(filter=filter, page_size=1)]

    of_this = f'target = "{place.name}"'
    all_of_it = names_of(of_this)
    assert all_of_it == names_of(f"account = {place.account} AND region = us-east-1")
    assert all_of_it == names_of(f"{of_this} AND done = true AND method = ReconcileRegistry") != []
    assert names_of(f"{of_this} AND done = false") == names_of(f"{of_this} AND method != ReconcileRegistry") == []


def test_pages_contain_each_item_once_in_order(place: Place) -> None:
    owners = [f"owner-{i}" for i in range(7)]
    for owner in reversed(owners):
        place.apply({"registry_policy": {}}, owner=owner)
    pages = list(place.live.client.list_registry_settings(place.name, page_size=3).pages)
    assert [len(page.registry_settings) for page in pages] == [3, 3, 1]
    assert [s.name for page in pages for s in page.registry_settings] == [place.part(owner) for owner in owners]
    parent = f"accounts/{place.account}/registries/-"
    error = rejection(
        CODE.INVALID_ARGUMENT,
        lambda: list(place.live.client.list_registry_settings(parent, page_token=pages[0].next_page_token)),
    )
    assert fields_of(error) == ["page_token"]


FILTERS = {
    'owner = "first"': ["us-east-1"],
    'region = "eu-west-1"': ["eu-west-1"],
    'region != "eu-west-1"': ["us-east-1"],
    'mode = "PAUSED"': [],
    'region = "us-east-1" AND mode = "OBSERVE"': [],
    "": ["eu-west-1", "us-east-1"],
}


def test_filter_selects_registries(either: Live) -> None:
    account = fresh_account()
    either.registry(account, "us-east-1").apply({"registry_policy": {}}, owner="first")
    either.registry(account, "eu-west-1").apply({"registry_policy": {}}, owner="second")
    for text, regions in FILTERS.items():
        listed = either.client.list_registries(f"accounts/{account}", text)
        assert [r.name.rpartition("/")[2] for r in listed] == regions, text
    parts = either.client.list_registry_settings(f"accounts/{account}/registries/-", 'owner = "second"')
    assert [part.name for part in parts] == [either.registry(account, "eu-west-1").part("second")]


def test_group_is_kept_filtered_and_rolled_over(either: Live) -> None:
    account, client = fresh_account(), either.client
    first, second = (either.registry(account, region) for region in ("us-east-1", "eu-west-1"))
    client.apply_registry_settings(first.part("a"), {"registry_policy": {}}, apply_group="web")
    client.apply_registry_settings(second.part("a"), {"registry_policy": {}})

    def named(text: str) -> list[str]:
        return [each.name for each in client.list_registry_settings(f"accounts/{account}/registries/-", text)]

    assert named('apply_group = "web"') == [first.part("a")]
    assert named('apply_group = ""') == named('apply_group != "web"') == [second.part("a")]
    assert named('owner = "a" AND apply_group = "web" AND region = "eu-west-1"') == []
    kept = client.apply_registry_settings(first.part("a"), {})
    assert kept.apply_group == "web", "a write without a group keeps it"
    assert client.rollback_registry_settings(first.part("a"), 1).apply_group == "web"
    left = client.apply_registry_settings(first.part("a"), {}, apply_group="")
    assert (left.apply_group, left.generation) == ("", 4)
    with pytest.raises(ecrkeeper.InvalidArgument) as caught:
        client.apply_registry_settings(first.part("a"), {}, apply_group="Web")
    assert [each.field for each in caught.value.violations] == ["registry_settings.apply_group"]


def test_watch_sends_snapshot_then_changes_then_removals(place: Place) -> None:
    kinds = pb.WatchRegistriesResponse
    place.converged(caches(QUAY))
    with place.live.client.watch_registries(f"accounts/{place.account}", 'mode = "ENFORCE"', timeout=20) as steps:
        iterator = iter(steps)
        first = next(iterator)
        assert (first.kind, first.registry.name) == (kinds.CURRENT, place.name)
        assert next(iterator).kind == kinds.SNAPSHOT_COMPLETE
        place.apply(caches(K8S))
        changed = next(iterator)
        assert changed.kind == kinds.CURRENT
        assert changed.registry.generation > first.registry.generation
        while changed.registry.reconciling:
            changed = next(iterator)
        place.keep(mode="OBSERVE")
        removal = next(step for step in iterator if step.kind == kinds.REMOVED)
        assert removal.registry.name == place.name


def test_undeclared_registry_can_be_read_without_storing_it(place: Place) -> None:
    place.seed(pullThroughCacheRules=[QUAY])
    rejection(CODE.NOT_FOUND, place.read)
    observed = place.read(refresh=True)
    assert [rule.ecr_repository_prefix for rule in observed.observed.pull_through_cache_rules.rules] == ["quay"]
    place.untouched()


def test_observe_reports_drift_and_enforce_remediates(place: Place) -> None:
    place.converged(caches(QUAY))
    place.keep(mode="OBSERVE")
    place.seed(pullThroughCacheRules=[])
    since = place.live.aws.position()
    place.live.client.reconcile_registry(place.name)
    registry = eventually(lambda: current if (current := place.read()).drift else None)
    assert [(d.setting, d.key, d.kind) for d in registry.drift] == [("pull_through_cache_rules", "quay", Drift.MISSING)]
    assert place.writes(since) == []
    place.keep(mode="ENFORCE")
    eventually(lambda: cached(place) == {"quay": "quay.io"})
    registry = eventually(lambda: current if not (current := place.read()).drift else None)
    assert [d.key for d in registry.last_remediation.drift] == ["quay"]


def test_paused_registry_is_unchanged_until_resumed(place: Place) -> None:
    place.converged(caches(QUAY))
    place.keep(mode="PAUSED")
    since = place.live.aws.position()
    place.apply(caches(K8S))
    error = rejection(CODE.FAILED_PRECONDITION, place.live.client.reconcile_registry, place.name)
    assert error.reason == "PAUSED"
    assert place.writes(since) == []
    assert cached(place) == {"quay": "quay.io"}
    place.keep(mode="ENFORCE")
    eventually(lambda: cached(place) == {"k8s": "registry.k8s.io"})


def long_templates(count: int) -> dict[str, Any]:
    """Templates that AWS takes, with a lifecycle policy of 20 KB each."""
    selection = {"tagStatus": "tagged", "tagPrefixList": ["a" * 20_000], "countType": "imageCountMoreThan"}
    rule = {"rulePriority": 1, "selection": {**selection, "countNumber": 1}, "action": {"type": "expire"}}
    policy = json.dumps({"rules": [rule]})
    templates = [{"prefix": f"t{i}", "appliedFor": ["REPLICATION"], "lifecyclePolicy": policy} for i in range(count)]
    return {"repository_creation_templates": {"templates": templates}}


def test_declaration_above_1_mib_is_rejected_by_every_write(place: Place) -> None:
    client, name, above = place.live.client, place.part("platform"), message(long_templates(55))
    for dry in (True, False):
        calls: list[Callable[[], Any]] = [
            lambda dry=dry: client.create_registry_settings(place.name, "platform", settings=above, validate_only=dry),
            lambda dry=dry: client.apply_registry_settings(name, above, validate_only=dry),
        ]
        for call in calls:
            error = rejection(CODE.INVALID_ARGUMENT, call)
            assert (error.reason, fields_of(error)) == ("DECLARATION_TOO_LARGE", ["registry_settings.settings"])
    place.untouched()
    place.apply(long_templates(45))
    assert (
        rejection(CODE.INVALID_ARGUMENT, client.apply_registry_settings, name, above).reason == "DECLARATION_TOO_LARGE"
    )
    assert client.get_registry_settings(name).generation == 1


def test_deletion_of_missing_resource_requires_allow_missing(place: Place) -> None:
    delete = place.live.client.delete_registry_settings
    error = rejection(CODE.NOT_FOUND, delete, place.part("platform"))
    assert isinstance(error, ecrkeeper.NotFound)
    delete(place.part("platform"), allow_missing=True)
    assert empty(place) == []


def test_validate_only_deletion_of_missing_stores_nothing(place: Place) -> None:
    """A rejected call does not even use up its request id."""
    with grpc.insecure_channel(place.live.server.address) as channel:
        stub: Any = registry_settings_service_pb2_grpc.RegistrySettingsServiceStub(channel)
        arguments = {"name": place.part("platform"), "allow_missing": True, "request_id": str(uuid.uuid4())}
        stub.DeleteRegistrySettings(pb.DeleteRegistrySettingsRequest(**arguments, validate_only=True), timeout=10)
        # The same id for another request would be rejected if it were known.
        stub.DeleteRegistrySettings(pb.DeleteRegistrySettingsRequest(**arguments, reason="meant"), timeout=10)
