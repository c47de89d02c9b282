"""CloudTrail records: what was called where, by whom.

Facts: "CloudTrail record contents" and "CloudTrail userIdentity element" in the CloudTrail user guide. The schema of
`requestParameters` is not published, so it gives hints only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from ecrkeeper_server.events import fields
from ecrkeeper_server.events.fields import Malformed

SERVICES = {
    "ecr.amazonaws.com": "ecr",
    "iam.amazonaws.com": "iam",
    "organizations.amazonaws.com": "organizations",
}
# Where a request names the element or the role that it is about.
_HINTS = ("ecrRepositoryPrefix", "prefix", "principalArn", "name", "roleName", "aWSServiceName")


class Actor(Struct, frozen=True):
    """The caller in a CloudTrail record; times are in microseconds.

    `principal` is the ARN of the role, the user or the root, `session` the name of an assumed role's session, and
    `invoked_by` the service that called in the principal's name.
    """

    principal: str
    session: str
    source_ip: str
    user_agent: str
    event_id: str
    event_time: int
    invoked_by: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the actor as it is stored."""
        return asdict(self)


class Record(Struct, frozen=True):
    """One call that CloudTrail recorded.

    `arn` is the caller's, of an assumed role with its session.

    `hint` is the element or the role that the request seems to name; empty where it names none.
    """

    account: str
    region: str
    service: str
    operation: str
    request_id: str
    error_code: str
    read_only: bool
    arn: str
    actor: Actor
    hint: str = ""


def parse_record(value: Any) -> Record:
    """Read a record.

    Raises Malformed. A record of a service that is not served has the service "".
    """
    record = fields.mapping(value, "the record")
    identity = fields.optional_mapping(record, "userIdentity")
    source = fields.word(record, "eventSource")
    parameters = record.get("requestParameters")
    read_only = record.get("readOnly")
    if read_only is not None and type(read_only) is not bool:
        raise Malformed("readOnly must be true or false")
    return Record(
        account=fields.account(record, "recipientAccountId"),
        region=fields.region(record, "awsRegion"),
        service=SERVICES.get(source, ""),
        operation=fields.word(record, "eventName"),
        request_id=fields.optional_word(record, "requestID"),
        error_code=fields.text(record, "errorCode"),
        read_only=bool(read_only),
        arn=fields.text(identity, "arn"),
        actor=_actor(record, identity),
        hint=_hint(parameters),
    )


def _actor(record: Mapping[str, Any], identity: Mapping[str, Any]) -> Actor:
    arn, principal, session = fields.text(identity, "arn"), "", ""
    if fields.text(identity, "type") == "AssumedRole":
        issuer = fields.optional_mapping(fields.optional_mapping(identity, "sessionContext"), "sessionIssuer")
        principal = fields.text(issuer, "arn")
        session = arn.partition(":assumed-role/")[2].rpartition("/")[2]
    invoked_by = fields.text(identity, "invokedBy")
    return Actor(
        principal=principal or arn or invoked_by or fields.text(identity, "principalId"),
        session=session,
        source_ip=fields.text(record, "sourceIPAddress"),
        user_agent=fields.text(record, "userAgent"),
        event_id=fields.unique_id(record, "eventID"),
        event_time=fields.time(record, "eventTime"),
        invoked_by=invoked_by,
    )


def _hint(parameters: Any) -> str:
    if type(parameters) is not dict:
        return ""
    values = (parameters.get(name) for name in _HINTS)
    return next((each[:256] for each in values if type(each) is str and each.isascii() and each.isprintable()), "")
