"""Lists of registries in the view BASIC, which read only what has changed."""

from __future__ import annotations

from collections.abc import Sequence

from ecrkeeper.v1 import registry_settings_service_pb2 as pb

from ecrkeeper_server.api.layers.needs import resource_target
from ecrkeeper_server.api.messages import fields
from ecrkeeper_server.api.messages import registry as registry_message
from ecrkeeper_server.api.messages import resource as render
from ecrkeeper_server.api.messages.answer import Answer
from ecrkeeper_server.api.services.context import Dependencies
from ecrkeeper_server.api.services.pages import everything, one_by_one, scan
from ecrkeeper_server.api.services.rendered_rows import RenderedRows
from ecrkeeper_server.declarations.costs import view_cost
from ecrkeeper_server.names import parse_account
from ecrkeeper_server.store import listing
from ecrkeeper_server.store.listing import Listed
from ecrkeeper_server.turns import work

_Response = pb.ListRegistriesResponse


class BasicRegistries:
    """Renders pages of registries."""

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps
        self._rendered = RenderedRows(self._read, _Response.FromString, _stamp)

    async def page(self, request: pb.ListRegistriesRequest) -> Answer[pb.ListRegistriesResponse]:
        """Return the answer to a request without a filter."""
        account = parse_account(request.parent, wildcard=True)
        readable = self._deps.access.readable(resource_target)
        page = await self._deps.page(request, "")

        async def fetch(after: str, limit: int) -> list[Listed]:
            return await self._deps.db.read_in_turns(lambda tx: listing.reading_list(tx, account, after, limit))

        parts, token = await scan(
            fetch, page, everything, lambda row: row.name, readable, self._rendered.show, size_of=len
        )
        return Answer(_Response, b"".join((*parts, _Response(next_page_token=token).SerializeToString())))

    async def _read(self, rows: Sequence[Listed]) -> list[tuple[Listed, pb.ListRegistriesResponse] | None]:
        names = [row.name for row in rows]
        by_name = await self._deps.db.read_then_parse(lambda tx: listing.reading(tx, names))

        async def part(row: Listed) -> tuple[Listed, pb.ListRegistriesResponse] | None:
            return await _part(by_name[row.name]) if row.name in by_name else None

        return await one_by_one(rows, part)


async def _part(read: listing.Read) -> tuple[Listed, pb.ListRegistriesResponse]:
    steps = registry_message.registry_steps(read.row, read.declared, registry_message.BASIC)
    elements = await view_cost(read.row, read.declared)
    message = await work().charged(steps, elements)
    return await work().run(read.listing(), elements), _Response(registries=[message])


def _stamp(part: pb.ListRegistriesResponse, row: Listed) -> None:
    (registry,) = part.registries
    registry.ClearField("observe_time")
    registry.ClearField("next_reconcile_time")
    if row.observe_time is not None:
        registry.observe_time.CopyFrom(fields.timestamp(row.observe_time))
    render.add_next(registry, row)
