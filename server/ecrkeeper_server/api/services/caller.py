"""The caller's side of a call that writes."""

from __future__ import annotations

import hashlib

from google.protobuf.message import Message

from ecrkeeper_server.api.layers.access import principal
from ecrkeeper_server.api.layers.telemetry import current_call
from ecrkeeper_server.declarations.idempotency import Caller


def caller_of(request: Message) -> Caller:
    """The caller's side of the call that is being answered; the fingerprint leaves out the request id."""
    method = request.DESCRIPTOR.name.removesuffix("Request")
    request_id, reason = getattr(request, "request_id", ""), getattr(request, "reason", "")
    digest = _fingerprint(request) if request_id else ""
    return Caller(method, request_id, digest, principal(), reason, current_call().id)


def _fingerprint(request: Message) -> str:
    content = type(request)()
    content.CopyFrom(request)
    content.ClearField("request_id")
    return hashlib.sha256(content.SerializeToString(deterministic=True)).hexdigest()
