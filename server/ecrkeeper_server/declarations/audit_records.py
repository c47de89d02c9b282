"""Audit events of accepted calls, recorded in the transaction of the call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ecrkeeper_server.declarations.idempotency import Caller
from ecrkeeper_server.names import BackfillName, RegistryName, RoleName, SettingsName
from ecrkeeper_server.settings.algebra import splitting
from ecrkeeper_server.settings.elements import Change, diff, diffing
from ecrkeeper_server.settings.setting import Setting, Shape
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.store import audit
from ecrkeeper_server.store.audit import NewEvent
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.rows import Declaration
from ecrkeeper_server.store.specs import RegistrySpec, RoleSpec
from ecrkeeper_server.turns import Steps

Name = RegistryName | SettingsName | RoleName | BackfillName

Spec = RegistrySpec | RoleSpec

_NO_OPTIONS = {"deletion_policy": "REMOVE", "allow_replacement": False, "apply_group": ""}


def record(tx: Tx, caller: Caller, name: Name, *, generation: int = 0, changes: Sequence[Change] = ()) -> None:
    """Record that a call on a resource was accepted, and what it changed."""
    audit.add(tx, [accepted(caller, name, generation=generation, changes=changes)])


def accepted(
    caller: Caller, name: Name, *, generation: int = 0, changes: Sequence[Change] = (), reason: str | None = None
) -> NewEvent:
    """Return an event of an accepted call.

    A call may have several, each on another resource.
    """
    where = name if isinstance(name, RegistryName | RoleName) else name.registry
    return NewEvent(
        kind="CALL",
        method=caller.method,
        resource=str(name),
        account=where.account,
        region="" if isinstance(where, RoleName) else where.region,
        owners=(name.owner,) if isinstance(name, SettingsName) else (),
        principal=caller.principal,
        request_id=caller.request_id,
        call_id=caller.call_id,
        generation=generation,
        reason=caller.reason if reason is None else reason,
        changes=changes,
    )


def declared_changes(before: Declaration | None, after: Declaration | None) -> list[Change]:
    """Return the changes between two states of a declaration; None is absent."""
    old, new = (_NO_OPTIONS if d is None else _options(d) for d in (before, after))
    options = diff("registry_settings", old, new) if after is not None else ()
    old_settings, new_settings = (None if d is None else d.settings for d in (before, after))
    return [*options, *settings_changes(old_settings, new_settings)]


def _options(declared: Declaration) -> dict[str, Any]:
    return {
        "deletion_policy": declared.deletion_policy,
        "allow_replacement": declared.allow_replacement,
        "apply_group": declared.apply_group or "",
    }


def settings_changes(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[Change]:
    """Return the changes between two declarations' settings, element by element."""
    changes: list[Change] = []
    for setting, *shapes in _changed(before, after):
        old, new = ({} if shape is None else setting.split(shape) for shape in shapes)
        changes += diff(setting.name, old, new, setting.replaces)
    return changes


def changing_settings(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Steps[list[Change]]:
    """Return the same in steps."""
    changes: list[Change] = []
    for setting, old_shape, new_shape in _changed(before, after):
        old = {} if old_shape is None else (yield from splitting(setting, old_shape))
        new = {} if new_shape is None else (yield from splitting(setting, new_shape))
        changes += yield from diffing(setting.name, old, new, setting.replaces)
    return changes


def _changed(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> Iterator[tuple[Setting, Shape | None, Shape | None]]:
    """Yield each setting that differs, with its shape before and after."""
    before, after = before or {}, after or {}
    for name, setting in SETTINGS.items():
        old, new = before.get(name), after.get(name)
        if old != new:
            yield setting, old, new


def spec_changes(before: Spec | None, after: Spec) -> list[Change]:
    """Return the changes between two specs, by field and by tag."""
    kind = "service_linked_role" if isinstance(after, RoleSpec) else "registry"
    old, new = ({} if spec is None else _fields(spec) for spec in (before, after))
    old_tags, new_tags = (spec.tags if isinstance(spec, RoleSpec) else {} for spec in (before, after))
    return [*diff(kind, old, new), *diff("tags", old_tags, new_tags)]


def _fields(spec: Spec) -> dict[str, Any]:
    """Return the fields of a spec that a caller chooses, less the tags of a role."""
    if isinstance(spec, RegistrySpec):
        return {"unmanaged_elements": str(spec.unmanaged_elements), "mode": str(spec.mode)}
    described = {} if spec.description is None else {"description": spec.description}
    return {**described, "managed": spec.managed, "mode": str(spec.mode)}
