"""Accounts and registry sets between proto messages and values."""

from __future__ import annotations

from typing import Any

from ecrkeeper.v1 import common_pb2, fleet_pb2
from google.protobuf import duration_pb2
from msgspec.structs import replace

from ecrkeeper_server.errors import InvalidArgument, Violation
from ecrkeeper_server.names import partition_of, shown
from ecrkeeper_server.settings.codec import converting, filling_settings, word
from ecrkeeper_server.store.fleet_rows import AccountRow
from ecrkeeper_server.store.fleet_specs import (
    AccountState,
    Amount,
    Gate,
    Override,
    Selector,
    SetSpec,
    Wave,
)
from ecrkeeper_server.turns import Steps, finish

ACCOUNT_PATHS = ("display_name", "labels", "organizational_unit", "state", "enabled_regions")
SET_PATHS = (
    "selector", "settings", "overrides", "strategy", "deletion_policy", "allow_replacement", "max_removals",
)  # fmt: skip
_EMPTY = (
    "must be given, got none; send `settings: {}` to declare nothing, or name what to change of a set that exists in"
    " `update_mask`"
)


def changed_account(row: AccountRow, message: fleet_pb2.Account, paths: set[str]) -> AccountRow:
    """Return an account with the masked fields of a message.

    InvalidArgument names unknown Regions.
    """
    unknown = [
        Violation(f"account.enabled_regions[{at}]", f"must be an AWS Region such as `us-east-1`, got {shown(region)}")
        for at, region in enumerate(message.enabled_regions)
        if partition_of(region) is None and "enabled_regions" in paths
    ]
    if unknown:
        raise InvalidArgument(unknown)
    fields: dict[str, Any] = {
        "display_name": message.display_name,
        "labels": dict(message.labels),
        "organizational_unit": message.organizational_unit,
        "state": AccountState(word(fleet_pb2.Account.State, message.state or fleet_pb2.Account.ACTIVE)),
        "regions": sorted(set(message.enabled_regions)),
    }
    names = {"regions" if path == "enabled_regions" else path for path in paths}
    return replace(row, **{name: value for name, value in fields.items() if name in names})


def _selector(message: fleet_pb2.RegistrySelector) -> Selector:
    return Selector(message.accounts, tuple(message.regions), tuple(message.exclude))


def _amount(message: Any, name: str, path: str, violations: list[Violation]) -> Amount | None:
    if not message.HasField(name):
        return None
    amount = getattr(message, name)
    kind = amount.WhichOneof("amount")
    if kind is None:
        violations.append(Violation(f"{path}.{name}", "must have `count` or `percent`, got neither"))
        return None
    return Amount(getattr(amount, kind), percent=kind == "percent")


def _wave(message: fleet_pb2.RolloutWave, path: str, violations: list[Violation]) -> Wave:
    kind = message.WhichOneof("targets")
    if kind is None:
        violations.append(Violation(path, "must have one of `selector`, `count`, `percent` and `rest`, got none"))
    share = Amount(getattr(message, kind), percent=kind == "percent") if kind in ("count", "percent") else None
    return Wave(
        selector=_selector(message.selector) if kind == "selector" else None,
        share=share,
        max_concurrent=_amount(message, "max_concurrent", path, violations),
        failure_tolerance=_amount(message, "failure_tolerance", path, violations),
        bake_seconds=message.bake.seconds + (message.bake.nanos > 0),
        gate=Gate(word(fleet_pb2.RolloutWave.Gate, message.gate or fleet_pb2.RolloutWave.NONE)),
    )


def set_spec(present: SetSpec | None, message: fleet_pb2.RegistrySet, paths: set[str]) -> SetSpec:
    """Return the present set with the masked fields of a message.

    Without a mask, all fields are taken (AIP-134).
    """
    return finish(reading_set(present, message, paths))


