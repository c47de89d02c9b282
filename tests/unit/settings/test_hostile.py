"""Malformed documents in settings are rejected or accepted without a crash."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ecrkeeper_server.settings.codec import settings_from_aws, settings_to_aws
from ecrkeeper_server.settings.json_text import NotJson, parse
from ecrkeeper_server.settings.statements import MEMBERS
from ecrkeeper_server.settings.table import SETTINGS, unknown_members
from hypothesis import given
from hypothesis import strategies as st

from .shapes import REGISTRY, SHAPES

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("*")
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
odd_statements = st.dictionaries(st.sampled_from(sorted(MEMBERS)), anything, max_size=9)
odd_policies = st.dictionaries(
    st.sampled_from(["Version", "Id", "Statement"]), anything | st.lists(odd_statements, max_size=3)
)
texts = (odd_policies | anything).map(json.dumps) | st.text() | st.text(alphabet='[]{}",:\\u0d8')


@given(text=texts)
def test_arbitrary_policy_text_is_handled(text: str) -> None:
    setting = SETTINGS["registry_policy"]
    shape = {"policyText": text}
    setting.validate(shape, REGISTRY, "p")
    unknown_members(setting.name, shape)
    elements = setting.split(shape)
    assert setting.split(setting.join(elements)) == elements


@pytest.mark.parametrize("member", ["repositoryPolicy", "lifecyclePolicy"])
@given(text=texts | st.dictionaries(st.sampled_from(["rules", "Statement"]), st.lists(anything)).map(json.dumps))
def test_arbitrary_template_document_is_handled(member: str, text: str) -> None:
    setting = SETTINGS["repository_creation_templates"]
    shape = {"templates": [{"prefix": "a", "appliedFor": ["REPLICATION"], member: text}]}
    setting.validate(shape, REGISTRY, "p")
    elements = setting.split(shape)
    assert setting.split(setting.join(elements)) == elements


@given(text=texts)
def test_parse_agrees_with_json_on_accepted_text(text: str) -> None:
    try:
        document = parse(text)
    except NotJson:
        return
    assert document == json.loads(text)


def poked(draw: st.DrawFn, value: Any) -> Any:
    """Return the value with another value inserted somewhere."""
    if value and isinstance(value, dict):
        member = draw(st.sampled_from([*value, "newThing"]))
        return {**value, member: poked(draw, value.get(member))}
    if value and isinstance(value, list):
        place = draw(st.integers(0, len(value) - 1))
        return [*value[:place], poked(draw, value[place]), *value[place + 1 :]]
    return draw(st.just(value) | anything)


def without_empty(value: Any) -> Any:
    """Return a value without its empty members."""
    if isinstance(value, dict):
        return {member: without_empty(inner) for member, inner in value.items() if inner not in (None, "", False, [])}
    return [without_empty(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", list(SETTINGS))
@given(data=st.data())
def test_unknown_members_of_responses_are_named(name: str, data: st.DataObject) -> None:
    shape = poked(data.draw, data.draw(SHAPES[name]))
    if not unknown_members(name, shape):
        assert without_empty(settings_to_aws(settings_from_aws({name: shape}))[name]) == without_empty(shape)
