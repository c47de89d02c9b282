"""JSON and wire format have the same messages, and Connect's forms are exact."""

from __future__ import annotations

import json
import random

import pytest
from ecrkeeper_server.api.http import connect
from ecrkeeper_server.api.http.conversion import json_of, wire_of
from ecrkeeper_server.api.server import SERVICES
from ecrkeeper_server.errors import InvalidArgument
from google.protobuf import descriptor_pool, json_format
from google.rpc import code_pb2, error_details_pb2, status_pb2
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.messages import make

REQUESTS = [
    method.input_type for name in SERVICES for method in descriptor_pool.Default().FindServiceByName(name).methods
]


@given(st.sampled_from(REQUESTS), st.integers(0, 2**32))
def test_json_of_a_request_becomes_its_bytes(kind: object, seed: int) -> None:
    message = make(kind, random.Random(seed))  # type: ignore[arg-type]
    try:
        written = json_of(message)
    except (json_format.Error, TypeError):
        return  # JSON cannot hold it: a time after the year 9999, or an Any of an unknown type.
    try:
        read = wire_of(written, type(message))
    except InvalidArgument as error:
        assert "no more than" in error.message or "Invalid" in error.message or "parse" in error.message
        return
    # Not the message itself: a Value without a kind is null in JSON.
    assert json.loads(json_of(type(message).FromString(read))) == json.loads(written)


@given(st.binary(max_size=200))
def test_other_bytes_are_rejected_or_parsed(content: bytes) -> None:
    for prefix in (b"", b'{"name": '):
        try:
            wire_of(prefix + content, status_pb2.Status)
        except InvalidArgument as error:
            assert error.violations


def test_codes_have_a_status_each() -> None:
    assert set(connect.HTTP_STATUS) == set(code_pb2.Code.keys()) - {"OK"}


def test_details_are_shown_in_both_forms() -> None:
    status = status_pb2.Status(code=5, message="é")
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason="NOT_FOUND", domain="ecrkeeper"))
    assert connect.error_json(status, "NOT_FOUND") == {
        "code": "not_found",
        "message": "é",
        "details": [
            {
                "type": "google.rpc.ErrorInfo",
                "value": "CglOT1RfRk9VTkQSCWVjcmtlZXBlcg",
                "debug": {"reason": "NOT_FOUND", "domain": "ecrkeeper"},
            }
        ],
    }
    assert connect.error_json(status_pb2.Status(), "CANCELLED") == {"code": "canceled"}, "the protocol's spelling"


@pytest.mark.parametrize(
    ("text", "seconds", "reason"),
    [("0", 0.0, "at once"), ("1500", 1.5, "milliseconds"), ("9999999999", 9999999.999, "ten digits")],
)
def test_deadline_is_read(text: str, seconds: float, reason: str) -> None:
    assert connect.seconds_of(text) == seconds, reason


@pytest.mark.parametrize("text", ["", "-1", "1.5", " 1", "1e3", "12345678901", "١"])
def test_other_deadline_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="milliseconds"):
        connect.seconds_of(text)
