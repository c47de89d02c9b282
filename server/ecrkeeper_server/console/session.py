"""Sessions of browsers: a token, sealed in a cookie.

The server keeps no sessions. Every call of a page verifies the token again, so a session ends when
its token expires or the issuer withdraws its key, and it has the permissions that the policy gives
at that moment. The key of the seal belongs to the database, so all replicas accept a session.
"""

from __future__ import annotations

import base64
import hmac
import secrets
import zlib
from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

_PURPOSE = b"ecrkeeper console session v1"
_NONCE_BYTES = 12
# Browsers keep cookies of 4,096 bytes with their names and attributes. A token of 8 KiB, the
# longest that the server accepts, needs three.
_PART_CHARACTERS, _MAX_PARTS = 3_500, 3
_MAX_BYTES = 16 * 1024
_NAME = "ecrkeeper"


class Kind(StrEnum):
    """The kinds of sealed cookies."""

    SESSION = "session"
    LOGIN = "login"


class Sealer:
    """Seals texts with a key that is derived from the database's."""

    def __init__(self, read_key: Callable[[], Awaitable[bytes]]) -> None:
        self._read_key = read_key

    async def sealed(self, kind: Kind, text: str) -> str:
        """Return a text that only this installation can read."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        content = (await self._cipher()).encrypt(nonce, zlib.compress(text.encode(), 9), kind.encode())
        return base64.urlsafe_b64encode(nonce + content).rstrip(b"=").decode()

    async def opened(self, kind: Kind, sealed: str) -> str | None:
        """Return the text; None unless this installation sealed it for this use."""
        try:
            content = base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
            plain = (await self._cipher()).decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], kind.encode())
        except (ValueError, InvalidTag):
            return None
        return zlib.decompressobj().decompress(plain, _MAX_BYTES).decode()

    async def _cipher(self) -> AESGCM:
        return AESGCM(hmac.digest(await self._read_key(), _PURPOSE, "sha256"))


class Cookies(Struct, frozen=True):
    """The names and the attributes of the cookies; `secure` if the browser uses TLS."""

    secure: bool

    def read(self, existing: Mapping[str, str]) -> str:
        """Return the value that the parts of the cookie have; empty without one."""
        return "".join(existing.get(name, "") for name in self._names())

    def headers(self, existing: Mapping[str, str], value: str, seconds: int, *, same_site: str = "Strict") -> list[str]:
        """Return the `Set-Cookie` headers for a value, and those that end old parts."""
        parts = [value[at : at + _PART_CHARACTERS] for at in range(0, len(value), _PART_CHARACTERS)]
        if len(parts) > _MAX_PARTS:
            raise ValueError("the value is too long for cookies")
        attributes = f"; Path=/; HttpOnly; SameSite={same_site}" + ("; Secure" if self.secure else "")
        names = self._names()
        cookies = [f"{name}={part}; Max-Age={seconds}{attributes}" for name, part in zip(names, parts, strict=False)]
        ended = [f"{name}=; Max-Age=0{attributes}" for name in names[len(parts) :] if name in existing]
        return cookies + ended

    def _names(self) -> list[str]:
        prefix = "__Host-" if self.secure else ""
        return [f"{prefix}{_NAME}", *(f"{prefix}{_NAME}-{number}" for number in range(1, _MAX_PARTS))]
