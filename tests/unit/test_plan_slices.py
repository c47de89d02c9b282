"""Planning the largest settings pauses after a bounded number of lines."""

from __future__ import annotations

from itertools import product

import pytest
from ecrkeeper.v1 import registry_pb2
from ecrkeeper_server.api.messages.registry_settings import with_takeovers
from ecrkeeper_server.declarations.takeover import Takeover
from ecrkeeper_server.ecr.history import adding_first_times
from ecrkeeper_server.settings import advice, globs
from ecrkeeper_server.settings.advice import RULES, SIGNING, TEMPLATES, advising
from ecrkeeper_server.settings.algebra import Composition, composing, planning
from ecrkeeper_server.settings.element_sets import only
from ecrkeeper_server.settings.elements import keys_of
from ecrkeeper_server.settings.isolation import Search, itemizing
from ecrkeeper_server.settings.ownership import finding_drift
from ecrkeeper_server.settings.pair_keys import PairKeys
from ecrkeeper_server.settings.pairs import PairElements
from ecrkeeper_server.settings.plan import Plan
from ecrkeeper_server.settings.replication import REPLICATION
from ecrkeeper_server.store.states import State
from ecrkeeper_server.turns import Steps, finish

from tests.unit.test_slices import MOST_LINES, longest

PLACE = "333333333333/us-east-1"
PROFILE = "arn:aws:signer:eu-west-1:222222222222:/signing-profiles/release"
RULE = {"upstreamRegistryUrl": "registry-1.docker.io"}


def signed(*filters: str) -> dict[str, dict[str, str]]:
    return {f"{PROFILE} {text}": {} for text in filters}


def test_advice_pauses_between_rules_and_templates() -> None:
    filters = [f"{star}team-{at:04}/*" for at in range(500) for star in ("", "*")]
    after = {
        SIGNING: signed(*filters),
        RULES: {f"team-{at:04}": RULE for at in range(50)},
        TEMPLATES: {f"cache-{at:04}": {"appliedFor": ["PULL_THROUGH_CACHE"]} for at in range(100)},
    }
    assert longest(advising({}, after)) < MOST_LINES / 4
    assert len(finish(advising({}, after))) == 150


def test_takeovers_of_many_owners_are_shown_in_steps() -> None:
    takeovers = [
        Takeover(f"team-{at:04}", "replication_configuration", PairKeys.of([f"{PLACE}:{at:04}-"]), {"delete": True})
        for at in range(2_000)
    ]
    message = registry_pb2.RegistrySettings()
    assert longest(with_takeovers(message, takeovers)) < MOST_LINES
    assert len(message.takeovers) == 2_000


@pytest.fixture(scope="module")
def many_owners() -> tuple[Composition, Plan]:
    """Return the declarations of two thousand owners, and the plan that writes them."""
    places = ("333333333333/us-east-1", "444444444444/us-east-1", "555555555555/us-east-1")
    declared = {
        f"team-{at:04}": {REPLICATION.name: PairElements.of([f"{place}:team-{at:04}/" for place in places])}
        for at in range(2_000)
    }
    composition = finish(composing(declared))
    return composition, finish(planning(REPLICATION, composition.desired[REPLICATION.name], {}, {}))


def test_isolation_of_rejected_changes_is_in_steps(many_owners: tuple[Composition, Plan]) -> None:
    composition, planned = many_owners
    owners = composition.owners[REPLICATION.name]
    assert longest(itemizing(REPLICATION, planned.changes, owners, {})) < MOST_LINES / 2
    items = finish(itemizing(REPLICATION, planned.changes, owners, {}))
    assert len(items) == 6_000
    search = Search(items, lambda _: True, rejected=True)
    assert longest(search.advancing()) < MOST_LINES / 2
    assert longest(search.advancing(accepted=False)) < MOST_LINES / 2


def test_owners_of_drift_are_found_in_steps(many_owners: tuple[Composition, Plan]) -> None:
    composition, planned = many_owners
    assert longest(finding_drift({REPLICATION.name: planned}, composition)) < MOST_LINES / 2
    drift = finish(finding_drift({REPLICATION.name: planned}, composition))
    assert sum(len(each.keys) for each, _ in drift) == 6_000
    assert all(owners == [each.key.partition(":")[2][:-1]] for each, owners in drift)


def test_owners_of_any_element_are_found_in_few_lines(many_owners: tuple[Composition, Plan]) -> None:
    composition, planned = many_owners
    keys, owners = keys_of(planned.target), composition.owners[REPLICATION.name]

    def finding() -> Steps[None]:
        yield
        assert len(composition.owners_of_any(REPLICATION.name, keys)) == 2_000
        yield
        assert only(owners, keys)

    assert longest(finding()) < MOST_LINES


def test_times_of_many_differences_are_added_in_steps() -> None:
    stored = [
        {"setting": "s", "key": f"{at}", "kind": "UNEXPECTED", "desired": None, "observed": at} for at in range(10_000)
    ]
    state, before = (
        State({"drift": drift, "remediation": {"time": 2, "drift": drift}})
        for drift in (stored, [{**each, "since": 1} for each in stored])
    )
    assert longest(adding_first_times(state, before, 2)) < MOST_LINES / 2
    dated = finish(adding_first_times(state, before, 2))
    assert dated.drift == before.drift
    assert dated.remediation == before.remediation


@pytest.mark.parametrize("rule", ["ROOT", "a", "ab", "a/b"])
def test_filters_under_a_rule_are_those_of_the_pattern(rule: str) -> None:
    texts = ["".join(each) for size in (1, 2, 3, 4) for each in product("ab/*", repeat=size)]
    begin = "" if rule == "ROOT" else f"{rule}/"
    expected = sorted(text for text in texts if globs.rests(text, begin))
    assert advice._Filters(signed(*texts)).matching_under(rule) == expected
