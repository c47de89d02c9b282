"""Which settings and roles an API operation changes."""

from __future__ import annotations

from collections.abc import Mapping

from ecrkeeper_server.events.records import Record
from ecrkeeper_server.names import ROLE_IDS, RegistryName, RoleName, partition_of
from ecrkeeper_server.roles.catalogue import ROLES
from ecrkeeper_server.settings.collection import Collection
from ecrkeeper_server.settings.table import SETTINGS

# IAM is global, and its events appear in one Region of each partition.
IAM_REGIONS: Mapping[str, str] = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
# The changed part of a role, by the operations that change it.
ROLE_PARTS: Mapping[str, str] = {
    "CreateServiceLinkedRole": "role",
    "DeleteServiceLinkedRole": "role",
    "UpdateRole": "description",
    "UpdateRoleDescription": "description",
    "TagRole": "tags",
    "UntagRole": "tags",
}
_SETTINGS: Mapping[str, str] = {
    operation: setting.name for setting in SETTINGS.values() for operation in setting.writes
}


def setting_of(record: Record) -> str:
    """Return the setting, or the part of a role, that the record's operation changes.

    Empty if it changes none.
    """
    table = _SETTINGS if record.service == "ecr" else ROLE_PARTS if record.service == "iam" else {}
    return table.get(record.operation, "")


def operations_of(setting: str) -> tuple[str, ...]:
    """Return the operations that change a setting or a part of a role."""
    if setting in SETTINGS:
        return tuple(sorted(SETTINGS[setting].writes))
    return tuple(sorted(operation for operation, part in ROLE_PARTS.items() if part == setting))


def iam_event_region(home: str) -> str:
    """Return the Region in which IAM's events of the home Region's partition appear."""
    return IAM_REGIONS.get(partition_of(home) or "aws", home)


def names_of(record: Record) -> list[str]:
    """Return the registry of the record, or all roles of its account."""
    if record.service == "ecr":
        return [str(RegistryName(record.account, record.region))]
    return [str(RoleName(record.account, role)) for role in ROLE_IDS]


def names_at(registry: RegistryName) -> list[str]:
    """Return the resources whose events appear in an account and Region."""
    roles = (
        [str(RoleName(registry.account, role)) for role in ROLE_IDS] if registry.region in IAM_REGIONS.values() else []
    )
    return [str(registry), *roles]


def is_about(setting: str, key: str, hint: str) -> bool:
    """Tell whether a request with this hint can have changed an element.

    Without a hint it can.

    A document is written as a whole, so only collections have requests for single elements.
    """
    if not hint:
        return True
    if setting in SETTINGS:
        return not isinstance(SETTINGS[setting], Collection) or hint.rstrip("/") == key.rstrip("/")
    return True


def is_about_role(role: str, hint: str) -> bool:
    """Tell whether a request with this hint can have changed a role.

    The hint is the role's name or its service.
    """
    return not hint or hint.lower() in (ROLES[role].role_name.lower(), ROLES[role].service_name)
