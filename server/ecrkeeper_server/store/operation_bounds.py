"""Bounds of the operations that wait for one resource.

The end of an attempt reads all of them, and a call that joins one copies its principals.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from ecrkeeper_server.errors import ResourceExhausted
from ecrkeeper_server.store.operation_metadata import OperationMetadata
from ecrkeeper_server.store.rows import Operation

MAX_PRINCIPALS = 100
"""Principals of one operation."""

MAX_PENDING = 20
"""Operations on one resource that one principal began and that have not ended."""

# Attempts end operations, within seconds or after a backoff; jitter, so that callers do not all retry at once.
_RETRY_SECONDS = (5.0, 15.0)


def has_room(operation: Operation, caller: str) -> bool:
    """Return whether a principal may join an operation, or has joined it."""
    principals = OperationMetadata(operation.metadata).callers
    return not caller or caller in principals or len(principals) < MAX_PRINCIPALS


def may_begin(pending: Sequence[Operation], caller: str) -> bool:
    """Return whether a principal may begin one more operation beside the pending ones."""
    return sum(_began(each) == caller for each in pending) < MAX_PENDING


def _began(operation: Operation) -> str:
    """Return the principal that began an operation; empty for unauthenticated callers."""
    return next(iter(OperationMetadata(operation.metadata).callers), "")


def too_many_pending(target: str) -> ResourceExhausted:
    """Return the rejection of an operation of a principal who began too many."""
    return _rejection(f"this caller has {MAX_PENDING} operations on {target} that have not ended", MAX_PENDING,
                      "pending_operations")  # fmt: skip


def too_many_principals(operation: Operation) -> ResourceExhausted:
    """Return the rejection of one more principal of an operation."""
    text = f"{MAX_PRINCIPALS} principals wait for operations/{operation.id} on {operation.target}"
    return _rejection(text, MAX_PRINCIPALS, "principals")


def _rejection(text: str, limit: int, of: str) -> ResourceExhausted:
    after = round(random.uniform(*_RETRY_SECONDS), 3)
    return ResourceExhausted(
        f"{text}, the maximum; retry after {after:g} s",
        reason="CONCURRENCY_LIMITED",
        metadata={"limit": str(limit), "of": of},
        retry_after=after,
    )
