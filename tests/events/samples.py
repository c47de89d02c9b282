"""Events as AWS sends them."""

from __future__ import annotations

import copy
import json
from typing import Any

ACCOUNT, OTHER, QUEUE_ACCOUNT, REGION = "111111111111", "333333333333", "222222222222", "eu-west-1"
INSTALL = "0b0b0b0b-0000-4000-8000-00000000000a"
OTHER_INSTALL = "0c0c0c0c-0000-4000-8000-00000000000b"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/Admin"
SESSION_ARN = f"arn:aws:sts::{ACCOUNT}:assumed-role/Admin/ann"

RECORD: dict[str, Any] = {
    "eventVersion": "1.09",
    "userIdentity": {
        "type": "AssumedRole", "principalId": "AROAEXAMPLE:ann", "arn": SESSION_ARN, "accountId": ACCOUNT,
        "sessionContext": {"sessionIssuer": {"type": "Role", "arn": ROLE_ARN, "userName": "Admin"}},
    },
    "eventTime": "2026-11-27T10:00:00Z",
    "eventSource": "ecr.amazonaws.com",
    "eventName": "PutReplicationConfiguration",
    "awsRegion": REGION,
    "sourceIPAddress": "203.0.113.12",
    "userAgent": "aws-cli/2.31",
    "requestParameters": {"replicationConfiguration": {"rules": []}},
    "requestID": "5d9b7d1e-0000-4000-8000-000000000002",
    "eventID": "5d9b7d1e-0000-4000-8000-000000000003",
    "readOnly": False,
    "recipientAccountId": ACCOUNT,
}  # fmt: skip

REPLICATION: dict[str, Any] = {
    "version": "0", "id": "5d9b7d1e-0000-4000-8000-000000000004", "detail-type": "ECR Replication Action",
    "source": "aws.ecr", "account": OTHER, "time": "2026-11-27T10:00:05Z", "region": "us-west-2",
    "resources": [f"arn:aws:ecr:us-west-2:{OTHER}:repository/app"],
    "detail": {
        "result": "FAILED", "repository-name": "app", "image-digest": "sha256:00", "source-account": ACCOUNT,
        "action-type": "REPLICATE", "source-region": REGION, "image-tag": "1",
    },
}  # fmt: skip

CACHE: dict[str, Any] = {
    "version": "0", "id": "5d9b7d1e-0000-4000-8000-000000000005", "detail-type": "ECR Pull Through Cache Action",
    "source": "aws.ecr", "account": ACCOUNT, "time": "2026-11-27T10:00:05Z", "region": REGION,
    "resources": [f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/quay/app"],
    "detail": {
        "rule-version": "1", "sync-status": "FAILED", "ecr-repository-prefix": "quay", "repository-name": "quay/app",
        "upstream-registry-url": "quay.io", "image-tag": "1", "failure-code": "UPSTREAM_ACCESS_DENIED",
        "failure-reason": "denied",
    },
}  # fmt: skip


def changed(value: dict[str, Any], path: str = "", new: Any = None) -> dict[str, Any]:
    """Return the value with one member replaced, or removed by `...`."""
    copied = copy.deepcopy(value)
    if path:
        *parents, last = path.split(".")
        at = copied
        for name in parents:
            at = at[name]
        if new is ...:
            del at[last]
        else:
            at[last] = new
    return copied


def event(record: dict[str, Any] = RECORD, **members: Any) -> dict[str, Any]:
    """The event of EventBridge with a record."""
    service = str(record.get("eventSource", "ecr")).partition(".")[0]
    return {
        "version": "0", "id": "5d9b7d1e-0000-4000-8000-000000000001", "detail-type": "AWS API Call via CloudTrail",
        "source": f"aws.{service}", "account": record.get("recipientAccountId", ACCOUNT),
        "time": "2026-11-27T10:00:05Z", "region": REGION, "resources": [], "detail": record, **members,
    }  # fmt: skip


def notification(event: dict[str, Any]) -> str:
    """The event in the envelope of an SNS notification."""
    return json.dumps({"Type": "Notification", "TopicArn": "arn:aws:sns:x", "Message": json.dumps(event)})
