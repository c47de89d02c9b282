"""Connect's protocol: content types, codes, deadlines, errors, envelopes; no I/O.

https://connectrpc.com/docs/protocol describes it.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from google.protobuf import json_format
from google.rpc import status_pb2
from msgspec import Struct

VERSION_HEADER, VERSION = "Connect-Protocol-Version", "1"
TIMEOUT_HEADER = "Connect-Timeout-Ms"
# The flags of an envelope, and the size of its head.
COMPRESSED, END_STREAM, HEAD_BYTES = 1, 2, 5

# https://connectrpc.com/docs/protocol#error-codes
HTTP_STATUS = {
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "PERMISSION_DENIED": 403,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 400,
    "ABORTED": 409,
    "OUT_OF_RANGE": 400,
    "UNIMPLEMENTED": 501,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DATA_LOSS": 500,
    "UNAUTHENTICATED": 401,
}
_TIMEOUT = re.compile(r"[0-9]{1,10}")
# Base64 without padding, as the protocol has it for details.
_PADDING = b"="
_TYPE_PREFIX = "type.googleapis.com/"


class Form(Struct, frozen=True):
    """The form of a call, as its content type names it."""

    content_type: str
    is_json: bool
    is_stream: bool


_FORMS = (
    Form("application/json", is_json=True, is_stream=False),
    Form("application/proto", is_json=False, is_stream=False),
    Form("application/connect+json", is_json=True, is_stream=True),
    Form("application/connect+proto", is_json=False, is_stream=True),
)


def forms(*, is_stream: bool) -> tuple[Form, ...]:
    """Return the forms of unary calls or of streams."""
    return tuple(form for form in _FORMS if form.is_stream is is_stream)


def form_of(content_type: str, *, is_stream: bool) -> Form | None:
    """Return the form of a call; None if it does not take this content type.

    None of the types is one that a browser sends to another site without asking first.
    """
    kind, _, parameters = content_type.partition(";")
    if parameters and parameters.strip().lower().replace('"', "") != "charset=utf-8":
        return None
    return next((form for form in forms(is_stream=is_stream) if form.content_type == kind.strip().lower()), None)


def seconds_of(timeout: str) -> float:
    """Return the seconds of a deadline; ValueError unless it has the protocol's form."""
    if _TIMEOUT.fullmatch(timeout) is None:
        raise ValueError("must be milliseconds, of one to ten digits")
    return int(timeout) / 1000


def error_json(status: status_pb2.Status, code: str) -> dict[str, Any]:
    """Return the JSON form of an error; `debug` shows each detail in plain text."""
    error: dict[str, Any] = {"code": "canceled" if code == "CANCELLED" else code.lower()}
    if status.message:
        error["message"] = status.message
    details = [
        {
            "type": detail.type_url.removeprefix(_TYPE_PREFIX),
            "value": base64.b64encode(detail.value).rstrip(_PADDING).decode(),
            "debug": _debug(detail),
        }
        for detail in status.details
    ]
    return {**error, "details": details} if details else error


def _debug(detail: Any) -> dict[str, Any]:
    shown: dict[str, Any] = json_format.MessageToDict(detail)
    shown.pop("@type", None)
    return shown


def envelope(flags: int, content: bytes) -> bytes:
    """Return a message of a stream with its head."""
    return bytes((flags,)) + len(content).to_bytes(4, "big") + content


def end_of_stream(error: dict[str, Any] | None, metadata: dict[str, list[str]]) -> bytes:
    """Return the last message of a stream: its error and the trailing metadata."""
    end: dict[str, Any] = {} if error is None else {"error": error}
    if metadata:
        end["metadata"] = metadata
    return envelope(END_STREAM, dumped(end))


def dumped(value: dict[str, Any]) -> bytes:
    """Return an object as compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="backslashreplace")
