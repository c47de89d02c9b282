"""Plans for `validate_only`: the AWS calls of a write, and warnings."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from typing import Any

from ecrkeeper.v1 import common_pb2
from msgspec import Struct

from ecrkeeper_server.api.messages import differences
from ecrkeeper_server.api.messages.json_values import making_struct, struct_of
from ecrkeeper_server.api.messages.sizes import fitting_plan
from ecrkeeper_server.api.services.context import Dependencies
from ecrkeeper_server.aws.client import Aws
from ecrkeeper_server.aws.limits import least_seconds
from ecrkeeper_server.aws_errors import AwsError
from ecrkeeper_server.declarations.plan_digest import Basis, PlanDigest
from ecrkeeper_server.ecr.apply import change
from ecrkeeper_server.ecr.custom_roles import check_custom_roles
from ecrkeeper_server.ecr.observe import Observed, try_observe
from ecrkeeper_server.names import RegistryName, partition_of
from ecrkeeper_server.roles.catalogue import RoleKind
from ecrkeeper_server.roles.plan import ObservedRole, calls_for, is_lookalike, lookalike_error
from ecrkeeper_server.settings.advice import READ_ALONG, advising
from ecrkeeper_server.settings.algebra import Composition
from ecrkeeper_server.settings.elements import Elements, size_of
from ecrkeeper_server.settings.guards import permitted
from ecrkeeper_server.settings.ownership import managed, owned_elements, planning, verified
from ecrkeeper_server.settings.plan import Plan
from ecrkeeper_server.settings.replication import destinations
from ecrkeeper_server.settings.setting import Warning
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.store.rows import Resource
from ecrkeeper_server.store.specs import Mode, RegistrySpec, UnmanagedElements
from ecrkeeper_server.store.states import RegistryState
from ecrkeeper_server.turns import Steps, work


async def registry_plan(
    deps: Dependencies,
    registry: RegistryName,
    spec: RegistrySpec,
    state: RegistryState,
    composition: Composition,
    allowing: Collection[str],
    basis: Basis,
) -> common_pb2.Plan:
    """Return the ordered calls with their changes, on the current settings in AWS.

    `allowing` are the owners that allow replacements. The digest is that of the write that the plan is for.
    """
    applied, unconfirmed = owned_elements(state.applied, spec.abandoned, composition.desired), state.unconfirmed
    # The rest of a large state would stay in memory while the plan waits for AWS.
    del state
    names = managed(composition.desired, applied)
    message = common_pb2.Plan()
    _check_regions(message, deps.aws, registry, composition.desired.get("replication_configuration", {}))
    settings = await _read(message, deps, registry, names)
    if settings is None:
        return message
    observed = settings.observed
    elements = {name: observed[name].elements for name in names if name in observed}
    size = sum(each.size for each in observed.values()) + sum(map(size_of, composition.desired.values()))
    message.digest = await _digest(basis, observed, settings.unread, size)
    applied, _ = await work().step(verified, applied, unconfirmed, elements, elements=size)
    prune = spec.unmanaged_elements is UnmanagedElements.PRUNE
    plans = await work().run(planning(composition.desired, applied, elements, prune=prune), size)
    planned = {name: plan for name, plan in plans.items() if _is_writable(message, name, observed[name])}
    known = _known(composition, observed)
    for name, plan in planned.items():
        permitted_plan = await work().step(_permitted, message, plan, registry, composition, allowing, elements=size)
        await work().run(_adding_calls(message, registry, permitted_plan, observed[name], known), size)
    before = {**settings.beside, **elements}
    after = {**before, **{name: plan.target for name, plan in planned.items()}}
    _warn(message, await work().run(advising(before, after), size))
    async with work().released():
        warnings = await check_custom_roles(deps.aws, registry, planned.values())
    _warn(message, warnings)
    _check_mode(message, str(registry), spec.mode)
    _add_duration(message)
    await work().run(fitting_plan(message), size)
    return message


class _Settings(Struct, frozen=True):
    """The settings in AWS, the errors of unreadable ones, and others for advice."""

    observed: Mapping[str, Observed]
    unread: Mapping[str, AwsError]
    beside: Mapping[str, Elements]


async def _read(
    message: common_pb2.Plan, deps: Dependencies, registry: RegistryName, names: Collection[str]
) -> _Settings | None:
    """Read settings, and warn of unreadable ones.

    None if the Region is unknown and does not answer.
    """
    # The scope, whoever set it, determines the statements that AWS accepts.
    context = ["account_settings"] if "registry_policy" in names else []
    try:
        (observed, unread), beside = await asyncio.gather(
            try_observe(deps.aws, registry, dict.fromkeys([*names, *context]), deps.home_region),
            _read_along(deps.aws, registry, names),
        )
    except AwsError as failed:
        if registry.region in deps.aws.regions(registry.partition):
            raise
        # An unknown Region may have no endpoint; the warning says more than a failing call.
        message.warnings.add(reason=failed.reason, subject=str(registry), message=failed.message)
        return None
    for name, error in unread.items():
        if name in names:
            message.warnings.add(reason=error.reason, subject=name, message=error.message)
    return _Settings(observed, unread, beside)


def _permitted(
    message: common_pb2.Plan,
    plan: Plan,
    registry: RegistryName,
    composition: Composition,
    allowing: Collection[str],
) -> Plan:
    """Return the part of a plan that the engine would carry out; warn of the rest."""
    allowed, rejected = permitted(plan, registry, composition, allowing)
    if rejected is not None:
        message.warnings.add(reason=rejected.reason, subject=plan.setting, message=rejected.message)
    return allowed


def _known(composition: Composition, observed: Mapping[str, Observed]) -> dict[str, Elements]:
    """Return the desired elements; undeclared account settings stay as they are."""
    desired = dict(composition.desired)
    if "account_settings" in observed:
        desired["account_settings"] = {**observed["account_settings"].elements, **desired.get("account_settings", {})}
    return desired


async def _digest(basis: Basis, observed: Mapping[str, Observed], unread: Mapping[str, AwsError], size: int) -> str:
    """Return the digest; it does not depend on the order of AWS's answers."""
    parts: dict[str, Any] = {name: error.reason for name, error in unread.items()}
    for name, one in observed.items():
        shape = await work().run(SETTINGS[name].joining(one.elements), one.size)
        parts[name] = [shape, sorted(one.unknown)]
    return str(await work().run(PlanDigest.making(basis, parts), size))


