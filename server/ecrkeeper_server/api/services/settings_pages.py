"""Lists of declarations, which read only what has changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ecrkeeper.v1 import registry_pb2
from ecrkeeper.v1 import registry_settings_service_pb2 as pb

from ecrkeeper_server.access.policy import Target
from ecrkeeper_server.api.messages import registry_settings
from ecrkeeper_server.api.messages import resource as render
from ecrkeeper_server.api.messages.answer import Answer
from ecrkeeper_server.api.services.context import Dependencies
from ecrkeeper_server.api.services.filters import equal_to, matcher
from ecrkeeper_server.api.services.pages import one_by_one, scan
from ecrkeeper_server.api.services.rendered_rows import RenderedRows
from ecrkeeper_server.names import WILDCARD, RegistryName, parse_registry_pattern
from ecrkeeper_server.settings.elements import cost
from ecrkeeper_server.store import declaration_pages, declarations
from ecrkeeper_server.store.declaration_pages import ListedDeclaration
from ecrkeeper_server.store.declarations import Stored
from ecrkeeper_server.store.rows import RegistryStatus
from ecrkeeper_server.turns import MANY, work

_Response = pb.ListRegistrySettingsResponse
_FIELDS: dict[str, Callable[[ListedDeclaration], list[str]]] = {
    "account": lambda row: [row.account],
    "region": lambda row: [row.region],
    "owner": lambda row: [row.owner],
    "apply_group": lambda row: [row.apply_group or ""],
}


class SettingsPages:
    """Renders pages of declarations."""

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps
        self._rendered = RenderedRows(self._read, _Response.FromString, _stamp)

    async def page(self, request: pb.ListRegistrySettingsRequest) -> Answer[pb.ListRegistrySettingsResponse]:
        """Return the answer to a request."""
        account, region = parse_registry_pattern(request.parent)
        meets, page = matcher(request.filter, _FIELDS), await self._deps.page(request, ["", "", ""])
        of_account, of_region, owner, group = (
            equal_to(request.filter, _FIELDS, name) or WILDCARD if request.filter else WILDCARD for name in _FIELDS
        )
        account, region = (
            in_filter if in_parent == WILDCARD else in_parent
            for in_parent, in_filter in ((account, of_account), (region, of_region))
        )

        async def fetch(after: list[str], limit: int) -> list[ListedDeclaration]:
            behind = (after[0], after[1], after[2])
            return await self._deps.db.read_in_turns(
                lambda tx: declaration_pages.reading_page(tx, account, region, behind, limit, owner, group)
            )

        may = self._deps.access.readable(_target)
        parts, token = await scan(fetch, page, meets, _cursor, may, self._rendered.show, size_of=len)
        return Answer(_Response, b"".join((*parts, _Response(next_page_token=token).SerializeToString())))

    async def _read(
        self, rows: Sequence[ListedDeclaration]
    ) -> list[tuple[ListedDeclaration, pb.ListRegistrySettingsResponse] | None]:
        by_place = await self._deps.db.read_in_turns(lambda tx: declaration_pages.reading(tx, rows))
        statuses: dict[RegistryName, RegistryStatus] = {}

        async def part(row: ListedDeclaration) -> tuple[ListedDeclaration, pb.ListRegistrySettingsResponse] | None:
            read = by_place.get(row.place)
            if read is None:
                return None
            listed, stored = read
            return listed, _Response(registry_settings=[await rendered(stored, statuses)])

        return await one_by_one(rows, part)


async def rendered(
    row: Stored, statuses: dict[RegistryName, RegistryStatus] | None = None
) -> registry_pb2.RegistrySettings:
    """Return the message of a stored row; render a long one in turns.

    The caller is charged for a long one. `statuses` has those of registries that were decoded before.
    """
    if not registry_settings.is_long(row):
        return registry_settings.settings(*declarations.decoded(row, statuses))
    decoded = await work().run(declarations.decoding(row, statuses))
    # The state of the registry can be large, too.
    return await work().charged(registry_settings.settings_steps(*decoded), max(MANY, cost(decoded[0].settings)))


def _stamp(part: pb.ListRegistrySettingsResponse, row: ListedDeclaration) -> None:
    (declared,) = part.registry_settings
    declared.ClearField("next_reconcile_time")
    render.add_next(declared, row)


def _target(row: ListedDeclaration) -> Target:
    return Target(*row.place)


def _cursor(row: ListedDeclaration) -> list[str]:
    return list(row.place)
