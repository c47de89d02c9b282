"""Replication as one intent.

Both sides are declared in order, a backfill copies images, and each image that did not arrive is reported.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ecrkeeper import names
from ecrkeeper._arrivals import Arrivals, ReplicationResult
from ecrkeeper._errors import NotFound
from ecrkeeper._plans import WritePlan
from ecrkeeper._replication import declarations, registries
from ecrkeeper._steps import Steps, call, seconds_until
from ecrkeeper.v1.registry_pb2 import ReplicationCheck

# The warning of a destination in another account whose registry policy must allow the source.
_DECLARED_WITH_IT = "DESTINATION_POLICY_REQUIRED"


@dataclass(frozen=True, slots=True)
class Replication:
    """The plans of all sides in their order, and the result at each destination."""

    plans: tuple[WritePlan, ...]
    results: tuple[ReplicationResult, ...] = ()


@dataclass(frozen=True, slots=True)
class Intent:
    """One replication with its options; ValueError for a name that is no registry."""

    source: str
    destinations: Sequence[str]
    owner: str
    prefixes: Sequence[str]
    template: bool
    reason: str
    seconds: float

    def plans(self) -> Steps[tuple[WritePlan, ...]]:
        """Plan each side.

        The server's errors are those of `apply_registry_settings`.
        """
        plans = []
        for name, settings in self._declarations().items():
            plans.append(_without_known_warnings((yield call("plan", name, settings))))
        return tuple(plans)

    def carry_out(self, *, backfill: bool) -> Steps[tuple[ReplicationResult, ...]]:
        """Declare all sides and wait for each, then return the result at each destination."""
        end = time.monotonic() + self.seconds
        for name, settings in self._declarations().items():
            yield call("apply_registry_settings", name, settings, reason=self.reason)
            yield call("wait_until_synced", name, seconds_until(end))
        (source,) = map(str, registries("source", [self.source]))
        checked = yield call("check_replication", source, timeout=60)
        accepts = {_place(check): check for check in checked.checks}
        results = []
        for each in map(str, registries("destination", self.destinations)):
            check = accepts.get(each)
            if check is not None and check.result == ReplicationCheck.BROKEN:
                results.append(ReplicationResult(each, reason="; ".join(finding.message for finding in check.findings)))
            elif backfill:
                results.append((yield from self._arrivals(source, each, end).result()))
            else:
                results.append(ReplicationResult(each))
        return tuple(results)

    def _declarations(self) -> dict[str, dict[str, object]]:
        (source,) = registries("source", [self.source])
        destinations = registries("destination", self.destinations)
        return declarations(source, destinations, self.owner, self.prefixes, template=self.template)

    def _arrivals(self, source: str, destination: str, end: float) -> Arrivals:
        registry = names.parse(source)
        declaration = names.settings(registry.account, registry.region, self.owner)
        return Arrivals(source, destination, declaration, self.prefixes, end)


def undo(source: str, destinations: Iterable[str], owner: str, reason: str) -> Steps[list[str]]:
    """Delete the declarations of a replication, the source's first.

    Return the names of those that existed.
    """
    places = [*registries("source", [source]), *registries("destination", destinations)]
    deleted = []
    for name in (names.settings(place.account, place.region, owner) for place in places):
        try:
            yield call("delete_registry_settings", name, reason=reason)
        except NotFound:
            continue
        deleted.append(name)
    return deleted


def _without_known_warnings(plan: WritePlan) -> WritePlan:
    """Return the plan without warnings of policies that the other declarations have."""
    return replace(plan, warnings=tuple(each for each in plan.warnings if each.reason != _DECLARED_WITH_IT))


def _place(check: ReplicationCheck) -> str:
    return names.registry(check.destination.registry_id, check.destination.region)
