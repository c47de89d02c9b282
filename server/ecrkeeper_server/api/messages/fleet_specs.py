"""What messages ask of accounts and registry sets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ecrkeeper.v1 import common_pb2, fleet_pb2

from ecrkeeper_server.errors import InvalidArgument, Violation
from ecrkeeper_server.names import partition_of, shown
from ecrkeeper_server.settings.codec import settings_to_aws, word
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

ACCOUNT_PATHS = ("display_name", "labels", "organizational_unit", "state", "enabled_regions")
SET_PATHS = (
    "selector", "settings", "overrides", "strategy", "deletion_policy", "allow_replacement", "max_removals",
)  # fmt: skip
_EMPTY = (
    "must be given, got none; send `settings: {}` to declare nothing, or name what to change of a set that exists in"
    " `update_mask`"
)


def changed_account(row: AccountRow, given: fleet_pb2.Account, paths: set[str]) -> AccountRow:
    """Return an account with the masked fields of a message; InvalidArgument names unknown Regions."""
    unknown = [
        Violation(f"account.enabled_regions[{at}]", f"must be an AWS Region such as `us-east-1`, got {shown(region)}")
        for at, region in enumerate(given.enabled_regions)
        if partition_of(region) is None and "enabled_regions" in paths
    ]
    if unknown:
        raise InvalidArgument(unknown)
    fields: dict[str, Any] = {
        "display_name": given.display_name,
        "labels": dict(given.labels),
        "organizational_unit": given.organizational_unit,
        "state": AccountState(word(fleet_pb2.Account.State, given.state or fleet_pb2.Account.ACTIVE)),
        "regions": sorted(set(given.enabled_regions)),
    }
    names = {"regions" if path == "enabled_regions" else path for path in paths}
    return replace(row, **{name: value for name, value in fields.items() if name in names})


def _selector(given: fleet_pb2.RegistrySelector) -> Selector:
    return Selector(given.accounts, tuple(given.regions), tuple(given.exclude))


def _amount(given: Any, name: str, path: str, found: list[Violation]) -> Amount | None:
    if not given.HasField(name):
        return None
    amount = getattr(given, name)
    kind = amount.WhichOneof("amount")
    if kind is None:
        found.append(Violation(f"{path}.{name}", "must have `count` or `percent`, got neither"))
        return None
    return Amount(getattr(amount, kind), percent=kind == "percent")


def _wave(given: fleet_pb2.RolloutWave, path: str, found: list[Violation]) -> Wave:
    kind = given.WhichOneof("targets")
    if kind is None:
        found.append(Violation(path, "must have one of `selector`, `count`, `percent` and `rest`, got none"))
    share = Amount(getattr(given, kind), percent=kind == "percent") if kind in ("count", "percent") else None
    return Wave(
        selector=_selector(given.selector) if kind == "selector" else None,
        share=share,
        max_concurrent=_amount(given, "max_concurrent", path, found),
        failure_tolerance=_amount(given, "failure_tolerance", path, found),
        bake_seconds=given.bake.seconds + (given.bake.nanos > 0),
        gate=Gate(word(fleet_pb2.RolloutWave.Gate, given.gate or fleet_pb2.RolloutWave.NONE)),
    )


def set_spec(present: SetSpec | None, given: fleet_pb2.RegistrySet, paths: set[str]) -> SetSpec:
    """Return the present set with the masked fields of a message; without one, all fields (AIP-134)."""
    taken = set(SET_PATHS) if present is None else paths
    found: list[Violation] = []
    if "settings" in taken and not given.HasField("settings"):
        found.append(Violation("registry_set.settings", _EMPTY))
    if "selector" in taken and not given.HasField("selector"):
        found.append(Violation("registry_set.selector", "must be given, got none; `{}` matches every account"))
    whole = _spec(given, found)
    if found:
        raise InvalidArgument(found)
    if present is None:
        return whole
    names = {"waves" if path == "strategy" else path for path in taken}
    return replace(present, **{name: getattr(whole, name) for name in names})


def _spec(given: fleet_pb2.RegistrySet, found: list[Violation]) -> SetSpec:
    return SetSpec(
        selector=_selector(given.selector),
        settings=settings_to_aws(given.settings),
        overrides=tuple(Override(_selector(each.selector), settings_to_aws(each.settings)) for each in given.overrides),
        waves=tuple(
            _wave(wave, f"registry_set.strategy.waves[{at}]", found) for at, wave in enumerate(given.strategy.waves)
        ),
        deletion_policy=word(common_pb2.DeletionPolicy, given.deletion_policy or common_pb2.REMOVE),
        allow_replacement=given.allow_replacement,
        max_removals=_amount(given, "max_removals", "registry_set", found),
    )
