"""The resource as an operation stores it at its end."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

from ecrkeeper_server.declarations.registry_summary import final_summary
from ecrkeeper_server.json_object import Json
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import declarations
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.rows import Resource

_MAX_BYTES = 60_000
_ROLE_MEMBERS = (
    "name", "kind", "account", "place", "uid", "spec", "state", "generation", "observed_generation", "requested",
    "create_time", "update_time", "observe_time", "due_at", "urgent", "lease_token", "lease_until", "failures",
)  # fmt: skip


def final_response(tx: Tx, row: Resource) -> Json:
    """Return the basic view of a resource, as an ended operation stores it."""
    if row.kind == RegistryName.kind:
        return final_summary(row, declarations.of_registry(tx, row.registry))
    return _of_role(row)


def _of_role(row: Resource) -> Json:
    response = {name: value for name, value in asdict(row).items() if name in _ROLE_MEMBERS}
    response["state"] = row.role_state.brief().to_json()
    if len(json.dumps(response)) > _MAX_BYTES:
        # Only tags can be that long: the role itself has them.
        response["spec"] = replace(row.role_spec, tags={}).to_json()
        response["state"] = row.role_state.brief(tags=False).to_json()
    return response
