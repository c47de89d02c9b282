"""Writing declarations: check, compose with others', decide what becomes of them; pure, on a unit of work."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from ecrkeeper_server.declarations.audit_records import accepted, declared_changes
from ecrkeeper_server.declarations.idempotency import Caller, check_etag
from ecrkeeper_server.declarations.preconditions import (
    check_left,
    check_own,
    check_presence,
    check_together,
    conflict_of,
)
from ecrkeeper_server.errors import NotFound
from ecrkeeper_server.names import SettingsName
from ecrkeeper_server.settings.algebra import Composition, Conflict, compose
from ecrkeeper_server.settings.table import SETTINGS, split_all
from ecrkeeper_server.store.rows import Declaration, Resource
from ecrkeeper_server.store.specs import RegistrySpec
from ecrkeeper_server.store.unit_of_work import Origin, UnitOfWork

TAKE_OVER = "set force to take it over"
NEW_REGISTRY = RegistrySpec().to_json()


@dataclass(frozen=True, slots=True)
class DeclarationSpec:
    """What an owner wants to declare."""

    settings: dict[str, Any]
    deletion_policy: str
    allow_replacement: bool

    @classmethod
    def of(cls, kept: Declaration) -> Self:
        """What a declaration says."""
        return cls(kept.settings, kept.deletion_policy, kept.allow_replacement)


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What a write leaves, or with `validate_only` would leave; `before` is what was declared until then."""

    registry: Resource
    declared: Declaration
    specs: Mapping[str, DeclarationSpec]
    before: Declaration | None

    @property
    def composition(self) -> Composition:
        """What all owners want together."""
        return _composed(self.specs)


@dataclass(frozen=True, slots=True, kw_only=True)
class PutDeclaration:
    """A call that makes or changes a declaration. `change` makes the spec from the present declaration or None.

    `way_out` is what the caller can do about a conflict with other owners.
    """

    name: SettingsName
    change: Callable[[Declaration | None], DeclarationSpec]
    caller: Caller
    create: bool
    update: bool
    etag: str = ""
    force: bool = False
    way_out: str = TAKE_OVER
    trace: str = ""

    def decide(self, unit: UnitOfWork) -> WriteResult:
        """What the call leaves; a refusal leaves nothing."""
        name, caller = self.name, self.caller
        registry = unit.registry(name.registry, NEW_REGISTRY)
        declared = unit.declared[name.registry]
        present = declared.get(name.owner)
        if unit.answered(caller.request_id, caller.method, caller.fingerprint) is not None:
            if present is None:
                raise NotFound("RegistrySettings", str(name), "the call was answered before, and it was deleted since")
            return WriteResult(registry, present, _specs_of(declared), present)
        check_presence(name, present, create=self.create, update=self.update)
        check_etag(str(name), self.etag, "" if present is None else present.etag)
        spec = self.change(present)
        specs = {**_specs_of(declared), name.owner: spec}
        # What is not touched was checked when it was declared.
        touched = _differing({} if present is None else present.settings, spec.settings)
        if present is not None and spec == DeclarationSpec.of(present):
            return self._keep(unit, registry, present, specs)
        composition = _composed(specs, touched)
        check_own(name, composition)
        taken: dict[str, DeclarationSpec] = {}
        if composition.conflicts:
            if not self.force:
                raise conflict_of(name, composition.conflicts, self.way_out)
            taken = _taken_over(name, specs, composition.conflicts)
            composition = _composed({**specs, **taken}, touched)
            check_own(name, composition)
        check_together(name, composition, lambda: _composed(_specs_of(declared), touched))
        return self._carry_out(unit, registry, composition, {**specs, **taken}, taken)

    def _keep(
        self, unit: UnitOfWork, registry: Resource, present: Declaration, specs: Mapping[str, DeclarationSpec]
    ) -> WriteResult:
        """Nothing changes; what AWS does not have yet is looked at now, as whoever declares it again waits for it."""
        if not registry.carried_out:
            registry = unit.request(registry, self.trace)
        unit.remember(self.caller.request_id, self.caller.method, self.caller.fingerprint, str(self.name))
        return WriteResult(registry, present, specs, present)

    def _carry_out(
        self,
        unit: UnitOfWork,
        registry: Resource,
        composition: Composition,
        specs: Mapping[str, DeclarationSpec],
        taken: Mapping[str, DeclarationSpec],
    ) -> WriteResult:
        name, caller = self.name, self.caller
        present = unit.declared[name.registry].get(name.owner)
        registry = desire(unit, registry, composition, sorted(specs), trace=self.trace)
        stored = declare(unit, name, specs[name.owner], registry, caller, _origin(caller))
        origin = Origin(caller.method, caller.principal, caller.request_id, f"taken over by {name.owner}")
        for owner, left in taken.items():
            declare(unit, SettingsName(name.registry, owner), left, registry, caller, origin)
        unit.remember(caller.request_id, caller.method, caller.fingerprint, str(name))
        return WriteResult(registry, stored, specs, present)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteDeclaration:
    """A call that deletes a declaration."""

    name: SettingsName
    caller: Caller
    etag: str = ""
    allow_missing: bool = False
    trace: str = ""

    def decide(self, unit: UnitOfWork) -> WriteResult | None:
        """What the call leaves; None if there was nothing to delete and that is allowed."""
        name, caller = self.name, self.caller
        registry = unit.registries.get(name.registry)
        declared = unit.declared[name.registry]
        present = declared.get(name.owner)
        if unit.answered(caller.request_id, caller.method, caller.fingerprint) is not None:
            return None
        if present is None or registry is None:
            if not self.allow_missing:
                raise NotFound("RegistrySettings", str(name))
            unit.events.append(accepted(caller, name))
            unit.remember(caller.request_id, caller.method, caller.fingerprint, str(name))
            return None
        check_etag(str(name), self.etag, present.etag)
        left = _specs_of({owner: one for owner, one in declared.items() if owner != name.owner})
        composition = _composed(left, present.settings)
        # Also where AWS keeps what is abandoned: the others' declarations would no longer hold by themselves.
        check_left(name, _composed(_specs_of(declared), present.settings), composition)
        abandoned = present if present.deletion_policy == "ABANDON" else None
        registry = desire(unit, registry, composition, sorted(left), abandoned=abandoned, trace=self.trace)
        unit.remove(present, _origin(caller))
        changes = declared_changes(present, None)
        unit.events.append(accepted(caller, name, generation=registry.generation, changes=changes))
        unit.remember(caller.request_id, caller.method, caller.fingerprint, str(name))
        return WriteResult(registry, present, left, present)


