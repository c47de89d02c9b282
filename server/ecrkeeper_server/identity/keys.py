"""The keys that verify tokens, from a file or from the issuer."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import aiohttp
import jwt
import structlog
from ecrkeeper_files.plain_text import is_plain_name

from ecrkeeper_server.errors import Unavailable
from ecrkeeper_server.identity.algorithms import secure
from ecrkeeper_server.identity.files import FileError, WatchedFiles
from ecrkeeper_server.names import shown_value

MAX_BYTES = 512 * 1024
_MAX_KEYS = 200
_FETCH_SECONDS = 5.0
# The minimum interval between fetches, so that tokens with invented key ids do not flood the
# issuer.
PAUSE_SECONDS = 5.0
# Calls that may wait for a fetch. Others must retry, so that invalid tokens do not exhaust the
# callers' capacity.
_MAX_WAITING = 200
# Shorter keys are weak; longer ones take seconds for each token.
_RSA_BITS = (2048, 16_384)
_KID_CHARACTERS = 256
_CURVES = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}

log = structlog.get_logger("ecrkeeper.identity")
# By key id and algorithm; a key without an id has the id ''.
Keys: TypeAlias = Mapping[tuple[str, str], Any]


class KeySource(Protocol):
    """A source of keys."""

    async def current(self) -> Keys:
        """Return the current keys; Unavailable before the first ones."""

    async def renewed(self) -> Keys:
        """Return the keys, re-fetched if that may resolve an unknown key id."""

    async def maintain(self) -> None:
        """Update changed keys; called about once a second."""


def parse_keys(content: bytes, algorithms: Sequence[str]) -> Keys:
    """Return the usable public keys of a JWKS document, by key id and algorithm.

    FileError if there are none.
    """
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise FileError([f"must be JSON: {error}"]) from error
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise FileError(["must be a JWKS: an object with a list `keys`"])
    keys: dict[tuple[str, str], Any] = {}
    for raw in listed[:_MAX_KEYS]:
        if isinstance(raw, dict) and raw.get("use", "sig") == "sig":
            kid = raw.get("kid", "")
            if not isinstance(kid, str) or (kid and not is_plain_name(kid, _KID_CHARACTERS)):
                # No token can name it, and it must not count as a key without an id.
                log.warning(
                    "key_not_usable", kid=f"of type {type(kid).__name__}", error="the key id must be plain text"
                )
                continue
            for algorithm in _fitting(raw, algorithms):
                key = _public_key(raw, kid, algorithm)
                if key is not None:
                    keys[kid, algorithm] = key
    if not keys:
        raise FileError([f"holds no signing key for {', '.join(algorithms)}"])
    return keys


def _fitting(raw: Mapping[str, Any], algorithms: Sequence[str]) -> list[str]:
    """Return the allowed algorithms of a key.

    None for symmetric keys, which are secrets.
    """
    kind, curve = raw.get("kty"), raw.get("crv")
    fitting = {
        "RSA": [name for name in algorithms if name[:2] in ("RS", "PS")],
        "EC": [name for name in algorithms if isinstance(curve, str) and name == _CURVES.get(curve)],
        "OKP": [name for name in algorithms if name == "EdDSA"],
    }.get(kind if isinstance(kind, str) else "", [])
    return [name for name in fitting if raw.get("alg", name) == name]


def _public_key(raw: dict[str, Any], kid: str, algorithm: str) -> Any:
    public = {name: value for name, value in raw.items() if name not in ("d", "p", "q", "dp", "dq", "qi", "oth")}
    try:
        key = jwt.PyJWK(public, algorithm).key
    except Exception as error:  # For a malformed key, the libraries raise more than the documented errors.
        log.warning("key_not_usable", kid=kid, error=type(error).__name__)
        return None
    if raw.get("kty") == "RSA" and not _RSA_BITS[0] <= key.key_size <= _RSA_BITS[1]:
        log.warning("key_not_usable", kid=kid, error=f"{key.key_size} bits, not {_RSA_BITS[0]} to {_RSA_BITS[1]}")
        return None
    return key


class KeyFile:
    """Keys from a JWKS file, re-read when it changes."""

    def __init__(self, file: WatchedFiles[Keys]) -> None:
        self._file = file

    async def current(self) -> Keys:
        """Return the current keys."""
        return self._file.value

    async def renewed(self) -> Keys:
        """Re-read the file if it changed, and return the keys."""
        self._file.refresh()
        return self._file.value

    async def maintain(self) -> None:
        """Re-read the file if it changed."""
        await asyncio.to_thread(self._file.refresh)


class IssuerKeys:
    """Keys that the issuer publishes.

    They are fetched every `period` seconds and for unknown key ids, but never more often than every
    `PAUSE_SECONDS`. If a fetch fails, the old keys stay.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[bytes]],
        algorithms: Sequence[str],
        *,
        period: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._algorithms = tuple(algorithms)
        self._period = period
        self._clock = clock
        self._keys: Keys | None = None
        self._tried_at: float | None = None
        self._fetched_at = 0.0
        self._lock = asyncio.Lock()
        self._waiting = 0

    async def current(self) -> Keys:
        """Return the current keys; Unavailable before the first successful fetch."""
        if self._keys is None:
            return await self.renewed()
        return self._keys

    async def renewed(self) -> Keys:
        """Return the keys, re-fetched unless the last attempt was just now."""
        if self._waiting >= _MAX_WAITING:
            raise _unavailable()
        before = self._tried_at
        self._waiting += 1
        try:
            async with self._lock:
                # Another call may have fetched them while this one waited for the lock.
                if self._tried_at == before and self._rested():
                    await self._renew()
        finally:
            self._waiting -= 1
        if self._keys is None:
            raise _unavailable()
        return self._keys

    async def maintain(self) -> None:
        """Fetch the keys if they are due; after a failure, after the pause."""
        async with self._lock:
            due = self._keys is None or self._clock() - self._fetched_at >= self._period
            if due and self._rested():
                await self._renew()

    def _rested(self) -> bool:
        return self._tried_at is None or self._clock() - self._tried_at >= PAUSE_SECONDS

    async def _renew(self) -> None:
        self._tried_at = self._clock()
        try:
            keys = parse_keys(await self._fetch(), self._algorithms)
        except (FileError, OSError, TimeoutError, aiohttp.ClientError, ValueError) as error:
            kept = "none yet" if self._keys is None else "the old keys"
            log.warning("keys_not_fetched", kept=kept, error=f"{type(error).__name__}: {error}"[:500])
            return
        self._fetched_at = self._clock()
        if self._keys is None or set(keys) != set(self._keys):
            log.info("keys_fetched", kids=sorted({kid for kid, _ in keys}))
        self._keys = keys


