"""Valid responses of AWS, and hostile or broken variants; each holds `SECRET`."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

ACCOUNT, OTHER = "111111111111", "222222222222"
SECRET = "hunter2"
_DESTINATION = {"region": "us-west-2", "registryId": ACCOUNT}
_BACKFILL_ID = "0b9f7d1e-7a8f-4f7e-9d0a-3a5e4f2f1c11"
_RULE = {"ecrRepositoryPrefix": SECRET, "upstreamRegistryUrl": "quay.io", "registryId": ACCOUNT, "createdAt": 1.7e9}

# AWS's responses to all JSON operations whose response is used, and the call's parameters.
JSON_ANSWERS: dict[tuple[str, str], tuple[dict[str, Any], dict[str, Any]]] = {
    ("ecr", "DescribeRegistry"): (
        {
            "registryId": ACCOUNT,
            "replicationConfiguration": {
                "rules": [
                    {
                        "destinations": [_DESTINATION],
                        "repositoryFilters": [{"filter": SECRET, "filterType": "PREFIX_MATCH"}],
                    }
                ]
            },
        },
        {},
    ),
    ("ecr", "GetRegistryPolicy"): ({"registryId": ACCOUNT, "policyText": f'{{"Id": "{SECRET}"}}'}, {}),
    ("ecr", "GetRegistryScanningConfiguration"): (
        {
            "registryId": ACCOUNT,
            "scanningConfiguration": {
                "scanType": "BASIC",
                "rules": [
                    {
                        "scanFrequency": "SCAN_ON_PUSH",
                        "repositoryFilters": [{"filter": SECRET, "filterType": "WILDCARD"}],
                    }
                ],
            },
        },
        {},
    ),
    ("ecr", "DescribePullThroughCacheRules"): ({"pullThroughCacheRules": [_RULE]}, {}),
    ("ecr", "DescribeRepositoryCreationTemplates"): (
        {
            "registryId": ACCOUNT,
            "repositoryCreationTemplates": [{"prefix": SECRET, "appliedFor": ["REPLICATION"], "createdAt": 1.7e9}],
        },
        {},
    ),
    ("ecr", "GetAccountSetting"): ({"name": "BLOB_MOUNTING", "value": SECRET}, {"name": "BLOB_MOUNTING"}),
    ("ecr", "ListPullTimeUpdateExclusions"): (
        {"pullTimeUpdateExclusions": [f"arn:aws:iam::{ACCOUNT}:role/{SECRET}"]},
        {},
    ),
    ("ecr", "GetSigningConfiguration"): (
        {
            "registryId": ACCOUNT,
            "signingConfiguration": {
                "rules": [{"signingProfileArn": f"arn:aws:signer:us-east-1:{ACCOUNT}:/signing-profiles/{SECRET}"}]
            },
        },
        {},
    ),
    ("ecr", "ListReplicationBackfills"): (
        {
            "registryId": ACCOUNT,
            "backfills": [
                {"replicationBackfillId": _BACKFILL_ID, "destination": _DESTINATION, "status": SECRET, "startedAt": 1}
            ],
        },
        {},
    ),
    ("ecr", "StartReplicationBackfill"): (
        {
            "registryId": ACCOUNT,
            "replicationBackfillId": _BACKFILL_ID,
            "destination": _DESTINATION,
            "status": SECRET,
        },
        {"destination": _DESTINATION},
    ),
    ("organizations", "ListAccounts"): (
        {"Accounts": [{"Id": ACCOUNT, "Name": SECRET, "Email": "a@example.com", "Status": "ACTIVE"}]},
        {},
    ),
    ("organizations", "ListParents"): (
        {"Parents": [{"Id": "ou-ab12-11111111", "Type": "ORGANIZATIONAL_UNIT"}]},
        {"ChildId": ACCOUNT},
    ),
    ("organizations", "DescribeOrganizationalUnit"): (
        {"OrganizationalUnit": {"Id": "ou-ab12-11111111", "Name": SECRET}},
        {"OrganizationalUnitId": "ou-ab12-11111111"},
    ),
    ("organizations", "ListTagsForResource"): ({"Tags": [{"Key": "env", "Value": SECRET}]}, {"ResourceId": ACCOUNT}),
    ("ecr", "StopReplicationBackfill"): (
        {"registryId": ACCOUNT, "replicationBackfillId": _BACKFILL_ID, "destination": _DESTINATION, "status": SECRET},
        {"replicationBackfillId": _BACKFILL_ID},
    ),
    ("ecr", "DescribeRepositories"): ({"repositories": [{"repositoryName": SECRET, "registryId": ACCOUNT}]}, {}),
    ("ecr", "ListImages"): ({"imageIds": [{"imageDigest": SECRET, "imageTag": "v1"}]}, {"repositoryName": "app"}),
    ("ecr", "DescribeImageReplicationStatus"): (
        {
            "repositoryName": "app",
            "imageId": {"imageDigest": SECRET},
            "replicationStatuses": [{**_DESTINATION, "status": "FAILED", "failureCode": SECRET}],
        },
        {"repositoryName": "app", "imageId": {"imageDigest": SECRET}},
    ),
    ("ecr", "DescribeReplicationBackfillResults"): (
        {
            "registryId": ACCOUNT,
            "replicationBackfillId": _BACKFILL_ID,
            "results": [{"repositoryName": SECRET, "imageId": {}, "status": "FAILED"}],
        },
        {"replicationBackfillId": _BACKFILL_ID},
    ),
    ("ecr", "ValidatePullThroughCacheRule"): (
        {"registryId": ACCOUNT, "ecrRepositoryPrefix": "hub", "isValid": False, "failure": SECRET},
        {"ecrRepositoryPrefix": "hub"},
    ),
    ("cloudtrail", "LookupEvents"): ({"Events": [{"EventId": SECRET, "CloudTrailEvent": f'"{SECRET}"'}]}, {}),
    ("account", "ListRegions"): (
        {"Regions": [{"RegionName": "us-east-1", "RegionOptStatus": SECRET}]},
        {},
    ),
}
_ROLE = "AWSServiceRoleForECRReplication"
_PATH = "/aws-service-role/replication.ecr.amazonaws.com/"
_ROLE_XML = (
    f"<Role><Path>{_PATH}</Path><RoleName>{_ROLE}</RoleName><RoleId>AROA1</RoleId>"
    f"<Arn>arn:aws:iam::{ACCOUNT}:role{_PATH}{_ROLE}</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate>"
    f"<Description>{SECRET}</Description></Role>"
)


def xml(operation: str, content: str) -> str:
    """Return a response of the Query protocol."""
    inner = (
        f"<{operation}Result>{content}</{operation}Result><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>"
    )
    return f'<{operation}Response xmlns="https://aws">{inner}</{operation}Response>'


def assumed(account: str, *, key: str = "ASIA1", expires: str = "2099-01-01T00:00:00Z") -> str:
    """Return a response of AssumeRole."""
    keys = f"<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey><SessionToken>{SECRET}</SessionToken>"
    arn = f"arn:aws:sts::{account}:assumed-role/ecrkeeper/ecrkeeper"
    return xml(
        "AssumeRole",
        f"<Credentials>{keys}<Expiration>{expires}</Expiration></Credentials>"
        f"<AssumedRoleUser><AssumedRoleId>AROA:e</AssumedRoleId><Arn>{arn}</Arn></AssumedRoleUser>",
    )


def caller(account: str) -> str:
    """Return a response of GetCallerIdentity."""
    user = f"<Arn>arn:aws:iam::{account}:user/{SECRET}</Arn><UserId>{account}</UserId><Account>{account}</Account>"
    return xml("GetCallerIdentity", user)


XML_ANSWERS: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {
    ("iam", "GetRole"): (xml("GetRole", _ROLE_XML), {"RoleName": _ROLE}),
    ("iam", "CreateServiceLinkedRole"): (xml("CreateServiceLinkedRole", _ROLE_XML), {}),
    ("iam", "DeleteServiceLinkedRole"): (
        xml("DeleteServiceLinkedRole", f"<DeletionTaskId>{SECRET}</DeletionTaskId>"),
        {"RoleName": _ROLE},
    ),
    ("iam", "GetServiceLinkedRoleDeletionStatus"): (
        xml("GetServiceLinkedRoleDeletionStatus", f"<Status>{SECRET}</Status>"),
        {"DeletionTaskId": "task"},
    ),
    ("sts", "AssumeRole"): (assumed(ACCOUNT), {}),
    ("sts", "GetCallerIdentity"): (caller(ACCOUNT), {}),
}
HTML = f"<html><body>Sign in to the hotel's network: {SECRET}</body></html>"
# Larger than any response that is read.
HUGE = {"body": '{"pullThroughCacheRules": "' + SECRET * 100, "repeat": 16 * 1024 * 1024 // 700}

Rule = dict[str, Any]


def _json(body: Any) -> Rule:
    return {"headers": {"Content-Type": "application/x-amz-json-1.1"}, "body": json.dumps(body)}


def _other(answer: Any) -> Any:
    """Return the response of another account; None if it does not name the account."""
    changed = copy.deepcopy(answer)
    speakers = [changed, *changed.get("pullThroughCacheRules", ())]
    named = [speaker for speaker in speakers if "registryId" in speaker]
    for speaker in named:
        speaker["registryId"] = OTHER
    return changed if named else None


def of_json(service: str, operation: str) -> list[tuple[str, Rule]]:
    """Return unusable responses to a JSON operation, with the fault rule for each."""
    answer, _ = JSON_ANSWERS[service, operation]
    body = json.dumps(answer)
    wrong = {name: [SECRET, 5] if not isinstance(value, list) else SECRET for name, value in answer.items()}
    kinds: list[tuple[str, Rule]] = [
        ("empty", {"body": ""}),
        ("no members", _json({})),
        ("HTML", {"headers": {"Content-Type": "text/html"}, "body": HTML}),
        ("cut", {"body": body[: len(body) - 3]}),
        ("wrong type", _json(wrong)),
        ("a list", _json([answer])),
        ("nulls", _json(dict.fromkeys(answer))),
        ("too deep", {"body": body[:-1] + ', "x": ' + "[" * 500 + "]" * 500 + "}"}),
        ("16 MB", HUGE),
        ("a redirect", {"status": 302, "body": HTML}),
        ("a proxy's refusal", {"status": 403, "body": HTML}),
    ]
    other = _other(answer)
    return [*kinds, ("another account", _json(other))] if other else kinds


def of_xml(service: str, operation: str) -> list[tuple[str, Rule]]:
    """Return the same for an operation of the Query protocol."""
    body, _ = XML_ANSWERS[service, operation]
    kinds: list[tuple[str, Rule]] = [
        ("empty", {"body": ""}),
        ("no members", {"body": xml(operation, "")}),
        ("HTML", {"headers": {"Content-Type": "text/html"}, "body": HTML}),
        ("cut", {"body": body[: len(body) - 30]}),
        ("another answer", {"body": body.replace(operation, "ListUsers")}),
        ("wrong type", {"body": xml(operation, f"<Role>{SECRET}</Role><Credentials>{SECRET}</Credentials>")}),
        ("JSON", _json({operation: SECRET})),
        ("16 MB", HUGE),
        ("a redirect", {"status": 302, "body": HTML}),
        ("a proxy's refusal", {"status": 403, "body": HTML}),
    ]
    if f"::{ACCOUNT}:" in body:
        kinds.append(("another account", {"body": body.replace(ACCOUNT, OTHER)}))
    return kinds


def unusable(service: str, operation: str) -> list[tuple[str, Rule]]:
    """Return unusable responses to an operation."""
    kinds: Callable[[str, str], list[tuple[str, Rule]]] = of_json if (service, operation) in JSON_ANSWERS else of_xml
    return kinds(service, operation)
