"""Request ids and etags, which every write has."""

from __future__ import annotations

from msgspec import Struct

from ecrkeeper_server.errors import Aborted
from ecrkeeper_server.store import operations
from ecrkeeper_server.store.database import Tx


class Caller(Struct, frozen=True):
    """The caller and its request."""

    method: str
    request_id: str = ""
    fingerprint: str = ""
    principal: str = ""
    reason: str = ""
    call_id: str = ""


def find_response(tx: Tx, caller: Caller) -> str | None:
    """Return the result of the first call with this request id, or None."""
    response = operations.find_response(tx, caller.request_id, caller.method, caller.fingerprint)
    return response.result if response is not None else None


def save_response(tx: Tx, caller: Caller, result: str) -> None:
    """Save the result for retries of the call."""
    operations.save_response(tx, caller.request_id, caller.method, caller.fingerprint, result)


def check_etag(name: str, requested: str, current: str) -> None:
    """Reject a write that is based on an older state."""
    if requested and requested != current:
        raise Aborted(name, requested, current)
