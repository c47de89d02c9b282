"""Change the spec of a registry or a role."""

from __future__ import annotations

from ecrkeeper_server.declarations.audit_records import record, spec_changes
from ecrkeeper_server.declarations.idempotency import Caller, save_response
from ecrkeeper_server.names import RegistryName, RoleName
from ecrkeeper_server.store import resources
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.rows import Resource
from ecrkeeper_server.store.specs import RegistrySpec, RoleSpec


def change_spec(
    tx: Tx,
    caller: Caller,
    name: RegistryName | RoleName,
    present: Resource,
    spec: RegistrySpec | RoleSpec,
    *,
    created: bool = False,
) -> Resource:
    """Set the spec of a resource, save the call's result, and return the resource.

    An unchanged spec makes neither a new generation nor an event, unless the
    resource was just created (`created`). It is reconciled now if it has not converged.
    """
    save_response(tx, caller, str(name))
    before = present.role_spec if isinstance(spec, RoleSpec) else present.registry_spec
    if spec == before and not created:
        return present if present.carried_out else resources.request(tx, present.name)
    row = resources.set_spec(tx, present.name, spec.to_json())
    record(tx, caller, name, generation=row.generation, changes=spec_changes(before, spec))
    return row
