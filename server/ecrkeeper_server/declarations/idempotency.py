"""What every write has in common: request ids, etags, masks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from ecrkeeper_server.errors import Aborted, InvalidArgument, Violation
from ecrkeeper_server.names import shown
from ecrkeeper_server.store import operations
from ecrkeeper_server.store.database import Tx

# Of paths that nobody knows, so many are named.
_FEW_PATHS = 5


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and with which request."""

    method: str
    request_id: str = ""
    fingerprint: str = ""
    principal: str = ""
    reason: str = ""
    call_id: str = ""


def answered(tx: Tx, caller: Caller) -> str | None:
    """What the first call with this request id returned, by name; None if this is the first."""
    found = operations.answered(tx, caller.request_id, caller.method, caller.fingerprint)
    return found.result if found is not None else None


def remember(tx: Tx, caller: Caller, result: str) -> None:
    """Keep the answer for repetitions of the call."""
    operations.remember(tx, caller.request_id, caller.method, caller.fingerprint, result)


def check_etag(name: str, given: str, current: str) -> None:
    """Refuse a write that was made on something older."""
    if given and given != current:
        raise Aborted(name, given, current)


def masked_paths(mask: FieldMask, given: Message, allowed: Iterable[str]) -> set[str]:
    """The paths to change (AIP-134): those of the mask, all for `*`, and without a mask those that are `given`.

    Unknown paths are refused, all at once.
    """
    every = set(allowed)
    if not mask.paths:
        return every & {field.name for field, _ in given.ListFields()}
    if list(mask.paths) == ["*"]:
        return every
    unknown = [path for path in mask.paths if path not in every]
    if unknown:
        given_paths = ", ".join(map(shown, unknown[:_FEW_PATHS])) + (", …" if len(unknown) > _FEW_PATHS else "")
        text = f"unknown path {given_paths}; known are {', '.join(sorted(every))}"
        raise InvalidArgument([Violation("update_mask", text)])
    return set(mask.paths)
