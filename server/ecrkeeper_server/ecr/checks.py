"""Check whether images arrive at the replication destinations of a registry."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence

from ecrkeeper_server.aws.client import Aws
from ecrkeeper_server.aws_errors import AwsError
from ecrkeeper_server.ecr.observe import observe
from ecrkeeper_server.names import RegistryName, shown
from ecrkeeper_server.settings.arrivals import Arrival, Outcome
from ecrkeeper_server.settings.elements import Elements
from ecrkeeper_server.settings.pair_keys import PairKeys
from ecrkeeper_server.settings.replication import filters_by_destination
from ecrkeeper_server.settings.replication_access import (
    SETTINGS_OF_DESTINATION,
    Check,
    Destination,
    checking,
    explaining_arrival,
)
from ecrkeeper_server.settings.setting import Read, Setting, Warning, no_trial
from ecrkeeper_server.store.replication_checks import StoredCheck
from ecrkeeper_server.turns import work

# ECR did not receive the request, so these errors say nothing about the rule.
_NOT_ASKED = frozenset({"AWS_THROTTLED", "AWS_UNAVAILABLE", "AWS_UNREACHABLE"})


async def check_replication(aws: Aws, source: RegistryName, pairs: Iterable[str], now: int) -> list[StoredCheck]:
    """Return one check for each destination of replication pairs."""
    filters = await _by_destination(pairs)
    return list(await asyncio.gather(*(_check(aws, source, name, filters[name], now) for name in sorted(filters))))


async def explain_arrivals(
    aws: Aws, source: RegistryName, pairs: Iterable[str], repository: str
) -> list[tuple[RegistryName, Outcome, Sequence[Warning]]]:
    """Return the outcome and its reasons for one repository at each destination."""
    filters = await _by_destination(pairs)
    return list(
        await asyncio.gather(*(_explain(aws, source, name, filters[name], repository) for name in sorted(filters)))
    )


async def _by_destination(pairs: Iterable[str]) -> Mapping[RegistryName, Collection[str]]:
    keys = PairKeys.of(pairs)
    return await work().run(filters_by_destination(keys), len(keys.rows))


async def try_elements(
    aws: Aws, registry: RegistryName, setting: Setting, elements: Elements, before: Mapping[str, str]
) -> dict[str, str]:
    """Return the reasons why ECR cannot use accepted elements, by key.

    An element for which ECR gives no answer keeps the reason of `before`.
    """
    if setting.trial is no_trial:
        return {}
    trials = {key: call for key in sorted(elements) if (call := setting.trial(key, elements[key])) is not None}
    if not trials:
        return {}
    answers = await asyncio.gather(*(_try(aws, registry, setting, call) for call in trials.values()))
    result = {
        key: before.get(key, "") if failure is None else failure for key, failure in zip(trials, answers, strict=True)
    }
    return {key: failure for key, failure in result.items() if failure}


async def _try(aws: Aws, registry: RegistryName, setting: Setting, call: Read) -> str | None:
    """Return why ECR cannot use an element; empty if it can, None without an answer."""
    try:
        answer = await aws.call(registry.account, registry.region, "ecr", call.operation, dict(call.params))
    except AwsError as error:
        return None if error.reason in _NOT_ASKED else error.message
    return setting.trial_failure(answer)


async def _explain(
    aws: Aws, source: RegistryName, name: RegistryName, filters: Collection[str], repository: str
) -> tuple[RegistryName, Outcome, Sequence[Warning]]:
    if not repository.startswith(tuple(filters)):
        message = f"no filter of the replication to {name} is a prefix of {shown(repository)}"
        return name, Outcome.DOES_NOT_ARRIVE, [Warning("REPLICATION_FILTER_DOES_NOT_MATCH", str(name), message)]
    try:
        destination, elements = await _observe(aws, source, name)
    except AwsError as error:
        return name, Outcome.UNKNOWN, [Warning(error.reason, str(name), error.message)]
    # Even a few patterns can take long.
    work().charge(elements)
    return name, *(await work().run(explaining_arrival(destination, repository)))


async def _check(aws: Aws, source: RegistryName, name: RegistryName, filters: Collection[str], now: int) -> StoredCheck:
    try:
        destination, elements = await _observe(aws, source, name)
        work().charge(elements + len(filters))
        result = await work().run(checking(destination, filters))
    except AwsError as error:
        unknown = Arrival(Outcome.UNKNOWN, tuple(sorted(filters)), (), "")
        result = Check("UNKNOWN", (Warning(error.reason, str(name), error.message),), (unknown,))
    return StoredCheck.of(name, result, now)


async def _observe(aws: Aws, source: RegistryName, name: RegistryName) -> tuple[Destination, int]:
    """Return the state of a destination, and its cost in elements."""
    # The scope only decides whether a policy binds the registry's own account.
    own = source.account == name.account
    wanted = [setting for setting in SETTINGS_OF_DESTINATION if own or setting != "account_settings"]
    observed = await observe(aws, name, wanted)
    destination = Destination(
        source,
        name,
        policy=observed["registry_policy"].elements,
        scope=observed["account_settings"].elements.get("REGISTRY_POLICY_SCOPE") if own else None,
        templates=observed["repository_creation_templates"].elements,
    )
    return destination, sum(each.size for each in observed.values())
