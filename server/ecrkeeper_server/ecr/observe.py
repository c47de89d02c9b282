"""Read settings and roles from AWS."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from ecrkeeper_server.aws.client import Aws
from ecrkeeper_server.aws_errors import AwsError
from ecrkeeper_server.ecr.answer_limit import TOO_LARGE, checking_cost
from ecrkeeper_server.ecr.paging import read_list
from ecrkeeper_server.ecr.regions import explained
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.roles.catalogue import RoleKind
from ecrkeeper_server.roles.plan import ObservedRole
from ecrkeeper_server.settings.algebra import splitting
from ecrkeeper_server.settings.elements import Elements, tally
from ecrkeeper_server.settings.setting import Read, Setting
from ecrkeeper_server.settings.table import SETTINGS, finding_unknown
from ecrkeeper_server.turns import MANY, Steps, work

# Errors that every other read of the account would also meet.
EVERYWHERE = frozenset({"AWS_THROTTLED", "AWS_CREDENTIALS_REJECTED", "AWS_NO_CREDENTIALS", "WRONG_ACCOUNT"})


class Observed(Struct, frozen=True):
    """One setting as AWS has it; `unknown` are members that this version lacks."""

    shape: dict[str, Any]
    elements: Elements
    unknown: list[str]
    # The cost of the shape.
    size: int = 0


class Reading(Struct, frozen=True):
    """The shape of one setting as AWS has it, and its cost in elements."""

    shape: dict[str, Any]
    size: int


async def observe(aws: Aws, registry: RegistryName, names: Iterable[str], home: str = "") -> dict[str, Observed]:
    """Read the named settings of a registry in parallel; raise the first error."""
    results, errors = await try_observe(aws, registry, names, home)
    if not errors:
        return results
    try:
        raise next(iter(errors.values()))
    finally:
        # This frame would hold the error, and the error this frame.
        del errors


async def try_observe(
    aws: Aws, registry: RegistryName, names: Iterable[str], home: str = ""
) -> tuple[dict[str, Observed], dict[str, AwsError]]:
    """Return the readable settings, and the errors of the others; see `try_read`."""
    readings, errors = await try_read(aws, registry, names, home)
    return await observed_in(readings), errors


async def try_read(
    aws: Aws, registry: RegistryName, names: Iterable[str], home: str = ""
) -> tuple[dict[str, Reading], dict[str, AwsError]]:
    """Return the shapes of the readable settings, and the errors of the others.

    Raises errors that all reads would meet. With a `home` Region, the error of a
    disabled Region says so.
    """
    wanted = [SETTINGS[name] for name in names]
    reads = (_read_setting(aws, registry, setting) for setting in wanted)
    results: dict[str, Reading] = {}
    errors: dict[str, AwsError] = {}
    async with work().released():
        read = await asyncio.gather(*reads, return_exceptions=True)
    for setting, result in zip(wanted, read, strict=True):
        if isinstance(result, Reading):
            results[setting.name] = result
        elif isinstance(result, AwsError) and result.reason not in EVERYWHERE:
            errors[setting.name] = result
        elif isinstance(result, AwsError):
            raise await explained(aws, registry, home, result)
        else:
            raise result
    # If one setting is too large, the others may still be readable.
    met = [error for error in errors.values() if error.reason != TOO_LARGE]
    if met and not results and len(met) == len(errors):
        raise await explained(aws, registry, home, met[0])
    return results, errors


async def observed_in(readings: Mapping[str, Reading]) -> dict[str, Observed]:
    """Return the elements of shapes, and the members that this version lacks."""
    return {
        name: await work().run(_observed(SETTINGS[name], reading), reading.size) for name, reading in readings.items()
    }


async def observe_setting(aws: Aws, registry: RegistryName, setting: Setting) -> Observed:
    """Read one setting of a registry."""
    reading = await _read_setting(aws, registry, setting)
    return await work().run(_observed(setting, reading), reading.size)


async def _read_setting(aws: Aws, registry: RegistryName, setting: Setting) -> Reading:
    first, *others = setting.reads
    # Most settings need one read, which runs in the current task.
    responses = (
        await asyncio.gather(*(_read(aws, registry, read) for read in setting.reads))
        if others
        else [await _read(aws, registry, first)]
    )
    shape = setting.observed(responses)
    size = sum(tally(shape, MANY))
    if size >= MANY:
        size = await work().run(checking_cost(setting.name, shape))
    return Reading(shape, size)


def _observed(setting: Setting, reading: Reading) -> Steps[Observed]:
    shape = reading.shape
    elements = yield from splitting(setting, shape)
    unknown = yield from finding_unknown(setting.name, shape)
    return Observed(shape, elements, unknown, reading.size)


async def _read(aws: Aws, registry: RegistryName, read: Read) -> dict[str, Any] | None:
    account, region = registry.account, registry.region
    try:
        if read.items is None:
            return await aws.call(account, region, "ecr", read.operation, dict(read.params))
        return {read.items: await read_list(aws, account, region, "ecr", read.operation, read.params, items=read.items)}
    except AwsError as error:
        if error.aws_code in read.absent:
            return None
        raise


async def observe_role(aws: Aws, account: str, region: str, kind: RoleKind) -> ObservedRole | None:
    """Return a role as IAM has it, or None."""
    try:
        answer = await aws.call(account, region, "iam", "GetRole", {"RoleName": kind.role_name})
    except AwsError as error:
        if error.aws_code == "NoSuchEntity":
            return None
        raise
    role = answer["Role"]
    return ObservedRole(
        role_id=role["RoleId"],
        arn=role["Arn"],
        path=role["Path"],
        description=role.get("Description", ""),
        tags={tag["Key"]: tag["Value"] for tag in role.get("Tags", [])},
        create_time=int(role["CreateDate"].timestamp() * 1_000_000),
    )
