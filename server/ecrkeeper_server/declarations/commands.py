"""Commands that put declarations; pure, on a unit of work."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import orjson
from msgspec import Struct, field
from msgspec.structs import replace

from ecrkeeper_server.declarations.audit_records import accepted, declared_changes
from ecrkeeper_server.declarations.composition_checks import checking_own, checking_together, validating
from ecrkeeper_server.declarations.idempotency import Caller, check_etag
from ecrkeeper_server.declarations.plan_digest import check_planned_on
from ecrkeeper_server.declarations.preconditions import (
    FEW_OWNERS,
    MAX_DECLARATION_BYTES,
    check_manager,
    check_registry_size,
    checking_size,
    explaining_conflicts,
    presence_error,
)
from ecrkeeper_server.declarations.takeover import Takeover, reducing_specs, taking_over
from ecrkeeper_server.declarations.write_result import WriteResult
from ecrkeeper_server.errors import NotFound, Violation, first_violations, rejection
from ecrkeeper_server.names import RegistryName, SettingsName
from ecrkeeper_server.settings.algebra import Composition, compose, composing, splitting
from ecrkeeper_server.settings.elements import Elements, cost
from ecrkeeper_server.settings.table import SETTINGS, split_all
from ecrkeeper_server.store.rows import Declaration, Resource
from ecrkeeper_server.store.specs import NEW_REGISTRY, DeclarationSpec
from ecrkeeper_server.store.unit_of_work import Manager, Origin, UnitOfWork, text_length
from ecrkeeper_server.turns import Steps, finish

TAKE_OVER = "set force to take it over"


def violations(registry: RegistryName, settings: Mapping[str, Any], path: str) -> list[Violation]:
    """Return the violations of settings that AWS never accepts.

    They include quotas that one owner alone exceeds. After a hundred, the last one says that there are more.
    """
    violated = [
        violation
        for setting, shape in settings.items()
        for violation in SETTINGS[setting].validate(shape, registry, f"{path}.{setting}")
    ]
    return first_violations(violated) if violated else []


class _Begun(Struct, frozen=True):
    """The specs of all owners, and the settings that the call changes."""

    registry: Resource
    declared: Mapping[str, Declaration]
    specs: Mapping[str, DeclarationSpec]
    touched: Collection[str]
    planned_on: str


class PutDeclaration(Struct, frozen=True, kw_only=True):
    """A call that creates or changes a declaration.

    `change` returns the spec for the current declaration or None. `requested` are
    the settings that the caller declares, at `path` in the request. `remedy` is
    the remedy for a conflict with other owners. `manager` is the registry set on
    whose behalf the call is made. `planned_on` is the etag of the registry that the
    call was planned on, or None without a plan.
    """

    name: SettingsName
    change: Callable[[Declaration | None], DeclarationSpec]
    caller: Caller
    create: bool
    update: bool
    requested: Mapping[str, Any] = field(default_factory=dict)
    path: str = "registry_settings.settings"
    etag: str = ""
    force: bool = False
    remedy: str = TAKE_OVER
    trace: str = ""
    manager: Manager | None = None
    planned_on: str | None = None

    @property
    def elements(self) -> int:
        """The cost of the requested settings."""
        return cost(self.requested)

    def check(self) -> Steps[None]:
        """Reject requested settings that AWS never accepts, with all violations."""
        for name, shape in self.requested.items():
            if (prepare := SETTINGS[name].prepare) is not None:
                yield from prepare(shape, self.name.registry)
        if invalid := violations(self.name.registry, self.requested, self.path):
            raise rejection(invalid)

    def decide(self, unit: UnitOfWork) -> WriteResult:
        """Decide the result of the call; a rejected call changes nothing."""
        begun = self._begin(unit)
        if isinstance(begun, WriteResult):
            return begun
        for _ in self._checking_size(unit, begun):
            pass
        composition = compose_specs(begun.specs, begun.touched)
        if composition.conflicts or not _valid(composition, self.name.registry):
            return finish(self._resolving(unit, begun, composition))
        return self._write(unit, begun, composition)

    def deciding(self, unit: UnitOfWork) -> Steps[WriteResult]:
        """Decide in steps."""
        begun = self._begin(unit)
        yield
        if isinstance(begun, WriteResult):
            return begun
        yield from self._checking_size(unit, begun)
        composition = yield from composing_specs(begun.specs, begun.touched)
        yield
        if composition.conflicts or not (yield from validating(self.name.registry, composition)):
            return (yield from self._resolving(unit, begun, composition))
        yield
        return self._write(unit, begun, composition)

    def _begin(self, unit: UnitOfWork) -> WriteResult | _Begun:
        """Check the call against stored rows; return the result if nothing changes."""
        name, caller = self.name, self.caller
        registry = unit.registry(name.registry, NEW_REGISTRY)
        declared = unit.declared[name.registry]
        present = declared.get(name.owner)
        if unit.find_response(caller.request_id, caller.method, caller.fingerprint) is not None:
            if present is None:
                raise NotFound("RegistrySettings", str(name), "the call was answered before; deleted since")
            return WriteResult(registry, present, specs_of(declared), present)
        planned_on = unit.etag_of(name.registry)
        if self.planned_on is not None:
            check_planned_on(str(name), self.planned_on, planned_on)
        if not (self.create if present is None else self.update):
            raise presence_error(name, present)
        if self.etag:
            check_etag(str(name), self.etag, "" if present is None else present.etag)
        if self.manager is not None or (present is not None and present.managed_by):
            check_manager(present, self.manager)
        spec = self.change(present)
        specs = {**specs_of(declared), name.owner: spec}
        # Untouched settings were checked when they were declared.
        touched = _differing({} if present is None else present.settings, spec.settings)
        if present is not None and spec == present.spec:
            return replace(self._keep(unit, registry, present, specs), planned_on=planned_on)
        return _Begun(registry, declared, specs, touched, planned_on)

    def _checking_size(self, unit: UnitOfWork, begun: _Begun) -> Steps[None]:
        """Reject a declaration, or all of the registry, if they are too large, in steps."""
        name, settings = self.name, begun.specs[self.name.owner].settings
        present = begun.declared.get(name.owner)
        # A message is shorter than twice its JSON, which is made in a fortieth of the time.
        if 2 * len(orjson.dumps(settings)) > MAX_DECLARATION_BYTES:
            yield
            yield from checking_size(None if present is None else present.settings, settings)
        if len(begun.specs) > FEW_OWNERS:
            yield
            before = unit.characters_of(name.registry)
            own = 0 if present is None else text_length(present.settings)
            check_registry_size(before, before - own + text_length(settings))

    def _resolving(self, unit: UnitOfWork, begun: _Begun, composition: Composition) -> Steps[WriteResult]:
        """Resolve conflicts, check the composition, and change the unit of work."""
        name, caller, declared, specs, touched = self.name, self.caller, begun.declared, begun.specs, begun.touched
        reduced: dict[str, DeclarationSpec] = {}
        taken: tuple[Takeover, ...] = ()
        yield from checking_own(name, composition)
        if composition.conflicts:
            if not self.force:
                raise (yield from explaining_conflicts(name, composition.conflicts, self.remedy))
            taken = yield from taking_over(name.owner, composition.conflicts)
            reduced = yield from reducing_specs(specs, taken)
            for owner in reduced:
                check_manager(declared[owner], None)
            specs = {**specs, **reduced}
            composition = yield from composing_specs(specs, touched)
            yield from checking_own(name, composition)
        yield from checking_together(name, composition, lambda: composing_specs(specs_of(declared), touched))
        yield
        written = self._write(unit, replace(begun, specs=specs), composition)
        origin = Origin(caller.method, caller.principal, caller.request_id, f"taken over by {name.owner}")
        for owner, remaining in reduced.items():
            yield
            put_declaration(unit, SettingsName(name.registry, owner), remaining, written.registry, caller, origin)
        return replace(written, takeovers=taken)

    def _keep(
        self, unit: UnitOfWork, registry: Resource, present: Declaration, specs: Mapping[str, DeclarationSpec]
    ) -> WriteResult:
        """Leave the declaration unchanged; reconcile now if it has not converged."""
        if not registry.carried_out:
            registry = unit.request(registry, self.trace)
        if self.manager is not None:
            present = unit.mark(present, self.manager)
        unit.save_response(self.caller.request_id, self.caller.method, self.caller.fingerprint, str(self.name))
        return WriteResult(registry, present, specs, present)

    def _write(self, unit: UnitOfWork, begun: _Begun, composition: Composition) -> WriteResult:
        """Change the unit of work."""
        name, caller, specs = self.name, self.caller, begun.specs
        present = unit.declared[name.registry].get(name.owner)
        registry = set_spec(unit, begun.registry, composition, sorted(specs), trace=self.trace)
        stored = put_declaration(unit, name, specs[name.owner], registry, caller, origin_of(caller), self.manager)
        unit.save_response(caller.request_id, caller.method, caller.fingerprint, str(name))
        return WriteResult(registry, stored, specs, present, begun.planned_on)


def put_declaration(
    unit: UnitOfWork,
    name: SettingsName,
    spec: DeclarationSpec,
    registry: Resource,
    caller: Caller,
    origin: Origin,
    manager: Manager | None = None,
) -> Declaration:
    """Create or change a declaration, and record that in the audit trail."""
    present = unit.declared[name.registry].get(name.owner)
    stored = unit.declare(
        name,
        spec.settings,
        deletion_policy=spec.deletion_policy,
        allow_replacement=spec.allow_replacement,
        apply_group=spec.apply_group,
        registry_generation=registry.generation,
        origin=origin,
        manager=manager,
    )
    changes = declared_changes(present, stored)
    event = accepted(caller, name, generation=registry.generation, changes=changes, reason=origin.reason)
    unit.events.append(event)
    return stored


def origin_of(caller: Caller) -> Origin:
    """Return the source of a change, for its revision."""
    return Origin(caller.method, caller.principal, caller.request_id, caller.reason)


def compose_specs(specs: Mapping[str, DeclarationSpec], settings: Collection[str] = tuple(SETTINGS)) -> Composition:
    """Return the composition of all owners' specs for these settings."""
    return compose(
        {
            owner: {name: SETTINGS[name].split(shape) for name, shape in spec.settings.items() if name in settings}
            for owner, spec in specs.items()
        }
    )


