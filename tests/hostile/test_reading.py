"""Required members of responses: the table, and responses outside of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from ecrkeeper_server.aws import reading
from ecrkeeper_server.aws.answer_values import check_content
from ecrkeeper_server.aws.answers import ESSENTIALS, SPEAKERS, InvalidAnswer, other_account
from ecrkeeper_server.aws.connection import MAX_ANSWER, Response
from ecrkeeper_server.aws.models import service_model
from ecrkeeper_server.aws.shapes import compile_check
from ecrkeeper_server.aws.wire import Wire
from ecrkeeper_server.settings.table import SETTINGS

from tests.hostile.bodies import ACCOUNT, JSON_ANSWERS, OTHER, SECRET, XML_ANSWERS, unusable

WIRE = Wire()
OPERATIONS = [(row.service, row.operation) for row in ESSENTIALS]
CASES = [(*key, kind, rule) for key in OPERATIONS for kind, rule in unusable(*key)]


def believed(service: str, operation: str, rule: dict[str, Any]) -> dict[str, Any]:
    """Return the client's result for a body."""
    body = rule["body"].encode() * rule.get("repeat", 1)
    if len(body) > MAX_ANSWER:
        raise InvalidAnswer("the connection does not read it")
    headers = {name.lower(): value for name, value in rule.get("headers", {}).items()}
    answer = WIRE.read(service, operation, Response(rule.get("status", 200), headers, body))
    params = (JSON_ANSWERS.get((service, operation)) or XML_ANSWERS[service, operation])[1]
    check_content(service, operation, params, answer.data)
    if actual := other_account(ACCOUNT, service, answer.data):
        raise InvalidAnswer(f"of {actual}")
    return answer.data


@pytest.mark.parametrize(("service", "operation"), OPERATIONS)
def test_valid_response_is_accepted(service: str, operation: str) -> None:
    body = (JSON_ANSWERS.get((service, operation)) or XML_ANSWERS[service, operation])[0]
    assert believed(service, operation, {"body": body if isinstance(body, str) else json.dumps(body)})


@pytest.mark.parametrize(("service", "operation", "kind", "rule"), CASES, ids=[f"{c[1]}-{c[2]}" for c in CASES])
def test_unusable_response_is_rejected_without_quoting(
    service: str, operation: str, kind: str, rule: dict[str, Any]
) -> None:
    if (operation, kind) == ("GetCallerIdentity", "another account"):
        # Its account is compared when the session is opened.
        assert believed(service, operation, rule)["Account"] == OTHER
        return
    with pytest.raises(InvalidAnswer) as caught:
        believed(service, operation, rule)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None, "a logged traceback would show it"


def paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the paths of all values within a value."""
    for key, member in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield (*at, key)
        yield from paths(member, (*at, key))


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    copied = json.loads(json.dumps(value))
    node = copied
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = new
    return copied


@pytest.mark.parametrize(("service", "operation"), JSON_ANSWERS)
def test_value_of_wrong_type_is_rejected(service: str, operation: str) -> None:
    answer, _ = JSON_ANSWERS[service, operation]
    for path in paths(answer):
        node = answer
        for key in path:
            node = node[key]
        for other in (SECRET, 5.5, True, [SECRET], {"x": SECRET}):
            if type(other) is type(node) or (type(node) in (int, float) and other == 5.5):
                continue
            with pytest.raises(InvalidAnswer):
                believed(service, operation, {"body": json.dumps(changed(answer, path, other))})


@pytest.mark.parametrize("row", ESSENTIALS, ids=lambda row: row.operation)
def test_required_member_is_enforced(row: Any) -> None:
    shape = service_model(row.service).operation_model(row.operation).output_shape
    for member in row.members:
        assert compile_check(shape, [member])({}), member
    assert row.reason


def test_all_reads_are_in_the_table() -> None:
    table = {row.operation for row in ESSENTIALS}
    assert {read.operation for setting in SETTINGS.values() for read in setting.reads} <= table
    assert len(table) == len(ESSENTIALS)


def test_registry_ids_of_responses_are_checked() -> None:
    model = service_model("ecr")
    used = {row.operation for row in ESSENTIALS if row.service == "ecr"}
    used |= {operation for setting in SETTINGS.values() for operation in setting.writes}
    compared = {".".join(path) for path in SPEAKERS["ecr"]}
    # The account of a destination is not the answering one.
    of_destination = re.compile(r"(.*\.)?(destination|destinations|replicationStatuses)\.registryId")
    for operation in used:
        for path in _registry_ids(model.operation_model(operation).output_shape, ""):
            assert path in compared or of_destination.fullmatch(path), (operation, path)


def _registry_ids(shape: Any, at: str) -> Iterator[str]:
    if shape.type_name == "list":
        yield from _registry_ids(shape.member, at)
    elif shape.type_name == "structure":
        for name, member in shape.members.items():
            if name == "registryId":
                yield f"{at}{name}"
            yield from _registry_ids(member, f"{at}{name}.")


WRITES = sorted({operation for setting in SETTINGS.values() for operation in setting.writes})


@pytest.mark.parametrize("operation", WRITES)
def test_empty_response_to_write_is_rejected(operation: str) -> None:
    for body in (b"", b"{}", b'{"unknown": 1}', b"<html>"):
        with pytest.raises(InvalidAnswer):
            WIRE.read("ecr", operation, Response(200, {}, body))


def test_unknown_members_stay_visible() -> None:
    answer, _ = JSON_ANSWERS["ecr", "DescribeRegistry"]
    answer = {
        **answer,
        "replicationConfiguration": {**answer["replicationConfiguration"], "newThing": [1, {"a": None}]},
    }
    answer_read = believed("ecr", "DescribeRegistry", {"body": json.dumps(answer)})
    assert answer_read["replicationConfiguration"]["newThing"] == [1, {"a": None}]


# service, status, content type, body, code, reason
FAILURES = [
    ("ecr", 400, '{"__type": "x#RegistryPolicyNotFoundException", "message": "no"}', "RegistryPolicyNotFound", "JSON"),
    ("ecr", 503, "<html>busy</html>", "503", "a load balancer's page"),
    ("ecr", 500, "", "500", "nothing at all, from AWS's own fault"),
    ("iam", 503, "<html>busy</html>", "503", "a load balancer's page"),
    ("iam", 404, "<ErrorResponse><Error><Code>NoSuchEntity</Code></Error></ErrorResponse>", "NoSuchEntity", "XML"),
]


@pytest.mark.parametrize(("service", "status", "body", "code", "reason"), FAILURES)
def test_failure_code_is_parsed(service: str, status: int, body: str, code: str, reason: str) -> None:
    operation = "GetRole" if service == "iam" else "DescribeRegistry"
    answer = WIRE.read(service, operation, Response(status, {}, body.encode()))
    assert (answer.code, "html" in answer.message) == (code, False), reason


@pytest.mark.parametrize("body", [b"{}", b"[]", b"", b"hunter2", b'{"__type": ["hunter2"]}', b'{"__type": "a b"}'])
@pytest.mark.parametrize(("service", "operation"), [("ecr", "DescribeRegistry"), ("iam", "GetRole")])
def test_failure_without_code_is_unusable(service: str, operation: str, body: bytes) -> None:
    with pytest.raises(InvalidAnswer) as caught:
        WIRE.read(service, operation, Response(403, {}, body))
    assert SECRET not in str(caught.value)


LONG = 256 * 1024 + 1
XML_TAGS = b"<Tag><Key>k</Key></Tag>" * (LONG // 22)
LONG_BODIES = [
    ("iam", 200, b"<GetRoleResponse>" + XML_TAGS + b"</GetRoleResponse>", "XML"),
    (
        "iam",
        404,
        b"<ErrorResponse><Error><Code>NoSuchEntity</Code></Error>" + XML_TAGS + b"</ErrorResponse>",
        "failure",
    ),
    ("ecr", 400, b'{"__type": "X", "a": [' + b"[]," * (LONG // 3) + b"[]]}", "a failure in JSON"),
]


@pytest.mark.parametrize(("service", "status", "body", "reason"), LONG_BODIES)
def test_long_body_that_is_parsed_at_once_is_not_parsed(
    monkeypatch: pytest.MonkeyPatch, service: str, status: int, body: bytes, reason: str
) -> None:
    def parse(*_: Any) -> Any:
        raise AssertionError(reason)

    monkeypatch.setattr(reading.Reader, "_parsed", parse)
    monkeypatch.setattr(reading.orjson, "loads", parse)
    operation = "GetRole" if service == "iam" else "DescribeRegistry"
    with pytest.raises(InvalidAnswer):
        WIRE.read(service, operation, Response(status, {}, body))
    if status >= 300:
        assert WIRE.read(service, operation, Response(503, {}, body)).code == "503"


def test_role_with_all_of_its_tags_is_parsed() -> None:
    answer, _ = XML_ANSWERS["iam", "GetRole"]
    tag = f"<member><Key>{'k' * 128}</Key><Value>{'&lt;' * 256}</Value></member>"
    body = answer.replace("</Role>", f"<Tags>{tag * 50}</Tags></Role>")
    assert len(believed("iam", "GetRole", {"body": body})["Role"]["Tags"]) == 50


def test_failure_message_is_bounded_to_one_line() -> None:
    body = json.dumps({"__type": "X", "message": "a\nb\x00" + "y" * 100_000}).encode()
    answer = WIRE.read("ecr", "DescribeRegistry", Response(400, {"x-amzn-requestid": "r\x01"}, body))
    assert answer.message.startswith("a b y")
    assert len(answer.message) == 2000
    assert answer.request_id == ""
