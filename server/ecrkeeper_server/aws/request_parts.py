"""Serialize a large request in parts: botocore takes 20 ms for the largest one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import ParamValidationError

from ecrkeeper_server.aws.codec import Serialized
from ecrkeeper_server.aws.params import counted
from ecrkeeper_server.turns import Steps

Params = Mapping[str, Any]
Path = tuple[str, ...]

# Values of a part, which takes a millisecond.
_VALUES = 100
# Between the items of a list, as botocore writes JSON.
_SEPARATOR = b", "


def serializing(serialize: Callable[[Params], Serialized], params: Params) -> Steps[Serialized]:
    """Return what `serialize` returns, with a step for each part of the longest list.

    Each part is a request of its own, with a part of the list. All of them begin and end as the request without
    items does. A request without such a list is serialized in one step, as is an invalid one, for its error.
    """
    path = _longest(params)
    if path is None:
        return serialize(params)
    try:
        empty = serialize(_replaced(params, path, []))
        before, mark, after = empty.body.partition(b'"%s": []' % path[-1].encode())
        head, tail = before + mark[:-1], mark[-1:] + after
        parts: list[bytes] = []
        for items in _parts(_at(params, path)):
            yield
            body = serialize(_replaced(params, path, items)).body
            if not mark or not (body.startswith(head) and body.endswith(tail)):
                return serialize(params)
            parts.append(body[len(head) : len(body) - len(tail)])
        yield
    except ParamValidationError:
        return serialize(params)
    return empty._replace(body=head + _SEPARATOR.join(parts) + tail)


def _longest(params: Params) -> Path | None:
    """Return the path of the list of objects with the most values."""
    found = list(_lists(params, ()))
    return max(found, key=lambda each: each[0])[1] if found else None


def _lists(params: Params, path: Path) -> Iterator[tuple[int, Path]]:
    for name, value in params.items():
        if isinstance(value, dict):
            yield from _lists(value, (*path, name))
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            yield counted(value), (*path, name)


def _at(params: Params, path: Path) -> list[Any]:
    value: Any = params
    for name in path:
        value = value[name]
    return value  # type: ignore[no-any-return]


def _replaced(params: Params, path: Path, items: list[Any]) -> dict[str, Any]:
    """Return a copy of parameters with another list at a path."""
    name, *rest = path
    return {**params, name: _replaced(params[name], tuple(rest), items) if rest else items}


def _parts(items: list[Any]) -> Iterator[list[Any]]:
    part: list[Any] = []
    for item in items:
        part.append(item)
        if counted(part) >= _VALUES:
            yield part
            part = []
    if part:
        yield part
