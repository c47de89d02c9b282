"""Digests of plans, so that a write applies exactly the plan that was shown; pure.

A digest covers the request, the generation of the registry or role, and what AWS has. It keeps these parts apart,
so that the error names those that have changed.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Self

import orjson
from msgspec import Struct

from ecrkeeper_server.errors import InvalidArgument, PlanStale, Violation
from ecrkeeper_server.turns import Steps, finish

_VERSION = 1
# Of a request and a setting: the items of its longest list are parts.
_DEPTH = 5
# Bytes of a step, and as many as take as long as a part.
_BYTES, _PART = 200_000, 500


class Basis(Struct, frozen=True):
    """The write that a plan is for, as JSON, and the etag of what it changes.

    The etag is empty for a registry or role that is not stored.
    """

    request: Any
    etag: str


class PlanDigest(Struct, frozen=True):
    """The parts of a digest; `observed` has one for each setting."""

    request: str
    etag: str
    observed: Mapping[str, str]

    @classmethod
    def of(cls, basis: Basis, observed: Mapping[str, Any]) -> Self:
        """Return the digest of a plan on the settings that AWS has."""
        return finish(cls.making(basis, observed))

    @classmethod
    def making(cls, basis: Basis, observed: Mapping[str, Any]) -> Steps[Self]:
        """Return the same in steps."""
        request = yield from _hashing(basis.request)
        hashes = {}
        for name, shape in observed.items():
            hashes[name] = yield from _hashing(shape)
        return cls(request, basis.etag, hashes)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the parts of a digest; InvalidArgument for any other text."""
        try:
            version, request, etag, observed = orjson.loads(base64.urlsafe_b64decode(text.encode("ascii")))
        except (ValueError, TypeError):
            version, request, etag, observed = 0, None, None, None
        texts = (request, etag, *(observed.values() if isinstance(observed, dict) else (None,)))
        if version != _VERSION or not all(isinstance(each, str) for each in texts):
            raise InvalidArgument([Violation("plan_digest", "is not the digest of a plan of this server")])
        return cls(request, etag, observed)

    def __str__(self) -> str:
        parts = (_VERSION, self.request, self.etag, dict(self.observed))
        return base64.urlsafe_b64encode(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).decode("ascii")

    def moved(self, now: PlanDigest, kind: str = "registry") -> dict[str, str]:
        """Return a description of each part that differs from `now`."""
        changes = {} if self.request == now.request else {"request": "the request is not the planned one"}
        if self.etag != now.etag:
            changes[kind] = _change(kind, self.etag, now.etag)
        for name in sorted({*self.observed, *now.observed}):
            if self.observed.get(name) != now.observed.get(name):
                changes[name] = f"AWS has another {name}"
        return changes


def check_plan(name: str, planned: str, now: str, kind: str = "registry") -> None:
    """Reject a write whose plan would be another one `now`."""
    before = PlanDigest.parse(planned)
    if not now:
        raise PlanStale(name, {"observed": "AWS cannot be observed"})
    moved = before.moved(PlanDigest.parse(now), kind)
    if moved:
        raise PlanStale(name, moved)


def check_planned_on(name: str, planned: str, current: str, kind: str = "registry") -> None:
    """Reject a write if a registry or role changed since its plan was checked."""
    if planned != current:
        raise PlanStale(name, {kind: _change(kind, planned, current)})


def _change(kind: str, before: str, now: str) -> str:
    if not before or not now:
        return f"the {kind} was " + ("declared" if now else "deleted")
    (uid, _, old), (other, _, new) = before.rpartition("-"), now.rpartition("-")
    if uid != other:
        return f"the {kind} is another one"
    return f"the {kind} has generation {new}, and the plan is for {old}"


def _hashing(value: Any) -> Steps[str]:
    """Return a hash of a value as JSON with sorted names, in steps."""
    digest, size = hashlib.sha256(), 0
    for part in _parts(value, _DEPTH):
        digest.update(part)
        size += len(part) + _PART
        if size >= _BYTES:
            yield
            size = 0
    return digest.hexdigest()[:16]


def _parts(value: Any, depth: int) -> Iterator[bytes]:
    """Yield the parts of what orjson makes of a value."""
    if depth and type(value) is dict and value:
        opening = b"{"
        for name in sorted(value):
            yield opening + orjson.dumps(name) + b":"
            yield from _parts(value[name], depth - 1)
            opening = b","
        yield b"}"
    elif depth and type(value) is list and value:
        opening = b"["
        for item in value:
            yield opening
            yield from _parts(item, depth - 1)
            opening = b","
        yield b"]"
    else:
        yield orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
