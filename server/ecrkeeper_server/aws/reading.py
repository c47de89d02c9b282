"""Parse and check responses, and never quote them.

ECR's answers stay the received JSON, so that members unknown to the installed
botocore are visible.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import Any

import orjson

from ecrkeeper_server.aws.answer_parts import counting, loading
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
_ITEMS_AT_ONCE, _CHARACTERS = 250, 1_000
# A shorter answer is checked at once, and one of `_LONG` bytes or more is parsed in parts.
_SHORT, _LONG = 32 * 1024, 256 * 1024


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
            for part in _parts(data) if len(response.body) >= _SHORT else (data,):
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
    body = response.body
    if len(body) >= _MAX_ITEMS:
        yield from _checking_items(body)
    try:
        parsed = orjson.loads(body) if len(body) < _LONG else (yield from loading(body))
    except ValueError:
        parsed = None
    if type(parsed) is not dict:
        raise InvalidAnswer(f"not an object of JSON ({_described(response)})")
    if len(body) >= _LONG or body.count(b"[") + body.count(b"{") >= _DEPTH:
        for part in _parts(parsed):
            yield
            if not _writable(part):
                raise InvalidAnswer(f"nested too deeply ({_described(response)})")
    return parsed


def _checking_items(body: bytes) -> Steps[None]:
    """Reject an answer with more items than any, before they take memory and time.

    The texts of policies have braces and commas, too: those of the most templates have half of this.
    """
    items, commas = yield from counting(body, b"{", b",")
    if items > _MAX_ITEMS or commas > _MAX_COMMAS:
        raise AnswerTooLarge(f"of more than {_MAX_ITEMS:,} items")


def _parts(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield copies of an answer, each with a part of its long list."""
    for name, value in data.items():
        inner = value if isinstance(value, dict) else {}
        for member, items in inner.items():
            if _is_long(items):
                for part in _chunks(items):
                    yield {**data, name: {**inner, member: part}}
                return
        if _is_long(value):
            for part in _chunks(value):
                yield {**data, name: part}
            return
    yield data


def _is_long(value: Any) -> bool:
    return isinstance(value, list) and any(size > _ITEMS_AT_ONCE for size in accumulate(map(_size, value)))


def _size(item: Any) -> int:
    """Return the number of items: itself, those of its lists, some for a long text."""
    if not isinstance(item, dict):
        return 1
    return 1 + sum(
        len(each) if isinstance(each, list) else len(each) // _CHARACTERS if isinstance(each, str) else 0
        for each in item.values()
    )


def _chunks(items: list[Any]) -> Iterator[list[Any]]:
    chunk: list[Any] = []
    size = 0
    for item in items:
        chunk.append(item)
        size += _size(item)
        if size >= _ITEMS_AT_ONCE:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


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
