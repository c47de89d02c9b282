"""Large answers of AWS are parsed in steps, and as orjson parses them."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from ecrkeeper_server.aws import answer_parts, models, reading
from ecrkeeper_server.aws.answer_parts import counting, loading
from ecrkeeper_server.aws.answers import InvalidAnswer
from ecrkeeper_server.aws.connection import Response
from ecrkeeper_server.aws.reading import Reader
from ecrkeeper_server.turns import finish
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.test_slices import MOST_LINES, longest

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
)  # fmt: skip
RULE = {"registryId": "111111111111", "ecrRepositoryPrefix": "prefix", "upstreamRegistryUrl": "public.ecr.aws"}
SCANNING = {
    "scanFrequency": "SCAN_ON_PUSH",
    "repositoryFilters": [{"filter": f"{at}*", "filterType": "WILDCARD"} for at in range(100)],
}


@given(VALUES, st.sampled_from([None, 1]), st.booleans())
def test_answer_in_parts_is_the_same(value: Any, indent: int | None, ascii_only: bool) -> None:
    body = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
    assert finish(loading(body)) == orjson.loads(body)


@given(VALUES, st.data())
def test_changed_answer_is_rejected_as_by_orjson(value: Any, data: st.DataObject) -> None:
    body = bytearray(json.dumps({"a": [value], "b": {"c": [value]}}).encode())
    at = data.draw(st.integers(0, len(body)))
    body[at : at + data.draw(st.integers(0, 2))] = data.draw(
        st.sampled_from([b"", b",", b"]", b'"', b"{", b"\\", b"x"])
    )
    assert parsed(loading_at_once, bytes(body)) == parsed(orjson.loads, bytes(body))


BODIES: list[tuple[bytes, str]] = [
    (b"", "nothing"),
    (b" \t\r\n", "spaces"),
    (b'{"a": NaN}', "no number of JSON"),
    (b'{"a": [1e999]}', "a number without an end"),
    (b'{"a": ["\\ud800"]}', "half of a character"),
    (b'{"\\ud800": 1}', "half of a character in a name"),
    (b'{"a": "\x01"}', "a control character"),
    (b'{"a\x01": 1}', "a control character in a name"),
    (b'{"a": ["\xff"]}', "bytes that are no text"),
    (b'\xef\xbb\xbf{"a": 1}', "a byte order mark"),
    (b'{"a": 1, "a": 2}', "a name twice"),
    (b'{"a": [1, 2,]}', "a comma too many"),
    (b'{"a": [1 2]}', "a comma too few"),
    (b'{"a" 1}', "no colon"),
    (b'{"a": 1} {}', "two values"),
    (b'{"a": 01}', "a number that begins with 0"),
    (b"\x0b{}", "a space of another kind"),
    (b'{"a": ' + b"[" * 5_000, "too deep"),
    ('{"ä": ["\N{GRINNING FACE}", "\\ud83d\\ude00"]}'.encode(), "characters of several bytes"),
]


@pytest.mark.parametrize(("body", "reason"), BODIES, ids=[reason for _, reason in BODIES])
def test_unusual_answer_is_read_as_by_orjson(body: bytes, reason: str) -> None:
    assert parsed(loading_at_once, body) == parsed(orjson.loads, body), reason


def loading_at_once(body: bytes) -> Any:
    return finish(loading(body))


def parsed(load: Any, body: bytes) -> Any:
    """Return the value in a body, or that it is none."""
    try:
        return [load(body)]
    except ValueError:
        return None


def test_characters_of_several_bytes_may_lie_between_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_parts, "_BYTES", 3)
    body = json.dumps({"a": ["äöü€\N{GRINNING FACE}" * 10]}, ensure_ascii=False).encode()
    assert loading_at_once(body) == orjson.loads(body)
    assert finish(counting(body, b"[", b'"')) == [1, 4]


ANSWERS: list[tuple[str, dict[str, Any], str]] = [
    ("DescribePullThroughCacheRules", {"pullThroughCacheRules": [RULE] * 20_000}, "many items"),
    (
        "GetRegistryScanningConfiguration",
        {"registryId": "111111111111", "scanningConfiguration": {"scanType": "ENHANCED", "rules": [SCANNING] * 400}},
        "items with many items",
    ),
]


@pytest.mark.parametrize(("operation", "answer", "reason"), ANSWERS, ids=[reason for *_, reason in ANSWERS])
def test_steps_on_large_answer_are_short(
    operation: str, answer: dict[str, Any], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    at_once: list[int] = []
    dumps, loads = orjson.dumps, orjson.loads

    class Counted:
        """Counts the bytes that one call of orjson works on."""

        @staticmethod
        def loads(content: Any) -> Any:
            at_once.append(len(content))
            return loads(content)

        @staticmethod
        def dumps(value: Any) -> bytes:
            content = dumps(value)
            written.append(len(content))
            return content

    monkeypatch.setattr(answer_parts, "orjson", Counted)
    monkeypatch.setattr(reading, "orjson", Counted)
    body = orjson.dumps(answer)
    assert len(body) > 1_000_000
    reader = Reader(models.codec(), "ecr")
    response = Response(200, {"content-type": "application/x-amz-json-1.1"}, body)
    assert finish(reader.reading(operation, response)).data == answer
    assert max(at_once) < 100_000, reason
    assert max(written) < 100_000, reason
    assert longest(reader.reading(operation, response)) <= MOST_LINES, reason


def test_deep_item_of_large_answer_is_rejected() -> None:
    deep: Any = []
    for _ in range(300):
        deep = [deep]
    answer = {"pullThroughCacheRules": [RULE] * 5_000 + [{**RULE, "deep": deep}]}
    body = json.dumps(answer).encode()
    with pytest.raises(InvalidAnswer, match="nested too deeply"):
        finish(Reader(models.codec(), "ecr").reading("DescribePullThroughCacheRules", Response(200, {}, body)))
