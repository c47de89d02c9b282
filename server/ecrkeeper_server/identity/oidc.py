"""The authorization code flow of OpenID Connect, with PKCE.

https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth and RFC 7636.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import secrets
from typing import Any
from urllib.parse import urlencode

import aiohttp
from msgspec import Struct, field

from ecrkeeper_server.errors import Unauthenticated, Unavailable
from ecrkeeper_server.identity.algorithms import secure
from ecrkeeper_server.names import shown_value

_SECONDS = 5.0
_MAX_BYTES = 256 * 1024


class Client(Struct, frozen=True):
    """The client that the issuer knows; `secret` is empty for a public one."""

    issuer: str
    client_id: str
    secret: str
    scopes: str
    redirect_uri: str


class Attempt(Struct, frozen=True):
    """Values that bind an issuer's answer to the browser that began the login."""

    state: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @property
    def challenge(self) -> str:
        """The challenge of the verifier, by the method S256."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class CodeFlow:
    """Sends browsers to the issuer, and gets ID tokens for codes."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def address(self, attempt: Attempt) -> str:
        """Return the issuer's address for a login; Unavailable without the issuer."""
        endpoint = (await self._discovered())["authorization_endpoint"]
        parameters = {
            "response_type": "code",
            "client_id": self._client.client_id,
            "redirect_uri": self._client.redirect_uri,
            "scope": self._client.scopes,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
        }
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(parameters)}"

    async def token(self, code: str, attempt: Attempt) -> str:
        """Return the ID token for a code; Unauthenticated unless it is of this attempt.

        The signature is not verified here: the token comes from the issuer over TLS, and every call
        verifies it.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._client.redirect_uri,
            "client_id": self._client.client_id,
            "code_verifier": attempt.verifier,
        }
        if self._client.secret:
            form["client_secret"] = self._client.secret
        endpoint = (await self._discovered())["token_endpoint"]
        status, answer = await _exchange("POST", endpoint, form)
        token = answer.get("id_token") if status == 200 else None
        if not isinstance(token, str):
            cause = shown_value(answer.get("error", f"status {status}"))
            raise Unauthenticated(f"the issuer did not accept the login: {cause}", reason="LOGIN_REJECTED")
        if not secrets.compare_digest(_nonce(token), attempt.nonce):
            raise Unauthenticated("the token is of another login", reason="LOGIN_REJECTED")
        return token

    async def _discovered(self) -> dict[str, str]:
        issuer = self._client.issuer
        status, document = await _exchange("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        endpoints = {name: document.get(name) for name in ("authorization_endpoint", "token_endpoint")}
        if status != 200 or document.get("issuer") != issuer:
            raise _unavailable("its discovery document cannot be read")
        for name, url in endpoints.items():
            if not isinstance(url, str) or not secure(url):
                raise _unavailable(f"its {name} must be https, got {shown_value(url)}")
        return {name: str(url) for name, url in endpoints.items()}


def _nonce(token: str) -> str:
    try:
        content = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(content + "=" * (-len(content) % 4)))
        return str(claims["nonce"]).encode("ascii", "replace").decode()
    except (ValueError, IndexError, KeyError, TypeError, RecursionError):
        return ""


async def _exchange(method: str, url: str, form: dict[str, str] | None = None) -> tuple[int, dict[str, Any]]:
    """Return the status and the JSON object of an answer; Unavailable without one."""
    try:
        async with (
            asyncio.timeout(_SECONDS),
            aiohttp.ClientSession(trust_env=True) as session,
            session.request(method, url, data=form, allow_redirects=False) as response,
        ):
            content = bytearray()
            async for chunk in response.content.iter_chunked(64 * 1024):
                content += chunk
                if len(content) > _MAX_BYTES:
                    raise _unavailable(f"its answer is longer than {_MAX_BYTES:,} bytes")
            answer = json.loads(bytes(content))
    except (OSError, TimeoutError, aiohttp.ClientError, ValueError, RecursionError) as error:
        raise _unavailable(type(error).__name__) from error
    return response.status, answer if isinstance(answer, dict) else {}


def _unavailable(cause: str) -> Unavailable:
    return Unavailable(f"the issuer is not available: {cause}", reason="KEYS_UNAVAILABLE", retry_after=5.0)
