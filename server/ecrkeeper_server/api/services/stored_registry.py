"""Read a stored registry with its declarations; large ones in turn."""

from __future__ import annotations

from ecrkeeper_server.api.layers.data_limit import SMALL
from ecrkeeper_server.api.services.context import Dependencies
from ecrkeeper_server.api.services.parsed_declarations import parsed_in_turns
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import registry_texts, resources
from ecrkeeper_server.store.rows import Declaration, Resource, parsed
from ecrkeeper_server.turns import MANY, work


async def read_registry(deps: Dependencies, name: RegistryName) -> tuple[Resource | None, list[Declaration]]:
    """Return the stored row of a registry, if any, and its declarations."""
    texts = await deps.db.read_in_turns(lambda tx: registry_texts.reading(tx, name, SMALL))
    if texts.too_large:
        # A caller in debt is rejected before anything large is read.
        work().charge(MANY)
        await work().hold(texts.size)
        texts = await deps.db.read_in_turns(lambda tx: registry_texts.reading(tx, name))
    row = None
    if texts.row is not None:
        row = await parsed(resources.parsed_row(texts.row))
    return row, await parsed_in_turns(texts.declared)
