"""Lists of registries in the view BASIC, which read only what has changed.

Clients list a fleet at rest again and again. The database computes digests, so that
states and declarations are not transferred, and a summary is rendered once for each
change.
"""

from __future__ import annotations

from collections.abc import Sequence

from cachetools import LRUCache
from ecrkeeper.v1 import registry_pb2
from ecrkeeper.v1 import registry_settings_service_pb2 as pb

from ecrkeeper_server.api.layers.permissions import resource_target
from ecrkeeper_server.api.messages import registry as registry_message
from ecrkeeper_server.api.messages import resource as render
from ecrkeeper_server.api.services.context import Dependencies
from ecrkeeper_server.api.services.pages import scan
from ecrkeeper_server.names import parse_account
from ecrkeeper_server.store import listing
from ecrkeeper_server.store.listing import Key, Listed, Read
from ecrkeeper_server.turns import work

# Some 20,000 registries.
_KEPT_BYTES = 16 * 1024 * 1024

_Row = tuple[Listed, bytes | Read]
"""A registry with its cached message, or with the data to render; empty beyond the page."""


class BasicRegistries:
    """Renders pages of registries, and caches their messages."""

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps
        self._kept: LRUCache[Key, bytes] = LRUCache(_KEPT_BYTES, getsizeof=len)

    async def page(self, request: pb.ListRegistriesRequest) -> tuple[list[registry_pb2.Registry], str]:
        """Return the page of a request without a filter, and the next page token."""
        account = parse_account(request.parent, wildcard=True)
        readable = self._deps.access.readable(resource_target)
        page = await self._deps.page(request, "")

        async def fetch(after: str, limit: int) -> list[_Row]:
            rows = await self._deps.db.read(lambda tx: listing.page(tx, account, after, limit))
            # The last row of a fetch mostly shows only that there is another page.
            shown = [row for row in rows if readable(row)][: page.size]
            kept: dict[str, bytes | Read] = {row.name: self._kept[row.key] for row in shown if row.key in self._kept}
            changed = [row.name for row in shown if row.name not in kept]
            if changed:
                kept |= await self._deps.db.read(lambda tx: listing.read(tx, changed))
            if not set(changed) <= kept.keys():
                # Another transaction removed one between the two reads.
                return await fetch(after, limit)
            return [(row, kept.get(row.name, b"")) for row in rows]

        def may(row: _Row) -> bool:
            return readable(row[0])

        return await scan(fetch, page, lambda _: True, lambda row: row[0].name, may, self._show)

    async def _show(self, rows: Sequence[_Row]) -> list[registry_pb2.Registry]:
        return [await self._message(listed, found) for listed, found in rows]

    async def _message(self, listed: Listed, found: bytes | Read) -> registry_pb2.Registry:
        if isinstance(found, Read):
            row, declared = found.versioned.row, found.declared
            elements = registry_message.registry_cost(row, declared)
            steps = registry_message.registry_steps(row, declared, registry_message.BASIC)
            message = await work().charged(steps, elements)
            self._keep(found.key, message)
            return message
        message = registry_pb2.Registry.FromString(found)
        if listed.observe_time is not None:
            message.observe_time.CopyFrom(render.timestamp(listed.observe_time))
        render.add_next(message, listed)
        return message

    def _keep(self, key: Key, message: registry_pb2.Registry) -> None:
        """Cache a message without the times that every attempt changes."""
        kept = registry_pb2.Registry()
        kept.CopyFrom(message)
        kept.ClearField("observe_time")
        kept.ClearField("next_reconcile_time")
        self._kept[key] = kept.SerializeToString()
