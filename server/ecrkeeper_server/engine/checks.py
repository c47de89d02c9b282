"""Whether images can arrive at the replication destinations of a registry."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ecrkeeper_server.aws.client import Aws
from ecrkeeper_server.engine import replication_check
from ecrkeeper_server.engine.observe import observe
from ecrkeeper_server.errors import AwsError
from ecrkeeper_server.names import RegistryName, shown
from ecrkeeper_server.settings.arrivals import Arrival, Outcome
from ecrkeeper_server.settings.handshake import SETTINGS_OF_DESTINATION, Check, Destination, check, explain_arrival
from ecrkeeper_server.settings.replication import filters_by_destination
from ecrkeeper_server.settings.setting import Warning

# ECR did not get the question, so these say nothing of the rule.
_NOT_ASKED = frozenset({"AWS_THROTTLED", "AWS_UNAVAILABLE", "AWS_UNREACHABLE"})


async def check_replication(aws: Aws, source: RegistryName, pairs: Iterable[str], now: int) -> list[dict[str, Any]]:
    """One check for each destination of replication pairs."""
    filters = filters_by_destination(pairs)
    return list(await asyncio.gather(*(_check(aws, source, name, filters[name], now) for name in sorted(filters))))


async def explain_arrivals(
    aws: Aws, source: RegistryName, pairs: Iterable[str], repository: str
) -> list[tuple[RegistryName, Outcome, Sequence[Warning]]]:
    """What becomes of one repository at each destination of replication pairs, and why it does not simply arrive."""
    filters = filters_by_destination(pairs)
    return list(
        await asyncio.gather(*(_explain(aws, source, name, filters[name], repository) for name in sorted(filters)))
    )


async def check_cache_rules(
    aws: Aws, registry: RegistryName, rules: Mapping[str, Mapping[str, Any]], before: Mapping[str, str]
) -> dict[str, str]:
    """What ECR says of the cache rules that log in somewhere and cannot, by prefix; `before` where ECR does not say."""
    named = sorted(prefix for prefix, rule in rules.items() if rule.get("credentialArn") or rule.get("customRoleArn"))
    answers = await asyncio.gather(*(_login(aws, registry, prefix) for prefix in named))
    found = {
        prefix: before.get(prefix, "") if failure is None else failure
        for prefix, failure in zip(named, answers, strict=True)
    }
    return {prefix: failure for prefix, failure in found.items() if failure}


async def _login(aws: Aws, registry: RegistryName, prefix: str) -> str | None:
    """Why ECR cannot log in for a rule, empty if it can; None if it could not be asked."""
    params = {"ecrRepositoryPrefix": prefix}
    try:
        answer = await aws.call(registry.account, registry.region, "ecr", "ValidatePullThroughCacheRule", params)
    except AwsError as error:
        return None if error.reason in _NOT_ASKED else error.message
    return "" if answer.get("isValid") else str(answer.get("failure") or "ECR cannot log in to the upstream")


async def _explain(
    aws: Aws, source: RegistryName, name: RegistryName, filters: Collection[str], repository: str
) -> tuple[RegistryName, Outcome, Sequence[Warning]]:
    if not repository.startswith(tuple(filters)):
        what = f"no filter of the replication to {name} is a prefix of {shown(repository)}"
        return name, Outcome.DOES_NOT_ARRIVE, [Warning("REPLICATION_FILTER_DOES_NOT_MATCH", str(name), what)]
    try:
        destination = await _observe(aws, source, name)
    except AwsError as error:
        return name, Outcome.UNKNOWN, [Warning(error.reason, str(name), error.message)]
    return name, *explain_arrival(destination, repository)


async def _check(
    aws: Aws, source: RegistryName, name: RegistryName, filters: Collection[str], now: int
) -> dict[str, Any]:
    try:
        found = check(await _observe(aws, source, name), filters)
    except AwsError as error:
        unknown = Arrival(Outcome.UNKNOWN, tuple(sorted(filters)), (), "")
        found = Check("UNKNOWN", (Warning(error.reason, str(name), error.message),), (unknown,))
    return replication_check.to_json(name, found, now)


async def _observe(aws: Aws, source: RegistryName, name: RegistryName) -> Destination:
    # The scope decides only whether a policy binds the registry's own account.
    own = source.account == name.account
    wanted = [setting for setting in SETTINGS_OF_DESTINATION if own or setting != "account_settings"]
    seen = await observe(aws, name, wanted)
    return Destination(
        source,
        name,
        policy=seen["registry_policy"].elements,
        scope=seen["account_settings"].elements.get("REGISTRY_POLICY_SCOPE") if own else None,
        templates=seen["repository_creation_templates"].elements,
    )
