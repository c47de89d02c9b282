"""RegistrySettingsService: the elements of a registry, one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

from cachetools import LRUCache
from ecrkeeper.v1 import registry_pb2
from ecrkeeper.v1 import registry_settings_service_pb2 as pb

from ecrkeeper_server.api.layers.layer import Context
from ecrkeeper_server.api.messages import elements
from ecrkeeper_server.api.services.context import Dependencies
from ecrkeeper_server.api.services.filters import Choice, Fields, Key, enum_choice, matcher
from ecrkeeper_server.api.services.pages import scan, showing
from ecrkeeper_server.api.services.stored_registry import read_registry
from ecrkeeper_server.errors import NotFound
from ecrkeeper_server.json_object import Json
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings.element_sets import after
from ecrkeeper_server.settings.element_states import ElementState, collecting_states, keying
from ecrkeeper_server.settings.elements import cost, tally
from ecrkeeper_server.settings.ownership import composing
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.store.long_json import LongJson
from ecrkeeper_server.store.rows import Declaration, Resource
from ecrkeeper_server.turns import MANY, Steps, work

States = Mapping[str, ElementState]
_Row = tuple[str, ElementState]
"""A key, and how the elements stand among which it is."""

_FIELDS: Fields = {
    "setting": Choice(lambda row: [row[1].setting], tuple(SETTINGS), str.lower),
    "key": Key(lambda row: [row[0]]),
    "state": enum_choice(registry_pb2.Element.State, lambda row: [row[1].state]),
    "owner": lambda row: row[1].owners,
}
# Registries whose elements are kept; the largest ones take some megabytes.
_KEPT = 4
# Declarations that are counted in one step.
_AT_ONCE = 20
_ORDER = {name: at for at, name in enumerate(SETTINGS)}


class _Kept(NamedTuple):
    """The states of all elements of a registry, and what they follow from."""

    state: Json | LongJson
    declared: list[Declaration]
    states: Mapping[str, States]


class Elements:
    """List elements."""

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps
        self._kept: LRUCache[str, _Kept] = LRUCache(_KEPT)

    async def _states(self, row: Resource, declared: list[Declaration]) -> Mapping[str, States]:
        """Return the states of all elements; the pages of a list share them."""
        kept = self._kept.get(row.name)
        if kept is not None and (kept.state, kept.declared) == (row.state, declared):
            return kept.states
        # Long texts are compared as they are, and only those of the page are shown.
        shapes = [row.registry_state.observed, *(each.settings for each in declared)]
        items = await work().run(_counting(shapes), len(shapes) * MANY // _AT_ONCE)
        states = await work().charged(_elements(row, declared), items)
        self._kept[row.name] = _Kept(row.state, declared, states)
        return states

    async def ListRegistryElements(
        self, request: pb.ListRegistryElementsRequest, context: Context
    ) -> pb.ListRegistryElementsResponse:
        """List the elements of a registry."""
        name = RegistryName.parse(request.parent, "parent")
        meets, page = matcher(request.filter, _FIELDS), await self._deps.page(request, [-1, ""])
        row, declared = await read_registry(self._deps, name)
        if row is None:
            raise NotFound("Registry", str(name), "it is not stored")
        states = await self._states(row, declared)

        async def fetch(place: list[Any], limit: int) -> list[_Row]:
            return await work().run(_behind(states, place, limit), limit)

        async def show(rows: Sequence[_Row]) -> list[registry_pb2.Element]:
            return await work().run(showing(rows, _message, lambda row: cost(row[1].value)))

        elements, token = await scan(fetch, page, meets, _place, lambda _: True, show)
        return pb.ListRegistryElementsResponse(elements=elements, next_page_token=token)


def _message(row: _Row) -> Steps[registry_pb2.Element]:
    yield
    key, state = row
    return elements.element(state, key)


def _counting(shapes: Iterable[Mapping[str, Any]]) -> Steps[int]:
    """Return the number of items of all lists, in steps."""
    items = 0
    for shape in shapes:
        for value in chain.from_iterable(setting.values() for setting in shape.values()):
            parts = value if isinstance(value, list) else [value]
            items += len(parts) if parts is value else 0
            for part in parts:
                items += tally(part)[0]
                yield
    return items


def _elements(row: Resource, declared: Sequence[Declaration]) -> Steps[Mapping[str, States]]:
    composition = yield from composing(declared)
    states = yield from collecting_states(row.registry_state, composition)
    return (yield from keying(states))


def _behind(states: Mapping[str, States], place: list[Any], limit: int) -> Steps[list[_Row]]:
    """Return the first elements behind a place, by setting and key, in steps."""
    at, key = place
    rows: list[_Row] = []
    for name, order in _ORDER.items():
        if name in states and order >= at and len(rows) < limit:
            rows += after(states[name], key if order == at else None, limit - len(rows))
            yield
    return rows


def _place(row: _Row) -> list[Any]:
    return [_ORDER[row[1].setting], row[0]]
