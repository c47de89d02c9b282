"""Limits on the lists of a request, checked on its bytes before they are parsed.

An empty item of a list is two bytes long, takes a hundred times as much memory when parsed, and
even longer to describe in an error. This module therefore counts items first, so that items beyond
a limit are neither parsed nor validated.
"""

from __future__ import annotations

from collections.abc import Mapping

from google.protobuf.descriptor import Descriptor
from msgspec import Struct, field

from ecrkeeper_server.api.layers.bounded_fields import (
    FIXED32,
    FIXED64,
    GROUP,
    GROUP_END,
    SIZED,
    VARINT,
    BoundedField,
    fields_of,
)
from ecrkeeper_server.errors import Violation, rejection
from ecrkeeper_server.settings.setting import over_quota
from ecrkeeper_server.turns import Steps

# The limit of all fields of a request, including nested ones; a declaration that uses every limit
# has 40,000.
MAX_FIELDS = 100_000
_DEEPEST = 100
# So many fields take a fraction of a millisecond.
_STEP = 256

# The bytes of a number except its last one.
_CONTINUED = bytes(range(0x80, 0x100))


class Malformed(ValueError):
    """The bytes are not a message."""


class _Endless(Exception):
    """There are more fields than the limit."""


class _Counts(Struct):
    """The number of items in each list of a message so far, and its submessages.

    The parts of a list or a submessage need not be adjacent.
    """

    items: dict[int, int] = field(default_factory=dict)
    parts: dict[int, _Counts] = field(default_factory=dict)


def within_bounds(content: bytes, message: Descriptor) -> bytes:
    """Return the bytes of a request without unknown and output-only fields.

    Raise InvalidArgument if a list is too long, or QuotaExceeded if only AWS's quotas limit it.
    """
    bounded = BoundedMessage(content, message)
    for _ in bounded.steps():
        pass
    return bounded.content


class BoundedMessage:
    """The bytes of a request; after `steps`, without unknown and output-only fields."""

    def __init__(self, content: bytes, message: Descriptor) -> None:
        self.content = content
        self._message = message

    def steps(self) -> Steps[None]:
        """Do the work of `within_bounds`, with a pause after some hundred fields."""
        walk = _Walk(self.content)
        try:
            remaining = yield from walk.message(0, len(self.content), self._message, _Counts(), "", 0)
        except IndexError:
            raise Malformed from None
        except _Endless:
            walk.excess = walk.excess or {"": _Excess(MAX_FIELDS, MAX_FIELDS)}
            raise rejection(_violations(walk.excess, "more than ")) from None
        if walk.excess:
            raise rejection(_violations(walk.excess, ""))
        if remaining is not None:
            self.content = remaining


class _Excess(Struct, frozen=True):
    """A list with more items than its limit."""

    count: int
    bound: int
    quota: str = ""


def _violations(excess: Mapping[str, _Excess], than: str) -> list[Violation]:
    return [
        Violation(path, over_quota(each.quota, f"{than}{each.count}", each.bound), "QUOTA_EXCEEDED")
        if each.quota
        else Violation(path, f"must contain no more than {each.bound} item(s), got {than}{each.count} items")
        for path, each in excess.items()
    ]


class _Walk:
    """One pass over the bytes of a request that collects the lists that are too long."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._left = MAX_FIELDS
        self.excess: dict[str, _Excess] = {}

    def message(
        self, at: int, end: int, message: Descriptor, counts: _Counts, path: str, depth: int
    ) -> Steps[bytes | None]:
        """Return the remaining bytes of the message between two offsets.

        None if nothing is removed.
        """
        content, fields = self._content, fields_of(message)
        kept, groups = at, 0
        out: list[bytes] = []
        while at < end:
            begin = at
            if not self._left % _STEP:
                yield
            tag = content[at]
            # Almost all tags and lengths have one byte, and a call takes longer than the rest.
            tag, at = (tag, at + 1) if tag < 0x80 else self._number(at)
            kind, number = tag & 7, tag >> 3
            start, at = self._value(kind, at, end)
            if not number:
                raise Malformed
            groups += (kind == GROUP) - (kind == GROUP_END)
            known = fields.get(number) if not groups else None
            if known is None or known.output_only or kind not in known.kinds:
                out.append(content[kept:begin])
                kept = at
                continue
            if known.bound and not self._counted(known, number, kind, start, at, counts, path):
                continue
            if known.message is None:
                continue
            inside = yield from self._part(known, number, start, at, counts, path, depth)
            if inside is not None:
                out += [content[kept:begin], _written(tag), _written(len(inside)), inside]
                kept = at
        if groups:
            raise Malformed
        return b"".join([*out, content[kept:end]]) if out else None

    def _part(
        self, known: BoundedField, number: int, start: int, end: int, counts: _Counts, path: str, depth: int
    ) -> Steps[bytes | None]:
        """Return the remaining bytes of a submessage."""
        if known.message is None or depth == _DEEPEST:
            raise Malformed
        if known.bound:
            path, counts = f"{path}{known.name}[{counts.items[number] - 1}].", _Counts()
        else:
            path, counts = f"{path}{known.name}.", counts.parts.setdefault(number, _Counts())
        return (yield from self.message(start, end, known.message, counts, path, depth + 1))

    def _counted(
        self, known: BoundedField, number: int, kind: int, start: int, end: int, counts: _Counts, path: str
    ) -> bool:
        """Count the items that a field adds; return whether its list is within the limit."""
        added = 1
        if kind == SIZED and known.width is not None:
            packed = self._content[start:end]
            added = len(packed) // known.width if known.width else len(packed.translate(None, _CONTINUED))
        count = counts.items[number] = counts.items.get(number, 0) + added
        if count > known.bound:
            self.excess[path + known.name] = _Excess(count, known.bound, known.quota)
        return count <= known.bound

    def _value(self, kind: int, at: int, end: int) -> tuple[int, int]:
        """Return the offsets of the beginning and the end of a field's value."""
        self._left -= 1
        if self._left < 0:
            raise _Endless
        start = at
        if kind == SIZED:
            size = self._content[at]
            size, start = (size, at + 1) if size < 0x80 else self._number(at)
            at = start + size
        elif kind == VARINT:
            at = at + 1 if self._content[at] < 0x80 else self._number(at)[1]
        elif kind in (FIXED32, FIXED64):
            at += 4 if kind == FIXED32 else 8
        elif kind not in (GROUP, GROUP_END):
            raise Malformed
        if at > end:
            raise Malformed
        return start, at

    def _number(self, at: int) -> tuple[int, int]:
        """Return the number at an offset, and the offset behind it."""
        content = self._content
        byte = content[at]
        if byte < 0x80:
            return byte, at + 1
        number, shift = byte & 0x7F, 7
        while shift < 70:
            at += 1
            byte = content[at]
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number, at + 1
            shift += 7
        raise Malformed


def _written(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
