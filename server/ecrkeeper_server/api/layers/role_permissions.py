"""The permissions that each call of `RoleService` needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ecrkeeper.v1 import common_pb2

from ecrkeeper_server.access.policy import Target, Verb
from ecrkeeper_server.api.layers.needs import Need, Needs, nothing, on
from ecrkeeper_server.names import RoleName, parse_account


def _role(verb: Verb) -> Needs:
    return lambda request: [on(RoleName.parse(request.name), verb)]


def _roles(request: Any) -> Sequence[Need]:
    return [Need(Verb.READ, request.parent, Target(parse_account(request.parent, wildcard=True)))]


def _create_role(request: Any) -> Sequence[Need]:
    account = parse_account(request.parent)
    return [on(RoleName.of(account, request.service_linked_role_id, "service_linked_role_id"), Verb.WRITE)]


def _update_role(request: Any) -> Sequence[Need]:
    return [on(RoleName.parse(request.service_linked_role.name, "service_linked_role.name"), Verb.WRITE)]


def _delete_role(request: Any) -> Sequence[Need]:
    name = RoleName.parse(request.name)
    if request.deletion_policy == common_pb2.ABANDON:
        return [on(name, Verb.WRITE)]
    forced = [on(name, Verb.FORCE)] if request.force_delete_adopted else []
    return [on(name, Verb.DELETE_ROLE), *forced]


ROLE_SERVICE: Mapping[str, Needs] = {
    "GetServiceLinkedRole": _role(Verb.READ),
    "ListServiceLinkedRoles": _roles,
    "CreateServiceLinkedRole": _create_role,
    "UpdateServiceLinkedRole": _update_role,
    "DeleteServiceLinkedRole": _delete_role,
    "CheckServiceLinkedRoleUsage": _role(Verb.READ),
    "ReconcileServiceLinkedRole": _role(Verb.WRITE),
    "WatchServiceLinkedRoles": _roles,
    "ListSupportedRegions": nothing,
}
