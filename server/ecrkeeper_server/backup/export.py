"""Export of all declarations from a store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from msgspec.structs import replace

from ecrkeeper_server.backup.documents import Document
from ecrkeeper_server.backup.fleet_restore import exported_accounts, exported_sets
from ecrkeeper_server.backup.registry_documents import RegistryDocument
from ecrkeeper_server.backup.role_documents import RoleDocument
from ecrkeeper_server.names import WILDCARD, RegistryName, RoleName
from ecrkeeper_server.roles.plan import RememberedRole
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.store import declarations, resources
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.rows import Declaration, Resource
from ecrkeeper_server.store.unit_of_work import Manager

_PAGE = 200


async def exported(db: Database, account: str = WILDCARD) -> AsyncIterator[Document]:
    """Yield all registries, then all roles, then the fleet, by name.

    The fleet is left out if it is of one account.

    A registry and its declarations come from one snapshot.
    """
    for kind in (RegistryName.kind, RoleName.kind):
        after = ""
        while True:
            rows, declared = await db.read(lambda tx, kind=kind, after=after: _page(tx, kind, account, after))  # type: ignore[misc]
            for row in rows:
                document = _document(row, declared.get(row.name, []))
                if document is not None:
                    yield document
            if len(rows) < _PAGE:
                break
            after = rows[-1].name
    if account == WILDCARD:
        async for each in exported_accounts(db):
            yield each
        async for registry_set in exported_sets(db):
            yield registry_set


def _page(tx: Tx, kind: str, account: str, after: str) -> tuple[list[Resource], dict[str, list[Declaration]]]:
    rows = resources.page(tx, kind, account, after, _PAGE)
    return rows, declarations.of_registries(tx, rows)


def _one_form(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings with one form for empty ones, however they were declared."""
    return {name: shape if SETTINGS[name].split(shape) else {} for name, shape in settings.items()}


def _document(row: Resource, declared: list[Declaration]) -> Document | None:
    if row.kind == RegistryName.kind:
        specs = {d.owner: replace(d.spec, settings=_one_form(d.settings)) for d in declared}
        spec = row.registry_spec
        mode, unmanaged = str(spec.mode), str(spec.unmanaged_elements)
        if not specs and (mode, unmanaged) == ("ENFORCE", "PRESERVE"):
            return None
        managers = {d.owner: Manager(d.managed_by, d.set_revision or 0) for d in declared if d.managed_by}
        return RegistryDocument(row.registry, mode, unmanaged, specs, managers)
    if not row.role_spec.managed or row.deleting:
        return None
    role, provenance = row.role_state.role, row.role_state.provenance
    known = row.role_state.remembered
    if role and provenance:
        known = RememberedRole(role.role_id, provenance)
    return RoleDocument(row.role, row.role_spec, remembered=known)