def _unavailable() -> Unavailable:
    return Unavailable(
        "the keys of the token issuer are not available",
        reason="KEYS_UNAVAILABLE",
        retry_after=PAUSE_SECONDS,
    )


def fetcher(issuer: str, jwks_url: str) -> Callable[[], Awaitable[bytes]]:
    """Return the function that fetches the issuer's keys.

    Without a URL, it uses OpenID Connect Discovery (section 4).
    """

    async def fetch() -> bytes:
        # One deadline for all requests. No redirects: they would lead to another issuer than the
        # configured one.
        async with (
            asyncio.timeout(_FETCH_SECONDS),
            aiohttp.ClientSession(trust_env=True) as session,
        ):
            url = jwks_url or _jwks_uri(
                issuer, await _get(session, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            )
            return await _get(session, url)

    return fetch


async def _get(session: aiohttp.ClientSession, url: str) -> bytes:
    async with session.get(url, allow_redirects=False) as answer:
        if answer.status != 200:
            raise FileError([f"{url}: answered {answer.status}"])
        content = bytearray()
        async for chunk in answer.content.iter_chunked(64 * 1024):
            content += chunk
            if len(content) > MAX_BYTES:
                raise FileError([f"{url}: more than {MAX_BYTES:,} bytes"])
        return bytes(content)


def _jwks_uri(issuer: str, content: bytes) -> str:
    try:
        document = json.loads(content)
        named, uri = document["issuer"], document["jwks_uri"]
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise FileError([f"the discovery document of {issuer} has no issuer and jwks_uri"]) from error
    if named != issuer:
        raise FileError([f"the discovery document of {issuer} names the issuer {shown_value(named)}"])
    if not isinstance(uri, str) or not secure(uri):
        raise FileError([f"the jwks_uri of {issuer} must be https, got {shown_value(uri)}"])
    return uri
