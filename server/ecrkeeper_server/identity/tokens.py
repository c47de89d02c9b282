"""Verification of bearer tokens: JWTs of one issuer."""

from __future__ import annotations

import base64
import hashlib
import math
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import jwt
from ecrkeeper_files.plain_text import is_plain, is_plain_name
from msgspec import Struct

from ecrkeeper_server.access.policy import Principal, is_spiffe
from ecrkeeper_server.errors import Unauthenticated
from ecrkeeper_server.identity.keys import Keys, KeySource
from ecrkeeper_server.names import shown, shown_value

# gRPC accepts at least 8 KiB of metadata.
MAX_CHARACTERS = 8192
_NAME_CHARACTERS = 256
_MAX_GROUPS = 1000
_REMEMBERED = 2048
# The last second of the year 9999: later times are mistakes, or tokens that never expire.
_LAST_SECOND = 253_402_300_799
_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


class TokenOptions(Struct, frozen=True):
    """The rules for accepting tokens and naming their principals; `leeway` in seconds."""

    issuer: str
    audiences: tuple[str, ...]
    algorithms: tuple[str, ...]
    leeway: float = 30.0
    principal_claim: str = "sub"
    groups_claim: str = "groups"
    principal_prefix: str = ""


class TokenVerifier:
    """Returns the principal of a token; Unauthenticated has the exact cause."""

    def __init__(self, options: TokenOptions, keys: KeySource, *, clock: Callable[[], float] = time.time) -> None:
        self._options = options
        self._keys = keys
        self._clock = clock
        # Clients send a token many times. Cached by digest, so that memory does not hold the tokens
        # themselves.
        self._remembered: dict[bytes, tuple[Keys, Principal]] = {}

    async def verify(self, token: str) -> Principal:
        """Return the principal of a token; Unavailable without the issuer's keys."""
        if len(token) > MAX_CHARACTERS:
            raise _invalid(f"it must be at most {MAX_CHARACTERS:,} characters, got {len(token):,}")
        if _SHAPE.fullmatch(token) is None:
            raise _invalid("it must be three parts of base64url, joined by dots, with nothing around them")
        digest = hashlib.sha256(token.encode()).digest()
        keys = await self._keys.current()
        known = self._remembered.get(digest)
        # The issuer may have withdrawn the token's key with the new keys.
        if known is not None and known[0] is keys and (known[1].expires or 0) > self._clock():
            return known[1]
        header = _header(token)
        algorithm = self._algorithm(header)
        key, keys = await self._key(header, algorithm, keys)
        principal = self._principal(self._claims(token, key, algorithm))
        if len(self._remembered) >= _REMEMBERED:
            self._remembered.clear()
        self._remembered[digest] = keys, principal
        return principal

    def _algorithm(self, header: Mapping[str, Any]) -> str:
        algorithm = header.get("alg")
        if not isinstance(algorithm, str) or algorithm not in self._options.algorithms:
            allowed = ", ".join(self._options.algorithms)
            raise _invalid(f"its algorithm must be one of {allowed}, got {shown_value(algorithm)}")
        return algorithm

    async def _key(self, header: Mapping[str, Any], algorithm: str, keys: Keys) -> tuple[Any, Keys]:
        kid = header.get("kid")
        if kid is not None and not (isinstance(kid, str) and is_plain_name(kid, _NAME_CHARACTERS)):
            # Before a request to the issuer for the key.
            raise _invalid(f"its key id must be 1 to {_NAME_CHARACTERS} visible characters, got {shown_value(kid)}")
        key = _find(keys, kid, algorithm)
        if key is None:
            keys = await self._keys.renewed()
            key = _find(keys, kid, algorithm)
        if key is None:
            description = (
                f"with the key id {shown(kid)}" if kid is not None else f"for {algorithm} that is the only one"
            )
            raise Unauthenticated(
                f"the token is not accepted: its issuer has no key {description}", reason="TOKEN_UNKNOWN_KEY"
            )
        return key, keys

    def _claims(self, token: str, key: Any, algorithm: str) -> dict[str, Any]:
        options = self._options
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=options.audiences,
                issuer=options.issuer,
                options={
                    "require": ["exp", "iss", "aud", options.principal_claim],
                    # `_check_times` checks these three, because PyJWT accepts texts and booleans as
                    # times.
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except jwt.PyJWTError as error:
            raise _rejection(error, options) from error
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            raise _invalid("its claims are malformed") from error
        self._check_times(claims)
        return claims

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        """Reject a token that is expired, not yet valid, or has invalid times.

        RFC 7519, section 2, NumericDate.
        """
        now, leeway = self._clock(), self._options.leeway
        expires, begins, issued = (_seconds(claims, name) for name in ("exp", "nbf", "iat"))
        if expires is None or expires <= now - leeway:
            raise Unauthenticated("the token has expired; get a new one", reason="TOKEN_EXPIRED")
        if max(begins or 0.0, issued or 0.0) > now + leeway:
            raise Unauthenticated("the token is not valid yet; compare the clocks", reason="TOKEN_NOT_YET_VALID")

    def _principal(self, claims: Mapping[str, Any]) -> Principal:
        options = self._options
        name = claims[options.principal_claim]
        if not isinstance(name, str) or not is_plain_name(name, _NAME_CHARACTERS):
            raise _invalid(
                f"the claim `{options.principal_claim}` must be 1 to {_NAME_CHARACTERS} visible characters without "
                f"blanks around them, got {shown_value(name)}"
            )
        if is_spiffe(options.principal_prefix + name):
            # A server that requires certificates may read the same policy.
            raise _invalid(f"the claim `{options.principal_claim}` is a SPIFFE id, which only certificates may have")
        expires = float(claims["exp"]) + options.leeway
        return Principal(options.principal_prefix + name, self._groups(claims), expires)

    def _groups(self, claims: Mapping[str, Any]) -> frozenset[str]:
        claim = self._options.groups_claim
        groups = claims.get(claim, [])
        groups = [groups] if isinstance(groups, str) else groups
        if not isinstance(groups, list) or len(groups) > _MAX_GROUPS or not all(isinstance(g, str) for g in groups):
            raise _invalid(f"the claim `{claim}` must be a list of at most {_MAX_GROUPS} strings")
        for group in groups:
            if not group or not is_plain(group) or group != group.strip():
                raise _invalid(
                    f"the claim `{claim}` must contain names of visible characters without blanks around them, "
                    f"got {shown(group)}"
                )
        return frozenset(groups)


def _seconds(claims: Mapping[str, Any], name: str) -> float | None:
    """Return the time in a claim; None without the claim."""
    if name not in claims:
        return None
    value = claims[name]
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or (isinstance(value, float) and not math.isfinite(value)) or not 0 <= value <= _LAST_SECOND:
        raise _invalid(
            f"the claim `{name}` must be a time before the year 10000, in seconds since 1970, got {shown_value(value)}"
        )
    return float(value)


def _header(token: str) -> Mapping[str, Any]:
    if any(not _canonical(part) for part in token.split(".")):
        raise _invalid("its parts must be canonical base64url")
    try:
        header: Mapping[str, Any] = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise _invalid("it is not a JSON Web Token") from error
    if "crit" in header or "b64" in header:
        # RFC 7515, 4.1.11: an unknown critical extension makes the token invalid.
        raise _invalid("its header has extensions that are not supported")
    return header


def _canonical(part: str) -> bool:
    """Return whether base64url is canonical, so that each token has one spelling."""
    try:
        content = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        return False
    return base64.urlsafe_b64encode(content).rstrip(b"=") == part.encode()


def _find(keys: Keys, kid: Any, algorithm: str) -> Any:
    if kid is not None:
        return keys.get((kid, algorithm))
    # Without a key id, there must be only one key.
    fitting = [key for (_, name), key in keys.items() if name == algorithm]
    return fitting[0] if len(fitting) == 1 else None


def _rejection(error: jwt.PyJWTError, options: TokenOptions) -> Unauthenticated:
    audiences = ", ".join(options.audiences)
    if isinstance(error, jwt.InvalidAudienceError):
        return Unauthenticated(
            f"the token is for another audience; it must be for {audiences}", reason="TOKEN_WRONG_AUDIENCE"
        )
    if isinstance(error, jwt.InvalidIssuerError):
        return Unauthenticated(
            f"the token is from another issuer; it must be from {options.issuer}", reason="TOKEN_WRONG_ISSUER"
        )
    if isinstance(error, jwt.MissingRequiredClaimError):
        return _invalid(f"it lacks the claim `{error.claim}`")
    if isinstance(error, jwt.InvalidSignatureError):
        return _invalid("its signature is invalid")
    return _invalid("its content is malformed")


def _invalid(reason: str) -> Unauthenticated:
    return Unauthenticated(f"the token is not accepted: {reason}", reason="TOKEN_INVALID")
