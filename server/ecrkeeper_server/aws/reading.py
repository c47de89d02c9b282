"""Parse and check responses, and never quote them.

ECR's answers stay the received JSON, so that members unknown to the installed
botocore are visible.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson

from ecrkeeper_server.aws.answers import MAY_BE_EMPTY, AnswerTooLarge, InvalidAnswer, essentials
from ecrkeeper_server.aws.codec import Codec
from ecrkeeper_server.aws.connection import Response
from ecrkeeper_server.aws.failures import short_code
from ecrkeeper_server.aws.shapes import Check, compile_check, describe, structures_sent
from ecrkeeper_server.turns import Steps, finish

_CODE = re.compile(r"\w{1,128}", re.ASCII)
_CONTENT_TYPE = re.compile(r"[\w.+-]{1,40}/[\w.+-]{1,60}", re.ASCII)
_REQUEST_ID_CHARACTERS = 128
_MESSAGE_CHARACTERS = 2000
# orjson does not write deeper values, and it writes the state of a resource.
_DEPTH = 254
# An answer with more objects, or more items of any kind, is above all of AWS's quotas.
_MAX_ITEMS, _MAX_COMMAS = 50_000, 250_000
# Of XML and of a failure; both are parsed at once, and a role with all of its tags has 40 KB.
_MAX_AT_ONCE = 256 * 1024
_ITEMS_AT_ONCE = 250


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: `data` of a success, or the code and message of a failure."""

    status: int
    data: dict[str, Any] = field(repr=False)
    code: str = ""
    message: str = ""
    request_id: str = ""


class Reader:
    """Reads the responses of one service."""

    def __init__(self, codec: Codec, service: str) -> None:
        self._codec = codec
        self._service = service
        self._model = codec.model(service)
        self._json = codec.protocol(service) in ("json", "rest-json")
        self._checks: dict[str, Check | None] = {}

    def read(self, operation: str, response: Response) -> Answer:
        """Return the answer in a response; raises InvalidAnswer without its content."""
        return finish(self.reading(operation, response))

    def reading(self, operation: str, response: Response) -> Steps[Answer]:
        """Return the same in steps, for a long answer."""
        request_id = response.headers.get("x-amzn-requestid", "")
        if len(request_id) > _REQUEST_ID_CHARACTERS or not (request_id.isascii() and request_id.isprintable()):
            request_id = ""
        if response.status >= 300:
            code, message = self._error(operation, response)
            return Answer(response.status, {}, code, message, request_id)
        data = (yield from _members(response)) if self._json else self._result(operation, response)
        check = self._check(operation)
        if check is not None:
            for part in _parts(data):
                yield
                if violation := check(part):
                    raise InvalidAnswer(describe(violation))
        return Answer(response.status, data, request_id=request_id)

    @cached_property
    def _sent(self) -> frozenset[str]:
        return structures_sent(self._model)

    def _check(self, operation: str) -> Check | None:
        if operation not in self._checks:
            shape = self._model.operation_model(operation).output_shape
            row = essentials(self._model.service_name, operation)
            empty = (self._model.service_name, operation) in MAY_BE_EMPTY
            members = row.members if row else ()
            self._checks[operation] = shape and compile_check(shape, members, self._sent, may_be_empty=empty)
        return self._checks[operation]

    def _result(self, operation: str, response: Response) -> dict[str, Any]:
        if len(response.body) > _MAX_AT_ONCE:
            raise AnswerTooLarge(f"longer than {_MAX_AT_ONCE // 1024} KiB")
        # botocore's parser accepts any well-formed XML as an answer.
        if not re.search(rb"<(?:\w+:)?%sResponse[\s/>]" % operation.encode(), response.body[:2048]):
            raise InvalidAnswer(f"not an answer to {operation} ({_described(response)})")
        parsed = self._parsed(operation, response)
        if parsed is None:
            raise InvalidAnswer(f"not XML that answers {operation} ({_described(response)})")
        return parsed

    def _parsed(self, operation: str, response: Response) -> dict[str, Any] | None:
        """Parse with botocore, or return None.

        Its exceptions contain the body, so they must not leave this function.
        """
        try:
            return self._codec.parse(self._service, operation, response.status, response.headers, response.body)
        except Exception:  # The parser raises any exception for a malformed body.
            return None

    def _error(self, operation: str, response: Response) -> tuple[str, str]:
        """Return code and message of a failure."""
        code, message = "", ""
        if len(response.body) <= _MAX_AT_ONCE:
            code, message = _json_error(response) if self._json else self._xml_error(operation, response)
        code = short_code(code) if isinstance(code, str) else ""
        if _CODE.fullmatch(code):
            return code, _line(message) if isinstance(message, str) else ""
        if response.status >= 500 or response.status == 429:
            # A load balancer in front of AWS may return a page of its own.
            return str(response.status), ""
        raise InvalidAnswer(f"status {response.status} without a code of AWS ({_described(response)})")

    def _xml_error(self, operation: str, response: Response) -> tuple[Any, Any]:
        parsed = self._parsed(operation, response) or {}
        error = parsed.get("Error")
        if not isinstance(error, dict) or b"<Error" not in response.body:
            # botocore derives an error from the status if there is none.
            return "", ""
        return error.get("Code"), error.get("Message")


