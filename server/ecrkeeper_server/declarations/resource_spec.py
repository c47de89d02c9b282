"""Changing the spec of a registry or a role."""

from __future__ import annotations

from typing import Any

from ecrkeeper_server.declarations.audit_records import record, spec_changes
from ecrkeeper_server.declarations.idempotency import Caller, remember
from ecrkeeper_server.names import RegistryName, RoleName
from ecrkeeper_server.store import resources
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.rows import Resource


def change_spec(
    tx: Tx,
    caller: Caller,
    name: RegistryName | RoleName,
    present: Resource,
    spec: dict[str, Any],
    *,
    made: bool = False,
) -> Resource:
    """Set the spec of a resource, save the call's result, and return the resource.

    An unchanged spec makes neither a new generation nor an event, unless the resource was just created (`made`); it
    is reconciled now if AWS does not have it yet.
    """
    remember(tx, caller, str(name))
    if spec == present.spec and not made:
        return present if present.carried_out else resources.request(tx, present.name)
    row = resources.desire(tx, present.name, spec)
    record(tx, caller, name, generation=row.generation, changes=spec_changes(present.spec, row.spec))
    return row
