"""Who calls: by token, else by certificate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ecrkeeper_server.access.policy import Principal
from ecrkeeper_server.errors import Unauthenticated
from ecrkeeper_server.identity.certificates import principal_of_certificate
from ecrkeeper_server.identity.tokens import TokenVerifier, bearer_of

ANONYMOUS = Principal()


@dataclass(frozen=True, slots=True)
class Authenticator:
    """Says who calls, by what is configured; without anything, everybody is anonymous."""

    tokens: TokenVerifier | None = None
    certificates: bool = False

    @property
    def required(self) -> bool:
        """Whether callers must prove who they are."""
        return self.tokens is not None or self.certificates

    async def identify(self, authorization: list[str], peer: Mapping[str, Iterable[bytes]]) -> Principal:
        """The caller; Unauthenticated says what is missing or wrong. A bad token is not made good by a certificate."""
        if not self.required:
            return ANONYMOUS
        token = bearer_of(authorization) if self.tokens is not None else None
        if self.tokens is not None and token is not None:
            return await self.tokens.verify(token)
        named = principal_of_certificate(peer) if self.certificates else None
        if named is None:
            wanted = "a bearer token in `authorization`" if self.tokens is not None else "a client certificate"
            raise Unauthenticated(f"the call carries no credentials; {wanted} is needed", reason="MISSING_CREDENTIALS")
        return named
