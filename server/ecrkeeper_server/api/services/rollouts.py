"""FleetService: the calls on rollouts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from ecrkeeper.v1 import fleet_pb2
from ecrkeeper.v1 import fleet_service_pb2 as pb
from msgspec import Struct

from ecrkeeper_server.access.policy import Target
from ecrkeeper_server.api.layers.access import CALLER
from ecrkeeper_server.api.layers.layer import Context
from ecrkeeper_server.api.layers.telemetry import caller_of
from ecrkeeper_server.api.messages import fleet as render
from ecrkeeper_server.api.services.context import Dependencies
from ecrkeeper_server.api.services.filters import Fields, enum_choice, equal_to, matcher
from ecrkeeper_server.api.services.followed import Followed
from ecrkeeper_server.api.services.pages import WIDE, everything, scan
from ecrkeeper_server.errors import NotFound
from ecrkeeper_server.fleet.bounds import out_of_bounds
from ecrkeeper_server.fleet.names import RolloutName, SetName
from ecrkeeper_server.fleet.rollout_commands import control
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import rollout_targets, rollouts
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.fleet_rows import Authority
from ecrkeeper_server.store.large_rows import Sized, size_of
from ecrkeeper_server.store.rollout_rows import ENDED, RolloutRow, TargetRow
from ecrkeeper_server.turns import work

_FIELDS: Fields = {
    "account": lambda row: [row.account],
    "region": lambda row: [row.region],
    "state": enum_choice(fleet_pb2.RolloutTarget.State, lambda row: [row.state]),
    "reason": lambda row: [row.reason],
}
# Interval at which streams poll without a notification, because notifications can be lost.
_POLL_SECONDS = 1.0


class _Shown(Struct, frozen=True):
    """A rollout and the message about it, which streams share: nobody may change it."""

    row: RolloutRow
    answer: pb.WatchRolloutResponse


class Rollouts:
    """Get, list, watch and control rollouts."""

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps
        self._followed = Followed(deps.changes, deps.turns, self._shown, str, lambda _: _POLL_SECONDS)

    async def GetRollout(self, request: pb.GetRolloutRequest, context: Context) -> fleet_pb2.Rollout:
        """Return one rollout."""
        return render.rollout(await self._row(RolloutName.parse(request.name)))

    async def _row(self, name: RolloutName) -> RolloutRow:
        rows = await self._deps.db.read_then_parse(lambda tx: rollouts.reading_shown(tx, name.set.id, [name.number]))
        if not rows:
            raise NotFound("Rollout", str(name))
        return rows[0]

    async def ListRollouts(self, request: pb.ListRolloutsRequest, context: Context) -> pb.ListRolloutsResponse:
        """List rollouts."""
        name, page = SetName.parse(request.parent, "parent"), await self._deps.page(request, -1)

        async def fetch(after: int, limit: int) -> list[Sized]:
            below = None if after < 0 else after
            return await self._deps.db.read_in_turns(lambda tx: rollouts.reading_page(tx, name.id, below, limit))

        async def show(some: Sequence[Sized]) -> list[fleet_pb2.Rollout | None]:
            await work().hold(sum(map(size_of, some)))
            numbers = [each.key for each in some]
            rows = await self._deps.db.read_then_parse(lambda tx: rollouts.reading_shown(tx, name.id, numbers))
            by_number = {row.number: render.rollout(row) for row in rows}
            return list(map(by_number.get, numbers))

        messages, token = await scan(
            fetch, page, everything, lambda row: row.key, everything, show, maximum=WIDE, weigh=size_of
        )
        return pb.ListRolloutsResponse(rollouts=messages, next_page_token=token)

    async def ListRolloutTargets(
        self, request: pb.ListRolloutTargetsRequest, context: Context
    ) -> pb.ListRolloutTargetsResponse:
        """List targets."""
        name, meets = RolloutName.parse(request.parent, "parent"), matcher(request.filter, _FIELDS)
        row, page = await self._row(name), await self._deps.page(request, ["", ""])
        state = equal_to(request.filter, _FIELDS, "state")

        async def fetch(after: list[str], limit: int) -> list[TargetRow]:
            behind = (after[0], after[1])
            return await self._deps.db.read_in_turns(
                lambda tx: rollout_targets.reading_page(tx, row, behind, limit, state)
            )

        async def show(rows: Sequence[TargetRow]) -> list[fleet_pb2.RolloutTarget]:
            return list(map(render.target, rows))

        def target_of(target: TargetRow) -> Target:
            return Target(target.account, target.region, name.set.id)

        may = self._deps.access.readable(target_of)
        messages, token = await scan(fetch, page, meets, lambda target: [target.account, target.region], may, show)
        return pb.ListRolloutTargetsResponse(targets=messages, next_page_token=token)

    async def PauseRollout(self, request: pb.PauseRolloutRequest, context: Context) -> fleet_pb2.Rollout:
        """Let no more targets begin."""
        return await self._control(request, "pause")

    async def ResumeRollout(self, request: pb.ResumeRolloutRequest, context: Context) -> fleet_pb2.Rollout:
        """Go on."""
        return await self._control(request, "resume")

    async def ApproveRollout(self, request: pb.ApproveRolloutRequest, context: Context) -> fleet_pb2.Rollout:
        """Open the gate of the next wave."""
        return await self._control(request, "approve")

    async def CancelRollout(self, request: pb.CancelRolloutRequest, context: Context) -> fleet_pb2.Rollout:
        """End a rollout where it is."""
        return await self._control(request, "cancel")

    async def RollBackRollout(self, request: pb.RollBackRolloutRequest, context: Context) -> fleet_pb2.Rollout:
        """Take the changed targets back."""
        name, caller = RolloutName.parse(request.name), CALLER.get()
        authority = Authority(caller.name, tuple(sorted(caller.groups)))
        await self._check_reach(name, await self._row(name), authority)
        return await self._control(request, "roll back", authority)

    async def _check_reach(self, name: RolloutName, row: RolloutRow, authority: Authority) -> None:
        """Reject a caller who may not declare for every target: going back declares again.

        Targets and the policy may change meanwhile, so each target is checked again when it is written.
        """
        reach, after = self._deps.bounds.reach(authority, name.set), ("", "")
        while True:
            behind = after
            page = await self._deps.db.read_in_turns(
                lambda tx, behind=behind: rollout_targets.reading_page(tx, row, behind, 1000)  # type: ignore[misc]
            )
            for target in page:
                registry = RegistryName(target.account, target.region)
                if target.changed and not reach(registry):
                    raise out_of_bounds(authority, name.set, registry)
            if len(page) < 1000:
                return
            after = (page[-1].account, page[-1].region)

    async def _control(self, request: Any, action: str, authority: Authority | None = None) -> fleet_pb2.Rollout:
        name, caller = RolloutName.parse(request.name), caller_of(request)

        def change(tx: Tx) -> RolloutRow:
            return control(tx, caller, name, action, authority)

        row = await self._deps.db.write(change)
        self._deps.wake_rollouts()
        return render.rollout(row)

    async def WatchRollout(
        self, request: pb.WatchRolloutRequest, context: Context
    ) -> AsyncIterator[pb.WatchRolloutResponse]:
        """Stream a rollout until it has ended."""
        sent: _Shown | None = None
        with self._followed.joined(RolloutName.parse(request.name)) as stream:
            while sent is None or sent.row.state not in ENDED:
                shown = await stream.next()
                if shown is not sent:
                    yield shown.answer
                    sent = shown

    async def _shown(self, name: RolloutName, before: _Shown | None) -> _Shown:
        """Return a rollout for all streams; the same object if it is unchanged."""
        row = await self._row(name)
        if before is not None and before.row == row:
            return before
        return _Shown(row, pb.WatchRolloutResponse(rollout=await work().step(render.rollout, row)))
