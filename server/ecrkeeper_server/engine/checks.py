"""Whether images can arrive at the replication destinations of a registry."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from ecrkeeper_server.aws.client import Aws
from ecrkeeper_server.engine.observe import observe
from ecrkeeper_server.errors import AwsError
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings.handshake import SETTINGS_OF_DESTINATION, check


async def check_replication(aws: Aws, source: RegistryName, pairs: Iterable[str], now: int) -> list[dict[str, Any]]:
    """One check for each destination of replication pairs with keys `{account}/{region}:{filter}`."""
    places = sorted({key.split(":", 1)[0] for key in pairs})
    destinations = [RegistryName(*place.split("/", 1)) for place in places]
    return list(await asyncio.gather(*(_check(aws, source, destination, now) for destination in destinations)))


async def check_cache_rules(aws: Aws, registry: RegistryName, rules: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """What ECR says of the cache rules that log in somewhere and cannot, by prefix."""
    named = sorted(prefix for prefix, rule in rules.items() if rule.get("credentialArn") or rule.get("customRoleArn"))
    answers = await asyncio.gather(*(_login(aws, registry, prefix) for prefix in named))
    return {prefix: failure for prefix, failure in zip(named, answers, strict=True) if failure}


async def _login(aws: Aws, registry: RegistryName, prefix: str) -> str:
    params = {"ecrRepositoryPrefix": prefix}
    try:
        answer = await aws.call(registry.account, registry.region, "ecr", "ValidatePullThroughCacheRule", params)
    except AwsError as error:
        return error.message
    return "" if answer.get("isValid") else str(answer.get("failure") or "ECR cannot log in to the upstream")


async def _check(aws: Aws, source: RegistryName, destination: RegistryName, now: int) -> dict[str, Any]:
    try:
        seen = await observe(aws, destination, SETTINGS_OF_DESTINATION)
    except AwsError as error:
        finding = {"reason": error.reason, "subject": str(destination), "message": error.message}
        return _result(destination, "UNKNOWN", [finding], now)
    found = check(
        source,
        destination,
        policy=seen["registry_policy"].elements,
        scope=seen["account_settings"].elements.get("REGISTRY_POLICY_SCOPE"),
        templates=seen["repository_creation_templates"].elements,
    )
    findings = [{"reason": f.reason, "subject": f.subject, "message": f.message} for f in found]
    unknown = bool(found) and all(f.reason.endswith("_CONDITIONAL") for f in found)
    return _result(destination, "OK" if not found else "UNKNOWN" if unknown else "BROKEN", findings, now)


def _result(destination: RegistryName, result: str, findings: list[dict[str, str]], now: int) -> dict[str, Any]:
    return {
        "destination": {"registryId": destination.account, "region": destination.region},
        "result": result,
        "findings": findings,
        "time": now,
    }
