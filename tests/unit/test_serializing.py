"""Messages that are serialized in steps."""

from __future__ import annotations

from typing import Any

import pytest
from ecrkeeper.v1 import common_pb2, registry_pb2, server_service_pb2
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from ecrkeeper_server.api.messages.serializing import answering
from ecrkeeper_server.api.messages.status import internal
from ecrkeeper_server.turns import finish
from google.protobuf.message import Message

CONDITION = common_pb2.Condition(type="Ready", message="x" * 300)
REGISTRY = registry_pb2.Registry(
    name="a", generation=2**40, owners=["é", "", "b"], view=registry_pb2.FULL,
    declarations=[registry_pb2.DeclarationStatus(owner=f"{at}", conditions=[CONDITION]) for at in range(1_000)],
)  # fmt: skip
REGISTRY.desired.SetInParent()
REGISTRY.last_error.CopyFrom(internal("call"))
PLAN = common_pb2.Plan()
PLAN.calls.add().request.update({"a": {"b": [1, None, "c"]}, "d": True})
MESSAGES: list[tuple[Message, str]] = [
    (REGISTRY, "a resource, an empty message and Any"),
    (pb.ListRegistriesResponse(registries=[REGISTRY, REGISTRY], next_page_token="x"), "a list"),
    (PLAN, "maps and a value of any kind"),
    (common_pb2.Plan(), "nothing"),
    (server_service_pb2.ServerInfo(version="1"), "a message of another file"),
]


@pytest.mark.parametrize(("message", "reason"), MESSAGES, ids=[reason for _, reason in MESSAGES])
def test_answer_in_steps_is_the_same(message: Any, reason: str) -> None:
    answer = finish(answering(message))
    assert type(message).FromString(answer.content) == message, reason
    assert len(answer.content) == message.ByteSize()
    assert (answer.kind, answer.message) == (type(message), message)


def test_step_serializes_few_items() -> None:
    assert sum(1 for _ in answering(REGISTRY)) >= 5
