"""Properties of all settings, for any declaration and any state of AWS."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from ecrkeeper_server.settings.algebra import compose, plan
from ecrkeeper_server.settings.setting import Setting
from ecrkeeper_server.settings.table import SETTINGS, split_all, unknown_members
from ecrkeeper_server.turns import finish
from hypothesis import given
from hypothesis import strategies as st

from . import fake_registry
from .shapes import REGISTRY, SHAPES, replication, statement

every_setting = pytest.mark.parametrize("name", list(SETTINGS))

all_shapes = st.fixed_dictionaries({}, optional=SHAPES)
owners = st.dictionaries(st.sampled_from(["team-a", "team-b", "team-c", "team-d"]), all_shapes, max_size=4)


def test_all_settings_have_shapes() -> None:
    assert SHAPES.keys() == SETTINGS.keys()


@every_setting
@given(data=st.data())
def test_split_join_split_is_split(name: str, data: st.DataObject) -> None:
    setting = SETTINGS[name]
    elements = setting.split(data.draw(SHAPES[name]))
    shape = setting.join(elements)
    assert setting.split(shape) == elements
    assert setting.join(dict(reversed(list(elements.items())))) == shape


@every_setting
@given(data=st.data())
def test_joined_shape_is_known_and_readable(name: str, data: st.DataObject) -> None:
    shape = SETTINGS[name].join(SETTINGS[name].split(data.draw(SHAPES[name])))
    assert [m for m in unknown_members(name, shape) if "new-registry" not in m] == []


@every_setting
@given(data=st.data(), prune=st.booleans())
def test_applied_plan_leaves_no_changes(name: str, data: st.DataObject, prune: bool) -> None:
    setting = SETTINGS[name]
    shapes = SHAPES[name]
    desired, applied = setting.split(data.draw(shapes)), setting.split(data.draw(shapes))
    # AWS has no two items with one key, so its value has passed through join.
    before = setting.join(setting.split(data.draw(shapes)))
    first = plan(setting, desired, applied, setting.split(before), prune=prune)
    calls = finish(setting.calling(first, before))
    assert bool(calls) == bool(first.changes) == bool(first.drift)
    changes = [change for call in calls for change in call.changes]
    assert all(change in changes for change in first.changes)
    after = fake_registry.after(setting, calls, before)
    second = plan(setting, desired, desired, setting.split(after), prune=prune)
    assert (second.changes, second.drift, finish(setting.calling(second, after))) == ((), (), [])


@every_setting
@given(data=st.data())
def test_unmanaged_elements_survive_any_declaration(name: str, data: st.DataObject) -> None:
    setting = SETTINGS[name]
    shape = setting.join(setting.split(data.draw(SHAPES[name])))
    unmanaged = setting.split(shape)
    applied: dict[str, Any] = {}
    for declared in data.draw(st.lists(SHAPES[name], max_size=4)):
        desired = {key: value for key, value in setting.split(declared).items() if key not in unmanaged}
        step = plan(setting, desired, applied, setting.split(shape))
        shape = fake_registry.after(setting, finish(setting.calling(step, shape)), shape)
        applied = desired
    kept = {**setting.defaults, **setting.split(shape)}
    assert {key: kept.get(key) for key in unmanaged} == unmanaged


@given(declared=owners, data=st.data())
def test_order_of_owners_does_not_matter(declared: dict[str, Any], data: st.DataObject) -> None:
    elements = {owner: split_all(shapes) for owner, shapes in declared.items()}
    shuffled = dict(data.draw(st.permutations(list(elements.items()))))
    assert compose(shuffled) == compose(elements)


@given(declared=owners, left=st.sets(st.sampled_from(["team-a", "team-b", "team-c", "team-d"])))
def test_grouped_owners_compose_like_owners(declared: dict[str, Any], left: set[str]) -> None:
    elements = {owner: split_all(shapes) for owner, shapes in declared.items()}
    composed = compose(elements)
    groups = {
        "left": compose({o: e for o, e in elements.items() if o in left}).desired,
        "right": compose({o: e for o, e in elements.items() if o not in left}).desired,
    }
    parts = compose(groups)
    assert {s: set(e) for s, e in parts.desired.items()} == {s: set(e) for s, e in composed.desired.items()}
    if not composed.conflicts:
        assert (parts.desired, parts.conflicts) == (composed.desired, ())


@given(shapes=all_shapes)
def test_empty_setting_stays_distinct_from_absent_one(shapes: dict[str, Any]) -> None:
    elements = split_all(shapes)
    assert elements.keys() == shapes.keys()
    joined = {name: SETTINGS[name].join(members) for name, members in elements.items()}
    assert split_all(joined) == elements
    assert compose({"o": elements}).desired.keys() == shapes.keys()


@every_setting
@given(data=st.data())
def test_validation_never_raises_on_incomplete_shape(name: str, data: st.DataObject) -> None:
    shape = data.draw(SHAPES[name])
    seed = data.draw(st.integers(0, 2**32))
    SETTINGS[name].validate(_thinned(shape, random.Random(seed)), REGISTRY, "p")


def _thinned(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict):
        return {k: _thinned(v, chance) for k, v in value.items() if chance.random() < 0.7}
    return [_thinned(v, chance) for v in value] if isinstance(value, list) else value


@given(shapes=st.lists(replication, max_size=6))
def test_replication_exceeds_no_unreported_limit(shapes: list[dict[str, Any]]) -> None:
    setting = SETTINGS["replication_configuration"]
    elements = {key: value for shape in shapes for key, value in setting.split(shape).items()}
    rules = setting.join(elements)["rules"]
    if not setting.validate_composed(elements, REGISTRY):
        assert len(rules) <= 25
        assert len({(d["registryId"], d["region"]) for r in rules for d in r["destinations"]}) <= 25
    for rule in rules:
        assert len(rule.get("repositoryFilters", ["all"])) in range(1, 101)
        assert rule.get("deleteReplication") in (None, {"enabled": True})


# The key of the n-th element of a setting; no two of them share a rule.
UNSHARED = {
    "replication_configuration": "{0:012}/us-west-2:team-{0}/",
    "signing_configuration": "arn:aws:signer:us-east-1:{0:012}:/signing-profiles/p {0}/*",
    "pull_through_cache_rules": "cache-{0}",
    "pull_time_update_exclusions": "arn:aws:iam::{0:012}:role/r",
}


def unshared(setting: Setting, count: int) -> dict[str, Any]:
    return {UNSHARED[setting.name].format(at): {"deleteReplication": False} for at in range(count)}


@pytest.mark.parametrize("name", [name for name, setting in SETTINGS.items() if setting.fits])
def test_quota_is_exceeded_only_beyond_the_elements_that_fit(name: str) -> None:
    setting = SETTINGS[name]
    assert not setting.exceeded(unshared(setting, setting.fits))
    assert setting.exceeded(unshared(setting, setting.fits + 1))


@given(shapes=st.lists(replication, max_size=6), count=st.integers(0, 25))
def test_few_replication_pairs_exceed_no_quota(shapes: list[dict[str, Any]], count: int) -> None:
    setting = SETTINGS["replication_configuration"]
    elements = [item for shape in shapes for item in setting.split(shape).items()]
    assert not setting.exceeded(dict(elements[:count]))


@given(statements=st.lists(statement, min_size=1, max_size=4), seed=st.integers(0, 2**32))
def test_equivalent_policies_do_not_differ(statements: list[dict[str, Any]], seed: int) -> None:
    setting = SETTINGS["registry_policy"]
    # The order decides which of two statements keeps a shared Sid; AWS has no such.
    unique = list({s.get("Sid") or json.dumps(s): s for s in statements}.values())
    chance = random.Random(seed)
    rewritten = [_rewritten(s, chance) for s in chance.sample(unique, len(unique))]
    text = json.dumps({"Statement": rewritten, "Id": "ignored", "Version": "2012-10-17"}, indent=2)
    one = setting.split({"policyText": json.dumps({"Version": "2012-10-17", "Statement": unique})})
    other = setting.split({"policyText": text})
    assert plan(setting, one, {}, other).changes == ()


def _rewritten(value: Any, chance: random.Random) -> Any:
    """Return the same statement in another form: shuffled, scalar or list, id or ARN."""
    if isinstance(value, dict):
        items = [(k, _rewritten(v, chance)) for k, v in chance.sample(list(value.items()), len(value))]
        return {k: ([v] if isinstance(v, str) and _repeatable(k, v) and chance.random() < 0.5 else v) for k, v in items}
    if isinstance(value, list):
        texts = [_rewritten(v, chance) for v in chance.sample(value, len(value))]
        return texts[0] if len(texts) == 1 and chance.random() < 0.5 else [*texts, *texts[:1]]
    if value in ("222222222222", "arn:aws:iam::222222222222:root"):
        return chance.choice(["222222222222", "arn:aws:iam::222222222222:root"])
    return value


def _repeatable(member: str, value: str) -> bool:
    return member not in ("Sid", "Effect") and not (member == "Principal" and value == "*")
