"""The permissions that each call needs, in one table by full method name.

A caller needs all permissions of the entry. Nobody can call an RPC without an entry while there is
a policy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecrkeeper.v1 import common_pb2

from ecrkeeper_server.access.policy import Target, Verb
from ecrkeeper_server.fleet.names import RolloutName, SetName
from ecrkeeper_server.names import (
    WILDCARD,
    BackfillName,
    RegistryName,
    RoleName,
    SettingsName,
    parse_account,
    parse_audit_event,
    parse_operation,
    parse_registry_pattern,
)
from ecrkeeper_server.store.listing import Listed
from ecrkeeper_server.store.rows import Operation, Resource


@dataclass(frozen=True, slots=True)
class Need:
    """One permission: a verb on a target. `resource` is the name in the request.

    With `operation`, an operation's id, the target is the resource of that operation, which the
    layer looks up.
    """

    verb: Verb
    resource: str
    target: Target
    operation: str = ""


Needs = Callable[[Any], Sequence[Need]]


def resource_target(row: Resource | Listed) -> Target:
    """Return the target of a stored registry or role."""
    return Target(row.account, row.place if row.kind == RegistryName.kind else "")


def operation_target(row: Operation) -> Target:
    """Return the target of a stored operation."""
    _, account, kind, region = row.target.split("/")[:4]
    return Target(account, region if kind == "registries" else "")


def _on(name: RegistryName | RoleName | SettingsName, verb: Verb) -> Need:
    if isinstance(name, SettingsName):
        return Need(verb, str(name), Target(name.registry.account, name.registry.region, name.owner))
    return Need(verb, str(name), Target(name.account, name.region if isinstance(name, RegistryName) else ""))


def _nothing(_: Any) -> Sequence[Need]:
    """Need no permission: every authenticated caller may call it."""
    return ()


def _registry(verb: Verb, field: str = "name") -> Needs:
    return lambda request: [_on(RegistryName.parse(getattr(request, field), field), verb)]


def _any_owner(request: Any) -> Sequence[Need]:
    """Need to write any one declaration of the registry."""
    name = RegistryName.parse(request.name)
    return [Need(Verb.WRITE, str(name), Target(name.account, name.region, WILDCARD))]


def _backfill(verb: Verb) -> Needs:
    return lambda request: [Need(verb, request.name, _on(BackfillName.parse(request.name).registry, verb).target)]


def _registries(request: Any) -> Sequence[Need]:
    return [Need(Verb.READ, request.parent, Target(parse_account(request.parent, wildcard=True), WILDCARD))]


def _update_registry(request: Any) -> Sequence[Need]:
    """Need `admin`, because all owners are affected, and `force` to prune."""
    name = RegistryName.parse(request.registry.name, "registry.name")
    paths = list(request.update_mask.paths)
    prunes = request.registry.unmanaged_elements == common_pb2.PRUNE and (
        paths in ([], ["*"]) or "unmanaged_elements" in paths
    )
    return [_on(name, Verb.ADMIN), *([_on(name, Verb.FORCE)] if prunes else []), *_plan(name, request)]


def _plan(registry: RegistryName, request: Any) -> Sequence[Need]:
    """Need to read the registry for a plan: it shows the elements of all owners."""
    return [_on(registry, Verb.READ)] if request.validate_only else []


def _write(name: SettingsName, request: Any) -> Sequence[Need]:
    forced = [_on(name, Verb.FORCE)] if getattr(request, "force", False) else []
    return [_on(name, Verb.WRITE), *forced, *_plan(name.registry, request)]


def _settings(request: Any) -> Sequence[Need]:
    return _write(SettingsName.parse(request.name), request)


def _create_settings(request: Any) -> Sequence[Need]:
    registry = RegistryName.parse(request.parent, "parent")
    return _write(SettingsName.of(registry, request.registry_settings_id, "registry_settings_id"), request)


def _update_settings(request: Any) -> Sequence[Need]:
    return _write(SettingsName.parse(request.registry_settings.name, "registry_settings.name"), request)


def _import_settings(request: Any) -> Sequence[Need]:
    """Need to read the registry too: the response shows elements of the registry."""
    registry = RegistryName.parse(request.name)
    name = SettingsName.of(registry, request.registry_settings_id, "registry_settings_id")
    return [_on(name, Verb.WRITE), _on(registry, Verb.READ)]


def _read_settings(request: Any) -> Sequence[Need]:
    return [_on(SettingsName.parse(request.name), Verb.READ)]


def _list_settings(request: Any) -> Sequence[Need]:
    account, region = parse_registry_pattern(request.parent)
    return [Need(Verb.READ, f"{request.parent}/settings/-", Target(account, region, WILDCARD))]


def _role(verb: Verb) -> Needs:
    return lambda request: [_on(RoleName.parse(request.name), verb)]


def _roles(request: Any) -> Sequence[Need]:
    return [Need(Verb.READ, request.parent, Target(parse_account(request.parent, wildcard=True)))]


def _create_role(request: Any) -> Sequence[Need]:
    account = parse_account(request.parent)
    return [_on(RoleName.of(account, request.service_linked_role_id, "service_linked_role_id"), Verb.WRITE)]


def _update_role(request: Any) -> Sequence[Need]:
    return [_on(RoleName.parse(request.service_linked_role.name, "service_linked_role.name"), Verb.WRITE)]


def _delete_role(request: Any) -> Sequence[Need]:
    name = RoleName.parse(request.name)
    if request.deletion_policy == common_pb2.ABANDON:
        return [_on(name, Verb.WRITE)]
    forced = [_on(name, Verb.FORCE)] if request.force_delete_adopted else []
    return [_on(name, Verb.DELETE_ROLE), *forced]


def _operation(verb: Verb) -> Needs:
    return lambda request: [Need(verb, request.name, Target(), parse_operation(request.name))]


def _operation_later(request: Any) -> Sequence[Need]:
    """Need nothing here: `Operations` checks the permission of the operation it finds."""
    parse_operation(request.name)
    return ()


def _operations(_: Any) -> Sequence[Need]:
    return [Need(Verb.READ, "operations/-", Target(WILDCARD, WILDCARD))]


def _table(**services: Mapping[str, Needs]) -> dict[str, Needs]:
    packages = {"Operations": "google.longrunning"}
    return {
        f"/{packages.get(service, 'ecrkeeper.v1')}.{service}/{method}": needs
        for service, methods in services.items()
        for method, needs in methods.items()
    }


def _trail(_: Any) -> Sequence[Need]:
    """Need `admin` on the installation.

    The audit trail covers all accounts and owners.
    """
    return [Need(Verb.ADMIN, "auditEvents/-", Target())]


def _event(request: Any) -> Sequence[Need]:
    parse_audit_event(request.name)
    return _trail(request)


def set_target(set_id: str) -> Target:
    """Return the target of a registry set: anything that its declarations can be for."""
    return Target(WILDCARD, WILDCARD, set_id)


def _account(verb: Verb, field: str = "name") -> Needs:
    def needs(request: Any) -> Sequence[Need]:
        value = request
        for part in field.split("."):
            value = getattr(value, part)
        name = value if field != "account_id" else f"accounts/{value}"
        return [Need(verb, name, Target(parse_account(name, field)))]

    return needs


def _accounts(_: Any) -> Sequence[Need]:
    return [Need(Verb.READ, "accounts/-", Target(WILDCARD))]


def _set(verb: Verb, field: str = "name") -> Needs:
    """Need a verb on some declaration of the set.

    A write also needs the verb on every registry that the set reaches.
    """

    def needs(request: Any) -> Sequence[Need]:
        value = request
        for part in field.split("."):
            value = getattr(value, part)
        name = SetName.of(value, field) if field == "registry_set_id" else SetName.parse(value, field)
        return [Need(verb, str(name), set_target(name.id))]

    return needs


def _write_set(field: str = "name") -> Needs:
    """Need to read the set for a plan: it shows the present content."""

    def needs(request: Any) -> Sequence[Need]:
        planning = _set(Verb.READ, field)(request) if request.validate_only else ()
        return [*_set(Verb.WRITE, field)(request), *planning]

    return needs


def _sets(_: Any) -> Sequence[Need]:
    return [Need(Verb.READ, "registrySets/-", set_target(WILDCARD))]


def _rollout(verb: Verb, field: str = "name") -> Needs:
    def needs(request: Any) -> Sequence[Need]:
        name = RolloutName.parse(getattr(request, field), field)
        return [Need(verb, str(name.set), set_target(name.set.id))]

    return needs


def _fleet(_: Any) -> Sequence[Need]:
    return [Need(Verb.READ, "fleet", Target(WILDCARD, WILDCARD))]


PERMISSIONS: Mapping[str, Needs] = _table(
    RoleService={
        "GetServiceLinkedRole": _role(Verb.READ),
        "ListServiceLinkedRoles": _roles,
        "CreateServiceLinkedRole": _create_role,
        "UpdateServiceLinkedRole": _update_role,
        "DeleteServiceLinkedRole": _delete_role,
        "CheckServiceLinkedRoleUsage": _role(Verb.READ),
        "ReconcileServiceLinkedRole": _role(Verb.WRITE),
        "WatchServiceLinkedRoles": _roles,
        "ListSupportedRegions": _nothing,
    },
    RegistrySettingsService={
        "GetRegistry": _registry(Verb.READ),
        "ListRegistryElements": _registry(Verb.READ, "parent"),
        "ListRegistries": _registries,
        "UpdateRegistry": _update_registry,
        "DeleteRegistry": _registry(Verb.ADMIN),
        "WatchRegistries": _registries,
        "ReconcileRegistry": _any_owner,
        "ImportRegistrySettings": _import_settings,
        "GetRegistrySettings": _read_settings,
        "ListRegistrySettings": _list_settings,
        "CreateRegistrySettings": _create_settings,
        "UpdateRegistrySettings": _update_settings,
        "DeleteRegistrySettings": _settings,
        "ListRegistrySettingsRevisions": _read_settings,
        "RollbackRegistrySettings": _settings,
        "ValidatePullThroughCacheRule": _registry(Verb.READ),
        "CheckReplication": _registry(Verb.READ),
        "ExplainRepository": _registry(Verb.READ),
        "StartReplicationBackfill": _registry(Verb.WRITE, "parent"),
        "StopReplicationBackfill": _backfill(Verb.WRITE),
        "GetReplicationBackfill": _backfill(Verb.READ),
        "ListReplicationBackfills": _registry(Verb.READ, "parent"),
        "ListReplicationBackfillResults": _backfill(Verb.READ),
        "ListImageReplicationStatuses": _registry(Verb.READ, "parent"),
    },
    ServerService={
        "GetServerInfo": _nothing,
        "WhoAmI": _nothing,
        "GetAwsIdentity": lambda request: [Need(Verb.READ, request.parent, Target(parse_account(request.parent)))],
    },
    FleetService={
        "CreateAccount": _account(Verb.ADMIN, "account_id"),
        "UpdateAccount": _account(Verb.ADMIN, "account.name"),
        "GetAccount": _account(Verb.READ),
        "ListAccounts": _accounts,
        "DeleteAccount": _account(Verb.ADMIN),
        "CreateRegistrySet": _write_set("registry_set_id"),
        "UpdateRegistrySet": _write_set("registry_set.name"),
        "GetRegistrySet": _set(Verb.READ),
        "ListRegistrySets": _sets,
        "DeleteRegistrySet": _write_set(),
        "ListRegistrySetTargets": _set(Verb.READ, "parent"),
        "ListRegistrySetRevisions": _set(Verb.READ, "parent"),
        "GetRollout": _rollout(Verb.READ),
        "ListRollouts": _set(Verb.READ, "parent"),
        "ListRolloutTargets": _rollout(Verb.READ, "parent"),
        "PauseRollout": _rollout(Verb.WRITE),
        "ResumeRollout": _rollout(Verb.WRITE),
        "ApproveRollout": _rollout(Verb.APPROVE),
        "CancelRollout": _rollout(Verb.WRITE),
        "RollBackRollout": _rollout(Verb.WRITE),
        "WatchRollout": _rollout(Verb.READ),
        "GetFleet": _fleet,
    },
    AuditService={"GetAuditEvent": _event, "ListAuditEvents": _trail, "WatchAuditEvents": _trail},
    Operations={
        "GetOperation": _operation_later,
        "WaitOperation": _operation_later,
        "ListOperations": _operations,
        "DeleteOperation": _operation(Verb.WRITE),
        "CancelOperation": _operation(Verb.WRITE),
    },
)
