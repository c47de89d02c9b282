"""Import of documents into a store, with the checks of the API.

An equal document changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from ecrkeeper_server.backup.documents import Document
from ecrkeeper_server.backup.fleet_documents import AccountDocument, SetDocument
from ecrkeeper_server.backup.fleet_restore import account_differs, restore_account, restore_set, set_differs
from ecrkeeper_server.backup.registry_documents import RegistryDocument
from ecrkeeper_server.backup.role_documents import RoleDocument
from ecrkeeper_server.declarations.audit_records import accepted, spec_changes
from ecrkeeper_server.declarations.commands import put_declaration, set_spec
from ecrkeeper_server.declarations.idempotency import Caller
from ecrkeeper_server.errors import InvalidArgument, Violation
from ecrkeeper_server.names import SettingsName
from ecrkeeper_server.settings.algebra import Composition, compose
from ecrkeeper_server.settings.element_sets import brief
from ecrkeeper_server.settings.table import SETTINGS, split_all
from ecrkeeper_server.store import audit, declarations, fleet_accounts, registry_sets, resources, work
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.rows import Declaration, Resource
from ecrkeeper_server.store.specs import NEW_REGISTRY, DeclarationSpec, Mode, RegistrySpec, RoleSpec, UnmanagedElements
from ecrkeeper_server.store.unit_of_work import Origin


class ModeChange(Struct, frozen=True):
    """A changed property of a registry or role, such as its mode, with both values."""

    name: str
    before: str
    after: str


class Restored(Struct, frozen=True):
    """The changes of a document to the store; all fields are empty without changes."""

    created: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    kept: tuple[ModeChange, ...] = ()
    added: bool = False

    def __bool__(self) -> bool:
        return bool(self.created or self.updated or self.kept or self.added)


def planned(tx: Tx | None, document: Document) -> Restored:
    """Return the changes that `restore` would make, or raise its error."""
    if isinstance(document, AccountDocument | SetDocument):
        return _fleet_change(tx, document)
    row = None if tx is None else resources.get(tx, str(document.name))
    if isinstance(document, RoleDocument):
        return _role_change(row, document)
    declared = [] if tx is None else declarations.of_registry(tx, document.name)
    return _registry_change(row, declared, document)[0]


def restore(tx: Tx, document: Document, origin: Origin) -> Restored:
    """Store a document; everything that it does not mention stays."""
    if isinstance(document, AccountDocument | SetDocument):
        return _restore_fleet(tx, document, origin)
    if isinstance(document, RoleDocument):
        return _restore_role(tx, document, origin)
    names = [SettingsName(document.name, owner) for owner in document.specs] or [SettingsName(document.name, "")]
    unit = work.load(tx, names)
    present = unit.declared[document.name]
    change, composition = _registry_change(unit.registries.get(document.name), list(present.values()), document)
    if not change:
        return change
    row = unit.registry(document.name, NEW_REGISTRY)
    before = row.registry_spec
    owners = sorted({*present, *document.specs})
    row = set_spec(unit, replace(row, spec=_declared_spec(document, before).to_json()), composition, owners)
    caller = _caller(origin)
    if change.kept or change.added:
        changes = spec_changes(before, row.registry_spec)
        unit.events.append(accepted(caller, document.name, generation=row.generation, changes=changes))
    for owner in (*change.created, *change.updated):
        put_declaration(
            unit, SettingsName(document.name, owner), document.specs[owner], row, caller, origin,
            document.managers.get(owner),
        )  # fmt: skip
    work.save(tx, unit)
    return change


def _fleet_change(tx: Tx | None, document: AccountDocument | SetDocument) -> Restored:
    if isinstance(document, SetDocument):
        exists = tx is not None and registry_sets.get(tx, document.name.id) is not None
        differs = set_differs(tx, document)
    else:
        present = None if tx is None else fleet_accounts.get(tx, document.name.account)
        exists, differs = present is not None, account_differs(present, document)
    names = (str(document.name),) if differs else ()
    return Restored(updated=names) if exists else Restored(created=names)


def _restore_fleet(tx: Tx, document: AccountDocument | SetDocument, origin: Origin) -> Restored:
    change = _fleet_change(tx, document)
    if change and isinstance(document, SetDocument):
        restore_set(tx, document, origin)
    elif change and isinstance(document, AccountDocument):
        restore_account(tx, document, origin)
    return change


def _check_managers(declared: Sequence[Declaration], document: RegistryDocument, differing: Sequence[str]) -> None:
    """Reject a document that moves a declaration from or to a registry set."""
    managers = {each.owner: each.managed_by or "" for each in declared}
    violations = []
    for owner in differing:
        manager = document.managers.get(owner)
        managed_by = "" if manager is None else manager.name
        if owner in managers and managers[owner] != managed_by:
            stored, named = managers[owner] or "a call", managed_by or "a call"
            text = f"is declared by {stored} in the store, and by {named} in the file"
            violations.append(Violation(f"declarations.{owner}", text, "MANAGED_BY_SET"))
    if violations:
        raise InvalidArgument(violations)


def _caller(origin: Origin) -> Caller:
    """Return the caller for the audit trail."""
    return Caller(origin.method, origin.request_id, principal=origin.principal, reason=origin.reason)


def _declared_spec(document: RegistryDocument, before: RegistrySpec) -> RegistrySpec:
    """Return the registry's spec in the document; fields that the document omits stay."""
    mode = before.mode if document.mode is None else Mode(document.mode)
    unmanaged = document.unmanaged_elements
    kept = before.unmanaged_elements if unmanaged is None else UnmanagedElements(unmanaged)
    return replace(before, mode=mode, unmanaged_elements=kept)


