"""Plans of sets, and the guard of removals."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from ecrkeeper_server.errors import FailedPrecondition
from ecrkeeper_server.fleet.guards import check_removals, max_removals, max_removals_of
from ecrkeeper_server.fleet.plan import FleetPlan, Problem, summary
from ecrkeeper_server.json_object import Json
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings.elements import Change, ChangeKind
from ecrkeeper_server.settings.pair_keys import PairKeys
from ecrkeeper_server.store.fleet_specs import Amount, Override, Selector, SetSpec
from ecrkeeper_server.turns import finish


def registry(number: int, region: str = "us-east-1") -> RegistryName:
    return RegistryName(f"{number:012}", region)


def change(kind: ChangeKind = ChangeKind.ADD, key: str = "quay", value: str = "quay.io") -> Change:
    return Change("pull_through_cache_rules", key, kind, None, {"url": value})


def add(plan: FleetPlan, name: RegistryName, changes: Sequence[Change], *, shown: bool = True) -> None:
    finish(plan.adding(name, changes, shown=shown))


def test_identical_changes_are_one_group() -> None:
    plan = FleetPlan()
    for number in range(312):
        add(plan, registry(number), [change(value=f"{number:012}.dkr.ecr.us-east-1.amazonaws.com")])
    add(plan, registry(400), [change(ChangeKind.REMOVE, "hub")])
    add(plan, registry(401), [])
    first, second = plan.largest()
    assert summary(first) == "312 registries: add pull_through_cache_rules quay"
    assert summary(second) == "1 registry: remove pull_through_cache_rules hub"
    assert (plan.targets, plan.changing, plan.unchanged, plan.removing) == (314, 313, 1, 1)
    assert len(first.names) == 10


def test_plan_names_only_readable_registries() -> None:
    plan = FleetPlan()
    for number in (1, 2, 3):
        changes = [change(key=f"{number:012}")]
        add(plan, registry(number), changes, shown=number == 2)
        plan.add_problem(Problem("OWNER_CONFLICT", registry(number), "other"), shown=number == 2)
    add(plan, registry(4), [change(ChangeKind.REMOVE, "secret")], shown=False)
    named, hidden = plan.largest()
    assert (named.count, named.names, named.changes) == (3, [registry(2)], [change(key="000000000002")])
    assert (hidden.names, hidden.changes, summary(hidden)) == ([], (), "1 registry: remove pull_through_cache_rules")
    assert (plan.failing, [each.registry for each in plan.problems]) == (3, [registry(2)])


def replicating(*filters: str) -> Change:
    pairs = PairKeys(dict.fromkeys(filters, frozenset(("111111111111/us-west-2",))))
    return Change("replication_configuration", pairs.first, ChangeKind.ADD, None, {}, pairs)


def test_changes_of_many_filters_differ_by_the_last_one() -> None:
    plan, filters = FleetPlan(), [f"{at:04}" for at in range(250)]
    add(plan, registry(1), [replicating(*filters)])
    add(plan, registry(2), [replicating(*reversed(filters))])
    add(plan, registry(3), [replicating(*filters[:-1], "x")])
    assert [group.count for group in plan.largest()] == [2, 1]


def test_plan_is_bounded() -> None:
    plan = FleetPlan()
    for number in range(5000):
        add(plan, registry(number), [change(key=f"k{number % 977}", value=str(number))])
        plan.add_problem(Problem("LABEL_MISSING", registry(number), "env"), shown=True)
    assert len(plan.groups) == 100
    assert len(plan.problems) == 100
    assert plan.failing == 5000
    assert plan.changing == 5000


GUARDS = [
    (None, 10, 5, "at least five"),
    (None, 300, 30, "ten percent"),
    (Amount(0), 300, 0, "none"),
    (Amount(50, percent=True), 7, 3, "half, rounded down"),
]


@pytest.mark.parametrize(("limit", "targets", "allowed", "reason"), GUARDS, ids=[row[3] for row in GUARDS])
def test_removals_are_limited(limit: Amount | None, targets: int, allowed: int, reason: str) -> None:
    assert max_removals(limit, targets) == allowed, reason
    check_removals("registrySets/a", allowed, allowed, 0)
    with pytest.raises(FailedPrecondition, match=f"{allowed + 1} registries") as caught:
        check_removals("registrySets/a", allowed + 1, allowed, allowed)
    assert caught.value.reason == "TOO_MANY_REMOVALS"
    check_removals("registrySets/a", allowed + 1, allowed, allowed + 1)


EMPTY: list[tuple[Json, Json | None, int, str]] = [
    ({}, None, 0, "no settings"),
    ({"pull_through_cache_rules": {"rules": []}}, None, 0, "a setting without elements"),
    ({}, {"signing": {"rules": [{}]}}, 0, "an override without elements"),
    ({}, {"registry_policy": {"policyText": ""}}, 5, "a member of an override"),
    ({"account_settings": {"a": "b"}}, None, 5, "a setting"),
]


@pytest.mark.parametrize(("settings", "override", "allowed", "reason"), EMPTY, ids=[row[3] for row in EMPTY])
def test_empty_template_removes_nothing_unconfirmed(
    settings: Json, override: Json | None, allowed: int, reason: str
) -> None:
    overrides = () if override is None else (Override(Selector(), override),)
    spec = SetSpec(selector=Selector(), settings=settings, overrides=overrides)
    assert max_removals_of(spec, 3) == allowed, reason