def declare(
    unit: UnitOfWork, name: SettingsName, spec: DeclarationSpec, registry: Resource, caller: Caller, origin: Origin
) -> Declaration:
    """Change a declaration, or make it, and say so in the audit trail."""
    present = unit.declared[name.registry].get(name.owner)
    stored = unit.declare(
        name,
        spec.settings,
        deletion_policy=spec.deletion_policy,
        allow_replacement=spec.allow_replacement,
        registry_generation=registry.generation,
        origin=origin,
    )
    changes = declared_changes(present, stored)
    event = accepted(caller, name, generation=registry.generation, changes=changes, reason=origin.reason)
    unit.events.append(event)
    return stored


def _origin(caller: Caller) -> Origin:
    return Origin(caller.method, caller.principal, caller.request_id, caller.reason)


def _composed(specs: Mapping[str, DeclarationSpec], settings: Collection[str] = tuple(SETTINGS)) -> Composition:
    """What all owners want together of these settings."""
    return compose(
        {
            owner: split_all({name: shape for name, shape in spec.settings.items() if name in settings})
            for owner, spec in specs.items()
        }
    )


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    """The settings that are not the same before and after."""
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


def _taken_over(
    name: SettingsName, specs: Mapping[str, DeclarationSpec], conflicts: tuple[Conflict, ...]
) -> dict[str, DeclarationSpec]:
    """What is left of the other owners' declarations without the elements in conflict."""
    lost: dict[str, dict[str, set[str]]] = {}
    for conflict in conflicts:
        for owner in conflict.owners:
            if owner != name.owner:
                lost.setdefault(owner, {}).setdefault(conflict.setting, set()).add(conflict.key)
    left = {}
    for owner, settings in lost.items():
        changed = dict(specs[owner].settings)
        for setting, keys in settings.items():
            elements = SETTINGS[setting].split(changed[setting])
            changed[setting] = SETTINGS[setting].join({k: v for k, v in elements.items() if k not in keys})
        left[owner] = replace(specs[owner], settings=changed)
    return left


def _specs_of(declared: Mapping[str, Declaration]) -> dict[str, DeclarationSpec]:
    return {owner: DeclarationSpec.of(one) for owner, one in declared.items()}


def desire(
    unit: UnitOfWork,
    registry: Resource,
    composition: Composition,
    owners: list[str],
    *,
    abandoned: Declaration | None = None,
    trace: str = "",
) -> Resource:
    """A new generation of the registry; what an owner abandons is remembered until it is desired again."""
    left: dict[str, set[str]] = {name: set(keys) for name, keys in registry.registry_spec.abandoned.items()}
    if abandoned is not None:
        for setting, elements in split_all(abandoned.settings).items():
            left.setdefault(setting, set()).update(elements)
    kept = {
        setting: sorted(key for key in keys if key not in composition.desired.get(setting, {}))
        for setting, keys in left.items()
    }
    abandons = {setting: keys for setting, keys in kept.items() if keys}
    spec = replace(registry.registry_spec, abandoned=abandons, owners=owners)
    return unit.desire(registry, spec.to_json(), trace)
