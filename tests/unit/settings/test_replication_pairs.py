"""Decisions about many pairs at once equal the decisions about each pair alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings import stored_elements, suspects
from ecrkeeper_server.settings.algebra import Composition, compose, plan
from ecrkeeper_server.settings.element_sets import changed_keys, excluding, restricted
from ecrkeeper_server.settings.element_states import element_states, keying
from ecrkeeper_server.settings.elements import FEW, alike, diff, gather, keys_of
from ecrkeeper_server.settings.isolation import itemizing, unmade_changes, with_changes
from ecrkeeper_server.settings.ownership import owned_elements, verified
from ecrkeeper_server.settings.pair_keys import PairKeys
from ecrkeeper_server.settings.pairs import PairElements
from ecrkeeper_server.settings.replication import destinations, filters_by_destination
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.turns import finish
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.calls import Calls
from tests.views import largest

from . import replication_by_pair
from .replication_by_pair import each
from .shapes import replication

NAME = "replication_configuration"
SETTING = SETTINGS[NAME]


_FORMS: list[Callable[[Any], Any]] = [dict, PairElements.of]


def by_pair(shape: Any) -> dict[str, Any]:
    return replication_by_pair.split(shape)


@st.composite
def in_any_form(draw: st.DrawFn) -> tuple[Any, dict[str, Any]]:
    """Elements in either of their forms, and the same ones of the oracle."""
    shape = draw(replication)
    return draw(st.sampled_from(_FORMS))(SETTING.split(shape)), by_pair(shape)


any_form = in_any_form()


@pytest.mark.parametrize("numbers", [(1, 3), (99, 100, 101), (250, 40, 0), (7,) * 30])
def test_counted_rules_are_those_of_a_join(numbers: tuple[int, ...]) -> None:
    rules = [
        {
            "destinations": [
                {"region": "eu-west-1", "registryId": str(222_222_222_200 + place)} for place in range(at % 5 + 1)
            ],
            "repositoryFilters": [
                {"filter": f"{at}-{number}", "filterType": "PREFIX_MATCH"} for number in range(count)
            ],
            "deleteReplication": {"enabled": at % 2 == 0},
        }
        for at, count in enumerate(numbers)
    ]
    elements = PairElements.of(SETTING.split({"rules": rules}))
    quotas = finish(SETTING.measuring(elements))
    assert quotas == SETTING.quota(elements) == SETTING.quota(dict(elements))
    assert quotas[0].used == len(SETTING.join(elements)["rules"])


@given(elements=any_form)
def test_destinations_are_those_of_all_pairs(elements: Any) -> None:
    packed, expected = elements
    assert destinations(packed) == {RegistryName(*key.partition(":")[0].split("/")) for key in expected}
    assert destinations(packed) == set(finish(filters_by_destination(PairKeys.of(packed))))


@given(shape=replication)
def test_rules_are_split_and_packed_as_by_pair(shape: Any) -> None:
    elements = SETTING.split(shape)
    assert dict(elements) == by_pair(shape)
    for form in _FORMS:
        assert SETTING.join(form(elements)) == replication_by_pair.join(by_pair(shape))
        assert SETTING.quota(form(elements)) == SETTING.quota(by_pair(shape))
        assert SETTING.quota(form(elements))[0].used == len(SETTING.join(elements)["rules"])


@pytest.mark.parametrize(("filters", "form"), [(FEW, dict), (FEW + 1, PairElements)])
def test_declaration_of_few_pairs_is_plain(filters: int, form: type) -> None:
    rule = {"destinations": largest.replication(8)["rules"][0]["destinations"][:1]}
    shape = {
        "rules": [
            {**rule, "repositoryFilters": [{"filter": str(at)}], "deleteReplication": {"enabled": at % 2 == 0}}
            for at in range(filters)
        ]
    }
    elements = SETTING.split(shape)
    assert isinstance(elements, form)
    assert elements == by_pair(shape)


@given(declared=st.dictionaries(st.sampled_from("abc"), any_form, max_size=3))
def test_composition_equals_that_of_plain_elements(declared: dict[str, Any]) -> None:
    composed = compose({owner: {NAME: elements} for owner, (elements, _) in declared.items()})
    plain = compose({owner: {NAME: elements} for owner, (_, elements) in declared.items()})
    assert composed.desired == plain.desired
    assert composed.owners == plain.owners
    conflicts = {key: each.owners for each in composed.conflicts for key in each.keys}
    assert conflicts == {key: each.owners for each in plain.conflicts for key in each.keys}
    for keys, owners in finish(composed.grouping_by_owners(NAME, keys_of(composed.desired.get(NAME, {})))):
        assert {plain.owners_of(NAME, key) for key in keys} == {owners}
    for keys in (keys_of(composed.desired.get(NAME, {})), frozenset(sorted(plain.desired.get(NAME, {}))[::2])):
        concerned = {owner for key in keys for owner in plain.owners_of(NAME, key)}
        assert composed.owners_of_any(NAME, keys) == plain.owners_of_any(NAME, keys) == concerned


@given(desired=any_form, applied=any_form, observed=any_form, prune=st.booleans())
def test_plan_equals_that_of_plain_elements(desired: Any, applied: Any, observed: Any, prune: bool) -> None:
    planned = plan(SETTING, desired[0], applied[0], observed[0], prune=prune)
    plain = plan(SETTING, desired[1], applied[1], observed[1], prune=prune)
    assert (planned.target, planned.unmanaged) == (plain.target, plain.unmanaged)
    assert each(planned.changes) == each(plain.changes)
    assert each(planned.drift) == each(plain.drift)
    assert SETTING.warnings(planned, largest.REGISTRY, {}) == SETTING.warnings(plain, largest.REGISTRY, {})
    assert [call.params for call in finish(SETTING.calling(planned, {}))] == [
        call.params for call in finish(SETTING.calling(plain, {}))
    ]
    assert with_changes(observed[0], planned.changes) == planned.target
    assert unmade_changes(planned.changes, planned.target) == []
    assert each(unmade_changes(planned.changes, observed[0])) == each(plain.changes)


@given(before=any_form, after=any_form, chosen=any_form)
def test_changes_are_restricted_as_plain_ones(before: Any, after: Any, chosen: Any) -> None:
    changes = diff(NAME, before[0], after[0])
    plain = each(diff(NAME, before[1], after[1]))
    keys = keys_of(chosen[0])
    assert each(restricted(changes, keys)) == {key: value for key, value in plain.items() if key in keys}
    assert each(excluding(changes, keys)) == {key: value for key, value in plain.items() if key not in keys}
    assert changed_keys(changes) == plain.keys()


@given(applied=any_form, left=any_form, desired=any_form, observed=any_form)
def test_ownership_equals_that_of_plain_elements(applied: Any, left: Any, desired: Any, observed: Any) -> None:
    packed, plain = (
        owned_elements({NAME: applied[form]}, {NAME: keys_of(left[form])}, {NAME: desired[form]}) for form in (0, 1)
    )  # fmt: skip
    assert packed == plain
    split, plain_split = (
        verified({NAME: applied[form]}, {NAME: keys_of(left[form])}, {NAME: observed[form]}) for form in (0, 1)
    )  # fmt: skip
    assert split == plain_split


@given(before=any_form, after=any_form, owned=any_form)
def test_items_to_isolate_are_those_of_plain_elements(before: Any, after: Any, owned: Any) -> None:
    packed, plain = (
        finish(itemizing(SETTING, diff(NAME, before[form], after[form]), _owned_by_a(owned[form]), {}))
        for form in (0, 1)
    )
    assert [sorted(item.keys) for item in packed] == [sorted(item.keys) for item in plain]


def _owned_by_a(elements: Any) -> Any:
    return gather((keys, ("a",)) for keys, _ in alike(elements))


@given(observed=any_form, desired=any_form, owned=any_form, problems=any_form)
def test_element_states_are_those_of_plain_elements(observed: Any, desired: Any, owned: Any, problems: Any) -> None:
    packed, plain = (
        finish(
            keying(
                element_states(
                    Observed({NAME: SETTING.join(observed[1])}, {NAME: owned[form]}, {NAME: _problem(problems[form])}),
                    Composition({NAME: desired[form]}, {NAME: _owned_by_a(desired[form])}, ()),
                )
            )
        ).get(NAME, {})
        for form in (0, 1)
    )
    assert packed.keys() == plain.keys()
    for key in packed:
        one, other = packed[key], plain[key]
        assert key in one.keys and key in other.keys
        assert replace(one, keys=frozenset()) == replace(other, keys=frozenset())


def _problem(elements: Any) -> Any:
    return gather((keys, "no") for keys, _ in alike(elements))


@dataclass
class Observed:
    """The documents that a registry's attempts observed and wrote."""

    observed: dict[str, Any]
    applied: dict[str, Any]
    problems: dict[str, Any]


