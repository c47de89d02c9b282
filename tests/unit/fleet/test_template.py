"""Templates: placeholders, defaults, dollars, overrides."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ecrkeeper_server.fleet.targets import Target
from ecrkeeper_server.fleet.template import MissingLabelError, Templates, checking, measuring
from ecrkeeper_server.store.fleet_specs import Override, Selector, SetSpec
from ecrkeeper_server.turns import finish
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.fleet.shapes import account

TARGET = Target(account(1, labels={"env": "prod", "empty": ""}), "us-east-1")


def templates(settings: dict[str, Any], *overrides: Override) -> Templates:
    return Templates(SetSpec(selector=Selector(), settings=settings, overrides=overrides))


ROWS = [
    ("plain", "plain", "text without placeholders"),
    ("${account}/${region}", "000000000001/us-east-1", "the registry"),
    ("arn:${partition}:iam", "arn:aws:iam", "the partition"),
    ("${label:env}", "prod", "a label"),
    ("${label:empty}", "", "a label with an empty value is a value"),
    ("${label:empty:x}", "", "the default is for a label that is missing"),
    ("${label:team:a:b}", "a:b", "a default with a colon"),
    ("${label:team:}", "", "an empty default"),
    ("$$", "$", "a dollar"),
    ("$${aws:username}", "${aws:username}", "text for AWS"),
    ("$$$${account}", "$${account}", "two dollars"),
]


@pytest.mark.parametrize(("text", "rendered", "reason"), ROWS, ids=[row[2] for row in ROWS])
def test_template_renders_placeholders(text: str, rendered: str, reason: str) -> None:
    assert finish(checking({"a": text}, "settings")) == [], reason
    assert templates({"a": {"b": [text]}}).render(TARGET) == {"a": {"b": [rendered]}}, reason


def test_missing_label_fails_the_target() -> None:
    with pytest.raises(MissingLabelError, match="team") as caught:
        templates({"a": "x-${label:team}"}).render(TARGET)
    assert caught.value.label == "team"


@pytest.mark.parametrize("text", ["$", "a $b", "${aws:username}", "${label:}", "${}", "${account", "${label}"])
def test_unknown_placeholder_is_a_violation(text: str) -> None:
    violations = finish(checking({"registry_policy": {"rules": [{"x": text}]}}, "registry_set.settings"))
    assert [each.field for each in violations] == ["registry_set.settings.registry_policy.rules[0].x"]


@given(st.text())
def test_escaped_text_renders_as_itself(text: str) -> None:
    escaped = text.replace("$", "$$")
    assert finish(checking({"a": escaped}, "")) == []
    assert templates({"a": escaped}).render(TARGET) == {"a": text}


@given(st.text(alphabet="${}abclountregi:", max_size=30))
def test_accepted_template_renders_or_lacks_a_label(text: str) -> None:
    if finish(checking({"a": text}, "")):
        return
    try:
        rendered = templates({"a": text}).render(TARGET)
    except MissingLabelError as error:
        assert f"${{label:{error.label}}}" in text
    else:
        assert isinstance(rendered["a"], str)


def test_label_value_is_never_a_placeholder() -> None:
    target = Target(account(1, labels={"env": "${region}"}), "us-east-1")
    assert templates({"a": "${label:env}"}).render(target) == {"a": "${region}"}


def test_last_matching_override_replaces_whole_settings() -> None:
    given_templates = templates(
        {"a": {"x": "1", "y": "2"}, "b": "base"},
        Override(Selector("labels.env = prod"), {"a": {"x": "prod"}}),
        Override(Selector(regions=("us-east-1",)), {"a": {"z": "${region}"}, "c": "new"}),
        Override(Selector("labels.env = dev"), {"a": {}, "b": "dev"}),
    )
    assert given_templates.render(TARGET) == {"a": {"z": "us-east-1"}, "b": "base", "c": "new"}
    other = Target(account(2, labels={"env": "prod"}), "eu-west-1")
    assert given_templates.render(other) == {"a": {"x": "prod"}, "b": "base"}


LEAVES = st.none() | st.booleans() | st.integers() | st.text()
VALUES = st.recursive(LEAVES, lambda each: st.lists(each) | st.dictionaries(st.text(), each))


@given(VALUES)
def test_size_of_a_template_is_that_of_its_json(value: Any) -> None:
    assert finish(measuring(value)) == len(json.dumps(value))


def test_size_of_a_long_template_is_that_of_its_json() -> None:
    value = {"rules": [{"filters": [{"filter": f"{at}é"} for at in range(120)], "at": at} for at in range(3)], "x": []}
    assert finish(measuring(value)) == len(json.dumps(value))
    assert sum(1 for _ in measuring(value)) == 9
