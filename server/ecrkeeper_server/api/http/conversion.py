"""Conversion of messages between their JSON and their wire format; pure."""

from __future__ import annotations

import json
import re

from google.protobuf import json_format
from google.protobuf.message import EncodeError, Message

from ecrkeeper_server.api.layers.message_bounds import MAX_FIELDS
from ecrkeeper_server.errors import InvalidArgument, Violation
from ecrkeeper_server.names import shown

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
# The parser names each field around an error before the error itself.
_FIELD = re.compile(r"Failed to parse (\w+) field: ", re.ASCII)
_PLACE = re.compile(r" at \w+\.([\w.\[\]]+?)\.*\Z", re.ASCII)
_UNKNOWN = re.compile(
    r'Message type "([\w.]+)" has no field named "(.*)" at "\w+\.?([\w.\[\]]*)"\.\n.*: "\[(.*)\]"', re.DOTALL | re.ASCII
)
_DESCRIPTION_CHARACTERS = 400


def wire_of(content: bytes, kind: type[Message]) -> bytes:
    """Return the wire format of a message, or raise InvalidArgument with the field."""
    if not content.lstrip().startswith(b"{"):
        raise _invalid("", "the request must be a JSON object, such as {}")
    if _marks(content) > MAX_FIELDS:
        raise _invalid(
            "", f"the request must have no more than {MAX_FIELDS} commas and opening brackets outside of text"
        )
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise _invalid("", f"the request must be UTF-8, got another byte at offset {error.start}") from None
    try:
        return json_format.Parse(text, kind()).SerializeToString()
    except json_format.ParseError as error:
        raise _described(str(error)) from None
    except RecursionError:
        raise _invalid("", "the request is nested too deeply") from None
    except (EncodeError, ValueError, TypeError) as error:
        raise _invalid("", f"the request is not of the type that this call takes: {error}") from None


def json_of(message: Message) -> bytes:
    """Return the JSON format of a message, with the names of its JSON fields."""
    return json.dumps(json_format.MessageToDict(message), ensure_ascii=False, separators=(",", ":")).encode()


def _marks(content: bytes) -> int:
    """Return at least the number of values in a JSON text, without parsing it."""
    outside = _STRING.sub(b"", content)
    return sum(outside.count(mark) for mark in (b",", b"{", b"["))


def _described(message: str) -> InvalidArgument:
    """Return the error of a request from the parser's message."""
    if unknown := _UNKNOWN.search(message):
        kind, name, path, fields = unknown.groups()
        return _invalid(path, f"{kind} has no field {shown(name)}; its fields are {fields.replace(chr(39), '')}")
    within = []
    text = message.partition("\n")[0]
    while match := _FIELD.match(text):
        within.append(match[1])
        text = text[match.end() :]
    place = _PLACE.search(text)
    text = (text[: place.start()] if place else text).rstrip(".")
    text = text.replace("expected string or bytes-like object", "must be text")
    return _invalid(place[1] if place else ".".join(within), text)


def _invalid(field: str, description: str) -> InvalidArgument:
    return InvalidArgument([Violation(field, description[:_DESCRIPTION_CHARACTERS])])