def _kept(before: RegistrySpec | RoleSpec, after: RegistrySpec | RoleSpec) -> tuple[ModeChange, ...]:
    pairs: list[tuple[str, str, str]] = [("mode", before.mode, after.mode)]
    if isinstance(before, RegistrySpec) and isinstance(after, RegistrySpec):
        pairs.append(("unmanagedElements", before.unmanaged_elements, after.unmanaged_elements))
    return tuple(ModeChange(name, str(old), str(new)) for name, old, new in pairs if old != new)


def _registry_change(
    row: Resource | None, declared: list[Declaration], document: RegistryDocument
) -> tuple[Restored, Composition]:
    present = {d.owner: d.spec for d in declared}
    elements = {owner: split_all(spec.settings) for owner, spec in {**present, **document.specs}.items()}
    composition = compose(elements)
    _check(document, composition)
    before = RegistrySpec() if row is None else row.registry_spec
    differing = [owner for owner, spec in sorted(document.specs.items()) if not _alike(present.get(owner), spec)]
    _check_managers(declared, document, differing)
    created = tuple(owner for owner in differing if owner not in present)
    updated = tuple(owner for owner in differing if owner in present)
    return Restored(created, updated, _kept(before, _declared_spec(document, before)), row is None), composition


def _check(document: RegistryDocument, composition: Composition) -> None:
    """Reject elements of all owners that are invalid together."""
    violations = [
        Violation(
            "declarations",
            f"{c.setting} {brief(c.keys)}: "
            + "; ".join(f"{owner} declares {value!r}" for owner, value in sorted(c.owners.items())),
            "OWNER_CONFLICT",
        )
        for c in composition.conflicts
    ]
    for setting, elements in composition.desired.items():
        violations += [
            Violation(f"declarations.*.settings.{v.field}", v.description, v.reason)
            for v in SETTINGS[setting].validate_composed(elements, document.name)
        ]
    if violations:
        raise InvalidArgument(violations)


def _alike(present: DeclarationSpec | None, spec: DeclarationSpec) -> bool:
    """Return whether two specs have the same meaning.

    A setting may have several forms, such as `{}` and `{"rules": []}`.
    """
    if present is None or present == spec:
        return present is not None
    same = replace(present, settings=spec.settings) == spec
    return same and split_all(present.settings) == split_all(spec.settings)


def _role_specs(row: Resource | None, document: RoleDocument) -> tuple[RoleSpec, RoleSpec]:
    """Return the role's spec before and after; fields that the document omits stay."""
    before = RoleSpec() if row is None else row.role_spec
    declared = {name: getattr(document.spec, name) for name in document.fields}
    return before, replace(before, **declared, managed=True)


def _role_change(row: Resource | None, document: RoleDocument) -> Restored:
    before, after = _role_specs(row, document)
    if row is None:
        return Restored(created=(document.name.role,), kept=_kept(before, after))
    if row.deleting:
        raise InvalidArgument([Violation("name", f"{document.name} is being deleted; wait for its operation")])
    return Restored() if before == after else Restored(updated=(document.name.role,), kept=_kept(before, after))


def _restore_role(tx: Tx, document: RoleDocument, origin: Origin) -> Restored:
    row = resources.get(tx, str(document.name), lock=True)
    change = _role_change(row, document)
    if not change:
        return change
    before, spec = None if row is None else row.role_spec, _role_specs(row, document)[1]
    if row is None:
        row = resources.create(tx, document.name, spec.to_json(), due=True)
    else:
        row = resources.set_spec(tx, row.name, spec.to_json())
    if document.remembered is not None and not row.role_state.provenance:
        resources.patch(tx, row.name, state=row.role_state.changed(remembered=document.remembered).to_json())
    changes = spec_changes(before, spec)
    audit.add(tx, [accepted(_caller(origin), document.name, generation=row.generation, changes=changes)])
    return change