_FEW, _MANY = largest.replication(8)["rules"][:1], largest.replication(8)["rules"]


@pytest.mark.parametrize("rules", [[], [{**_FEW[0], "repositoryFilters": []}], _FEW, _MANY], ids=len)
def test_elements_are_read_as_they_were_stored(rules: list[Any]) -> None:
    elements = {NAME: SETTING.split({"rules": rules}), "registry_policy": {"a": {"Effect": "Deny"}}}
    stored = json.loads(json.dumps(stored_elements.dump_elements(elements)))
    assert stored_elements.load_elements(stored) == elements
    keys = {name: keys_of(each) for name, each in elements.items()}
    assert stored_elements.load_keys(json.loads(json.dumps(stored_elements.dump_keys(keys)))) == keys
    assert len(json.dumps(stored)) < 100_000


def test_few_elements_are_stored_one_by_one() -> None:
    elements = {NAME: SETTING.split({"rules": [{**_FEW[0], "repositoryFilters": []}]})}
    assert stored_elements.dump_elements(elements) == {NAME: dict(elements[NAME])}
    assert stored_elements.dump_keys({NAME: keys_of(elements[NAME])}) == {NAME: sorted(elements[NAME])}


def test_elements_of_release_0_1_0_are_read() -> None:
    plain = by_pair({"rules": _FEW})
    assert stored_elements.load_elements({NAME: plain}) == {NAME: SETTING.split({"rules": _FEW})}
    assert stored_elements.load_keys({NAME: sorted(plain)}) == {NAME: plain.keys()}
    assert (stored_elements.load_elements(None), stored_elements.load_keys(None)) == ({}, {})


