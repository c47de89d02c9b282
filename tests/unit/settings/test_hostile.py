"""Documents inside settings that no policy looks like: refused or kept, never a crash."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ecrkeeper_server.settings.json_text import NotJson, parse
from ecrkeeper_server.settings.statements import MEMBERS
from ecrkeeper_server.settings.table import SETTINGS, unknown_members
from hypothesis import given, settings
from hypothesis import strategies as st

from .shapes import REGISTRY

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("*")
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
odd_statements = st.dictionaries(st.sampled_from(sorted(MEMBERS)), anything, max_size=9)
odd_policies = st.dictionaries(
    st.sampled_from(["Version", "Id", "Statement"]), anything | st.lists(odd_statements, max_size=3)
)
texts = (odd_policies | anything).map(json.dumps) | st.text() | st.text(alphabet='[]{}",:\\u0d8')


@settings(deadline=None)
@given(text=texts)
def test_any_policy_text(text: str) -> None:
    setting = SETTINGS["registry_policy"]
    shape = {"policyText": text}
    setting.lint(shape, REGISTRY, "p")
    unknown_members(setting.name, shape)
    elements = setting.split(shape)
    assert setting.split(setting.join(elements)) == elements


@pytest.mark.parametrize("member", ["repositoryPolicy", "lifecyclePolicy"])
@settings(deadline=None)
@given(text=texts | st.dictionaries(st.sampled_from(["rules", "Statement"]), st.lists(anything)).map(json.dumps))
def test_any_document_of_a_template(member: str, text: str) -> None:
    setting = SETTINGS["repository_creation_templates"]
    shape = {"templates": [{"prefix": "a", "appliedFor": ["REPLICATION"], member: text}]}
    setting.lint(shape, REGISTRY, "p")
    elements = setting.split(shape)
    assert setting.split(setting.join(elements)) == elements


@given(text=texts)
def test_parse_agrees_with_json_wherever_it_accepts(text: str) -> None:
    try:
        document = parse(text)
    except NotJson:
        return
    assert document == json.loads(text)


@pytest.mark.parametrize("name", list(SETTINGS))
@given(shape=st.dictionaries(st.sampled_from(["rules", "templates", "settings", "policyText", "scanType"]), anything))
def test_any_answer_of_aws_is_known_or_named(name: str, shape: dict[str, Any]) -> None:
    unknown_members(name, shape)
