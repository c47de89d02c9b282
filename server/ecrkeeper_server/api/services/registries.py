"""RegistrySettingsService: the calls on registries."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from ecrkeeper.v1 import common_pb2, registry_pb2
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from google.longrunning import operations_pb2
from msgspec.structs import replace

from ecrkeeper_server.api.layers.layer import Context
from ecrkeeper_server.api.layers.telemetry import caller_of
from ecrkeeper_server.api.messages import fields
from ecrkeeper_server.api.messages import registry as registry_message
from ecrkeeper_server.api.messages.answer import Answer
from ecrkeeper_server.api.messages.plan import registry_plan
from ecrkeeper_server.api.messages.refreshed import refreshing
from ecrkeeper_server.api.messages.serializing import serializing_item
from ecrkeeper_server.api.services.basic_registries import BasicRegistries
from ecrkeeper_server.api.services.context import Dependencies, list_resources, now_micros, resource_fields
from ecrkeeper_server.api.services.filters import Choice
from ecrkeeper_server.api.services.pages import one_by_one
from ecrkeeper_server.api.services.parsed_declarations import parsed_in_turns
from ecrkeeper_server.api.services.reconcile import reconcile
from ecrkeeper_server.api.services.rendered_events import RenderedEvents
from ecrkeeper_server.api.services.stored_registry import read_registry
from ecrkeeper_server.api.services.watch_stream import watched
from ecrkeeper_server.declarations.costs import cost_in_turns, view_cost
from ecrkeeper_server.declarations.idempotency import Caller, check_etag, find_response
from ecrkeeper_server.declarations.plan_digest import Basis, check_plan, check_planned_on
from ecrkeeper_server.declarations.resource_spec import change_spec
from ecrkeeper_server.ecr.observe import observe
from ecrkeeper_server.errors import NotFound
from ecrkeeper_server.names import RegistryName, parse_account
from ecrkeeper_server.settings.codec import masked_paths, word
from ecrkeeper_server.settings.ownership import composing
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.store import resources
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.declared_texts import reading_lists, reading_texts_of, text_of
from ecrkeeper_server.store.rows import Declaration, Resource
from ecrkeeper_server.store.specs import NEW_REGISTRY, Mode, UnmanagedElements
from ecrkeeper_server.turns import Steps, work

_REGISTRIES = pb.ListRegistriesResponse.REGISTRIES_FIELD_NUMBER
_UNDECLARED = "it is not stored"
_FIELDS = resource_fields(
    "region",
    {
        "owner": lambda row: row.registry_spec.owners,
        "setting": Choice(lambda row: [each.setting for each in row.registry_state.drift], tuple(SETTINGS), str.lower),
    },
)


async def refreshed(deps: Dependencies, name: RegistryName, row: Resource | None) -> Resource:
    """Return the row with the current settings in AWS; nothing is stored."""
    observed = await observe(deps.aws, name, SETTINGS, deps.home_region)
    now = now_micros()
    if row is None:
        row = Resource.new(name, dict(NEW_REGISTRY), now)
    state = row.registry_state.changed(observed={setting: one.shape for setting, one in observed.items()})
    return replace(row, state=state.to_json(), observe_time=now)


class Registries:
    """Get, list, update, watch and reconcile registries."""

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps
        self._basic = BasicRegistries(deps)
        self._rendered = RenderedEvents(deps.turns, _current)

    async def GetRegistry(self, request: pb.GetRegistryRequest, context: Context) -> registry_pb2.Registry:
        """Return one registry."""
        name = RegistryName.parse(request.name)
        row, declared = await read_registry(self._deps, name)
        if request.refresh:
            row = await refreshed(self._deps, name, row)
        if row is None:
            raise NotFound("Registry", str(name), "it is not stored; set `refresh` to observe AWS")
        view = request.view or registry_message.FULL
        if request.refresh:
            elements = await view_cost(row, declared)
            return await work().charged(refreshing(row, declared, view), elements)
        return await _shown(row, declared, view)

    async def ListRegistries(
        self, request: pb.ListRegistriesRequest, context: Context
    ) -> Answer[pb.ListRegistriesResponse]:
        """List registries."""
        view = request.view or registry_message.BASIC
        if view == registry_message.BASIC and not request.filter:
            return await self._basic.page(request)

        async def show(rows: Sequence[Resource]) -> list[bytes]:
            texts = await self._deps.db.read_in_turns(lambda tx: reading_texts_of(tx, rows))

            async def part(row: Resource) -> bytes:
                return await _part(row, await parsed_in_turns(texts[row.name]), view)

            return await one_by_one(rows, part)

        parts, token = await list_resources(self._deps, RegistryName.kind, request, _FIELDS, show, len)
        last = pb.ListRegistriesResponse(next_page_token=token).SerializeToString()
        return Answer(pb.ListRegistriesResponse, b"".join((*parts, last)))

    async def UpdateRegistry(self, request: pb.UpdateRegistryRequest, context: Context) -> registry_pb2.Registry:
        """Update the mode or the handling of unmanaged elements."""
        name = RegistryName.parse(request.registry.name, "registry.name")
        paths = masked_paths(request.update_mask, request.registry, ("mode", "unmanaged_elements"))
        caller = caller_of(request)
        members = _registry_spec(request.registry, paths)

        def change(tx: Tx) -> tuple[Resource, str]:
            if find_response(tx, caller) is not None:
                row = resources.ensure(tx, name, NEW_REGISTRY)
            else:
                row = _update(tx, caller, name, request.registry.etag, planned_on, members)
            return row, text_of(tx, name)

        if request.validate_only:
            return (await self._tried(name, request, members))[1]
        planned_on = await self._planned_on(name, request, members, caller)
        row, text = await self._deps.db.write(change)
        self._deps.wake()
        declared = await parsed_in_turns(await work().run_short(reading_lists(text)))
        steps = registry_message.registry_steps(row, declared, registry_message.FULL)
        # Without a charge, which may reject the call: the change is stored.
        return await work().run(steps, await view_cost(row, declared))

    async def _planned_on(
        self, name: RegistryName, request: pb.UpdateRegistryRequest, members: dict[str, Any], caller: Caller
    ) -> str | None:
        """Return the etag that the registry must have.

        None without a plan, or for a repeated call.
        """
        if not request.plan_digest or await self._deps.db.read(lambda tx: find_response(tx, caller)) is not None:
            return None
        return (await self._tried(name, request, members))[0]

    async def _tried(
        self, name: RegistryName, request: pb.UpdateRegistryRequest, members: dict[str, Any]
    ) -> tuple[str, registry_pb2.Registry]:
        """Return the etag of the registry, and the registry with the plan."""
        row, declared = await read_registry(self._deps, name)
        row = row or Resource.new(name, dict(NEW_REGISTRY), now_micros())
        check_etag(str(name), request.registry.etag, row.etag)
        basis = Basis([str(name), members], row.etag)
        row = replace(row, spec=replace(row.registry_spec, **members).to_json())
        elements = await cost_in_turns([each.settings for each in declared])
        composition = await work().charged(composing(declared), elements)
        allowing = [d.owner for d in declared if d.allow_replacement]
        shown = await _shown(row, declared, registry_message.FULL)
        planning = registry_plan(self._deps, name, row.registry_spec, row.registry_state, composition, allowing, basis)
        # The plan waits for AWS, and needs no other part of the stored rows.
        del row, declared, composition
        plan = await planning
        if request.plan_digest:
            check_plan(str(name), request.plan_digest, plan.digest)
        return basis.etag, await work().run(registry_message.with_plan(shown, plan))

    async def WatchRegistries(
        self, request: pb.WatchRegistriesRequest, context: Context
    ) -> AsyncIterator[pb.WatchRegistriesResponse | Answer[pb.WatchRegistriesResponse]]:
        """Stream registries."""
        account = parse_account(request.parent, wildcard=True)
        view = request.view or registry_message.BASIC
        async for step in watched(self._deps, RegistryName.kind, account, request.filter, _FIELDS):
            if step.row is not None:
                yield await self._rendered.of(step, view)
                continue
            answer = pb.WatchRegistriesResponse(kind=fields.number(pb.WatchRegistriesResponse, "Kind", step.kind))
            if step.name:
                answer.registry.name = step.name
            yield answer

    async def ReconcileRegistry(
        self, request: pb.ReconcileRegistryRequest, context: Context
    ) -> operations_pb2.Operation:
        """Reconcile a registry at once."""
        name = RegistryName.parse(request.name)
        return await reconcile(self._deps, request, name, lambda: NotFound("Registry", str(name), _UNDECLARED))


def _current(row: Resource, declared: Sequence[Declaration], view: int) -> Steps[pb.WatchRegistriesResponse]:
    """Render a registry as a message of a watch, in steps."""
    answer = pb.WatchRegistriesResponse(kind=pb.WatchRegistriesResponse.CURRENT)
    yield from registry_message.registry_steps(row, declared, view, answer.registry)
    return answer


async def _shown(row: Resource, declared: Sequence[Declaration], view: int) -> registry_pb2.Registry:
    """Charge the caller for a view of a registry, and render it."""
    elements = await view_cost(row, declared)
    return await work().charged(registry_message.registry_steps(row, declared, view), elements)


async def _part(row: Resource, declared: Sequence[Declaration], view: int) -> bytes:
    """Return the bytes of an answer with one registry."""
    elements = await view_cost(row, declared)
    message = await work().charged(registry_message.registry_steps(row, declared, view), elements)
    return await work().run(serializing_item(_REGISTRIES, message), elements)


def _update(
    tx: Tx, caller: Caller, name: RegistryName, etag: str, planned_on: str | None, members: dict[str, Any]
) -> Resource:
    present = resources.get(tx, str(name), lock=True)
    current = "" if present is None else present.etag
    check_etag(str(name), etag, current)
    if planned_on is not None:
        check_planned_on(str(name), planned_on, current)
    row = present or resources.create(tx, name, NEW_REGISTRY)
    return change_spec(tx, caller, name, row, replace(row.registry_spec, **members), created=present is None)


def _registry_spec(registry: registry_pb2.Registry, paths: set[str]) -> dict[str, Any]:
    spec: dict[str, Any] = {}
    if "mode" in paths:
        spec["mode"] = Mode(word(common_pb2.Mode, registry.mode or common_pb2.ENFORCE))
    if "unmanaged_elements" in paths:
        chosen = registry.unmanaged_elements or common_pb2.PRESERVE
        spec["unmanaged_elements"] = UnmanagedElements(word(common_pb2.UnmanagedElements, chosen))
    return spec
