"""Cuts messages so that every answer stays below gRPC's default limit of 4 MiB."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ecrkeeper.v1 import common_pb2
from google.protobuf.message import Message

from ecrkeeper_server.turns import Steps

ANSWER_BYTES = 3 * 2**20
# The maximum of a resource, and of a plan within it.
RESOURCE_BYTES, PLAN_BYTES = 2_900_000, 1_200_000
# Size of a length, a tag, and a path in `truncated_fields`.
AROUND = 64
# Items of a step, and bytes: a message of many small ones takes some 5 ns for each byte.
_AT_ONCE, _BYTES_AT_ONCE = 100, 100_000


def fitting(message: Any, limit: int, paths: Sequence[str]) -> Steps[None]:
    """Cut the longest of the given fields until a message fits, in steps.

    A step measures one item of a list. `truncated_fields` names the fields that are cut.

    A path is a list, a list of a submessage (`a.b`), or every field of a submessage (`a.*`).
    """
    pace = _Pace()
    over = (yield from _members(message, pace)) - limit
    if over <= 0:
        return
    parts = []
    for path, owner, field in _parts(message, paths):
        size = yield from _measured(getattr(owner, field), pace, 1)
        parts.append((size, path, owner, field))
    for size, path, owner, field in sorted(parts, key=lambda part: -part[0]):
        if over <= 0:
            break
        yield
        message.truncated_fields.append(path)
        over += AROUND
        content = getattr(owner, field)
        if isinstance(content, Message):
            owner.ClearField(field)
            over -= size
        else:
            _, freed = yield from shortening(content, over)
            over -= freed


def _parts(message: Any, paths: Iterable[str]) -> Iterator[tuple[str, Any, str]]:
    for path in paths:
        head, _, field = path.partition(".")
        if not field:
            yield path, message, head
        elif message.HasField(head):
            owner = getattr(message, head)
            fields = [each.name for each, _ in owner.ListFields()] if field == "*" else [field]
            for name in fields:
                yield f"{head}.{name}", owner, name


class _Pace:
    """Counts the items that a step measures, and their bytes, in all lists."""

    def __init__(self) -> None:
        self._items = self._bytes = 0

    def count(self, size: int) -> bool:
        """Count an item; return whether the step has measured enough."""
        self._items += 1
        self._bytes += size
        if self._items < _AT_ONCE and self._bytes <= _BYTES_AT_ONCE:
            return False
        self._items = self._bytes = 0
        return True


def measuring(message: Message) -> Steps[int]:
    """Return at least the size of a message, in steps."""
    return _members(message, _Pace())


def _members(message: Message, pace: _Pace) -> Steps[int]:
    size = 0
    for field, value in message.ListFields():
        # The tag of a field has 4 bits of its number in the first byte, and 7 in the next.
        size += yield from _measured(value, pace, 1 if field.number < 16 else 2)
    return size


def _measured(value: Any, pace: _Pace, tag: int) -> Steps[int]:
    """Return at least the size of a value; a `tag` has so many bytes."""
    if isinstance(value, str):
        return AROUND + len(value.encode())
    if isinstance(value, bytes):
        return AROUND + len(value)
    if isinstance(value, Message):
        return AROUND + (yield from _members(value, pace))
    if not isinstance(value, Sequence):
        return AROUND
    size = 0
    for each in value:
        length = _length_of_item(each, tag)
        size += length
        if pace.count(length):
            yield
    return size


def _length_of_item(item: Any, tag: int = 1) -> int:
    length = len(item.encode()) if isinstance(item, str) else int(item.ByteSize())
    # The length itself takes a byte for each 7 bits.
    return tag + max(1, (length.bit_length() + 6) // 7) + length


def shortening(items: Any, freed: int) -> Steps[tuple[int, int]]:
    """Remove items from the end of a list to free this many bytes, in steps.

    Return their number and how many bytes that freed.
    """
    kept, excess = len(items), freed
    while kept and excess > 0:
        kept -= 1
        # A longer tag would free more, so this only cuts more.
        size = _length_of_item(items[kept])
        excess -= size
        if kept % _AT_ONCE == 0 or size > _BYTES_AT_ONCE // _AT_ONCE:
            yield
    removed = len(items) - kept
    del items[kept:]
    return removed, freed - excess


def fitting_plan(plan: common_pb2.Plan, limit: int = PLAN_BYTES) -> Steps[None]:
    """Cut a plan until it fits, in steps.

    First changes that a request shows too, then the longest requests, then warnings and calls.
    """
    pace = _Pace()
    over = (yield from _members(plan, pace)) - limit
    over = yield from _cutting(reversed(plan.calls), over, _omit_changes, pace)
    if over > 0:
        longest_first = yield from _longest_first(plan.calls, pace)
        over = yield from _cutting(longest_first, over, _omit_request, pace)
    if over > 0:
        removed, freed = yield from shortening(plan.warnings, over + AROUND)
        plan.omitted_warnings += removed
        over -= freed
    if over > 0:
        removed, _ = yield from shortening(plan.calls, over + AROUND)
        plan.omitted_calls += removed


def _cutting(
    calls: Iterable[common_pb2.PlannedCall], over: int, cut: Callable[[common_pb2.PlannedCall], None], pace: _Pace
) -> Steps[int]:
    """Cut calls until so many bytes are free, in steps; return how many are not."""
    for call in calls:
        if over <= 0:
            break
        before = call.ByteSize()
        cut(call)
        after = call.ByteSize()
        over -= before - after
        if pace.count(before + after):
            yield
    return over


def _longest_first(calls: Sequence[common_pb2.PlannedCall], pace: _Pace) -> Steps[list[common_pb2.PlannedCall]]:
    """Sort calls by the sizes of their requests, in steps."""
    sizes = []
    for at, call in enumerate(calls):
        size = call.request.ByteSize()
        sizes.append((-size, at))
        if pace.count(size):
            yield
    return [calls[at] for _, at in sorted(sizes)]


def _omit_changes(call: common_pb2.PlannedCall) -> None:
    call.omitted_changes += sum(map(_count, call.changes))
    del call.changes[:]


def _omit_request(call: common_pb2.PlannedCall) -> None:
    if call.HasField("request"):
        call.ClearField("request")
        call.request_omitted = True


def _count(change: common_pb2.ElementChange) -> int:
    return len(change.pairs.destinations) * len(change.pairs.filters) if change.HasField("pairs") else 1
