"""Documents into a store: checked like calls of the API, and changing nothing where nothing differs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ecrkeeper_server.api.declarations import NEW_REGISTRY, Wish, declare, desire
from ecrkeeper_server.api.recording import accepted, spec_changes
from ecrkeeper_server.api.writes import Caller
from ecrkeeper_server.backup.documents import Document, RegistryDocument, RoleDocument
from ecrkeeper_server.errors import InvalidArgument, Violation
from ecrkeeper_server.names import SettingsName
from ecrkeeper_server.settings.algebra import Composition, compose
from ecrkeeper_server.settings.table import SETTINGS, split_all
from ecrkeeper_server.store import audit, declarations, resources, work
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.rows import Declaration, Resource
from ecrkeeper_server.store.unit_of_work import Origin


@dataclass(frozen=True, slots=True)
class Change:
    """What a document changes in the store; nothing if all are empty."""

    created: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    kept: bool = False

    def __bool__(self) -> bool:
        return bool(self.created or self.updated or self.kept)


def planned(tx: Tx, document: Document) -> Change:
    """What `restore` would change; InvalidArgument with everything that would make it fail."""
    if isinstance(document, RoleDocument):
        return _role_change(resources.get(tx, str(document.name)), document)
    row = resources.get(tx, str(document.name))
    return _registry_change(row, declarations.of_registry(tx, document.name), document)[0]


def restore(tx: Tx, document: Document, origin: Origin) -> Change:
    """Make the store hold what the document says; what it does not mention stays."""
    if isinstance(document, RoleDocument):
        return _restore_role(tx, document, origin)
    names = [SettingsName(document.name, owner) for owner in document.wishes] or [SettingsName(document.name, "")]
    unit = work.load(tx, names)
    present = unit.declared[document.name]
    change, composition = _registry_change(unit.registries.get(document.name), list(present.values()), document)
    if not change:
        return change
    row = unit.registry(document.name, NEW_REGISTRY)
    before = row.spec
    owners = sorted({*present, *document.wishes})
    row = desire(unit, replace(row, spec={**row.spec, **_kept(document)}), composition, owners)
    caller = _caller(origin)
    if change.kept:
        changes = spec_changes(before, row.spec)
        unit.events.append(accepted(caller, document.name, generation=row.generation, changes=changes))
    for owner in (*change.created, *change.updated):
        declare(unit, SettingsName(document.name, owner), document.wishes[owner], row, caller, origin)
    work.save(tx, unit)
    return change


def _caller(origin: Origin) -> Caller:
    """Who the audit trail is to name."""
    return Caller(origin.method, origin.request_id, principal=origin.principal, reason=origin.reason)


def _kept(document: RegistryDocument) -> dict[str, str]:
    return {"mode": document.mode, "foreign_elements": document.foreign_elements}


def _registry_change(
    row: Resource | None, declared: list[Declaration], document: RegistryDocument
) -> tuple[Change, Composition]:
    present = {d.owner: Wish(d.settings, d.deletion_policy, d.allow_replacement) for d in declared}
    wishes = {**present, **document.wishes}
    composition = compose({owner: split_all(wish.settings) for owner, wish in wishes.items()})
    faults = [
        Violation(
            "declarations",
            f"{c.setting} {c.key}: "
            + "; ".join(f"{owner} declares {value!r}" for owner, value in sorted(c.owners.items())),
            "OWNER_CONFLICT",
        )
        for c in composition.conflicts
    ]
    for setting, elements in composition.desired.items():
        faults += [
            Violation(f"declarations.*.settings.{v.field}", v.description, v.reason)
            for v in SETTINGS[setting].lint_composed(elements, document.name)
        ]
    if faults:
        raise InvalidArgument(faults)
    before: dict[str, Any] = {**NEW_REGISTRY, **({} if row is None else row.spec)}
    kept = row is None or any(before[name] != value for name, value in _kept(document).items())
    differing = [owner for owner, wish in sorted(document.wishes.items()) if present.get(owner) != wish]
    created = tuple(owner for owner in differing if owner not in present)
    updated = tuple(owner for owner in differing if owner in present)
    return Change(created, updated, kept), composition


def _role_spec(row: Resource | None, document: RoleDocument) -> dict[str, Any]:
    before = {} if row is None else row.spec
    others = {key: value for key, value in before.items() if key not in ("description", "tags", "mode")}
    return {**others, **document.spec, "managed": True}


def _role_change(row: Resource | None, document: RoleDocument) -> Change:
    if row is None:
        return Change(created=(document.name.role,))
    if row.spec.get("deletion"):
        raise InvalidArgument([Violation("name", f"{document.name} is being deleted; wait for its operation")])
    before = {"tags": {}, "mode": "ENFORCE", "managed": True, **row.spec}
    return Change() if before == _role_spec(row, document) else Change(updated=(document.name.role,))


def _restore_role(tx: Tx, document: RoleDocument, origin: Origin) -> Change:
    row = resources.get(tx, str(document.name), lock=True)
    change = _role_change(row, document)
    if not change:
        return change
    before, spec = {} if row is None else row.spec, _role_spec(row, document)
    row = resources.ensure(tx, document.name, spec, due=True) if row is None else resources.desire(tx, row.name, spec)
    if document.remembered and not row.state.get("provenance"):
        resources.amend(tx, row.name, state={**row.state, "remembered": dict(document.remembered)})
    changes = spec_changes(before, spec)
    audit.add(tx, [accepted(_caller(origin), document.name, generation=row.generation, changes=changes)])
    return change
