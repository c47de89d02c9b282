"""Requests to an OpenID Connect issuer, for sign-ins by device code (RFC 8628).

Without gRPC. A response is never trusted: its size, its form and the addresses in it are checked.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from ecrkeeper_files.plain_text import escaped, is_plain

from ecrkeeper._targets import is_loopback
from ecrkeeper._tokens import TokenError, checked

# The code of an issuer that may answer later: OAuth's own, and that of an issuer that cannot be reached.
UNAVAILABLE = "temporarily_unavailable"
_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_SECONDS = 10.0
_MAX_BYTES = 256 * 1024
_MAX_TEXT = 32 * 1024
# Bounds of what an issuer asks for, in seconds: the time between two polls, and the life of a code.
_MIN_INTERVAL, _MAX_INTERVAL, _LONGEST_CODE = 1.0, 60.0, 1800.0

# Send a request, a POST if there is a form, and return the status and the content; OSError.
Send = Callable[[str, Mapping[str, str] | None], tuple[int, bytes]]


class OidcError(TokenError):
    """The issuer gives no token.

    `code` is OAuth's error; it is empty if the answer is not one of OAuth.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """The code that a person enters at an address; times are in seconds."""

    device_code: str
    user_code: str
    address: str
    complete_address: str
    seconds: float
    interval: float


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of an issuer.

    `seconds` is the life of the access token, if it is told.
    """

    access_token: str
    id_token: str = ""
    refresh_token: str = ""
    seconds: float | None = None


class Provider:
    """An issuer, and the client that asks it for tokens."""

    def __init__(self, issuer: str, client_id: str, scope: str, audience: str, send: Send | None = None) -> None:
        self.issuer = issuer
        self._client = {"client_id": client_id}
        self._parameters = {"scope": scope, **({"audience": audience} if audience else {})}
        self._send = send or send_over_https
        self._endpoints: Mapping[str, Any] = {}

    def authorize(self) -> DeviceCode:
        """Begin a sign-in; OidcError."""
        answer = self._post("device_authorization_endpoint", self._parameters)
        # Google's name of it is older than the standard.
        address = answer.get("verification_uri") or answer.get("verification_url")
        complete = answer.get("verification_uri_complete") or ""
        code = DeviceCode(
            self._text(answer, "device_code"),
            self._text(answer, "user_code"),
            str(address),
            str(complete),
            min(self._number(answer, "expires_in", 0.0), _LONGEST_CODE),
            min(max(self._number(answer, "interval", 5.0), _MIN_INTERVAL), _MAX_INTERVAL),
        )
        wrong = [
            each for each in (code.address, code.complete_address) if each and (not is_plain(each) or url_error(each))
        ]
        if wrong or not is_plain(code.user_code):
            raise OidcError(f"{self.issuer}: the address or the code of the sign-in is not one to show to people")
        if code.seconds <= 0:
            raise OidcError(f"{self.issuer}: the code of the sign-in has no time left")
        return code

    def redeem(self, code: DeviceCode) -> Tokens:
        """Return the tokens of a sign-in.

        OidcError, with the code `authorization_pending` while the person is not done.
        """
        return self._tokens({"grant_type": _DEVICE_GRANT, "device_code": code.device_code})

    def refresh(self, refresh_token: str) -> Tokens:
        """Return new tokens.

        OidcError, with the code `invalid_grant` if a person has to sign in again.
        """
        return self._tokens({"grant_type": "refresh_token", "refresh_token": refresh_token})

    def _tokens(self, form: Mapping[str, str]) -> Tokens:
        answer = self._post("token_endpoint", form)
        if str(answer.get("token_type", "")).lower() != "bearer":
            raise OidcError(f"{self.issuer}: the token is not of the type Bearer")
        kept = {name: self._text(answer, name, "") for name in ("id_token", "refresh_token")}
        seconds = self._number(answer, "expires_in", math.nan)
        lasts = None if math.isnan(seconds) else seconds
        return Tokens(checked(self._text(answer, "access_token")), **kept, seconds=lasts)

    def _post(self, endpoint: str, form: Mapping[str, str]) -> Mapping[str, Any]:
        url = self._endpoint(endpoint)
        status, answer = self._sent(url, {**self._client, **form})
        code = answer.get("error")
        if status == 200 and code is None:
            return answer
        if not isinstance(code, str) or not is_plain(code):
            raise _unexpected(url, status)
        about = answer.get("error_description")
        more = f": {escaped(about[:500])}" if isinstance(about, str) and about else ""
        raise OidcError(f"{self.issuer} rejects the client or the request: {code[:100]}{more}", code)

    def _endpoint(self, name: str) -> str:
        if not self._endpoints:
            url = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
            status, metadata = self._sent(url, None)
            if status != 200:
                raise OidcError(f"{url} answered with status {status}; check oidc_issuer")
            if metadata.get("issuer") != self.issuer:
                issuer = escaped(str(metadata.get("issuer"))[:200])
                raise OidcError(f"{url} is for the issuer {issuer}; check oidc_issuer")
            self._endpoints = metadata
        endpoint = self._endpoints.get(name)
        if endpoint is None and name == "device_authorization_endpoint":
            raise OidcError(f"{self.issuer} does not offer sign-in by device code; use token_command or token_file")
        if not isinstance(endpoint, str) or (error := url_error(endpoint)):
            problem = error if isinstance(endpoint, str) else "it is missing"
            raise OidcError(f"{self.issuer}: its {name} cannot be used: {problem}")
        return endpoint

    def _sent(self, url: str, form: Mapping[str, str] | None) -> tuple[int, Mapping[str, Any]]:
        try:
            status, content = self._send(url, form)
        except OSError as error:
            reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
            raise OidcError(f"cannot reach {url}: {reason}", UNAVAILABLE) from error
        try:
            answer = json.loads(content) if len(content) <= _MAX_BYTES else None
        except (ValueError, RecursionError):
            answer = None
        if isinstance(answer, dict):
            return status, answer
        if status != 200:
            raise _unexpected(url, status)
        raise OidcError(f"{url} did not answer with a JSON object of at most {_MAX_BYTES:,} bytes")

    def _text(self, answer: Mapping[str, Any], name: str, default: str | None = None) -> str:
        value = answer.get(name, default)
        if not isinstance(value, str) or len(value) > _MAX_TEXT or (default is None and not value):
            raise OidcError(f"{self.issuer}: its answer has no {name} that can be used")
        return value

    def _number(self, answer: Mapping[str, Any], name: str, default: float) -> float:
        value = answer.get(name, default)
        try:
            return float(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise OidcError(f"{self.issuer}: its answer has no {name} that can be used") from error


def _unexpected(url: str, status: int) -> OidcError:
    return OidcError(f"{url} answered with status {status}", UNAVAILABLE if status >= 500 else "")


def url_error(url: str) -> str:
    """Return why an address cannot be used; empty if it can.

    It must be https, or http on this machine.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError as error:
        return f"must be a URL, got {url!r:.200}: {error}"
    if not is_plain(url) or " " in url or not host or parts.username is not None:
        return f"must be a URL such as https://idp.example.com, got {url!r:.200}"
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(f"[{host}]" if ":" in host else host)):
        return ""
    return f"must begin with https://, got {url!r:.200}"


def send_over_https(url: str, form: Mapping[str, str] | None) -> tuple[int, bytes]:
    """Send a request and return the status and the content; OSError.

    Redirects are not followed.
    """
    # They take longer to import than the rest of the command line.
    from http.client import HTTPException
    from urllib import error, request

    class Direct(request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any, **__: Any) -> None:
            return None

    body = None if form is None else urlencode(form).encode()
    message = request.Request(url, body, {"Accept": "application/json", "User-Agent": "ecrkeeper"})  # noqa: S310
    try:
        with request.build_opener(Direct).open(message, timeout=_SECONDS) as answer:
            return answer.status, _content(answer)
    except error.HTTPError as rejected:
        with rejected:
            return rejected.code, _content(rejected)
    except HTTPException as broken:
        raise OSError(f"no HTTP: {type(broken).__name__}") from broken


def _content(answer: Any) -> bytes:
    """Return the content of an answer; OSError for one that takes too long."""
    end, content = time.monotonic() + _SECONDS, b""
    while len(content) <= _MAX_BYTES and (part := answer.read1(64 * 1024)):
        content += part
        if time.monotonic() > end:
            raise TimeoutError(f"the answer took longer than {_SECONDS:g} s")
    return content
