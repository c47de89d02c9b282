"""FleetService: the view of the whole fleet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ecrkeeper.v1 import fleet_pb2
from ecrkeeper.v1 import fleet_service_pb2 as pb

from ecrkeeper_server.access.patterns import Pattern
from ecrkeeper_server.access.policy import Verb
from ecrkeeper_server.api.layers.access import CALLER
from ecrkeeper_server.api.layers.layer import Context
from ecrkeeper_server.api.layers.needs import set_target
from ecrkeeper_server.api.messages import fleet as render
from ecrkeeper_server.api.messages.fields import timestamp
from ecrkeeper_server.api.services.context import Dependencies
from ecrkeeper_server.api.services.pages import PAGE_BYTES
from ecrkeeper_server.names import RegistryName, RoleName
from ecrkeeper_server.store import fleet_counts, rollouts
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.fleet_counts import KindCounts
from ecrkeeper_server.store.fleet_parts import Part, merged
from ecrkeeper_server.store.replication_checks import BROKEN
from ecrkeeper_server.store.rows import Resource
from ecrkeeper_server.store.states import RegistryState, State

_EXAMPLES, _MAX_PROBLEMS, _MAX_ROLLOUTS, _MESSAGE_CHARACTERS = 3, 20, 100, 1_000
_EVERYWHERE = frozenset({Pattern.every()})


class FleetView:
    """GetFleet: the problems and the open rollouts of the fleet."""

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps

    async def GetFleet(self, request: pb.GetFleetRequest, context: Context) -> fleet_pb2.Fleet:
        """Return counts, problems and rollouts, as far as the caller may read them."""
        registries, roles = self._readable()
        may = self._deps.access.readable(set_target)

        def read(tx: Tx) -> fleet_pb2.Fleet:
            return _message(tx, registries, roles, _opened(tx, may))

        return await self._deps.db.read(read)

    def _readable(self) -> tuple[list[Part] | None, list[Part] | None]:
        """Return the registries and the roles that the caller may read; None for all."""
        policy = self._deps.access.policy
        if policy is None:
            return None, None
        # A rule that is limited to owners covers declarations, not the registries of all owners.
        rules = [rule for rule in policy.rules_for(CALLER.get(), Verb.READ) if _all(rule.owners)]
        registries = [Part(frozenset(rule.accounts), frozenset(rule.regions)) for rule in rules]
        roles = [Part(frozenset(rule.accounts), _EVERYWHERE) for rule in rules if _all(rule.regions)]
        return merged(registries), merged(roles)


def _opened(tx: Tx, may: Callable[[str], bool]) -> list[fleet_pb2.Rollout]:
    """Return rollouts that have not ended, of sets that the caller may read.

    Strategies can be large, so the list ends before the response is too large for clients.
    """
    messages: list[fleet_pb2.Rollout] = []
    size = 0
    for set_id in filter(may, rollouts.open_sets(tx)):
        for message in map(render.rollout, rollouts.open_of(tx, set_id)):
            size += message.ByteSize()
            if len(messages) == _MAX_ROLLOUTS or (messages and size > PAGE_BYTES):
                return messages
            messages.append(message)
    return messages


def _all(patterns: Iterable[Pattern]) -> bool:
    return any(pattern.is_every for pattern in patterns)


def _message(
    tx: Tx, registries: list[Part] | None, roles: list[Part] | None, opened: list[fleet_pb2.Rollout]
) -> fleet_pb2.Fleet:
    of_registries = fleet_counts.counts(tx, RegistryName.kind, registries)
    of_roles = fleet_counts.counts(tx, RoleName.kind, roles)
    problems = [
        *_problems(tx, RoleName.kind, of_roles, roles),
        *_broken(tx, of_registries, registries),
        *_problems(tx, RegistryName.kind, of_registries, registries),
    ]
    return fleet_pb2.Fleet(
        name="fleet",
        account_count=fleet_counts.accounts(tx, roles),
        registry_count=of_registries.total,
        ready_registry_count=of_registries.ready,
        registry_reasons=_reasons(of_registries),
        drifted_registry_count=of_registries.drifted,
        role_count=of_roles.total,
        role_reasons=_reasons(of_roles),
        worst_problems=problems[:_MAX_PROBLEMS],
        rollouts=opened,
        unreachable_account_count=fleet_counts.unreachable(tx, roles),
        broken_replication_registry_count=of_registries.replication.get("BROKEN", 0),
        unknown_replication_registry_count=of_registries.replication.get("UNKNOWN", 0),
        silent_registry_count=of_registries.silent,
    )


def _reasons(counts: KindCounts) -> Iterator[fleet_pb2.ReasonCount]:
    for reason, number in counts.reasons:
        yield fleet_pb2.ReasonCount(reason=reason, resource_count=number)


def _problems(tx: Tx, kind: str, counts: KindCounts, parts: list[Part] | None) -> Iterator[fleet_pb2.FleetProblem]:
    for reason, _ in counts.reasons[:_MAX_PROBLEMS]:
        yield from map(_problem, fleet_counts.examples(tx, kind, reason, parts, _EXAMPLES))


def _broken(tx: Tx, counts: KindCounts, parts: list[Part] | None) -> Iterator[fleet_pb2.FleetProblem]:
    """Yield some registries whose replication does not work; they can be `Ready`."""
    if not counts.replication.get(BROKEN):
        return
    for row in fleet_counts.broken_replication(tx, RegistryName.kind, parts, _EXAMPLES):
        checks = RegistryState(row.members("checks")).checks
        check = next((each for each in checks if each.result == BROKEN), None)
        message = "" if check is None else check.message[:_MESSAGE_CHARACTERS]
        yield fleet_pb2.FleetProblem(resource=row.name, reason="REPLICATION_BROKEN", message=message)


def _problem(row: Resource) -> fleet_pb2.FleetProblem:
    conditions = State(row.members("conditions")).conditions
    ready = next((each for each in conditions if each.type == "Ready"), None)
    if ready is None:
        return fleet_pb2.FleetProblem(resource=row.name, reason=row.reason or "")
    return fleet_pb2.FleetProblem(
        resource=row.name,
        reason=ready.reason,
        message=ready.message[:_MESSAGE_CHARACTERS],
        since=timestamp(ready.since),
    )
