"""Deleting declarations; pure, on a unit of work."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from ecrkeeper_server.declarations.audit_records import accepted, declared_changes
from ecrkeeper_server.declarations.commands import composing_specs, origin_of, set_spec, specs_of
from ecrkeeper_server.declarations.composition_checks import checking_remaining
from ecrkeeper_server.declarations.idempotency import Caller, check_etag
from ecrkeeper_server.declarations.plan_digest import check_planned_on
from ecrkeeper_server.declarations.preconditions import check_manager
from ecrkeeper_server.declarations.write_result import WriteResult
from ecrkeeper_server.errors import NotFound
from ecrkeeper_server.names import SettingsName
from ecrkeeper_server.settings.algebra import Composition
from ecrkeeper_server.store.rows import Declaration, Resource
from ecrkeeper_server.store.specs import DeclarationSpec
from ecrkeeper_server.store.unit_of_work import Manager, UnitOfWork
from ecrkeeper_server.turns import Steps, finish


class _Begun(Struct, frozen=True):
    """The declaration to delete, and the specs of the other owners."""

    registry: Resource
    declared: Mapping[str, Declaration]
    present: Declaration
    remaining: Mapping[str, DeclarationSpec]
    planned_on: str


class DeleteDeclaration(Struct, frozen=True, kw_only=True):
    """A call that deletes a declaration.

    `manager` is the registry set on whose behalf the call is made. A `deletion_policy` replaces that of the
    declaration. `planned_on` is as in `PutDeclaration`.
    """

    name: SettingsName
    caller: Caller
    etag: str = ""
    allow_missing: bool = False
    trace: str = ""
    manager: Manager | None = None
    deletion_policy: str = ""
    planned_on: str | None = None
    elements = 0

    def check(self) -> Steps[None]:
        """Check nothing: a deletion has no settings."""
        yield from ()

    def deciding(self, unit: UnitOfWork) -> Steps[WriteResult | None]:
        """Decide in steps."""
        begun = self._begin(unit)
        yield
        if begun is None:
            return None
        composition = yield from composing_specs(begun.remaining, begun.present.settings)
        before = yield from composing_specs(specs_of(begun.declared), begun.present.settings)
        yield
        # Also for abandoned elements: the other owners' declarations must be valid by themselves.
        yield from checking_remaining(self.name, before, composition)
        return self._end(unit, begun, composition)

    def decide(self, unit: UnitOfWork) -> WriteResult | None:
        """Decide the result of the call; None if a missing declaration is allowed."""
        return finish(self.deciding(unit))

    def _begin(self, unit: UnitOfWork) -> _Begun | None:
        """Check the call against stored rows; return None if there is nothing to delete."""
        name, caller = self.name, self.caller
        registry = unit.registries.get(name.registry)
        declared = unit.declared[name.registry]
        present = declared.get(name.owner)
        if unit.find_response(caller.request_id, caller.method, caller.fingerprint) is not None:
            return None
        planned_on = unit.etag_of(name.registry)
        if self.planned_on is not None:
            check_planned_on(str(name), self.planned_on, planned_on)
        if present is None or registry is None:
            if not self.allow_missing:
                raise NotFound("RegistrySettings", str(name))
            unit.events.append(accepted(caller, name))
            unit.save_response(caller.request_id, caller.method, caller.fingerprint, str(name))
            return None
        check_etag(str(name), self.etag, present.etag)
        check_manager(present, self.manager)
        remaining = specs_of({owner: one for owner, one in declared.items() if owner != name.owner})
        return _Begun(registry, declared, present, remaining, planned_on)

    def _end(self, unit: UnitOfWork, begun: _Begun, composition: Composition) -> WriteResult:
        """Change the unit of work."""
        name, caller, registry, present, remaining = (
            self.name, self.caller, begun.registry, begun.present, begun.remaining,
        )  # fmt: skip
        abandoned = present if (self.deletion_policy or present.deletion_policy) == "ABANDON" else None
        registry = set_spec(unit, registry, composition, sorted(remaining), abandoned=abandoned, trace=self.trace)
        unit.remove(present, origin_of(caller))
        changes = declared_changes(present, None)
        unit.events.append(accepted(caller, name, generation=registry.generation, changes=changes))
        unit.save_response(caller.request_id, caller.method, caller.fingerprint, str(name))
        return WriteResult(registry, present, remaining, present, begun.planned_on)
