"""Check the rules of the protos, and describe violations."""

from __future__ import annotations

from collections.abc import Sized
from typing import Any

import protovalidate
from google.protobuf.message import Message

from ecrkeeper_server.declarations.list_bounds import rule_of
from ecrkeeper_server.declarations.pattern_messages import message_of
from ecrkeeper_server.declarations.quota_fields import quota_of
from ecrkeeper_server.errors import MAX_VIOLATIONS, MORE_VIOLATIONS, Violation
from ecrkeeper_server.names import shown
from ecrkeeper_server.settings.setting import over_quota
from ecrkeeper_server.turns import Steps, finish

_FEW_NAMES = 12
VALIDATOR = protovalidate.Validator()


def violations(message: Message) -> list[Violation]:
    """Return the first hundred violations of the rules of the protos.

    Checking a valid message is fast, but describing a violation takes 40
    microseconds. Lists are therefore cut after that many invalid items, and
    behind their greatest length.
    """
    return finish(finding_violations(message))


def finding_violations(message: Message) -> Steps[list[Violation]]:
    """Return the same in steps."""
    if not VALIDATOR.collect_violations(message, fail_fast=True):
        return []
    yield
    cut = type(message)()
    cut.CopyFrom(message)
    yield
    more = (yield from _cutting(cut, MAX_VIOLATIONS)) <= 0
    yield
    violations = VALIDATOR.collect_violations(cut)
    yield
    described = [_describe(message, each) for each in violations[:MAX_VIOLATIONS]]
    if more or len(violations) > MAX_VIOLATIONS:
        described.append(MORE_VIOLATIONS)
    return described


def _cutting(message: Any, limit: int) -> Steps[int]:
    """Cut all lists of messages that are too long, and after that many invalid items.

    Returns the number of further items that may be invalid.
    """
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        if not field.is_repeated:
            limit = yield from _cutting(value, limit)
            continue
        if most := rule_of(field):
            # One item more breaks the rule as well as all of them do.
            del value[most + 1 :]
        for at, item in enumerate(value):
            # An empty list might break another rule.
            if limit <= 0 and at:
                del value[at:]
                break
            if VALIDATOR.collect_violations(item, fail_fast=True):
                limit = yield from _cutting(item, limit - 1)
            yield
    return limit


def _describe(message: Message, each: Any) -> Violation:
    """Return a violation that names the allowed values, and the value if it is short."""
    proto = each.proto
    path = _path(proto.field)
    value, kind = _at(message, proto.field)
    if proto.for_key:
        value, kind = proto.field.elements[-1].subscript.value, None
    if proto.rule_id == "enum.not_in" and not value:
        return Violation(path, f"is required{_known(kind, '; allowed are ', 1)}")
    if proto.rule_id == "required" or (proto.rule_id == "string.min_len" and value == ""):
        return Violation(path, "is required")
    quota = quota_of(kind)
    if quota and proto.rule_id in ("string.max_len", "repeated.max_items"):
        return Violation(path, over_quota(quota, len(value), each.rule_value), "QUOTA_EXCEEDED")
    return Violation(path, _message(each) + _value(value, kind))


def _message(each: Any) -> str:
    if each.proto.rule_id == "string.pattern":
        return message_of(each.rule_value)
    return str(each.proto.message or each.proto.rule_id)


def _value(value: Any, kind: Any) -> str:
    if isinstance(value, str):
        return f", got {shown(value)}"
    if isinstance(value, (int, float)):
        return f", got {value}{_known(kind, '; allowed are ', 0)}"
    return f", got {len(value)} items" if isinstance(value, Sized) and not isinstance(value, Message) else ""


def _at(message: Message, path: Any) -> tuple[Any, Any]:
    """Return the value at a path, and its field."""
    value: Any = message
    kind: Any = None
    for element in path.elements:
        kind = value.DESCRIPTOR.fields_by_name.get(element.field_name) if isinstance(value, Message) else None
        value = getattr(value, element.field_name)
        if element.subscript is not None:
            value = value[element.subscript.value]
    return value, kind


def _known(kind: Any, before: str, first: int) -> str:
    enum = kind.enum_type if kind is not None else None
    if enum is None or len(enum.values) > _FEW_NAMES:
        return ""
    return before + ", ".join(value.name for value in enum.values[first:])


def _path(path: Any) -> str:
    text = ""
    for element in path.elements:
        text += ("." if text else "") + element.field_name
        if element.subscript is not None:
            text += f"[{element.subscript.value}]"
    return text
