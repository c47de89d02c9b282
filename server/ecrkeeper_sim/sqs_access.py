"""Permissions on queues: identity policies, queue policies, and encryption keys."""

from __future__ import annotations

import json
import re
from typing import Any

from ecrkeeper_sim import permissions
from ecrkeeper_sim.calls import Call
from ecrkeeper_sim.partitions import partition_of
from ecrkeeper_sim.permissions import as_list
from ecrkeeper_sim.principals import names_caller
from ecrkeeper_sim.sqs_errors import denied, invalid_address, key_denied
from ecrkeeper_sim.sqs_queue import Queue
from ecrkeeper_sim.state import Json, World

AWS_MANAGED_KEY = "alias/aws/sqs"

_URL = re.compile(r"(?:https?://([^/]+)/)?(\d{12})/([A-Za-z0-9_.-]{1,80})")
_AWS_HOST = re.compile(r"sqs\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")
_KEY_ACTIONS = {
    "ReceiveMessage": ("kms:Decrypt",),
    "SendMessage": ("kms:GenerateDataKey", "kms:Decrypt"),
}


def queue_arn(region: str, account: str, name: str) -> str:
    """Return the ARN of a queue."""
    return f"arn:{partition_of(region)}:sqs:{region}:{account}:{name}"


def named_queue(call: Call, params: Json) -> str:
    """Return the ARN of the queue that the request names by URL or by name.

    Raises InvalidAddress.
    """
    if "QueueUrl" not in params:
        owner = params.get("QueueOwnerAWSAccountId") or call.identity.account
        return queue_arn(call.region, owner, params["QueueName"])
    url = params["QueueUrl"]
    match = _URL.fullmatch(url)
    if match is None:
        raise invalid_address(url)
    host, account, name = match.groups()
    region = _AWS_HOST.fullmatch(host or "")
    if region is not None and region[1] != call.region:
        raise invalid_address(url)
    return queue_arn(call.region, account, name)


def authorize_queue_call(call: Call, params: Json) -> None:
    """Raise the access-denied error unless the caller may use the queue and its key."""
    arn = named_queue(call, params)
    queue = call.world.queues.by_arn.get(arn)
    operation = call.operation.removesuffix("Batch")
    reason = _denial(call, queue, f"sqs:{operation}", arn)
    call.actions[f"sqs:{operation}"] = reason is None
    if reason is not None:
        action = f"sqs:{operation.lower()}"
        raise denied(f"User: {call.identity.arn} is not authorized to perform: {action} on resource: {arn} {reason}")
    key = _customer_key(queue) if queue is not None else None
    for action in _KEY_ACTIONS.get(operation, ()) if key else ():
        _authorize_key(call, action, str(key))


def allows_service(world: World, queue: Queue, service: str, source_arn: str) -> str | None:
    """Return why a service cannot send to the queue, or None if it can."""
    context = {"aws:SourceArn": source_arn, "aws:SourceAccount": source_arn.split(":")[4]}
    decisions = [
        statement["Effect"]
        for statement in _statements(queue)
        if _names_service(statement, service) and permissions.applies(statement, "sqs:SendMessage", queue.arn, context)
    ]
    if "Deny" in decisions or "Allow" not in decisions:
        return f"the policy of {queue.arn} does not allow {service} to send messages from {source_arn}"
    if queue.attributes.get("KmsMasterKeyId") == AWS_MANAGED_KEY:
        return f"{service} cannot use the AWS managed key of {queue.arn}"
    return None


def _denial(call: Call, queue: Queue | None, action: str, arn: str) -> str | None:
    context = {"aws:RequestedRegion": call.region}
    owner = arn.split(":")[4]
    stated = [
        statement["Effect"]
        for statement in (_statements(queue) if queue is not None else [])
        if names_caller(call, statement) and permissions.applies(statement, action, arn, context)
    ]
    if "Deny" in stated:
        return "with an explicit deny in a resource-based policy"
    own = as_list((call.policy or {}).get("Statement", []))
    if any(s.get("Effect") == "Deny" and permissions.applies(s, action, arn, context) for s in own):
        return "with an explicit deny in an identity-based policy"
    allowed = call.policy is None or permissions.denial(call.policy, "", action, arn, context) is None
    if owner != call.identity.account and "Allow" not in stated:
        return f"because no resource-based policy allows the {action.lower()} action"
    if not allowed and (owner != call.identity.account or "Allow" not in stated):
        return f"because no identity-based policy allows the {action.lower()} action"
    return None


def _authorize_key(call: Call, action: str, key: str) -> None:
    if call.policy is None:
        return
    reason = permissions.denial(call.policy, call.identity.arn, action, key, {"aws:RequestedRegion": call.region})
    call.actions[action] = reason is None
    if reason is not None:
        raise key_denied(reason)


def _customer_key(queue: Queue) -> str | None:
    key = queue.attributes.get("KmsMasterKeyId")
    if key is None or key == AWS_MANAGED_KEY:
        return None
    if key.startswith("arn:"):
        return key
    return f"arn:{partition_of(queue.region)}:kms:{queue.region}:{queue.account}:key/{key}"


def _statements(queue: Queue) -> list[Any]:
    text = queue.attributes.get("Policy")
    return as_list(json.loads(text)["Statement"]) if text else []


def _names_service(statement: Json, service: str) -> bool:
    principal = statement.get("Principal", {})
    named = as_list(principal.get("Service", [])) if isinstance(principal, dict) else [principal]
    return service in named or "*" in named