def _members(response: Response) -> Steps[dict[str, Any]]:
    if len(response.body) >= _MAX_ITEMS:
        yield
        _check_items(response.body)
        yield
    try:
        parsed = orjson.loads(response.body)
    except ValueError:
        parsed = None
    if type(parsed) is not dict:
        raise InvalidAnswer(f"not an object of JSON ({_described(response)})")
    yield
    if response.body.count(b"[") + response.body.count(b"{") >= _DEPTH and not _writable(parsed):
        raise InvalidAnswer(f"nested too deeply ({_described(response)})")
    return parsed


def _check_items(body: bytes) -> None:
    """Reject an answer with more items than any, before they take memory and time.

    The texts of policies have braces and commas, too: those of the most templates have half of this.
    """
    if body.count(b"{") > _MAX_ITEMS or body.count(b",") > _MAX_COMMAS:
        raise AnswerTooLarge(f"of more than {_MAX_ITEMS:,} items")


def _parts(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield copies of an answer, each with a part of its long list."""
    for name, value in data.items():
        inner = value if isinstance(value, dict) else {}
        for member, items in inner.items():
            if isinstance(items, list) and len(items) > _ITEMS_AT_ONCE:
                for part in _chunks(items):
                    yield {**data, name: {**inner, member: part}}
                return
        if isinstance(value, list) and len(value) > _ITEMS_AT_ONCE:
            for part in _chunks(value):
                yield {**data, name: part}
            return
    yield data


def _chunks(items: list[Any]) -> Iterator[list[Any]]:
    return (items[at : at + _ITEMS_AT_ONCE] for at in range(0, len(items), _ITEMS_AT_ONCE))


def _writable(parsed: Any) -> bool:
    try:
        orjson.dumps(parsed)
    except TypeError:
        return False
    return True


def _json_error(response: Response) -> tuple[Any, Any]:
    try:
        parsed = orjson.loads(response.body)
    except ValueError:
        parsed = None
    body = parsed if type(parsed) is dict else {}
    code = response.headers.get("x-amzn-errortype") or body.get("__type") or body.get("code") or ""
    return code, body.get("message") or body.get("Message")


def _line(text: str) -> str:
    """Return AWS's message on one line, with a length that can be stored and shown."""
    short = text if len(text) <= _MESSAGE_CHARACTERS else text[: _MESSAGE_CHARACTERS - 1] + "…"
    return short if short.isprintable() else "".join(c if c.isprintable() else " " for c in short)


def _described(response: Response) -> str:
    kind = _CONTENT_TYPE.match(response.headers.get("content-type", ""))
    return f"{kind[0] if kind else 'no content type'}, {len(response.body)} bytes"
