"""The response of a reconcile as its operation stores it."""

from __future__ import annotations

from ecrkeeper_server.declarations.registry_summary import summarizing
from ecrkeeper_server.json_object import Json
from ecrkeeper_server.settings.element_states import element_states
from ecrkeeper_server.settings.ownership import composition_of
from ecrkeeper_server.store import declarations
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.rows import Resource
from ecrkeeper_server.turns import finish


def final_response(tx: Tx, row: Resource) -> Json:
    """Return the summary of a registry."""
    declared = declarations.of_registry(tx, row.registry)
    states = list(element_states(row.registry_state, composition_of(declared)))
    return finish(summarizing(row, declared, states)).to_json()