def reading_set(present: SetSpec | None, message: fleet_pb2.RegistrySet, paths: set[str]) -> Steps[SetSpec]:
    """Return the same in steps."""
    masked = set(SET_PATHS) if present is None else paths
    violations: list[Violation] = []
    if "settings" in masked and not message.HasField("settings"):
        violations.append(Violation("registry_set.settings", _EMPTY))
    if "selector" in masked and not message.HasField("selector"):
        violations.append(Violation("registry_set.selector", "must be given, got none; `{}` matches every account"))
    whole = yield from _reading_spec(message, violations)
    if violations:
        raise InvalidArgument(violations)
    if present is None:
        return whole
    names = {"waves" if path == "strategy" else path for path in masked}
    return replace(present, **{name: getattr(whole, name) for name in names})


def _reading_spec(message: fleet_pb2.RegistrySet, violations: list[Violation]) -> Steps[SetSpec]:
    settings = yield from converting(message.settings)
    overrides = []
    for each in message.overrides:
        yield
        overrides.append(Override(_selector(each.selector), (yield from converting(each.settings))))
    return SetSpec(
        selector=_selector(message.selector),
        settings=settings,
        overrides=tuple(overrides),
        waves=tuple(
            _wave(wave, f"registry_set.strategy.waves[{at}]", violations)
            for at, wave in enumerate(message.strategy.waves)
        ),
        deletion_policy=word(common_pb2.DeletionPolicy, message.deletion_policy or common_pb2.REMOVE),
        allow_replacement=message.allow_replacement,
        max_removals=_amount(message, "max_removals", "registry_set", violations),
    )


def _selector_message(selector: Selector) -> fleet_pb2.RegistrySelector:
    return fleet_pb2.RegistrySelector(accounts=selector.accounts, regions=selector.regions, exclude=selector.exclude)


def _amount_message(amount: Amount) -> fleet_pb2.TargetAmount:
    return fleet_pb2.TargetAmount(**{"percent" if amount.percent else "count": amount.number})


def _wave_message(wave: Wave) -> fleet_pb2.RolloutWave:
    message = fleet_pb2.RolloutWave(
        max_concurrent=_amount_message(wave.max_concurrent) if wave.max_concurrent else None,
        failure_tolerance=_amount_message(wave.failure_tolerance) if wave.failure_tolerance else None,
        gate=_number(fleet_pb2.RolloutWave, "Gate", wave.gate if wave.gate is not Gate.NONE else None),
    )
    if wave.bake_seconds:
        message.bake.CopyFrom(duration_pb2.Duration(seconds=wave.bake_seconds))
    if wave.selector is not None:
        message.selector.CopyFrom(_selector_message(wave.selector))
    elif wave.share is None:
        message.rest = True
    elif wave.share.percent:
        message.percent = wave.share.number
    else:
        message.count = wave.share.number
    return message


def strategy(waves: tuple[Wave, ...]) -> fleet_pb2.RolloutStrategy:
    """The waves of a set or of a rollout."""
    return fleet_pb2.RolloutStrategy(waves=map(_wave_message, waves))


def set_content(spec: SetSpec) -> fleet_pb2.RegistrySet:
    """The fields of a set that calls change."""
    message = fleet_pb2.RegistrySet()
    finish(filling_set(spec, message))
    return message


def filling_set(spec: SetSpec, message: fleet_pb2.RegistrySet) -> Steps[None]:
    """Set the fields of a set that calls change, in steps."""
    message.selector.CopyFrom(_selector_message(spec.selector))
    message.deletion_policy = _number(common_pb2, "DeletionPolicy", spec.deletion_policy)
    message.allow_replacement = spec.allow_replacement
    if spec.max_removals is not None:
        message.max_removals.CopyFrom(_amount_message(spec.max_removals))
    yield from filling_settings(message.settings, spec.settings)
    for each in spec.overrides:
        override = message.overrides.add(selector=_selector_message(each.selector))
        yield from filling_settings(override.settings, each.settings)
    if spec.waves:
        message.strategy.CopyFrom(strategy(spec.waves))


def _number(message: Any, enum: str, name: str | None) -> Any:
    return getattr(message, enum).Value(name) if name else 0
