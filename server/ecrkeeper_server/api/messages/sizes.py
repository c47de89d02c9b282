"""Cuts messages so that every answer stays below gRPC's default limit of 4 MiB."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ecrkeeper.v1 import common_pb2

ANSWER_BYTES = 3 * 2**20
# The maximum of a resource, and of a plan within it.
RESOURCE_BYTES, PLAN_BYTES = 2_900_000, 1_200_000
# Size of a length, a tag, and a path in `truncated_fields`.
_AROUND = 64


def fit(message: Any, limit: int, paths: Sequence[str]) -> None:
    """Cut the longest of the given fields until a message fits.

    `truncated_fields` names them.

    A path is a list, a list of a submessage (`a.b`), or every field of a submessage (`a.*`).
    """
    if message.ByteSize() <= limit:
        return
    parts = sorted(_parts(message, paths), key=lambda part: -part[0])
    for _, path, owner, field in parts:
        over = message.ByteSize() - limit
        if over <= 0:
            break
        message.truncated_fields.append(path)
        found = getattr(owner, field)
        if hasattr(found, "add") or isinstance(found, Sequence):
            shorten(found, over + _AROUND)
        else:
            owner.ClearField(field)


def _parts(message: Any, paths: Iterable[str]) -> Iterator[tuple[int, str, Any, str]]:
    for path in paths:
        head, _, field = path.partition(".")
        if not field:
            yield _length(getattr(message, head)), path, message, head
        elif message.HasField(head):
            owner = getattr(message, head)
            fields = [each.name for each, _ in owner.ListFields()] if field == "*" else [field]
            for name in fields:
                yield _length(getattr(owner, name)), f"{head}.{name}", owner, name


def _length(value: Any) -> int:
    if hasattr(value, "ByteSize"):
        return int(value.ByteSize())
    return sum(_length_of_item(each) for each in value)


def _length_of_item(item: Any) -> int:
    # The tag and the length of an item take at most 5 bytes; counting fewer only cuts more.
    return (len(item.encode()) if isinstance(item, str) else int(item.ByteSize())) + 2


def shorten(items: Any, freed: int) -> int:
    """Remove items from the end of a list to free this many bytes.

    Return their number.
    """
    kept = len(items)
    while kept and freed > 0:
        kept -= 1
        freed -= _length_of_item(items[kept])
    removed = len(items) - kept
    del items[kept:]
    return removed


def fit_plan(plan: common_pb2.Plan, limit: int = PLAN_BYTES) -> None:
    """Cut a plan until it fits.

    First changes that a request shows too, then the longest requests, then warnings and calls.
    """
    for call in reversed(plan.calls):
        if plan.ByteSize() <= limit:
            return
        call.omitted_changes += sum(map(_count, call.changes))
        del call.changes[:]
    for call in sorted(plan.calls, key=lambda each: -each.request.ByteSize()):
        if plan.ByteSize() <= limit:
            return
        call.ClearField("request")
        call.request_omitted = True
    if (over := plan.ByteSize() - limit) > 0:
        plan.omitted_warnings += shorten(plan.warnings, over + _AROUND)
    if (over := plan.ByteSize() - limit) > 0:
        plan.omitted_calls += shorten(plan.calls, over + _AROUND)


def _count(change: common_pb2.ElementChange) -> int:
    return len(change.pairs.destinations) * len(change.pairs.filters) if change.HasField("pairs") else 1
