"""Writing declarations: check, compose with the other owners', store. Pure decisions on a transaction's rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ecrkeeper_server.api.recording import accepted, declared_changes, record
from ecrkeeper_server.api.writes import Caller, answered, check_etag, remember
from ecrkeeper_server.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PreconditionViolation,
    Violation,
)
from ecrkeeper_server.names import RegistryName, SettingsName
from ecrkeeper_server.settings.algebra import Composition, Conflict, compose
from ecrkeeper_server.settings.table import SETTINGS, split_all
from ecrkeeper_server.store import audit, declarations, resources
from ecrkeeper_server.store.audit import NewEvent
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.declarations import Origin
from ecrkeeper_server.store.rows import Declaration, Resource

NEW_REGISTRY = {"mode": "ENFORCE", "foreign_elements": "PRESERVE"}


@dataclass(frozen=True, slots=True)
class Wish:
    """What an owner wants to declare."""

    settings: dict[str, Any]
    deletion_policy: str
    allow_replacement: bool


@dataclass(frozen=True, slots=True)
class Written:
    """What a write left; with `validate_only` it is undone, and this is what would have been."""

    registry: Resource
    declared: Declaration
    composition: Composition


class Undone(Exception):
    """Carries the outcome of a write that was only tried out of its transaction."""

    def __init__(self, written: Written | None) -> None:
        super().__init__()
        self.written = written


def lint(name: SettingsName, settings: Mapping[str, Any], path: str) -> None:
    """Refuse settings that no AWS would take, with every violation at once."""
    violations = [
        violation
        for setting, shape in settings.items()
        for violation in SETTINGS[setting].lint(shape, name.registry, f"{path}.{setting}")
    ]
    if violations:
        raise InvalidArgument(violations)


def put(
    tx: Tx,
    name: SettingsName,
    change: Any,
    caller: Caller,
    *,
    create: bool,
    update: bool,
    etag: str = "",
    force: bool = False,
) -> Written:
    """Create or change a declaration. `change` makes the wish from the present declaration or None."""
    registry = resources.ensure(tx, name.registry, NEW_REGISTRY)
    declared = {d.owner: d for d in declarations.of_registry(tx, name.registry)}
    present = declared.get(name.owner)
    if answered(tx, caller) is not None:
        if present is None:
            raise NotFound("RegistrySettings", str(name), "the call was answered before, and it was deleted since")
        return Written(registry, present, _composition(declared))
    _check_presence(name, present, create=create, update=update)
    if present is not None:
        check_etag(str(name), etag, present.etag)
    elif etag:
        check_etag(str(name), etag, "")
    wish: Wish = change(present)
    parts = {owner: split_all(d.settings) for owner, d in declared.items()}
    parts[name.owner] = split_all(wish.settings)
    composition = compose(parts)
    taken: list[NewEvent] = []
    if composition.conflicts:
        if not force:
            raise _conflict(name, composition.conflicts)
        taken = _take_over(tx, name, declared, composition.conflicts, registry.generation + 1, caller)
        declared = {d.owner: d for d in declarations.of_registry(tx, name.registry)}
        parts |= {owner: split_all(d.settings) for owner, d in declared.items() if owner != name.owner}
        composition = compose(parts)
    _check_together(name.registry, composition)
    registry = desire(tx, registry, composition, sorted(parts))
    stored = declarations.put(
        tx,
        name,
        wish.settings,
        deletion_policy=wish.deletion_policy,
        allow_replacement=wish.allow_replacement,
        registry_generation=registry.generation,
        origin=_origin(caller),
    )
    remember(tx, caller, str(name))
    changes = declared_changes(present, stored)
    audit.record(tx, [accepted(caller, name, generation=registry.generation, changes=changes), *taken])
    return Written(registry, stored, composition)


def remove(
    tx: Tx, name: SettingsName, caller: Caller, *, etag: str = "", allow_missing: bool = False
) -> Written | None:
    """Delete a declaration; None if there was none and that is allowed."""
    # Locked before anything is read: another replica may be writing here.
    registry = resources.get(tx, str(name.registry), lock=True)
    present = declarations.get(tx, name)
    if answered(tx, caller) is not None:
        return None
    if present is None or registry is None:
        if allow_missing:
            remember(tx, caller, str(name))
            record(tx, caller, name)
            return None
        raise NotFound("RegistrySettings", str(name))
    check_etag(str(name), etag, present.etag)
    declarations.remove(tx, present, _origin(caller))
    left = {d.owner: d for d in declarations.of_registry(tx, name.registry)}
    composition = _composition(left)
    abandoned = present if present.deletion_policy == "ABANDON" else None
    registry = desire(tx, registry, composition, sorted(left), abandoned=abandoned)
    remember(tx, caller, str(name))
    record(tx, caller, name, generation=registry.generation, changes=declared_changes(present, None))
    return Written(registry, present, composition)


def _origin(caller: Caller) -> Origin:
    return Origin(caller.method, caller.principal, caller.request_id, caller.reason)


def _composition(declared: Mapping[str, Declaration]) -> Composition:
    return compose({owner: split_all(d.settings) for owner, d in declared.items()})


def _check_presence(name: SettingsName, present: Declaration | None, *, create: bool, update: bool) -> None:
    if present is None and not create:
        raise NotFound("RegistrySettings", str(name), "create it, or set allow_missing")
    if present is not None and not update:
        raise AlreadyExists(
            f"{name} exists; update it instead", reason="ALREADY_EXISTS", resource=("RegistrySettings", str(name))
        )


def _conflict(name: SettingsName, conflicts: tuple[Conflict, ...]) -> FailedPrecondition:
    rows = []
    for conflict in conflicts:
        others = {owner: value for owner, value in conflict.owners.items() if owner != name.owner}
        theirs = "; ".join(f"{owner} declares {_brief(value)}" for owner, value in others.items())
        mine = _brief(conflict.owners[name.owner])
        rows.append(
            PreconditionViolation(
                "OWNER_CONFLICT", f"{conflict.setting} {conflict.key}", f"{theirs}; this call declares {mine}"
            )
        )
    first = rows[0]
    return FailedPrecondition(
        f"{first.subject}: {first.description}; agree on one value, or set force to take it over",
        reason="OWNER_CONFLICT",
        metadata={"owners": ",".join(sorted({o for c in conflicts for o in c.owners if o != name.owner}))},
        preconditions=rows,
    )


def _brief(value: Any) -> str:
    text = json.dumps(value, sort_keys=True)
    return text if len(text) <= 150 else text[:147] + "..."


def _take_over(
    tx: Tx,
    name: SettingsName,
    declared: Mapping[str, Declaration],
    conflicts: tuple[Conflict, ...],
    generation: int,
    caller: Caller,
) -> list[NewEvent]:
    """Drop the elements in conflict from the other owners' declarations; what the audit trail is to say of that."""
    events = []
    lost: dict[str, dict[str, set[str]]] = {}
    for conflict in conflicts:
        for owner in conflict.owners:
            if owner != name.owner:
                lost.setdefault(owner, {}).setdefault(conflict.setting, set()).add(conflict.key)
    origin = Origin(caller.method, caller.principal, caller.request_id, f"taken over by {name.owner}")
    for owner, settings in lost.items():
        theirs = declared[owner]
        changed = dict(theirs.settings)
        for setting, keys in settings.items():
            elements = SETTINGS[setting].split(changed[setting])
            changed[setting] = SETTINGS[setting].join({k: v for k, v in elements.items() if k not in keys})
        left = declarations.put(
            tx,
            theirs.name,
            changed,
            deletion_policy=theirs.deletion_policy,
            allow_replacement=theirs.allow_replacement,
            registry_generation=generation,
            origin=origin,
        )
        changes = declared_changes(theirs, left)
        events.append(accepted(caller, theirs.name, generation=generation, changes=changes, reason=origin.reason))
    return events


def _check_together(registry: RegistryName, composition: Composition) -> None:
    """Refuse what exceeds AWS's limits over all owners."""
    violations: list[Violation] = []
    for setting, elements in composition.desired.items():
        for found in SETTINGS[setting].lint_composed(elements, registry):
            path = f"registry_settings.settings.{found.field}"
            violations.append(Violation(path, found.description, found.reason))
    if violations:
        raise InvalidArgument(violations)


def desire(
    tx: Tx,
    registry: Resource,
    composition: Composition,
    owners: list[str],
    *,
    abandoned: Declaration | None = None,
) -> Resource:
    """A new generation of the registry; what an owner abandons is remembered until it is desired again."""
    left: dict[str, set[str]] = {name: set(keys) for name, keys in registry.spec.get("abandoned", {}).items()}
    if abandoned is not None:
        for setting, elements in split_all(abandoned.settings).items():
            left.setdefault(setting, set()).update(elements)
    kept = {
        setting: sorted(key for key in keys if key not in composition.desired.get(setting, {}))
        for setting, keys in left.items()
    }
    abandons = {setting: keys for setting, keys in kept.items() if keys}
    spec = {**registry.spec, "abandoned": abandons, "owners": owners}
    return resources.desire(tx, registry.name, spec)
