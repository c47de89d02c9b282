"""The body of a request, with a maximum size."""

from __future__ import annotations

from aiohttp import web

from ecrkeeper_server.api.http.connect import COMPRESSED, HEAD_BYTES
from ecrkeeper_server.errors import InvalidArgument, ResourceExhausted, StatusError, Violation


async def read_message(request: web.BaseRequest, max_bytes: int, *, is_stream: bool) -> bytes:
    """Return the message of a request; a stream has it in an envelope.

    Read not more than the maximum. InvalidArgument if the body is not one message.
    """
    head = HEAD_BYTES if is_stream else 0
    content = await _read(request, head + max_bytes, max_bytes)
    return _unwrapped(content) if is_stream else content


async def _read(request: web.BaseRequest, limit: int, max_bytes: int) -> bytes:
    if (request.content_length or 0) > limit:
        raise _too_large(max_bytes)
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    content = bytearray()
    try:
        async for chunk in request.content.iter_any():
            content += chunk
            if len(content) > limit:
                raise _too_large(max_bytes)
    except web.RequestPayloadError as error:
        raise _invalid("the request is not complete") from error
    return bytes(content)


def _unwrapped(content: bytes) -> bytes:
    size = int.from_bytes(content[1:HEAD_BYTES], "big")
    if len(content) < HEAD_BYTES or len(content) != HEAD_BYTES + size:
        raise _invalid("the request must be one message in an envelope: a byte of flags, four of its size, the message")
    if content[0] & COMPRESSED:
        raise _invalid("the message must not be compressed")
    if content[0]:
        raise _invalid(f"the flags of the message must be 0, got {content[0]}")
    return content[HEAD_BYTES:]


def _invalid(description: str) -> StatusError:
    return InvalidArgument([Violation("", description)])


def _too_large(max_bytes: int) -> StatusError:
    return ResourceExhausted(
        f"the request must be at most {max_bytes} bytes",
        reason="REQUEST_TOO_LARGE",
        metadata={"limit": str(max_bytes), "of": "message_bytes"},
    )
