"""STS: assumed-role sessions and the caller's identity."""

from __future__ import annotations

import re

from ecrkeeper_sim.calls import Call, handles
from ecrkeeper_sim.credentials import Session
from ecrkeeper_sim.errors import AwsError
from ecrkeeper_sim.state import Json

_ROLE_ARN = re.compile(r"arn:(aws[a-z-]*):iam::(\d{12}):role/((?:[\x21-\x2e\x30-\x7e]+/)*)([\w+=,.@-]{1,64})")


@handles("sts", "GetCallerIdentity")
def get_caller_identity(call: Call, params: Json) -> Json:
    """Return the caller's identity."""
    identity = call.identity
    return {"UserId": identity.user_id, "Account": identity.account, "Arn": identity.arn}


@handles("sts", "AssumeRole")
def assume_role(call: Call, params: Json) -> Json:
    """Mint credentials in the account of the role, which need not exist."""
    arn = params["RoleArn"]
    match = _ROLE_ARN.fullmatch(arn)
    if match is None:
        raise AwsError("ValidationError", f"{arn} is invalid")
    partition, account, _, name = match.groups()
    if partition != call.partition or call.world.account(account).denied:
        raise AwsError(
            "AccessDenied",
            f"User: {call.identity.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}",
            403,
        )
    known = call.world.account(account).roles.get(name.lower())
    session = Session(
        access_key="ASIA" + account + call.world.identifier(8),
        role_arn=arn,
        role_id=known.role_id if known is not None else "AROA" + call.world.identifier(17),
        name=params["RoleSessionName"],
        expires=call.now() + params.get("DurationSeconds", call.settings.session_seconds),
        created=call.now(),
    )
    return {
        "Credentials": {
            "AccessKeyId": session.access_key,
            "SecretAccessKey": call.world.identifier(40),
            "SessionToken": session.token(),
            "Expiration": session.expires,
        },
        "AssumedRoleUser": {
            "AssumedRoleId": f"{session.role_id}:{session.name}",
            "Arn": f"arn:{partition}:sts::{account}:assumed-role/{name}/{session.name}",
        },
    }
