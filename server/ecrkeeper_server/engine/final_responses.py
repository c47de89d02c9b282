"""The resource as an operation stores it at its end."""

from __future__ import annotations

from ecrkeeper_server.declarations.final_role import FinalRole
from ecrkeeper_server.declarations.registry_summary import final_summary
from ecrkeeper_server.json_object import Json
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import declarations
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.rows import Resource


def final_response(tx: Tx, row: Resource) -> Json:
    """Return the basic view of a resource, as an ended operation stores it."""
    if row.kind == RegistryName.kind:
        return final_summary(row, declarations.of_registry(tx, row.registry))
    return FinalRole.of(row).to_json()