def composing_specs(
    specs: Mapping[str, DeclarationSpec], settings: Collection[str] = tuple(SETTINGS)
) -> Steps[Composition]:
    """Return the same in steps."""
    declarations: dict[str, dict[str, Elements]] = {owner: {} for owner in specs}
    for owner, spec in specs.items():
        for name, shape in spec.settings.items():
            if name in settings:
                declarations[owner][name] = yield from splitting(SETTINGS[name], shape)
    return (yield from composing(declarations))


def _valid(composition: Composition, registry: RegistryName) -> bool:
    """Return whether AWS accepts all owners' elements together."""
    return not any(
        (setting.validate_together and setting.validate_together(elements, registry))
        or (len(elements) > setting.fits and any(quota.used > quota.limit for quota in setting.quota(elements)))
        for setting, elements in ((SETTINGS[name], elements) for name, elements in composition.desired.items())
    )


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    """Return the settings that differ before and after."""
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


def specs_of(declared: Mapping[str, Declaration]) -> dict[str, DeclarationSpec]:
    """Return the spec of each owner."""
    return {owner: one.spec for owner, one in declared.items()}


def set_spec(
    unit: UnitOfWork,
    registry: Resource,
    composition: Composition,
    owners: list[str],
    *,
    abandoned: Declaration | None = None,
    trace: str = "",
) -> Resource:
    """Return a new generation of the registry; `abandoned` relinquishes its elements."""
    relinquished = {} if abandoned is None else split_all(abandoned.settings)
    spec = registry.registry_spec.declared_by(owners, composition.desired, relinquished)
    return unit.set_spec(registry, spec.to_json(), trace)
