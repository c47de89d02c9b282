"""Read members of untrusted JSON: typed, bounded and visible, or an error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ecrkeeper_files.plain_text import escaped

from ecrkeeper_server.names import is_account, partition_of

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_WORD = re.compile(r"[\x21-\x7e]{1,128}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z", re.ASCII)
_TEXT = 512


class Malformed(Exception):
    """The event is not what its sender says it is.

    The text names the member, never its value.
    """


def mapping(value: Any, member: str) -> Mapping[str, Any]:
    """Return an object."""
    if type(value) is not dict:
        raise Malformed(f"{member} must be an object")
    return value


def optional_mapping(parent: Mapping[str, Any], member: str) -> Mapping[str, Any]:
    """Return an object that may be absent or null."""
    value = parent.get(member)
    return {} if value is None else mapping(value, member)


def text(parent: Mapping[str, Any], member: str) -> str:
    """Return a text as people can read it, shortened; empty if it is absent or null."""
    value = parent.get(member)
    if value is None:
        return ""
    if type(value) is not str:
        raise Malformed(f"{member} must be a text")
    return escaped(value[:_TEXT])


def word(parent: Mapping[str, Any], member: str) -> str:
    """Return a text of 1 to 128 visible ASCII characters."""
    value = parent.get(member)
    if type(value) is not str or not _WORD.fullmatch(value):
        raise Malformed(f"{member} must be 1 to 128 visible characters")
    return value


def optional_word(parent: Mapping[str, Any], member: str) -> str:
    """Return the same, or an empty text if it is absent or null."""
    return "" if parent.get(member) is None else word(parent, member)


def account(parent: Mapping[str, Any], member: str) -> str:
    """Return an account id."""
    value = parent.get(member)
    if type(value) is not str or not is_account(value):
        raise Malformed(f"{member} must be 12 digits")
    return value


def region(parent: Mapping[str, Any], member: str) -> str:
    """Return a Region."""
    value = parent.get(member)
    if type(value) is not str or partition_of(value) is None:
        raise Malformed(f"{member} must be a Region")
    return value


def unique_id(parent: Mapping[str, Any], member: str) -> str:
    """Return a UUID in lower case."""
    value = parent.get(member)
    if type(value) is not str or not _UUID.fullmatch(value):
        raise Malformed(f"{member} must be a UUID")
    return value.lower()


def time(parent: Mapping[str, Any], member: str) -> int:
    """Return a time of RFC 3339 in UTC, in microseconds since 1970."""
    value = parent.get(member)
    if type(value) is not str or not _TIME.fullmatch(value):
        raise Malformed(f"{member} must be a time such as 2026-01-31T12:00:00Z")
    try:
        moment = datetime.fromisoformat(value.removesuffix("Z")).replace(tzinfo=UTC)
    except ValueError:
        raise Malformed(f"{member} must be a time such as 2026-01-31T12:00:00Z") from None
    micros = round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000)
    if micros < 0:
        raise Malformed(f"{member} must not be before 1970")
    return micros
