"""Authenticating callers: by token, else by certificate."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from ecrkeeper_server.access.policy import Principal
from ecrkeeper_server.errors import Unauthenticated
from ecrkeeper_server.identity.certificates import principal_of_certificate

if TYPE_CHECKING:
    # Without tokens, the modules that verify them need not be loaded.
    from ecrkeeper_server.identity.tokens import TokenVerifier

ANONYMOUS = Principal()
# RFC 6750, section 2.1, and RFC 9110, section 11.4: at least one blank, and nothing after the
# token.
_BEARER = re.compile(r"bearer +([a-z0-9._~+/-]+=*)", re.IGNORECASE | re.ASCII)


class Authenticator(Struct, frozen=True):
    """Identifies callers by tokens and certificates; all are anonymous without both."""

    tokens: TokenVerifier | None = None
    certificates: bool = False

    @property
    def required(self) -> bool:
        """Whether callers must authenticate."""
        return self.tokens is not None or self.certificates

    async def identify(self, authorization: list[str], peer: Mapping[str, Iterable[bytes]]) -> Principal:
        """Return the caller; Unauthenticated has the cause.

        An invalid token fails the call even with a valid certificate.
        """
        if not self.required:
            return ANONYMOUS
        token = bearer_of(authorization) if self.tokens is not None else None
        if self.tokens is not None and token is not None:
            return await self.tokens.verify(token)
        named = principal_of_certificate(peer) if self.certificates else None
        if named is None:
            accepted = "a bearer token in `authorization`" if self.tokens is not None else "a client certificate"
            raise Unauthenticated(f"the call carries no credentials; send {accepted}", reason="MISSING_CREDENTIALS")
        return named


def bearer_of(values: list[str]) -> str | None:
    """Return the token in the `authorization` metadata; None if there is none."""
    if not values:
        return None
    if len(values) > 1:
        raise _no_token("there must be one `authorization`, got several")
    match = _BEARER.fullmatch(values[0])
    if match is None:
        raise _no_token("`authorization` must be `Bearer TOKEN`, with a token of [A-Za-z0-9._~+/=-]")
    return match[1]


def _no_token(reason: str) -> Unauthenticated:
    return Unauthenticated(f"the token is not accepted: {reason}", reason="TOKEN_INVALID")
