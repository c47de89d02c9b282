"""The settings that apply to one repository name, as a message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ecrkeeper.v1 import registry_pb2, settings_pb2
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from msgspec import Struct
from msgspec.structs import replace

from ecrkeeper_server.api.messages import elements, fields, replication
from ecrkeeper_server.api.messages.sizes import RESOURCE_BYTES, fitting
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings.arrivals import Outcome
from ecrkeeper_server.settings.element_sets import merged
from ecrkeeper_server.settings.element_states import collecting_states, keying
from ecrkeeper_server.settings.elements import Elements, Keys, keys_of
from ecrkeeper_server.settings.explain import REPLICATION, Explanation, Reference, explaining
from ecrkeeper_server.settings.ownership import composing
from ecrkeeper_server.settings.setting import Warning
from ecrkeeper_server.settings.table import splitting_all
from ecrkeeper_server.store.rows import Declaration, Resource
from ecrkeeper_server.turns import Steps

_LISTS = (
    "scanning_rules", "replication_pairs", "signing_rules", "pull_time_update_exclusions", "replications",
)  # fmt: skip

Arrivals = Iterable[tuple[RegistryName, Outcome, Sequence[Warning]]]


class Explained(Struct, frozen=True):
    """The elements that apply to a repository, with the states of all elements.

    `pairs` are all that AWS has or somebody declares.
    """

    explanation: Explanation
    states: Mapping[str, Elements]
    pairs: Keys

    def answering(self, arrivals: Arrivals) -> Steps[pb.ExplainRepositoryResponse]:
        """Return the answer in steps."""
        explanation = self.explanation
        answer = pb.ExplainRepositoryResponse(
            scan_frequency=fields.number(
                settings_pb2.RegistryScanningRule, "ScanFrequency", explanation.scan_frequency
            ),
            upstream_repository=explanation.upstream_repository or "",
        )
        for name in ("repository_creation_template", "pull_through_cache_rule"):
            alone: list[registry_pb2.Element] = []
            yield from self._adding(alone, filter(None, [getattr(explanation, name)]))
            for each in alone:
                getattr(answer, name).CopyFrom(each)
        for name in _LISTS[:-1]:
            yield from self._adding(getattr(answer, name), getattr(explanation, name))
        replications = (replication.repository_replication(*arrival) for arrival in arrivals)
        yield from fields.adding(answer.replications, replications)
        yield from fitting(answer, RESOURCE_BYTES, _LISTS)
        return answer

    def _adding(self, items: Any, references: Iterable[Reference]) -> Steps[None]:
        named = ((self.states.get(each.setting, {}).get(each.key), each.key) for each in references)
        alone = (replace(state, keys=frozenset((key,))) for state, key in named if state is not None)
        return elements.adding_elements(items, alone, complete=True)


def explaining_repository(repository: str, row: Resource, declared: Sequence[Declaration]) -> Steps[Explained]:
    """Find the elements that apply to a repository, in steps."""
    composition = yield from composing(declared)
    observed = yield from splitting_all(row.registry_state.observed)
    known = {setting: merged(observed[setting], composition.desired.get(setting, {})) for setting in observed}
    yield
    explanation = yield from explaining(repository, known)
    states = yield from collecting_states(row.registry_state, composition)
    by_key = yield from keying(states)
    return Explained(explanation, by_key, keys_of(known[REPLICATION]))
