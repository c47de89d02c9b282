"""Warn of replication that is probably a mistake."""

from __future__ import annotations

from collections.abc import Mapping

from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings.element_sets import changed_keys
from ecrkeeper_server.settings.elements import Elements
from ecrkeeper_server.settings.pair_keys import PairKeys, both_groupings, in_order
from ecrkeeper_server.settings.plan import Plan
from ecrkeeper_server.settings.setting import Warning
from ecrkeeper_server.turns import finish


def warnings(plan: Plan, registry: RegistryName, _context: Mapping[str, Elements]) -> list[Warning]:
    """Warn of newly replicated deletions, and of destinations that must grant access."""
    deleting = changed_keys(
        change
        for change in plan.changes
        if (change.after or {}).get("deleteReplication") and not (change.before or {}).get("deleteReplication")
    )
    _, by_place = finish(both_groupings(PairKeys.of(deleting).rows))
    firsts = {place: (min(map(min, each.parts)), each.rights) for each in by_place for place in each.lefts}
    warned = [_begins_to_delete(place, *firsts[place]) for place in in_order(firsts)]
    added = changed_keys(change for change in plan.changes if change.before is None)
    new = sorted(place.partition("/") for place in PairKeys.of(added).lefts)
    return warned + [
        Warning(
            "DESTINATION_POLICY_REQUIRED",
            f"{account}/{region}",
            f"the registry policy of {account} in {region} must allow ecr:ReplicateImage and ecr:CreateRepository"
            f" to arn:{registry.partition}:iam::{registry.account}:root; AWS only reports it when images fail",
        )
        for account, _, region in new
        if account != registry.account
    ]


def _begins_to_delete(place: str, first: str, filters: int) -> Warning:
    more = f" and of {filters - 1} more filters" if filters > 1 else ""
    return Warning(
        "DELETE_REPLICATION_ENABLED",
        f"{place}:{first}",
        f"deletions will be replicated: images of {first or 'every repository'}{more} that are deleted"
        f" here are also deleted at {place}",
    )
