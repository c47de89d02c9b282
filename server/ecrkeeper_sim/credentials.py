"""Account, Region and service of an Authorization header, and minted sessions."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from functools import lru_cache

from ecrkeeper_sim.errors import AwsError
from ecrkeeper_sim.models import XML_SERVICES
from ecrkeeper_sim.partitions import partition_of

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/(\d{8})/([^/,\s]*)/([^/,\s]+)/aws4_request")
_ACCOUNT = re.compile(r"\d{12}")
_TEMPORARY = re.compile(r"ASIA(\d{12})[A-Z0-9]*")


@dataclass(frozen=True, slots=True)
class Session:
    """An assumed-role session; its token contains it, so it survives a restart."""

    access_key: str
    role_arn: str
    role_id: str
    name: str
    expires: float
    created: float = 0.0

    def token(self) -> str:
        """Return the session token."""
        fields = [self.access_key, self.role_arn, self.role_id, self.name, self.expires, self.created]
        return "SIM" + base64.b64encode(json.dumps(fields).encode()).decode()


@dataclass(frozen=True, slots=True)
class Identity:
    """The principal behind a request."""

    account: str
    arn: str
    user_id: str
    session: Session | None = None
    access_key: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """Fields of the signature's credential scope."""

    access_key: str
    region: str
    service: str


@lru_cache(maxsize=65536)
def parse_scope(credential: str) -> Scope | None:
    """Return the scope in an Authorization header's Credential part, or None."""
    match = _CREDENTIAL.search(credential)
    return Scope(match[1], match[3], match[4]) if match else None


@lru_cache(maxsize=65536)
def parse_token(token: str) -> Session | None:
    """Return the session in a token; None if the simulator did not issue it."""
    try:
        fields = json.loads(base64.b64decode(token.removeprefix("SIM"), validate=True))
        return Session(*fields)
    except (ValueError, TypeError):
        return None


def identify(scope: Scope, token: str, now: float, default_account: str) -> Identity:
    """Return the caller, or raise AWS's error for credentials that it rejects."""
    partition = partition_of(scope.region)
    temporary = _TEMPORARY.fullmatch(scope.access_key)
    if temporary is None:
        account = scope.access_key if _ACCOUNT.fullmatch(scope.access_key) else default_account
        return Identity(account, f"arn:{partition}:iam::{account}:root", account, access_key=scope.access_key)
    session = parse_token(token) if token else None
    if session is None or session.access_key != scope.access_key:
        raise invalid_token(scope.service)
    if now >= session.expires:
        code = "ExpiredToken" if scope.service in XML_SERVICES else "ExpiredTokenException"
        status = 403 if scope.service in XML_SERVICES else 400
        raise AwsError(code, "The security token included in the request is expired", status)
    return _assumed_role(session, temporary[1])


@lru_cache(maxsize=65536)
def _assumed_role(session: Session, account: str) -> Identity:
    partition = session.role_arn.split(":")[1]
    role = session.role_arn.rpartition("/")[2]
    arn = f"arn:{partition}:sts::{account}:assumed-role/{role}/{session.name}"
    return Identity(account, arn, f"{session.role_id}:{session.name}", session, session.access_key)


def invalid_token(service: str) -> AwsError:
    """Return the error for a token that is unknown, or not good in this Region."""
    message = "The security token included in the request is invalid."
    if service in XML_SERVICES:
        return AwsError("InvalidClientTokenId", message, 403)
    return AwsError("UnrecognizedClientException", message)
