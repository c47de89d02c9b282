"""Messages for any request type from its descriptor, and their bytes."""

from __future__ import annotations

import random
from typing import Any

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from tests.fuzz import words

_INTEGERS = (0, 1, 2, -1, 10, 1000, 1001, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63), 2**32)
_DEPTH = 7
# A list of this many items exceeds any limit, and is still small as bytes.
_GIANT = 50_000


def make(descriptor: Descriptor, rng: random.Random, depth: int = 0) -> Message:
    """Return a message of a type."""
    message: Any = message_factory.GetMessageClass(descriptor)()
    if descriptor.full_name == "google.protobuf.FieldMask":
        message.paths.extend(words.mask(rng))
        return message
    valid = words.VALID.get(descriptor.full_name)
    if valid and rng.random() < 0.6:
        message.CopyFrom(rng.choice(valid))
        if rng.random() < 0.5:
            return message
    for field in descriptor.fields:
        if rng.random() < (0.75 if depth == 0 else 0.45):
            _fill(message, field, rng, depth)
    return message


def _fill(message: Any, field: FieldDescriptor, rng: random.Random, depth: int) -> None:
    if field.message_type and field.message_type.GetOptions().map_entry:
        key, value = field.message_type.fields_by_name["key"], field.message_type.fields_by_name["value"]
        for _ in range(rng.choice((1, 2, 3, 60))):
            if value.message_type is None:
                getattr(message, field.name)[_scalar(key, rng)] = _scalar(value, rng)
        if rng.random() < 0.01 and key.cpp_type == FieldDescriptor.CPPTYPE_STRING and value.message_type is None:
            getattr(message, field.name).update({str(at): _scalar(value, rng)[:9] for at in range(_GIANT)})
        return
    if field.message_type and depth >= _DEPTH:
        return
    if field.is_repeated:
        many = rng.choice((0, 1, 1, 2, 3)) if rng.random() < 0.98 or depth > 3 else 300
        getattr(message, field.name).extend(_value(field, rng, depth) for _ in range(many))
        if many == 1 and rng.random() < 0.01:
            # The same item, empty or as generated.
            item = _value(field, rng, _DEPTH) if rng.random() < 0.5 else getattr(message, field.name)[0]
            getattr(message, field.name).extend([item] * (_GIANT // (1 + len(str(item)) // 20)))
    elif field.message_type:
        getattr(message, field.name).CopyFrom(_value(field, rng, depth))
    else:
        setattr(message, field.name, _scalar(field, rng))


def _value(field: FieldDescriptor, rng: random.Random, depth: int) -> Any:
    return make(field.message_type, rng, depth + 1) if field.message_type else _scalar(field, rng)


def _scalar(field: FieldDescriptor, rng: random.Random) -> Any:
    kind = field.cpp_type
    if kind == FieldDescriptor.CPPTYPE_STRING:
        if field.type == FieldDescriptor.TYPE_BYTES:
            return rng.randbytes(rng.choice((0, 1, 30)))
        return words.text(field, rng)
    if kind == FieldDescriptor.CPPTYPE_BOOL:
        return rng.random() < 0.5
    if kind == FieldDescriptor.CPPTYPE_ENUM:
        numbers = [value.number for value in field.enum_type.values]
        return rng.choice(numbers) if rng.random() < 0.85 else rng.choice((-1, 99, 2**31 - 1, -(2**31)))
    if kind in (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT):
        return rng.choice((0.0, -1.5, float("inf"), float("nan")))
    bits = 32 if kind in (FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_UINT32) else 64
    low = 0 if kind in (FieldDescriptor.CPPTYPE_UINT32, FieldDescriptor.CPPTYPE_UINT64) else -(2 ** (bits - 1))
    high = 2**bits - 1 if low == 0 else 2 ** (bits - 1) - 1
    return min(high, max(low, rng.choice(_INTEGERS)))


def request(descriptor: Descriptor, rng: random.Random) -> bytes:
    """Return the bytes of a request: usually a message, otherwise a damaged one."""
    content = make(descriptor, rng).SerializeToString()
    return content if rng.random() < 0.85 else corrupted(content, rng)


def corrupted(content: bytes, rng: random.Random) -> bytes:
    """Return bytes that are truncated, changed, doubled or extended."""
    at = rng.randrange(len(content) + 1)
    kind = rng.randrange(7)
    if kind == 0:
        return content[:at]
    if kind == 1:
        return content[:at] + rng.randbytes(rng.randrange(1, 8)) + content[at:]
    if kind == 2 and content:
        changed = bytearray(content)
        for _ in range(rng.randrange(1, 6)):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        return bytes(changed)
    if kind == 3:
        return content + content
    if kind == 4:
        return content + _unknown(rng)
    if kind == 5:
        return rng.randbytes(rng.randrange(200))
    # A string that is half a surrogate, or ends within a character.
    return content + rng.choice((b"\x0a\x03\xed\xa0\x80", b"\x0a\x01\xc3", b"\x12\x02\xff\xfe"))


def _unknown(rng: random.Random) -> bytes:
    """Return fields with unknown numbers: nested, grouped, long, and the largest."""
    nested = b"\xfa\x3e\x00"
    for _ in range(rng.choice((1, 30, 120))):
        nested = b"\xfa\x3e" + varint(len(nested)) + nested
    group = b"\xfb\x3e" * rng.choice((1, 50, 200))
    return rng.choice(
        (nested, group, b"\xf8\xff\xff\xff\x0f" + varint(2**64 - 1), b"\xfa\x3e" + varint(70_000) + b"x" * 70_000)
    )


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


_TEXTS = (
    "",
    "x",
    "a" * 64,
    "a" * 70,
    "a" * 4000,
    "b" * 15_000,
    "c" * 40_000,
    "{}",
    "%00",
    "a, b",
    '"',
    "Bearer x",
    "Basic Og==",
    "Bearer " + "e" * 3000,
)


def metadata(rng: random.Random) -> list[tuple[str, str | bytes]]:
    """Return metadata for a call; usually none."""
    if rng.random() < 0.85:
        return []
    pairs: list[tuple[str, str | bytes]] = []
    for _ in range(rng.choice((1, 1, 2, 5, 60))):
        key = rng.choice(
            (
                "x-request-id",
                "authorization",
                "traceparent",
                "tracestate",
                "x-a",
                "user-agent",
                "cookie",
                "x-b-bin",
                "x-request-id-bin",
                "te",
            )
        )
        value = rng.choice(_TEXTS)
        pairs.append((key, rng.randbytes(rng.choice((0, 1, 50, 3000))) if key.endswith("-bin") else value))
    return pairs
