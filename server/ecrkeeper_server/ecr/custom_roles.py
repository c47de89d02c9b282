"""Check the custom roles of a plan, as far as IAM permissions allow."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from ecrkeeper_server.aws.client import Aws
from ecrkeeper_server.aws_errors import AwsError
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.roles.catalogue import ROLES
from ecrkeeper_server.settings.custom_roles import judge_role, name_of, roles_of
from ecrkeeper_server.settings.plan import Plan
from ecrkeeper_server.settings.setting import Warning
from ecrkeeper_server.settings.table import SETTINGS

# A registry may name a hundred roles, and the whole account shares IAM's quota.
_MAX_CONCURRENT = 4


async def check_custom_roles(aws: Aws, registry: RegistryName, planned: Iterable[Plan]) -> list[Warning]:
    """Warn of custom roles that a plan newly names and that ECR cannot use."""
    used: dict[str, list[tuple[str, str]]] = {}
    for plan in planned:
        needed = SETTINGS[plan.setting].role
        for role, keys in roles_of(plan.changes).items():
            service = ROLES[needed].service_name if needed else ""
            used.setdefault(role, []).extend((service, key) for key in keys)
    capacity = asyncio.Semaphore(_MAX_CONCURRENT)

    async def check(role: str) -> list[Warning]:
        async with capacity:
            try:
                observed = await _role(aws, registry, name_of(role))
            except AwsError as error:
                # An unreadable role is not an error of the plan.
                denied = error.reason == "AWS_ACCESS_DENIED"
                return [] if denied else [Warning(error.reason, role, error.message)]
        warnings = (judge_role(role, service, observed, key) for service, key in used[role])
        return [warning for warning in warnings if warning is not None]

    return [warning for warnings in await asyncio.gather(*map(check, sorted(used))) for warning in warnings]


async def _role(aws: Aws, registry: RegistryName, name: str) -> Mapping[str, Any] | None:
    try:
        answer = await aws.call(registry.account, registry.region, "iam", "GetRole", {"RoleName": name})
    except AwsError as error:
        if error.aws_code == "NoSuchEntity":
            return None
        raise
    role = answer.get("Role")
    return role if isinstance(role, Mapping) else {}
