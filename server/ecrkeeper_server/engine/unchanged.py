"""Recognize inputs for which an attempt on a registry found nothing to do.

Between the answers of AWS and the result of an attempt there is a pure function of the registry's
row, its declarations and these answers. If it found nothing to do, the same inputs need no
second attempt: not in a sweep, where nearly all registries are unchanged.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any

import orjson

from ecrkeeper_server.store.rows import Declaration, Resource
from ecrkeeper_server.turns import Steps

_DIGEST = 16
# Enough that few buckets of a table with half as many digests as slots overflow.
_BUCKET = 8 * _DIGEST
# 4 MB, of which only the used pages take memory.
_SLOTS = 1 << 18
# Hashing more would delay other accounts.
_MAX_BYTES = 1_000_000
# Bytes that a step writes and hashes in half a millisecond.
_AT_ONCE = 100_000
# Only JSON has one form: anything else is not recognized.
_STRICT = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS


class Unchanged:
    """Digests of inputs, in a table of fixed size.

    A digest displaces the oldest one of its bucket: forgetting only costs time. It includes the
    name of the registry, and a secret of the process.
    """

    def __init__(self, slots: int = _SLOTS) -> None:
        self._table = mmap.mmap(-1, slots * _DIGEST)
        self._key = os.urandom(32)

    def digesting(
        self, row: Resource, declared: Sequence[Declaration], answers: Mapping[str, Mapping[str, Any]]
    ) -> Steps[bytes | None]:
        """Return the digest of all inputs of an attempt, in steps.

        None if they are too long or not JSON. `answers` are the shapes of all managed settings.
        """
        digest, size, pause = blake2b(digest_size=_DIGEST, key=self._key), 0, _AT_ONCE
        for part in _parts(row, declared, answers):
            try:
                text = orjson.dumps(part, option=_STRICT)
            except TypeError:
                return None
            size += len(text)
            if size > _MAX_BYTES:
                return None
            digest.update(text)
            if size > pause:
                yield
                pause = size + _AT_ONCE
        return digest.digest()

    def knows(self, digest: bytes) -> bool:
        """Return whether an attempt found nothing to do with these inputs."""
        at = self._bucket(digest)
        return self._table.find(digest, at, at + _BUCKET) >= 0

    def remember(self, digest: bytes) -> None:
        """Note that an attempt found nothing to do with these inputs."""
        at = self._bucket(digest)
        self._table.move(at + _DIGEST, at, _BUCKET - _DIGEST)
        self._table[at : at + _DIGEST] = digest

    def _bucket(self, digest: bytes) -> int:
        return int.from_bytes(digest[:8]) % (len(self._table) // _BUCKET) * _BUCKET


def _parts(row: Resource, declared: Sequence[Declaration], answers: Mapping[str, Mapping[str, Any]]) -> Iterator[Any]:
    """Yield the inputs in parts, so that long ones are not all written.

    JSON shows where each part ends.
    """
    state = row.stored_state
    yield [row.name, row.spec, len(state), len(declared)]
    for name, member in state.items():
        if type(member) is dict:
            yield [name, len(member)]
            yield from map(list, member.items())
        else:
            yield [name, None, member]
    for each in declared:
        yield (each.owner, each.settings, each.allow_replacement, each.generation, each.observed_generation)
    yield from map(list, answers.items())
