"""The table of permissions: complete, and correct for each call."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from ecrkeeper_server.access.policy import Target, Verb
from ecrkeeper_server.api import server
from ecrkeeper_server.api.layers.needs import operation_target
from ecrkeeper_server.api.layers.permissions import PERMISSIONS
from ecrkeeper_server.errors import InvalidArgument
from google.protobuf import descriptor_pool, json_format, message_factory

REGISTRY = "accounts/111111111111/registries/eu-west-1"
PART = f"{REGISTRY}/settings/web"
ROLE = "accounts/111111111111/serviceLinkedRoles/replication"
BACKFILL = f"{REGISTRY}/replicationBackfills/{uuid.UUID(int=1)}"
OPERATION = f"operations/{uuid.UUID(int=2)}"
AT, OWN, ACCOUNT = (
    Target("111111111111", "eu-west-1"),
    Target("111111111111", "eu-west-1", "web"),
    Target("111111111111"),
)
READ, WRITE, FORCE, DELETE, ADMIN = Verb.READ, Verb.WRITE, Verb.FORCE, Verb.DELETE_ROLE, Verb.ADMIN
SET, ROLLOUT, OF_SET = "registrySets/web", "registrySets/web/rollouts/1", Target("-", "-", "web")


def methods() -> dict[str, Any]:
    """Return the paths of all RPCs that the server registers."""
    pool = descriptor_pool.Default()
    return {
        f"/{service}/{method.name}": method
        for service in server.SERVICES
        for method in pool.FindServiceByName(service).methods
    }


def test_permissions_match_rpcs_exactly() -> None:
    assert len(methods()) > 30
    assert set(PERMISSIONS) == set(methods())


# method, request, required permissions, reason
ROWS: list[tuple[str, dict[str, Any], list[tuple[Verb, Target]], str]] = [
    ("GetServiceLinkedRole", {"name": ROLE}, [(READ, ACCOUNT)], "a role is of its account, in no Region"),
    ("ListServiceLinkedRoles", {"parent": "accounts/-"}, [(READ, Target("-"))], "any account; rows are filtered"),
    ("WatchServiceLinkedRoles", {"parent": "accounts/111111111111"}, [(READ, ACCOUNT)], "one account"),
    (
        "CreateServiceLinkedRole",
        {"parent": "accounts/111111111111", "serviceLinkedRoleId": "replication"},
        [(WRITE, ACCOUNT)],
        "declares a role",
    ),
    ("UpdateServiceLinkedRole", {"serviceLinkedRole": {"name": ROLE}}, [(WRITE, ACCOUNT)], "changes a role"),
    ("DeleteServiceLinkedRole", {"name": ROLE}, [(DELETE, ACCOUNT)], "has a verb of its own"),
    (
        "DeleteServiceLinkedRole",
        {"name": ROLE, "forceDeleteAdopted": True},
        [(DELETE, ACCOUNT), (FORCE, ACCOUNT)],
        "takes away what was there before",
    ),
    (
        "DeleteServiceLinkedRole",
        {"name": ROLE, "deletionPolicy": "ABANDON", "forceDeleteAdopted": True},
        [(WRITE, ACCOUNT)],
        "deletes nothing in AWS",
    ),
    ("DeleteRegistry", {"name": REGISTRY}, [(ADMIN, AT)], "concerns all owners"),
    ("GetServerInfo", {}, [], "is for every caller"),
    ("WhoAmI", {"resource": REGISTRY}, [], "tells callers of themselves"),
    ("GetAwsIdentity", {"parent": "accounts/111111111111"}, [(READ, ACCOUNT)], "tells how the account is reached"),
    ("CheckServiceLinkedRoleUsage", {"name": ROLE}, [(READ, ACCOUNT)], "only looks"),
    ("ReconcileServiceLinkedRole", {"name": ROLE}, [(WRITE, ACCOUNT)], "may write to IAM"),
    ("ListSupportedRegions", {}, [], "is public knowledge"),
    ("GetRegistry", {"name": REGISTRY}, [(READ, AT)], "shows all owners' elements"),
    ("ListRegistryElements", {"parent": REGISTRY}, [(READ, AT)], "shows all owners' elements"),
    ("ListRegistries", {"parent": "accounts/-"}, [(READ, Target("-", "-"))], "any registry; rows are filtered"),
    ("WatchRegistries", {"parent": "accounts/111111111111"}, [(READ, Target("111111111111", "-"))], "one account"),
    ("UpdateRegistry", {"registry": {"name": REGISTRY, "mode": "PAUSED"}}, [(ADMIN, AT)], "concerns all owners"),
    (
        "UpdateRegistry",
        {"registry": {"name": REGISTRY, "unmanagedElements": "PRUNE"}},
        [(ADMIN, AT), (FORCE, AT)],
        "removes what others made",
    ),
    (
        "UpdateRegistry",
        {"registry": {"name": REGISTRY, "unmanagedElements": "PRUNE"}, "updateMask": "unmanagedElements"},
        [(ADMIN, AT), (FORCE, AT)],
        "the same by a mask",
    ),
    (
        "UpdateRegistry",
        {"registry": {"name": REGISTRY, "unmanagedElements": "PRUNE"}, "updateMask": "mode"},
        [(ADMIN, AT)],
        "the mask leaves the pruning out",
    ),
    (
        "UpdateRegistry",
        {"registry": {"name": REGISTRY}, "validateOnly": True},
        [(ADMIN, AT), (READ, AT)],
        "the plan shows whole documents",
    ),
    ("ReconcileRegistry", {"name": REGISTRY}, [(WRITE, Target("111111111111", "eu-west-1", "-"))], "any of its owners"),
    (
        "ImportRegistrySettings",
        {"name": REGISTRY, "registrySettingsId": "web"},
        [(WRITE, OWN), (READ, AT)],
        "declares as an owner what AWS has",
    ),
    ("GetRegistrySettings", {"name": PART}, [(READ, OWN)], "one owner's part"),
    (
        "ListRegistrySettings",
        {"parent": "accounts/-/registries/eu-west-1"},
        [(READ, Target("-", "eu-west-1", "-"))],
        "any owner; rows are filtered",
    ),
    ("CreateRegistrySettings", {"parent": REGISTRY, "registrySettingsId": "web"}, [(WRITE, OWN)], "as this owner"),
    (
        "CreateRegistrySettings",
        {"parent": REGISTRY, "registrySettingsId": "web", "force": True},
        [(WRITE, OWN), (FORCE, OWN)],
        "takes over from others",
    ),
    ("UpdateRegistrySettings", {"registrySettings": {"name": PART}}, [(WRITE, OWN)], "as this owner"),
    (
        "UpdateRegistrySettings",
        {"registrySettings": {"name": PART}, "force": True, "validateOnly": True},
        [(WRITE, OWN), (FORCE, OWN), (READ, AT)],
        "a dry run needs what the real call needs, and shows a plan",
    ),
    ("DeleteRegistrySettings", {"name": PART}, [(WRITE, OWN)], "as this owner"),
    ("RollbackRegistrySettings", {"name": PART, "force": True}, [(WRITE, OWN), (FORCE, OWN)], "is a write"),
    ("ListRegistrySettingsRevisions", {"name": PART}, [(READ, OWN)], "one owner's history"),
    ("ValidatePullThroughCacheRule", {"name": REGISTRY}, [(READ, AT)], "only looks"),
    ("CheckReplication", {"name": REGISTRY}, [(READ, AT)], "only looks"),
    ("ExplainRepository", {"name": REGISTRY}, [(READ, AT)], "only looks"),
    ("StartReplicationBackfill", {"parent": REGISTRY}, [(WRITE, AT)], "copies images of the whole registry"),
    ("StopReplicationBackfill", {"name": BACKFILL}, [(WRITE, AT)], "ends somebody's job"),
    ("GetReplicationBackfill", {"name": BACKFILL}, [(READ, AT)], "only looks"),
    ("ListReplicationBackfills", {"parent": REGISTRY}, [(READ, AT)], "only looks"),
    ("ListReplicationBackfillResults", {"name": BACKFILL}, [(READ, AT)], "only looks"),
    ("ListImageReplicationStatuses", {"parent": REGISTRY}, [(READ, AT)], "only looks"),
    ("CreateAccount", {"accountId": "111111111111"}, [(ADMIN, ACCOUNT)], "decides which sets reach the account"),
    ("UpdateAccount", {"account": {"name": "accounts/111111111111"}}, [(ADMIN, ACCOUNT)], "the same"),
    ("GetAccount", {"name": "accounts/111111111111"}, [(READ, ACCOUNT)], "one account"),
    ("ListAccounts", {}, [(READ, Target("-"))], "any account; rows are filtered"),
    ("DeleteAccount", {"name": "accounts/111111111111"}, [(ADMIN, ACCOUNT)], "takes the account out of the fleet"),
    ("CreateRegistrySet", {"registrySetId": "web"}, [(WRITE, OF_SET)], "each registry is checked when it is planned"),
    ("UpdateRegistrySet", {"registrySet": {"name": SET}}, [(WRITE, OF_SET)], "the same"),
    ("DeleteRegistrySet", {"name": SET}, [(WRITE, OF_SET)], "the same"),
    ("GetRegistrySet", {"name": SET}, [(READ, OF_SET)], "some declaration of the owner"),
    ("ListRegistrySets", {}, [(READ, Target("-", "-", "-"))], "any set; rows are filtered"),
    ("ListRegistrySetTargets", {"parent": SET}, [(READ, OF_SET)], "rows are filtered"),
    ("ListRegistrySetRevisions", {"parent": SET}, [(READ, OF_SET)], "some declaration of the owner"),
    ("GetRollout", {"name": ROLLOUT}, [(READ, OF_SET)], "some declaration of the owner"),
    ("ListRollouts", {"parent": SET}, [(READ, OF_SET)], "some declaration of the owner"),
    ("ListRolloutTargets", {"parent": ROLLOUT}, [(READ, OF_SET)], "rows are filtered"),
    ("PauseRollout", {"name": ROLLOUT}, [(WRITE, OF_SET)], "changes what the set declares"),
    ("ResumeRollout", {"name": ROLLOUT}, [(WRITE, OF_SET)], "changes what the set declares"),
    ("ApproveRollout", {"name": ROLLOUT}, [(Verb.APPROVE, OF_SET)], "has a verb of its own"),
    ("CancelRollout", {"name": ROLLOUT}, [(WRITE, OF_SET)], "changes what the set declares"),
    ("RollBackRollout", {"name": ROLLOUT}, [(WRITE, OF_SET)], "each registry is checked"),
    ("WatchRollout", {"name": ROLLOUT}, [(READ, OF_SET)], "some declaration of the owner"),
    ("GetFleet", {"name": "fleet"}, [(READ, Target("-", "-"))], "counts what the caller may read"),
    ("GetAuditEvent", {"name": "auditEvents/1"}, [(ADMIN, Target())], "the trail is of everything"),
    ("ListAuditEvents", {}, [(ADMIN, Target())], "the trail is of everything"),
    ("WatchAuditEvents", {}, [(ADMIN, Target())], "the trail is of everything"),
    ("ListOperations", {}, [(READ, Target("-", "-"))], "rows are filtered by what they are on"),
    ("GetOperation", {"name": OPERATION}, [], "its requester needs no verb: decided when it is read"),
    ("WaitOperation", {"name": OPERATION}, [], "its requester needs no verb: decided when it is read"),
    ("DeleteOperation", {"name": OPERATION}, [(WRITE, Target())], "its resource is looked up"),
    ("CancelOperation", {"name": OPERATION}, [(WRITE, Target())], "its resource is looked up"),
]


@pytest.mark.parametrize(("method", "request_", "needed", "reason"), ROWS, ids=[f"{r[0]}: {r[3]}" for r in ROWS])
def test_call_requires_exact_permissions(
    method: str, request_: dict[str, Any], needed: list[tuple[Verb, Target]], reason: str
) -> None:
    path, rpc = next((p, m) for p, m in methods().items() if p.endswith(f"/{method}"))
    request = json_format.ParseDict(request_, message_factory.GetMessageClass(rpc.input_type)())
    needs = PERMISSIONS[path](request)
    assert [(need.verb, need.target) for need in needs] == needed
    assert all(bool(need.operation) is ("Operation" in method and method != "ListOperations") for need in needs)


def test_permission_table_covers_every_entry() -> None:
    assert {path.rpartition("/")[2] for path in PERMISSIONS} == {row[0] for row in ROWS}


def test_force_flags_require_force_permission() -> None:
    forcing = {m.name for m in methods().values() for field in m.input_type.fields if field.name.startswith("force")}
    assert len(forcing) >= 4
    assert forcing <= {row[0] for row in ROWS if Verb.FORCE in [verb for verb, _ in row[2]]}


@pytest.mark.parametrize("path", sorted(PERMISSIONS))
def test_malformed_name_is_rejected_before_authorization(path: str) -> None:
    request = message_factory.GetMessageClass(methods()[path].input_type)()
    if path.endswith(
        (
            "/GetFleet",
            "/ListAccounts",
            "/ListRegistrySets",
            "/ListSupportedRegions",
            "/ListOperations",
            "AuditEvents",
            "/GetServerInfo",
            "/WhoAmI",
        )
    ):
        # These permissions do not depend on a name.
        assert PERMISSIONS[path](request) is not None
        return
    with pytest.raises(InvalidArgument):
        PERMISSIONS[path](request)


@pytest.mark.parametrize(("target", "place"), [(REGISTRY, AT), (ROLE, ACCOUNT)])
def test_operation_is_authorized_on_its_target(target: str, place: Target) -> None:
    from ecrkeeper_server.store.rows import Operation

    row = Operation("id", "Method", target, 1, 1, {}, False, None, None, 0, None)
    assert operation_target(row) == place
