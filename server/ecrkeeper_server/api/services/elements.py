"""RegistrySettingsService: the elements of a registry, one by one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from ecrkeeper.v1 import registry_pb2
from ecrkeeper.v1 import registry_settings_service_pb2 as pb

from ecrkeeper_server.api.layers.layer import Context
from ecrkeeper_server.api.messages import registry as registry_message
from ecrkeeper_server.api.services.context import Dependencies
from ecrkeeper_server.api.services.filters import Choice, Fields, Key, enum_choice, matcher
from ecrkeeper_server.api.services.pages import scan
from ecrkeeper_server.errors import NotFound
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings.element_states import ElementState, element_states
from ecrkeeper_server.settings.ownership import composition_of
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.store import declarations, resources
from ecrkeeper_server.store.database import Tx

_FIELDS: Fields = {
    "setting": Choice(lambda each: [each.setting.upper()], tuple(name.upper() for name in SETTINGS)),
    "key": Key(lambda each: [each.key]),
    "state": enum_choice(registry_pb2.Element.State, lambda each: [each.state]),
    "owner": lambda each: each.owners,
}
_ORDER = {name: at for at, name in enumerate(SETTINGS)}


class Elements:
    """List elements."""

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps

    async def ListRegistryElements(
        self, request: pb.ListRegistryElementsRequest, context: Context
    ) -> pb.ListRegistryElementsResponse:
        """List the elements of a registry."""
        name = RegistryName.parse(request.parent, "parent")
        meets, page = matcher(request.filter, _FIELDS), await self._deps.page(request, [-1, ""])
        found = await self._deps.db.read(lambda tx: _elements(tx, name))
        places = [_place(each) for each in found]

        async def fetch(after: list[Any], limit: int) -> list[ElementState]:
            start = bisect_right(places, after)
            return found[start : start + limit]

        async def show(states: Sequence[ElementState]) -> list[registry_pb2.Element]:
            return list(map(registry_message.element, states))

        elements, token = await scan(fetch, page, meets, _place, lambda _: True, show)
        return pb.ListRegistryElementsResponse(elements=elements, next_page_token=token)


def _elements(tx: Tx, name: RegistryName) -> list[ElementState]:
    row = resources.get(tx, str(name))
    if row is None:
        raise NotFound("Registry", str(name), "it is not stored")
    return list(element_states(row.registry_state, composition_of(declarations.of_registry(tx, name))))


def _place(each: ElementState) -> list[Any]:
    return [_ORDER[each.setting], each.key]
