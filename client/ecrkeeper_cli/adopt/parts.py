"""Collect the parts of registries and roles into documents; pure.

A part is what one resource of another tool holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ecrkeeper import names
from ecrkeeper.v1.settings_pb2 import Settings
from ecrkeeper_files.documents import Declaration, Treatment
from ecrkeeper_files.kinds import VERSION
from ecrkeeper_files.settings_shapes import LISTS, shaped
from ecrkeeper_files.sources import Errors

# The principals of ECR's service-linked roles.
ROLES: Mapping[str, str] = {
    "replication.ecr.amazonaws.com": "replication",
    "pullthroughcache.ecr.amazonaws.com": "pull-through-cache",
    "ecr.amazonaws.com": "repository-creation-template",
}
# The field names of settings, by the members of AWS.
FIELDS: Mapping[str, str] = {
    field.json_name: field.name
    for field in Settings.DESCRIPTOR.fields
    if field.message_type is not None and field.message_type.file is Settings.DESCRIPTOR.file
}


@dataclass(frozen=True, slots=True)
class Part:
    """The setting of one resource; `key` is its element if it is one of a list."""

    address: str
    account: str
    region: str
    setting: str
    value: Any
    key: str = ""


@dataclass(frozen=True, slots=True)
class RolePart:
    """The service-linked role of one resource."""

    address: str
    account: str
    role: str
    members: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Adopted:
    """The documents for all resources, and the resource of each setting or element."""

    declarations: tuple[Declaration, ...]
    roles: tuple[Treatment, ...]
    addresses: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    readable: tuple[Mapping[str, Any], ...] = ()

    def address(self, name: str, setting: str = "", key: str = "") -> str:
        """Return the resource that holds an element of a registry, or a role."""
        registry = name.partition("/settings/")[0]
        resource = self.addresses.get((registry, setting, key)) or self.addresses.get((registry, setting, ""))
        return resource or name


def collected(parts: Iterable[Part], roles: Iterable[RolePart], owner: str) -> Adopted:
    """Return the documents of parts.

    Errors if two resources hold the same setting, element or role.
    """
    errors: list[str] = []
    addresses: dict[tuple[str, str, str], str] = {}
    settings: dict[str, dict[str, Any]] = {}
    declared: dict[str, Treatment] = {}

    def holds(name: str, setting: str, key: str, address: str) -> bool:
        first = addresses.setdefault((name, setting, key), address)
        if first is not address:
            about = " ".join(filter(None, (name, setting, key)))
            errors.append(f"{address}: {first} holds {about} as well")
        return first is address

    for part in parts:
        registry = names.registry(part.account, part.region)
        if holds(registry, FIELDS[part.setting], part.key, part.address):
            held = settings.setdefault(registry, {})
            if part.setting in LISTS:
                held.setdefault(part.setting, []).append(part.value)
            else:
                held[part.setting] = part.value
    for role in roles:
        name = names.role(role.account, role.role)
        if holds(name, "", "", role.address):
            declared[name] = Treatment("ServiceLinkedRole", name, role.members)
    if errors:
        raise Errors(errors)
    return _documents(settings, declared, addresses, owner)


def _documents(
    settings: Mapping[str, Mapping[str, Any]],
    roles: Mapping[str, Treatment],
    addresses: Mapping[tuple[str, str, str], str],
    owner: str,
) -> Adopted:
    readable: list[Mapping[str, Any]] = [
        {"apiVersion": VERSION, "kind": each.kind, "name": name, **each.members} for name, each in sorted(roles.items())
    ]
    declarations = []
    for registry, held in sorted(settings.items()):
        name = f"{registry}/settings/{owner}"
        ordered = {setting: held[setting] for setting in FIELDS if setting in held}
        declarations.append(Declaration(name, shaped(ordered)))
        readable.append({"apiVersion": VERSION, "kind": "RegistrySettings", "name": name, "settings": ordered})
    return Adopted(tuple(declarations), tuple(roles.values()), addresses, tuple(readable))
