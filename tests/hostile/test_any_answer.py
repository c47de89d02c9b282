"""Any JSON from AWS is observed or raises an AWS error, and nothing else."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import hypothesis.strategies as st
import pytest
from ecrkeeper_server.aws.answers import InvalidAnswer
from ecrkeeper_server.aws.failures import invalid_answer
from ecrkeeper_server.aws.models import service_model
from ecrkeeper_server.aws_errors import AwsError
from ecrkeeper_server.ecr.observe import Observed, observe_setting
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings.table import SETTINGS
from hypothesis import given, settings

from tests.hostile.bodies import ACCOUNT, JSON_ANSWERS
from tests.hostile.test_reading import believed

_TEXT = st.sampled_from(
    ["", "ROOT", "a/", "*", "BASIC", "true", ACCOUNT, "us-east-1", "\x00", "{}", "[]", "null", "🙂"]
)
_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)


def of_shape(shape: Any) -> st.SearchStrategy[Any]:
    """Generate values of a botocore shape with missing, null or unknown members."""
    kind = shape.type_name
    if kind == "structure":
        members = {name: of_shape(member) | st.none() for name, member in shape.members.items()}
        strategy = st.fixed_dictionaries({}, optional=members)
        return st.tuples(strategy, st.dictionaries(st.just("newThing"), _ANYTHING, max_size=1)).map(
            lambda p: {**p[0], **p[1]}
        )
    if kind == "list":
        return st.lists(of_shape(shape.member), max_size=3)
    if kind == "boolean":
        return st.booleans()
    if kind == "string":
        return _TEXT | (st.sampled_from(shape.enum) if shape.enum else _TEXT)
    return st.integers(0, 10)


def changed(value: Any, draw: Any) -> Any:
    """Return a value with one of its parts replaced by anything."""
    if isinstance(value, dict) and value and draw(st.booleans()):
        name = draw(st.sampled_from(sorted(value)))
        return {**value, name: changed(value[name], draw)}
    if isinstance(value, list) and value and draw(st.booleans()):
        return [*value[1:], changed(value[0], draw)]
    return draw(_ANYTHING)


class Hostile:
    """Answers each call with the next value."""

    def __init__(self, answers: list[Any]) -> None:
        self.answers = answers

    async def call(self, _a: str, _r: str, service: str, operation: str, _params: Any, **_: Any) -> dict[str, Any]:
        body = json.dumps(self.answers[0] if len(self.answers) == 1 else self.answers.pop(0))
        try:
            return believed(service, operation, {"body": body})
        except InvalidAnswer as error:
            raise invalid_answer(service, operation, error) from None


@pytest.mark.parametrize("name", SETTINGS)
@settings(max_examples=150)
@given(data=st.data())
def test_observation_raises_only_aws_errors(name: str, data: st.DataObject) -> None:
    setting = SETTINGS[name]
    operation = setting.reads[0].operation
    honest, _ = JSON_ANSWERS["ecr", operation]
    shaped = of_shape(service_model("ecr").operation_model(operation).output_shape)
    answer = data.draw(shaped) if data.draw(st.booleans()) else changed(honest, data.draw)
    aws: Any = Hostile([answer, honest])
    try:
        observed = asyncio.run(observe_setting(aws, RegistryName(ACCOUNT, "us-east-1"), setting))
    except AwsError as error:
        assert error.reason == "AWS_ANSWER_INVALID"
    else:
        assert isinstance(observed, Observed)
        # The observation is written again, and stored as JSON.
        setting.join(observed.elements)
        json.dumps(observed.shape)
