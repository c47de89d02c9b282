"""FleetService: the view of the whole fleet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter

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
from ecrkeeper_server.api.services.pages import PAGE_BYTES, batches
from ecrkeeper_server.json_object import Json
from ecrkeeper_server.store import fleet_counts, rollouts
from ecrkeeper_server.store.fleet_counts import Example, FleetCounts, KindCounts
from ecrkeeper_server.store.fleet_parts import Part, merged
from ecrkeeper_server.store.json_columns import Pace, read_state
from ecrkeeper_server.store.large_rows import Sized, size_of
from ecrkeeper_server.store.long_json import reading_members
from ecrkeeper_server.store.replication_checks import BROKEN
from ecrkeeper_server.store.rollout_rows import RolloutRow
from ecrkeeper_server.store.states import RegistryState, State
from ecrkeeper_server.turns import Steps, work

_MAX_ROLLOUTS, _MESSAGE_CHARACTERS = 100, 1_000
# A decision on a set takes some microseconds.
_CHECKED_AT_ONCE = 100
_EVERYWHERE = frozenset({Pattern.every()})


class FleetView:
    """GetFleet: the problems and the open rollouts of the fleet."""

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps

    async def GetFleet(self, request: pb.GetFleetRequest, context: Context) -> fleet_pb2.Fleet:
        """Return counts, problems and rollouts, as far as the caller may read them."""
        registries, roles = self._readable()
        may = self._deps.access.readable(set_target)
        counted = await self._deps.db.count(lambda tx: fleet_counts.count(tx, registries, roles))
        message = _message(counted)
        for member, some in groupby(counted.examples, attrgetter("member")):
            for batch in batches(some):
                message.worst_problems.extend(await self._problems(batch, member))
        opened = await work().run_short(_some_readable(counted.opened, may))
        message.rollouts.extend(await self._opened(opened))
        return message

    async def _problems(self, examples: Sequence[Example], member: str) -> list[fleet_pb2.FleetProblem]:
        """Return the problems of those resources that still have them."""
        await work().hold(sum(map(size_of, examples)))
        # SQLite reads only the member, but may look at megabytes of a state for it.
        states = await self._deps.db.count(lambda tx: fleet_counts.states(tx, examples, member))
        return await work().run_short(_showing_problems(examples, states, member))

    async def _opened(self, keys: Sequence[rollouts.Key]) -> list[fleet_pb2.Rollout]:
        """Return rollouts that have not ended.

        Strategies can be large, so the list ends before the response is too large for clients.
        """
        messages: list[fleet_pb2.Rollout] = []
        size = 0
        for batch in batches(await self._sizes(keys)):
            for message in await self._rollouts(batch):
                size += message.ByteSize()
                if messages and size > PAGE_BYTES:
                    return messages
                messages.append(message)
        return messages

    async def _sizes(self, keys: Sequence[rollouts.Key]) -> list[Sized]:
        return await self._deps.db.read_in_turns(lambda tx: rollouts.reading_sizes_of(tx, keys)) if keys else []

    async def _rollouts(self, some: Sequence[Sized]) -> list[fleet_pb2.Rollout]:
        await work().hold(sum(map(size_of, some)))
        sizes = dict(some)
        rows = await self._deps.db.read_then_parse(lambda tx: rollouts.reading_open(tx, list(sizes)))
        return await work().run_short(_showing_rollouts(rows, sizes))

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


def _all(patterns: Iterable[Pattern]) -> bool:
    return any(pattern.is_every for pattern in patterns)


def _message(counted: FleetCounts) -> fleet_pb2.Fleet:
    registries, roles = counted.registries, counted.roles
    return fleet_pb2.Fleet(
        name="fleet",
        account_count=counted.accounts,
        registry_count=registries.total,
        ready_registry_count=registries.ready,
        registry_reasons=_reasons(registries),
        drifted_registry_count=registries.drifted,
        role_count=roles.total,
        role_reasons=_reasons(roles),
        unreachable_account_count=counted.unreachable,
        broken_replication_registry_count=registries.replication.get("BROKEN", 0),
        unknown_replication_registry_count=registries.replication.get("UNKNOWN", 0),
        silent_registry_count=registries.silent,
    )


def _reasons(counts: KindCounts) -> Iterator[fleet_pb2.ReasonCount]:
    for reason, number in counts.reasons:
        yield fleet_pb2.ReasonCount(reason=reason, resource_count=number)


def _some_readable(keys: Sequence[rollouts.Key], may: Callable[[str], bool]) -> Steps[list[rollouts.Key]]:
    """Return the first rollouts of sets that the caller may read."""
    some: list[rollouts.Key] = []
    for at, key in enumerate(keys):
        if len(some) == _MAX_ROLLOUTS:
            break
        if at % _CHECKED_AT_ONCE == _CHECKED_AT_ONCE - 1:
            yield
        if may(key[0]):
            some.append(key)
    return some


def _showing_problems(
    examples: Sequence[Example], states: dict[str, str], member: str
) -> Steps[list[fleet_pb2.FleetProblem]]:
    problems: list[fleet_pb2.FleetProblem] = []
    pace = Pace()
    for each in examples:
        text = states.pop(each.name, None)
        if text is None:
            continue
        if pace.is_over():
            yield
        pace.count(len(text))
        stored = yield from reading_members(read_state(text), (member,))
        problems.append(_broken_problem(each, stored) if each.reason is None else _problem(each, stored))
    return problems


def _problem(example: Example, stored: Json) -> fleet_pb2.FleetProblem:
    ready = next((each for each in State(stored).conditions if each.type == "Ready"), None)
    if ready is None:
        return fleet_pb2.FleetProblem(resource=example.name, reason=example.reason)
    return fleet_pb2.FleetProblem(
        resource=example.name,
        reason=ready.reason,
        message=ready.message[:_MESSAGE_CHARACTERS],
        since=timestamp(ready.since),
    )


def _broken_problem(example: Example, stored: Json) -> fleet_pb2.FleetProblem:
    check = next((each for each in RegistryState(stored).checks if each.result == BROKEN), None)
    message = "" if check is None else check.message[:_MESSAGE_CHARACTERS]
    return fleet_pb2.FleetProblem(resource=example.name, reason="REPLICATION_BROKEN", message=message)


def _showing_rollouts(rows: Sequence[RolloutRow], sizes: Mapping[rollouts.Key, int]) -> Steps[list[fleet_pb2.Rollout]]:
    messages: list[fleet_pb2.Rollout] = []
    pace = Pace()
    for row in rows:
        if pace.is_over():
            yield
        pace.count(sizes[row.set_id, row.number])
        messages.append(render.rollout(row))
    return messages
