"""RegistrySettingsService: the revisions of declarations, and rollbacks to them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import zip_longest
from typing import NamedTuple

from ecrkeeper.v1 import registry_pb2
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from msgspec.structs import replace

from ecrkeeper_server.api.layers.layer import Context
from ecrkeeper_server.api.layers.telemetry import caller_of
from ecrkeeper_server.api.messages import registry_settings as render
from ecrkeeper_server.api.services.context import Dependencies
from ecrkeeper_server.api.services.pages import WIDE, everything, scan, showing
from ecrkeeper_server.api.services.registry_settings import OwnerSettings
from ecrkeeper_server.declarations.audit_records import changing_settings
from ecrkeeper_server.errors import FailedPrecondition, InvalidArgument, NotFound, Violation
from ecrkeeper_server.names import SettingsName
from ecrkeeper_server.settings.elements import cost_of_all
from ecrkeeper_server.store import revision_pages
from ecrkeeper_server.store.large_rows import size_of
from ecrkeeper_server.store.rows import Declaration, Revision
from ecrkeeper_server.store.specs import DeclarationSpec
from ecrkeeper_server.turns import Steps, work

_Pair = tuple[Revision, Revision | None]
"""A revision and its predecessor."""


class _Stored(NamedTuple):
    """The number of a revision, that of its predecessor, and the size of both."""

    number: int
    before: int | None
    size: int


class Revisions:
    """List revisions and roll back to them."""

    def __init__(self, deps: Dependencies, declarations: OwnerSettings) -> None:
        self._deps = deps
        self._declarations = declarations

    async def RollbackRegistrySettings(
        self, request: pb.RollbackRegistrySettingsRequest, context: Context
    ) -> registry_pb2.RegistrySettings:
        """Declare a revision again."""
        name = SettingsName.parse(request.name)
        if not request.HasField("revision"):
            text = "is required: a revision of the declaration, or 0 for the state of AWS before the first declaration"
            raise InvalidArgument([Violation("revision", text)])
        revision = (await self._read(name, [request.revision])).get(request.revision)
        if revision is None:
            raise NotFound("RegistrySettingsRevision", f"{name} revision {request.revision}")
        if revision.settings is None:
            raise FailedPrecondition(
                f"revision {request.revision} of {name} is its deletion; delete the declaration instead",
                reason="REVISION_IS_DELETION",
            )
        spec = DeclarationSpec(revision.settings, revision.deletion_policy, revision.allow_replacement)
        return await self._declarations.put(
            name, lambda present: _in_group(spec, present), caller_of(request), request,
            create=True, update=True, requested=spec.settings, path="revision.settings", etag=request.etag,
        )  # fmt: skip

    async def ListRegistrySettingsRevisions(
        self, request: pb.ListRegistrySettingsRevisionsRequest, context: Context
    ) -> pb.ListRegistrySettingsRevisionsResponse:
        """List revisions."""
        name, page = SettingsName.parse(request.name), await self._deps.page(request, -1)

        async def fetch(after: int, limit: int) -> list[_Stored]:
            below = None if after < 0 else after
            rows = await self._deps.db.read_in_turns(lambda tx: revision_pages.reading_page(tx, name, below, limit + 1))
            # The oldest one of all has no predecessor.
            pairs = zip_longest(rows[:limit], rows[1:])
            return [
                _Stored(row.key, before and before.key, row.size + (before.size if before else 0))
                for row, before in pairs
            ]

        async def show(some: Sequence[_Stored]) -> list[registry_pb2.RegistrySettingsRevision | None]:
            await work().hold(sum(map(size_of, some)))
            numbers = {number for each in some for number in (each.number, each.before) if number is not None}
            rows = await self._read(name, numbers)
            pairs = [(rows[each.number], rows.get(each.before)) for each in some if each.number in rows]
            shown = work().run(showing(pairs, lambda pair: _revision(*pair), lambda pair: _cost(*pair)))
            messages = iter(await shown)
            return [next(messages) if each.number in rows else None for each in some]

        messages, token = await scan(
            fetch, page, everything, lambda row: row.number, everything, show, maximum=WIDE, weigh=size_of
        )
        if not messages and page.after < 0:
            raise NotFound("RegistrySettings", str(name))
        return pb.ListRegistrySettingsRevisionsResponse(revisions=messages, next_page_token=token)

    async def _read(self, name: SettingsName, numbers: Collection[int]) -> dict[int | None, Revision]:
        """Return revisions by number."""
        rows = await self._deps.db.read_then_parse(lambda tx: revision_pages.reading(tx, name, numbers))
        return {row.revision: row for row in rows}


def _in_group(spec: DeclarationSpec, present: Declaration | None) -> DeclarationSpec:
    """Return a spec with the declaration's group: a rollback restores content only."""
    return replace(spec, apply_group=(present.apply_group if present is not None else None) or "")


def _revision(row: Revision, before: Revision | None) -> Steps[registry_pb2.RegistrySettingsRevision]:
    old = before.settings if before is not None and before.revision else None
    changes = (yield from changing_settings(old, row.settings)) if row.revision else []
    return (yield from render.revision_steps(row, changes))


def _cost(row: Revision, before: Revision | None) -> int:
    return cost_of_all(each.settings for each in (row, before) if each is not None)
