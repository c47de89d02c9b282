"""Which registries a selector means."""

from __future__ import annotations

import pytest
from ecrkeeper_server.errors import InvalidArgument
from ecrkeeper_server.fleet.selectors import matcher
from ecrkeeper_server.fleet.targets import FleetAccount, Target
from ecrkeeper_server.store.fleet_specs import AccountState, Selector
from hypothesis import given

from tests.unit.fleet.shapes import SELECTORS, account, accounts, targets_of

PROD = account(
    1, display_name="shop", labels={"env": "prod", "cost-center": "42"}, organizational_unit="/workloads/prod"
)
ROWS = [
    ("", True, "an empty filter matches every account"),
    ("labels.env = prod", True, "a label with the value"),
    ("labels.env = dev", False, "a label with another value"),
    ("labels.env != dev", True, "a label with another value than the one that is excluded"),
    ("labels.team != a", True, "a label that is missing is not equal to anything"),
    ("labels.team = a", False, "a label that is missing"),
    ("labels.cost-center = 42", True, "a label whose name has a hyphen"),
    ("labels.env:*", True, "a label that is there"),
    ("labels.team:*", False, "a label that is not there"),
    ("NOT labels.team:*", True, "the negation"),
    ('organizational_unit:"/workloads/"', True, "a path below a unit"),
    ('organizational_unit = "/workloads/"', False, "`=` compares the whole path"),
    ("labels.env = dev OR account = 000000000001", True, "one of two"),
    ("state = active AND source = DECLARED", True, "choices are read in any case"),
    ("display_name:ho", True, "part of the display name"),
]


@pytest.mark.parametrize(("text", "matches", "reason"), ROWS, ids=[row[2] for row in ROWS])
def test_filter_matches_account_fields(text: str, matches: bool, reason: str) -> None:
    assert matcher(Selector(text)).matches_account(PROD) is matches, reason


SELECTED = [
    (Selector(regions=("us-east-1",)), ("us-east-1",), ["us-east-1"], "a listed Region"),
    (Selector(), ("us-east-1", "eu-west-1"), ["eu-west-1", "us-east-1"], "all enabled Regions, in order"),
    (Selector(), (), [], "all Regions of an account whose Regions are unknown"),
    (Selector(regions=("us-east-1",)), (), ["us-east-1"], "a listed Region, and the enabled ones are unknown"),
    (Selector(regions=("af-south-1", "us-east-1")), ("us-east-1",), ["us-east-1"], "a Region that is not enabled"),
    (Selector(exclude=("accounts/000000000001",)), ("us-east-1",), [], "the account is excluded"),
    (Selector(exclude=("accounts/*/registries/us-*",)), ("us-east-1", "eu-west-1"), ["eu-west-1"], "Regions by `*`"),
    (Selector(exclude=("accounts/00000000000*/registries/us-east-1",)), ("us-east-1",), [], "accounts by `*`"),
]


@pytest.mark.parametrize(("selector", "enabled", "taken", "reason"), SELECTED, ids=[row[3] for row in SELECTED])
def test_selector_takes_registries(selector: Selector, enabled: tuple[str, ...], taken: list[str], reason: str) -> None:
    targets = matcher(selector).targets(FleetAccount("000000000001", regions=enabled))
    assert [target.region for target in targets] == taken, reason


def test_gone_account_is_in_no_fleet() -> None:
    removed = account(1, state=AccountState.GONE)
    assert not list(matcher(Selector()).targets(removed))
    assert list(matcher(Selector()).targets(account(1, state=AccountState.SUSPENDED)))


def test_selector_violations_come_all_at_once() -> None:
    with pytest.raises(InvalidArgument) as caught:
        matcher(Selector("owner = a", ("mars-1",), ("registries/x",)), "registry_set.selector")
    fields = [violation.field for violation in caught.value.violations]
    assert fields == [
        "registry_set.selector.accounts",
        "registry_set.selector.regions[0]",
        "registry_set.selector.exclude[0]",
    ]


@pytest.mark.parametrize("text", ["labels. = x", "account = 1*", "state = asleep", "labels.env = p*", "a ="])
def test_invalid_filter_is_rejected(text: str) -> None:
    with pytest.raises(InvalidArgument):
        matcher(Selector(text))


@given(SELECTORS, accounts())
def test_targets_are_those_that_match(selector: Selector, candidates: list[FleetAccount]) -> None:
    compiled = matcher(selector)
    listed = [target for each in candidates for target in compiled.targets(each)]
    assert all(map(compiled.matches, listed))
    matching = {t.registry for t in targets_of(candidates) if compiled.matches(t)}
    assert matching <= {t.registry for t in listed}
    assert len({t.registry for t in listed}) == len(listed)
    assert Target is type(listed[0]) if listed else True
