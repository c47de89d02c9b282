"""FleetService: the lists of registry sets, of their targets and revisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ecrkeeper.v1 import fleet_pb2
from ecrkeeper.v1 import fleet_service_pb2 as pb

from ecrkeeper_server.access.policy import Target
from ecrkeeper_server.api.layers.layer import Context
from ecrkeeper_server.api.layers.needs import set_target
from ecrkeeper_server.api.messages import fleet as render
from ecrkeeper_server.api.services.context import Dependencies
from ecrkeeper_server.api.services.pages import WIDE, everything, scan, showing
from ecrkeeper_server.api.services.registry_sets import reading_sets, set_cost, set_steps, stored_set
from ecrkeeper_server.errors import NotFound
from ecrkeeper_server.fleet import matching
from ecrkeeper_server.fleet.matching import Place
from ecrkeeper_server.fleet.names import SetName
from ecrkeeper_server.fleet.selectors import matcher
from ecrkeeper_server.settings.elements import cost
from ecrkeeper_server.store import registry_sets, resources
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.json_columns import read_state
from ecrkeeper_server.store.large_rows import Sized, size_of
from ecrkeeper_server.store.long_json import reading_members
from ecrkeeper_server.store.rows import Declaration
from ecrkeeper_server.store.states import STATUS_MEMBERS, State
from ecrkeeper_server.turns import Steps, work


class RegistrySetLists:
    """List registry sets, their targets and their revisions."""

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps

    async def ListRegistrySets(
        self, request: pb.ListRegistrySetsRequest, context: Context
    ) -> pb.ListRegistrySetsResponse:
        """List sets."""
        page, readable = await self._deps.page(request, ""), self._deps.access.readable(set_target)

        async def fetch(after: str, limit: int) -> list[Sized]:
            return await self._deps.db.read_in_turns(lambda tx: registry_sets.reading_page(tx, after, limit))

        async def show(some: Sequence[Sized]) -> list[fleet_pb2.RegistrySet | None]:
            await work().hold(sum(map(size_of, some)))
            ids = [each.key for each in some]
            rows = await self._deps.db.read_then_parse(lambda tx: reading_sets(tx, ids))
            existing = [rows[id] for id in ids if id in rows]
            messages = iter(await work().run(showing(existing, set_steps, set_cost)))
            return [next(messages) if id in rows else None for id in ids]

        sets, token = await scan(
            fetch, page, everything, _key, lambda row: readable(row.key), show, maximum=WIDE, weigh=size_of
        )
        return pb.ListRegistrySetsResponse(registry_sets=sets, next_page_token=token)

    async def ListRegistrySetTargets(
        self, request: pb.ListRegistrySetTargetsRequest, context: Context
    ) -> pb.ListRegistrySetTargetsResponse:
        """List the registries that a set matches or declares for."""
        name = SetName.parse(request.parent, "parent")
        row = await stored_set(self._deps.db, name)
        if row is None:
            raise NotFound("RegistrySet", str(name))
        page, selector = await self._deps.page(request, ["", ""]), matcher(row.set_spec.selector)

        async def fetch(after: list[str], limit: int) -> list[Place]:
            return await self._deps.db.read_in_turns(lambda tx: _reading_places(tx, name, selector, after, limit))

        async def show(places: Sequence[Place]) -> list[fleet_pb2.RegistrySetTarget]:
            return await self._deps.db.read_then_parse(lambda tx: _reading_messages(tx, name, places))

        def place_target(place: Place) -> Target:
            return Target(place.registry.account, place.registry.region, name.id)

        may = self._deps.access.readable(place_target)
        targets, token = await scan(
            fetch, page, everything, lambda place: [place.registry.account, place.registry.region], may, show
        )
        return pb.ListRegistrySetTargetsResponse(targets=targets, next_page_token=token)

    async def ListRegistrySetRevisions(
        self, request: pb.ListRegistrySetRevisionsRequest, context: Context
    ) -> pb.ListRegistrySetRevisionsResponse:
        """List revisions."""
        name, page = SetName.parse(request.parent, "parent"), await self._deps.page(request, -1)

        async def fetch(after: int, limit: int) -> list[Sized]:
            below = None if after < 0 else after
            return await self._deps.db.read_in_turns(
                lambda tx: registry_sets.reading_revision_page(tx, name.id, below, limit)
            )

        async def show(some: Sequence[Sized]) -> list[fleet_pb2.RegistrySetRevision | None]:
            await work().hold(sum(map(size_of, some)))
            numbers = [each.key for each in some]
            rows = await self._deps.db.read_then_parse(lambda tx: registry_sets.reading_revisions(tx, name.id, numbers))
            by_number = {row.revision: row for row in rows}
            existing = [by_number[number] for number in numbers if number in by_number]
            messages = iter(await work().run(showing(existing, render.revision, lambda row: cost(row.spec))))
            return [next(messages) if number in by_number else None for number in numbers]

        revisions, token = await scan(fetch, page, everything, _key, everything, show, maximum=WIDE, weigh=size_of)
        if not revisions and not request.page_token:
            raise NotFound("RegistrySet", str(name))
        return pb.ListRegistrySetRevisionsResponse(revisions=revisions, next_page_token=token)


def _key(row: Sized) -> Any:
    return row.key


def _reading_places(tx: Tx, name: SetName, selector: Any, after: list[str], limit: int) -> Steps[list[Place]]:
    """Return so many places behind a registry, or all that there are, in steps."""
    behind: list[Place] = []
    # The account of the cursor may have more Regions.
    account = f"{int(after[0]) - 1:012}" if after[0].isascii() and after[0].isdigit() and int(after[0]) else ""
    while True:
        # There is no JSON to parse, and the number of places decides whether the same moment has more to read.
        parsing = yield from matching.reading_page(tx, selector, name, account, settings=False)
        places, account = yield from parsing
        behind += [place for place in places if [place.registry.account, place.registry.region] > after]
        if not account or len(behind) >= limit:
            return behind[:limit]
        yield


def _reading_messages(
    tx: Tx, name: SetName, places: Sequence[Place]
) -> Steps[Steps[list[fleet_pb2.RegistrySetTarget]]]:
    written = [str(place.registry) for place in places if _is_written(place.managed_by(name))]
    return _messages(name, places, (yield from resources.reading_states(tx, written)))


def _is_written(managed: Declaration | None) -> bool:
    return managed is not None and managed.observed_generation >= managed.generation


def _messages(
    name: SetName, places: Sequence[Place], states: dict[str, str]
) -> Steps[list[fleet_pb2.RegistrySetTarget]]:
    messages = []
    for place in places:
        text = states.pop(str(place.registry), None)
        messages.append((yield from _target_message(name, place, text)))
        if text is not None:
            yield
    return messages


def _target_message(name: SetName, place: Place, text: str | None) -> Steps[fleet_pb2.RegistrySetTarget]:
    managed = place.managed_by(name)
    state = State({} if text is None else (yield from reading_members(read_state(text), STATUS_MEMBERS)))
    return fleet_pb2.RegistrySetTarget(
        registry=str(place.registry),
        matched=place.matched,
        revision=0 if managed is None else managed.set_revision or 0,
        ready=any(each.type == "Ready" and each.holds for each in state.of_owner(name.id).conditions),
    )
