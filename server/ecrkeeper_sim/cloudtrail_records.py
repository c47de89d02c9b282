"""CloudTrail records of API calls, in CloudTrail's own shape."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ecrkeeper_sim import models
from ecrkeeper_sim.calls import ApiCall, Call
from ecrkeeper_sim.clock import iso8601
from ecrkeeper_sim.state import Json

# IAM is global; its events appear in one Region of each partition.
_IAM_REGIONS = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
_READING = ("Get", "List", "Describe", "BatchGet", "Validate")


def is_recorded(service: str, operation: str) -> bool:
    """Return whether the operation is one of the writes that the simulator records."""
    return service in ("ecr", "iam") and not operation.startswith(_READING)


def event_region(call: Call, api_call: ApiCall) -> str:
    """Return the Region in which the event of a call appears."""
    return _IAM_REGIONS.get(call.partition, call.region) if api_call.service == "iam" else call.region


def record_of(call: Call, api_call: ApiCall) -> Json:
    """Return the record of a call."""
    record: Json = {
        "eventVersion": "1.09",
        "userIdentity": _user_identity(call, api_call),
        "eventTime": iso8601(call.now()),
        "eventSource": f"{api_call.service}.amazonaws.com",
        "eventName": api_call.operation,
        "awsRegion": event_region(call, api_call),
        "sourceIPAddress": api_call.invoked_by or call.peer.address,
        "userAgent": api_call.invoked_by or call.peer.user_agent,
        "requestParameters": lower_first(api_call.params) or None,
        "responseElements": _response_elements(api_call),
        "requestID": api_call.request_id,
        "eventID": call.world.uuid(),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": call.identity.account,
        "eventCategory": "Management",
    }
    if api_call.error is not None:
        record["errorCode"] = api_call.error.code
        record["errorMessage"] = api_call.error.message
    return record


def role_resources(call: Call, api_call: ApiCall) -> tuple[Json, ...]:
    """Return the resources under which LookupEvents lists a call.

    They are the role of an IAM call, by name and by ARN.
    """
    role = (api_call.result or {}).get("Role", {})
    name = role.get("RoleName") or api_call.params.get("RoleName")
    if api_call.service != "iam" or not isinstance(name, str):
        return ()
    known = call.account.roles.get(name.lower())
    arn = role.get("Arn") or (known.arn if known is not None else None)
    return tuple({"ResourceType": "AWS::IAM::Role", "ResourceName": each} for each in (name, arn) if each)


def user_name(call: Call) -> str:
    """Return the name that LookupEvents shows for the caller."""
    return call.identity.session.name if call.identity.session is not None else "root"


def lower_first(value: Any) -> Any:
    """Return the value with a lower first letter in member names, as in CloudTrail."""
    if isinstance(value, Mapping):
        return {_lowered(str(name)): lower_first(item) for name, item in value.items()}
    if isinstance(value, list):
        return [lower_first(item) for item in value]
    return value


def _lowered(name: str) -> str:
    return name[:1].lower() + name[1:]


def _user_identity(call: Call, api_call: ApiCall) -> Json:
    identity, session = call.identity, call.identity.session
    shown: Json = {
        "type": "Root" if session is None else "AssumedRole",
        "principalId": identity.user_id,
        "arn": identity.arn,
        "accountId": identity.account,
        "accessKeyId": identity.access_key,
    }
    if session is not None:
        issuer = {
            "type": "Role",
            "principalId": session.role_id,
            "arn": session.role_arn,
            "accountId": identity.account,
            "userName": session.role_arn.rpartition("/")[2],
        }
        attributes = {"creationDate": iso8601(session.created), "mfaAuthenticated": "false"}
        shown["sessionContext"] = {"sessionIssuer": issuer, "attributes": attributes}
    if api_call.invoked_by:
        shown["invokedBy"] = api_call.invoked_by
    return shown


def _response_elements(api_call: ApiCall) -> Json | None:
    operation = models.operation(api_call.service, api_call.operation)
    if not api_call.result or operation is None or operation.model.output_shape is None:
        return None
    shown: Json = _elements(operation.model.output_shape, api_call.result)
    return shown


def _elements(shape: Any, value: Any) -> Any:
    if value is None:
        return None
    if shape.type_name == "structure":
        return {_lowered(k): _elements(member, value[k]) for k, member in shape.members.items() if k in value}
    if shape.type_name == "list":
        return [_elements(shape.member, item) for item in value]
    if shape.type_name == "timestamp":
        return f"{datetime.fromtimestamp(value, UTC):%b %-d, %Y, %-I:%M:%S %p}"
    return value
