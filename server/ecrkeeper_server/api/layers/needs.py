"""Needed permissions: a verb on a target, and the targets of stored resources."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from ecrkeeper_server.access.policy import Target, Verb
from ecrkeeper_server.names import WILDCARD, RegistryName, RoleName, SettingsName
from ecrkeeper_server.store.listing import Listed
from ecrkeeper_server.store.rows import Operation, Resource


class Need(Struct, frozen=True):
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


def nothing(_: Any) -> Sequence[Need]:
    """Need no permission: every authenticated caller may call it."""
    return ()


def on(name: RegistryName | RoleName | SettingsName, verb: Verb) -> Need:
    """Return the need of a verb on a named resource."""
    if isinstance(name, SettingsName):
        return Need(verb, str(name), Target(name.registry.account, name.registry.region, name.owner))
    return Need(verb, str(name), Target(name.account, name.region if isinstance(name, RegistryName) else ""))


def set_target(set_id: str) -> Target:
    """Return the target of a registry set: anything that its declarations can be for."""
    return Target(WILDCARD, WILDCARD, set_id)
