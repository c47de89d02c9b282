"""RegistrySettingsService: the calls on declarations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from ecrkeeper.v1 import registry_pb2
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from msgspec.structs import replace

from ecrkeeper_server.api.layers.errors import LARGE_BYTES
from ecrkeeper_server.api.layers.layer import Context
from ecrkeeper_server.api.layers.telemetry import caller_of
from ecrkeeper_server.api.messages import registry_settings as render
from ecrkeeper_server.api.messages.answer import Answer
from ecrkeeper_server.api.messages.declaration import PATHS, check_settings_set, masked, merged, read_spec, reading_spec
from ecrkeeper_server.api.messages.plan import registry_plan
from ecrkeeper_server.api.services.context import Dependencies
from ecrkeeper_server.api.services.settings_pages import SettingsPages, rendered
from ecrkeeper_server.declarations.commands import TAKE_OVER, PutDeclaration, composing_specs
from ecrkeeper_server.declarations.committer import Committer
from ecrkeeper_server.declarations.costs import cost_in_turns
from ecrkeeper_server.declarations.deletion import DeleteDeclaration
from ecrkeeper_server.declarations.idempotency import Caller, find_response
from ecrkeeper_server.declarations.plan_digest import Basis, check_plan
from ecrkeeper_server.declarations.write_result import WriteResult
from ecrkeeper_server.ecr.observe import observe
from ecrkeeper_server.errors import FailedPrecondition, InvalidArgument, NotFound, Violation
from ecrkeeper_server.names import RegistryName, SettingsName, shown
from ecrkeeper_server.settings.codec import masked_paths
from ecrkeeper_server.settings.element_sets import differing, without
from ecrkeeper_server.settings.elements import keys_of
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.store import declarations
from ecrkeeper_server.store.batch import Batch
from ecrkeeper_server.store.declarations import Stored
from ecrkeeper_server.store.rows import Declaration, parsed
from ecrkeeper_server.store.specs import DeclarationSpec
from ecrkeeper_server.turns import work

Written = TypeVar("Written", PutDeclaration, DeleteDeclaration)


class OwnerSettings:
    """Get, list, create, update, delete, import and roll back declarations."""

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps
        self._declaring = Committer(deps.db)
        self._pages = SettingsPages(deps)
        self._known: Batch[SettingsName, Stored | None] = Batch(self._read_known, eager=True)

    async def GetRegistrySettings(
        self, request: pb.GetRegistrySettingsRequest, context: Context
    ) -> Answer[registry_pb2.RegistrySettings]:
        """Return one declaration."""
        name = SettingsName.parse(request.name)
        declaration = await self._known.put(name)
        if declaration is None:
            raise NotFound("RegistrySettings", str(name))
        return Answer.of(await rendered(declaration)) if render.is_long(declaration) else render.short(declaration)

    async def _read_known(self, names: list[SettingsName]) -> list[Stored | None]:
        if len(names) == 1:
            rows = await self._deps.db.read(lambda tx: declarations.stored(tx, names))
        else:
            rows = await self._deps.db.read_in_turns(lambda tx: declarations.reading(tx, names))
        return [rows.get(name) for name in names]

    async def ListRegistrySettings(
        self, request: pb.ListRegistrySettingsRequest, context: Context
    ) -> Answer[pb.ListRegistrySettingsResponse]:
        """List declarations."""
        return await self._pages.page(request)

    async def CreateRegistrySettings(
        self, request: pb.CreateRegistrySettingsRequest, context: Context
    ) -> registry_pb2.RegistrySettings:
        """Create the declaration of a new owner."""
        registry = RegistryName.parse(request.parent, "parent")
        name = SettingsName.of(registry, request.registry_settings_id, "registry_settings_id")
        check_settings_set(request.registry_settings, set(PATHS))
        spec = await _spec_of(request.registry_settings)
        return await self.put(
            name, lambda _: spec, caller_of(request), request,
            create=True, update=False, requested=spec.settings,
        )  # fmt: skip

    async def UpdateRegistrySettings(
        self, request: pb.UpdateRegistrySettingsRequest, context: Context
    ) -> registry_pb2.RegistrySettings:
        """Update a declaration."""
        message = request.registry_settings
        name = SettingsName.parse(message.name, "registry_settings.name")
        paths = masked_paths(request.update_mask, message, PATHS)
        check_settings_set(message, paths)
        spec = await _spec_of(message)
        return await self.put(
            name, lambda present: merged(name, present, message, spec, paths), caller_of(request), request,
            create=request.allow_missing, update=True, requested=masked(spec.settings, paths), etag=message.etag,
        )  # fmt: skip

    async def DeleteRegistrySettings(
        self, request: pb.DeleteRegistrySettingsRequest, context: Context
    ) -> registry_pb2.RegistrySettings:
        """Delete a declaration."""
        name = SettingsName.parse(request.name)
        caller = caller_of(request)
        call = DeleteDeclaration(
            name=name,
            caller=caller,
            etag=request.etag,
            allow_missing=request.allow_missing,
            trace=self._deps.db.trace(),
        )
        if request.validate_only:
            return (await self._tried(call, request))[1]
        written = await self._declaring.write(await self._as_planned(call, request))
        self._deps.wake()
        if written is None:
            return registry_pb2.RegistrySettings(name=str(name))
        return await _shown(written)

    async def put(
        self,
        name: SettingsName,
        change: Callable[[Declaration | None], DeclarationSpec],
        caller: Caller,
        request: Any,
        *,
        create: bool,
        update: bool,
        requested: Mapping[str, Any],
        path: str = "registry_settings.settings",
        etag: str = "",
        remedy: str = TAKE_OVER,
    ) -> registry_pb2.RegistrySettings:
        """Write a declaration for one of the calls, or plan it for `validate_only`."""
        call = PutDeclaration(
            name=name,
            change=change,
            caller=caller,
            create=create,
            update=update,
            requested=requested,
            path=path,
            etag=etag,
            force=getattr(request, "force", False),
            trace=self._deps.db.trace(),
            remedy=remedy,
        )
        if request.validate_only:
            return (await self._tried(call, request))[1]
        written = await self._declaring.write(await self._as_planned(call, request))
        self._deps.wake()
        return await _with_takeovers(await _shown(written), written)

    async def _as_planned(self, call: Written, request: Any) -> Written:
        """Return a call that fails unless it carries out the plan of the request.

        Without a plan, it stays as it is.
        """
        if not getattr(request, "plan_digest", ""):
            return call
        if await self._deps.db.read(lambda tx: find_response(tx, call.caller)) is not None:
            # The call is a repetition; its plan has been carried out.
            return call
        return replace(call, planned_on=(await self._tried(call, request))[0])

    async def _tried(self, call: Written, request: Any) -> tuple[str | None, registry_pb2.RegistrySettings]:
        """Return the etag that a call is planned on, and its declaration with the plan.

        None, and the name only, for a deletion of nothing.
        """
        tried, name = await self._declaring.attempt(call), call.name
        if tried is None:
            return None, registry_pb2.RegistrySettings(name=str(name))
        elements = await cost_in_turns([spec.settings for spec in tried.specs.values()])
        await parsed(tried.registry)
        message = await work().run(render.settings_steps(tried.declared, tried.registry), elements)
        message = await _with_takeovers(message, tried)
        # The etag for the real call; empty if there is no declaration yet.
        message.etag = "" if tried.before is None else tried.before.etag
        if tried.before is None:
            message.uid = ""
        row, allowing = tried.registry, [owner for owner, spec in tried.specs.items() if spec.allow_replacement]
        composition = await work().run(composing_specs(tried.specs), elements)
        planned_on = tried.planned_on
        planning = registry_plan(
            self._deps, name.registry, row.registry_spec, row.registry_state, composition, allowing,
            Basis(_request(name, tried), planned_on),
        )  # fmt: skip
        # The plan waits for AWS, and needs no other part of the stored rows.
        del tried, row, composition
        plan = await planning
        if digest := getattr(request, "plan_digest", ""):
            check_plan(str(name), digest, plan.digest)
        return planned_on, await work().run(render.with_plan(message, plan))

    async def ImportRegistrySettings(
        self, request: pb.ImportRegistrySettingsRequest, context: Context
    ) -> registry_pb2.RegistrySettings:
        """Create a declaration from the settings in AWS."""
        registry = RegistryName.parse(request.name)
        name = SettingsName.of(registry, request.registry_settings_id, "registry_settings_id")
        unknown = [setting for setting in request.settings if setting not in SETTINGS]
        if unknown:
            known = ", ".join(SETTINGS)
            raise InvalidArgument(
                [Violation("settings", f"unknown setting {shown(s)}; known settings are {known}") for s in unknown]
            )
        caller = caller_of(request)
        # A repetition of an accepted import gets its answer whatever AWS has by now.
        first: str | None = await self._deps.db.read(lambda tx: find_response(tx, caller))
        spec = DeclarationSpec(await self._captured(name, request.settings) if first is None else {}, "REMOVE", False)
        return await self.put(
            name, lambda _: spec, caller, request,
            create=True, update=False, requested=spec.settings, path="settings",
            remedy="name the settings to import without this one",
        )  # fmt: skip

    async def _captured(self, name: SettingsName, settings: Sequence[str]) -> dict[str, Any]:
        """Return the settings in AWS in declarable form.

        They are the given ones, or all that are not defaults.
        """
        observed = await observe(self._deps.aws, name.registry, settings or SETTINGS, self._deps.home_region)
        lost = {setting: one.unknown for setting, one in observed.items() if one.unknown}
        if lost:
            raise FailedPrecondition(
                f"AWS has members that this version does not know, so the import would lose them: {lost}",
                reason="UNKNOWN_MEMBERS",
            )
        shapes = {}
        for setting, one in observed.items():
            kind = SETTINGS[setting]
            elements = without(one.elements, keys_of(kind.defaults) - differing(kind.defaults, one.elements))
            if elements := kind.declarable(elements, name.registry):
                shapes[setting] = await work().run(kind.joining(elements), one.size)
            elif setting in settings:
                shapes[setting] = kind.join({})
        return shapes


async def _shown(written: WriteResult) -> registry_pb2.RegistrySettings:
    """Return the message of a written declaration."""
    elements = render.view_cost(written.declared, written.registry)
    return await work().run(render.settings_steps(written.declared, written.registry), elements)


async def _with_takeovers(
    message: registry_pb2.RegistrySettings, written: WriteResult
) -> registry_pb2.RegistrySettings:
    """Return the message with the elements that the declaration takes over, if any."""
    if not written.takeovers:
        return message
    return await work().run(render.with_takeovers(message, written.takeovers))


async def _spec_of(message: registry_pb2.RegistrySettings) -> DeclarationSpec:
    """Return the declaration in a message; read a long one in turns."""
    if message.ByteSize() < LARGE_BYTES:
        return read_spec(message)
    return await work().run(reading_spec(message))


def _request(name: SettingsName, tried: WriteResult) -> Any:
    """Return a write as JSON: the name, and the spec after it, or None."""
    spec = tried.specs.get(name.owner)
    # `asdict` would copy the settings.
    return [str(name), None if spec is None else {name: getattr(spec, name) for name in spec.__struct_fields__}]
