"""Page tokens: the cursor of a page, authenticated by a key of the database.

A token is `v1.`, its content and an authentication code (HMAC-SHA256, 16 bytes), both in base64url.
The code covers the method, all fields of the request except `page_size` and `page_token`, and the
caller, so a token works only for its list and its caller.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from typing import Any

from google.protobuf.message import Message

from ecrkeeper_server.errors import InvalidArgument, Violation
from ecrkeeper_server.store import page_token_key
from ecrkeeper_server.store.database import Database

_VERSION = "v1"
_TOKEN = re.compile(r"v1\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{22})")
_CODE_BYTES = 16
_PAGE_FIELDS = ("page_size", "page_token")


class PageKey:
    """The database's key for page tokens, read for the first list."""

    def __init__(self) -> None:
        self._key: bytes | None = None

    async def read(self, db: Database) -> bytes:
        """Return the key; create it if it does not exist."""
        if self._key is None:
            key = await db.read(page_token_key.find)
            self._key = key if key is not None else await db.write(page_token_key.create)
        return self._key


class TokenSigner:
    """Signs and verifies the tokens of one list for one caller."""

    def __init__(self, key: bytes, request: Message, principal: str) -> None:
        self._key = key
        self._list = _list_of(request, principal)

    def token(self, content: Any) -> str:
        """Return the token of a JSON value."""
        written = json.dumps(content, separators=(",", ":")).encode()
        return f"{_VERSION}.{_text(written)}.{_text(self._code(written))}"

    def content(self, token: str) -> Any:
        """Return the value of a token.

        InvalidArgument unless it belongs to this list and caller.
        """
        match = _TOKEN.fullmatch(token)
        if match is None:
            raise rejection("is not a token of this server or of an earlier release")
        content, code = _bytes(match[1]), _bytes(match[2])
        if not hmac.compare_digest(code, self._code(content)):
            raise rejection("belongs to another list, another caller or another database")
        return json.loads(content)

    def _code(self, content: bytes) -> bytes:
        return hmac.digest(self._key, self._list + content, hashlib.sha256)[:_CODE_BYTES]


def rejection(reason: str) -> InvalidArgument:
    """Return the error for a token that is not accepted."""
    message = f"{reason}; pass `next_page_token` and the other fields unchanged, or start without a token"
    return InvalidArgument([Violation("page_token", message)])


def _list_of(request: Message, principal: str) -> bytes:
    """Return a digest of method, request and caller."""
    unpaged = type(request)()
    unpaged.CopyFrom(request)
    for field in _PAGE_FIELDS:
        unpaged.ClearField(field)
    digest = hashlib.sha256()
    # Each method has its own request type.
    for part in (
        unpaged.DESCRIPTOR.full_name.encode(),
        unpaged.SerializeToString(deterministic=True),
        principal.encode(),
    ):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        # No content has this length.
        return b""
