"""The permissions that each call needs, in one table by full method name.

A caller needs all permissions of the entry. Nobody can call an RPC without an entry while there is
a policy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ecrkeeper_server.access.policy import Target, Verb
from ecrkeeper_server.api.layers.fleet_permissions import FLEET_SERVICE
from ecrkeeper_server.api.layers.needs import Need, Needs, nothing
from ecrkeeper_server.api.layers.registry_permissions import REGISTRY_SETTINGS_SERVICE
from ecrkeeper_server.api.layers.role_permissions import ROLE_SERVICE
from ecrkeeper_server.names import WILDCARD, parse_account, parse_audit_event, parse_operation


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


PERMISSIONS: Mapping[str, Needs] = _table(
    RoleService=ROLE_SERVICE,
    RegistrySettingsService=REGISTRY_SETTINGS_SERVICE,
    ServerService={
        "GetServerInfo": nothing,
        "WhoAmI": nothing,
        "GetAwsIdentity": lambda request: [Need(Verb.READ, request.parent, Target(parse_account(request.parent)))],
    },
    FleetService=FLEET_SERVICE,
    AuditService={"GetAuditEvent": _event, "ListAuditEvents": _trail, "WatchAuditEvents": _trail},
    Operations={
        "GetOperation": _operation_later,
        "WaitOperation": _operation_later,
        "ListOperations": _operations,
        "DeleteOperation": _operation(Verb.WRITE),
        "CancelOperation": _operation(Verb.WRITE),
    },
)
