"""RegistrySettingsService: checks of cache rules, replication and names."""

from __future__ import annotations

from collections.abc import Iterable

from ecrkeeper.v1 import registry_settings_service_pb2 as pb

from ecrkeeper_server.api.layers.layer import Context
from ecrkeeper_server.api.messages import fields, replication
from ecrkeeper_server.api.messages.explanation import explaining_repository
from ecrkeeper_server.api.messages.sizes import RESOURCE_BYTES, fitting
from ecrkeeper_server.api.services.context import Dependencies, now_micros
from ecrkeeper_server.api.services.not_found import asking_for
from ecrkeeper_server.api.services.registries import refreshed
from ecrkeeper_server.api.services.stored_registry import read_registry
from ecrkeeper_server.declarations.costs import cost_in_turns, view_cost
from ecrkeeper_server.ecr.checks import check_replication, explain_arrivals
from ecrkeeper_server.ecr.observe import observe
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings.elements import keys_of
from ecrkeeper_server.settings.explain import REPLICATION
from ecrkeeper_server.settings.ownership import composing
from ecrkeeper_server.store.replication_checks import StoredCheck
from ecrkeeper_server.turns import Steps, work

_FAILURE_CHARACTERS = 1_000


class RegistryChecks:
    """Check cache rules and replication, and explain repositories."""

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps

    async def ValidatePullThroughCacheRule(
        self, request: pb.ValidatePullThroughCacheRuleRequest, context: Context
    ) -> pb.ValidatePullThroughCacheRuleResponse:
        """Make ECR log in to an upstream."""
        name = RegistryName.parse(request.name)
        params = {"ecrRepositoryPrefix": request.ecr_repository_prefix}
        with asking_for("PullThroughCacheRule", f"{name} {request.ecr_repository_prefix}"):
            answer = await self._deps.aws.call(name.account, name.region, "ecr", "ValidatePullThroughCacheRule", params)
        return pb.ValidatePullThroughCacheRuleResponse(
            is_valid=bool(answer.get("isValid")), failure=str(answer.get("failure") or "")[:_FAILURE_CHARACTERS]
        )

    async def CheckReplication(
        self, request: pb.CheckReplicationRequest, context: Context
    ) -> pb.CheckReplicationResponse:
        """Check the replication destinations."""
        name = RegistryName.parse(request.name)
        observed = await observe(self._deps.aws, name, [REPLICATION])
        _, declared = await read_registry(self._deps, name)
        elements = await cost_in_turns([each.settings for each in declared]) + observed[REPLICATION].size
        composition = await work().charged(composing(declared), elements)
        desired = composition.desired.get(REPLICATION, {})
        pairs = keys_of(observed[REPLICATION].elements) | keys_of(desired)
        checks = await check_replication(self._deps.aws, name, pairs, now_micros())
        answer = pb.CheckReplicationResponse()
        await work().run(_adding_checks(answer, checks))
        return answer

    async def ExplainRepository(
        self, request: pb.ExplainRepositoryRequest, context: Context
    ) -> pb.ExplainRepositoryResponse:
        """Return the settings that apply to one repository name."""
        name = RegistryName.parse(request.name)
        row, declared = await read_registry(self._deps, name)
        row = await refreshed(self._deps, name, row)
        elements = await view_cost(row, declared)
        explained = await work().charged(explaining_repository(request.repository, row, declared), elements)
        arrivals = await explain_arrivals(self._deps.aws, name, explained.pairs, request.repository)
        return await work().run(explained.answering(arrivals), elements)


def _adding_checks(answer: pb.CheckReplicationResponse, checks: Iterable[StoredCheck]) -> Steps[None]:
    yield from fields.adding(answer.checks, map(replication.replication_check, checks))
    yield from fitting(answer, RESOURCE_BYTES, ("checks",))