def _is_writable(message: common_pb2.Plan, name: str, observed: Observed) -> bool:
    """Return whether this version may write a setting; warn if not."""
    if observed.unknown:
        lost = ", ".join(observed.unknown)
        text = f"AWS has members that this version does not know, so ecrkeeper does not write the setting: {lost}"
        message.warnings.add(reason="UNKNOWN_MEMBERS", subject=name, message=text)
    return not observed.unknown


async def _read_along(aws: Aws, registry: RegistryName, names: Collection[str]) -> dict[str, Elements]:
    """Return the other settings that advice needs, as far as ecrkeeper can read them."""
    names_beside = dict.fromkeys(other for name in names for other in READ_ALONG.get(name, ()) if other not in names)
    if not names_beside:
        return {}
    try:
        observed, _ = await try_observe(aws, registry, names_beside)
    except AwsError:
        # A plan does not need advice; a read that matters fails elsewhere.
        return {}
    return {name: one.elements for name, one in observed.items()}


def _warn(message: common_pb2.Plan, warnings: Iterable[Warning]) -> None:
    for warning in warnings:
        message.warnings.add(reason=warning.reason, subject=warning.subject, message=warning.message)


def _adding_calls(
    message: common_pb2.Plan, registry: RegistryName, planned: Plan, observed: Observed, context: Mapping[str, Any]
) -> Steps[None]:
    setting = SETTINGS[planned.setting]
    for call in (yield from setting.calling(planned, observed.shape)):
        yield
        request = yield from making_struct(call.params)
        added = message.calls.add(service=call.service, operation=call.operation, request=request)
        yield from differences.adding_changes(added.changes, call.changes)
    yield
    _warn(message, setting.warnings(planned, registry, context))


def _add_duration(message: common_pb2.Plan) -> None:
    """Set the least duration, if the calls cannot be made at once."""
    seconds = least_seconds((call.service, call.operation) for call in message.calls)
    if seconds:
        message.least_duration.FromTimedelta(timedelta(seconds=seconds))


def role_plan(kind: RoleKind, row: Resource, observed: ObservedRole | None) -> common_pb2.Plan:
    """Return the calls that turn the observed role into the desired one.

    The digest is that of a write of the desired one.
    """
    role = None if observed is None else observed.to_json()
    message = common_pb2.Plan(digest=str(PlanDigest.of(Basis([row.name, row.spec], row.etag), {"role in IAM": role})))
    if observed is not None and is_lookalike(kind, observed):
        rejected = lookalike_error(kind, observed)
        message.warnings.add(reason=rejected.reason, subject=row.name, message=rejected.message)
        return message
    calls = calls_for(kind, row.role_spec, row.role_state.applied_tags, observed)
    for call in calls:
        request = struct_of(call.params)
        planned = message.calls.add(service="iam", operation=call.operation, request=request)
        planned.changes.extend(differences.changes(change(*one) for one in call.changes))
    _check_mode(message, row.name, row.mode)
    return message


def _check_regions(message: common_pb2.Plan, aws: Aws, registry: RegistryName, pairs: Collection[str]) -> None:
    """Warn of Regions that this version does not know: they may be new or mistyped."""
    for region in sorted({registry.region, *(each.region for each in destinations(pairs))}):
        if region not in aws.regions(partition_of(region) or ""):
            text = f"{region} is not a Region that this version knows; ListSupportedRegions lists the known ones"
            message.warnings.add(reason="REGION_UNKNOWN", subject=region, message=text)


def _check_mode(message: common_pb2.Plan, name: str, mode: Mode) -> None:
    if mode is not Mode.ENFORCE and message.calls:
        message.warnings.add(
            reason="NOT_ENFORCED", subject=name, message=f"the mode is {mode}: ecrkeeper makes none of these calls"
        )
