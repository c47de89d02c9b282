"""Convert the attributes of other tools to the members of AWS; pure.

A table says which member an attribute becomes. An attribute that no table has is an error, because leaving it out could
lose a value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ecrkeeper_files.plain_text import shown


@dataclass(frozen=True, slots=True)
class Member:
    """The member that an attribute becomes.

    Without a name, AWS only reports the attribute.

    `inner` is the table of an object or of the objects of a list. With `single`, a list of one object becomes the
    object. `read` converts any other value.
    """

    name: str = ""
    inner: Table | None = None
    single: bool = False
    read: Callable[[Any], Any] | None = None


Table = Mapping[str, Member]
REPORTED = Member()


def converted(values: Mapping[str, Any], table: Table, path: str, errors: list[str]) -> dict[str, Any]:
    """Return the members of attributes; empty ones are left out.

    Every problem is added to `errors`, by path.
    """
    members: dict[str, Any] = {}
    for attribute, value in values.items():
        at = f"{path}.{attribute}"
        if is_empty(value):
            continue
        member = table.get(attribute)
        if member is None:
            errors.append(f"{at}: this version does not know the attribute, which is {_short(value)}")
        elif member.name and (result := _value(value, member, at, errors)) is not None:
            members[member.name] = result
    return members


def is_empty(value: Any) -> bool:
    """Return whether a value says nothing."""
    return value is None or value == "" or value == [] or value == {}


def _value(value: Any, member: Member, path: str, errors: list[str]) -> Any:
    if member.inner is None:
        return member.read(value) if member.read else value
    if isinstance(value, Mapping):
        return converted(value, member.inner, path, errors)
    if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):
        errors.append(f"{path}: must have blocks, got {_short(value)}")
        return None
    if member.single and len(value) != 1:
        errors.append(f"{path}: must be one block, got {len(value)}")
        return None
    blocks = [converted(each, member.inner, f"{path}[{at}]", errors) for at, each in enumerate(value)]
    return blocks[0] if member.single else blocks


def policy(value: Any) -> Any:
    """Return a policy document as an object; text that is no JSON object stays text."""
    if not isinstance(value, str):
        return value
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return parsed if isinstance(parsed, dict) else value


def tags(value: Any) -> Any:
    """Return tags as AWS lists them."""
    if not isinstance(value, Mapping):
        return value
    return [{"Key": key, "Value": value[key] or ""} for key in sorted(value)]


def _short(value: Any) -> str:
    return shown(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))