@pytest.mark.parametrize("load", [stored_elements.load_elements, stored_elements.load_keys])
def test_version_of_a_newer_release_is_an_error(load: Callable[[Any], Any]) -> None:
    with pytest.raises(ValueError, match="version 3"):
        load([3, {}])


def test_suspects_are_read_as_they_were_stored() -> None:
    desired = SETTING.split({"rules": _MANY})
    planned = plan(SETTING, desired, {}, {})
    suspect = suspects.Suspect(
        {}, "INVALID_ARGUMENT", "AWS_REJECTED", "no", "", "", 1, 2, 1, lasting=True, degrades=False
    )  # fmt: skip
    one = replace(suspect, values=suspects.values_of(planned.changes))
    stored = json.loads(json.dumps(suspects.dump_suspects({NAME: [one], "registry_policy": []})))
    loaded = suspects.load_suspects(stored)
    assert loaded == suspects.pending(loaded, {NAME: planned}, {NAME: {}}) == {NAME: [one]}
    assert suspects.pending(loaded, {NAME: plan(SETTING, desired, desired, desired)}, {NAME: desired}) == {NAME: []}


def test_no_function_is_called_for_each_pair() -> None:
    shape = largest.replication(8)
    before = SETTING.split({"rules": shape["rules"][:20]})
    with Calls() as calls:
        elements = SETTING.split(shape)
        composition = compose({"a": {NAME: elements}, "b": {NAME: before}})
        planned = plan(SETTING, composition.desired[NAME], before, before)
        finish(SETTING.calling(planned, {}))
        SETTING.quota(elements)
        SETTING.warnings(planned, largest.REGISTRY, {})
        stored_elements.load_elements(stored_elements.dump_elements({NAME: elements}))
    assert len(elements) == 62_500
    # There are 2,500 filters, and each operation visits each of them a few times.
    assert max(calls.counts.values()) < len(elements), calls.counts.most_common(5)


def test_groups_that_differ_alike_are_one_change() -> None:
    elements = SETTING.split(largest.replication(8))
    (change,) = plan(SETTING, elements, {}, {}).changes
    assert isinstance(change.keys, PairKeys)
    assert (len(change.keys), change.key) == (62_500, min(elements))


def test_mapping_with_pairs_is_not_expanded() -> None:
    elements = PairElements.gathered([(PairKeys({"a": frozenset({"1/x"})}), {"deletes": False})])
    assert PairKeys.of(elements).rows == {"a": frozenset({"1/x"})}
    assert PairKeys.of({"1/x:a": {}}) == PairKeys.of(elements)
