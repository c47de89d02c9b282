"""CloudFormation templates that bring AWS's events to a queue.

One is for each account and Region, and one for the central bus.

Facts: "Sending and receiving events between AWS accounts" and "Encrypting dead-letter queues" in the EventBridge user
guide; "Using AWS KMS with Amazon SQS". A rule of another account reaches a bus in one hop, in the partition `aws` also
from another Region; in China and GovCloud a bus is reached from its own Region only.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ecrkeeper_server.events.targets import IAM_REGIONS, ROLE_PARTS, operations_of
from ecrkeeper_server.iam_policy.policy import Scope
from ecrkeeper_server.json_object import Json

_VERSION = "2012-10-17"
_FORMAT = "2010-09-09"
_NAME = "ecrkeeper"
_ONE_REGION = ("aws-cn", "aws-us-gov")
_CALLS = ["AWS API Call via CloudTrail"]
_DELIVERIES = ["ECR Replication Action", "ECR Pull Through Cache Action"]
_OPT_IN = ["Region Opt-In Status Change"]
_SERVICE_EVENTS = ["AWS Service Event via CloudTrail"]
_SOURCES = ["aws.ecr", "aws.iam", "aws.account", "aws.organizations"]


def sources(scope: Scope) -> Json:
    """Return the template of the rules; deploy it to each Region of each account."""
    local = {"Fn::Sub": "arn:${AWS::Partition}:events:${AWS::Region}:${CentralAccountId}:event-bus/${BusName}"}
    central = {"Fn::Sub": "arn:${AWS::Partition}:events:${CentralRegion}:${CentralAccountId}:event-bus/${BusName}"}
    parameters: Json = {
        "CentralAccountId": _parameter("Account of the central stack", AllowedPattern="[0-9]{12}"),
        "BusName": _parameter("Name of the central bus", Default=_NAME),
    }
    in_region = scope.partition in _ONE_REGION
    if not in_region:
        parameters["CentralRegion"] = _parameter("Region of the central stack", Default="us-east-1")
    target = local if in_region else central
    rules = {
        "EcrCalls": _rule(target, _calls("ecr", (each for name in scope.settings for each in operations_of(name)))),
        "EcrDeliveries": _rule(target, {"source": ["aws.ecr"], "detail-type": _DELIVERIES}),
    }
    conditions: Json = {"HasIamEvents": {"Fn::Or": [_is_region(region) for region in IAM_REGIONS.values()]}}
    if scope.roles:
        rules["IamCalls"] = {"Condition": "HasIamEvents", **_rule(target, _calls("iam", ROLE_PARTS))}
    # Events of accounts appear where IAM's do. Only the management account has those of the organization.
    opt_in = {"source": ["aws.account"], "detail-type": _OPT_IN}
    rules["RegionChanges"] = {"Condition": "HasIamEvents", **_rule(target, opt_in)}
    changes = {"source": ["aws.organizations"], "detail-type": [*_CALLS, *_SERVICE_EVENTS]}
    rules["OrganizationChanges"] = {"Condition": "HasIamEvents", **_rule(target, changes)}
    return {
        "AWSTemplateFormatVersion": _FORMAT,
        "Description": "Sends the events that ecrkeeper needs of an account and Region to its central bus",
        "Parameters": parameters,
        "Conditions": conditions,
        "Resources": {"Role": _sender(target), **rules},
    }


def _parameter(text: str, **more: str) -> Json:
    return {"Type": "String", "Description": text, **more}


def _is_region(region: str) -> Json:
    return {"Fn::Equals": [{"Ref": "AWS::Region"}, region]}


def _calls(service: str, operations: Iterable[str]) -> Json:
    # Only AWS sends events whose source begins with `aws.`.
    detail = {"eventSource": [f"{service}.amazonaws.com"], "eventName": sorted(set(operations))}
    return {"source": [f"aws.{service}"], "detail-type": _CALLS, "detail": detail}


def _rule(target: Json, pattern: Json) -> Json:
    return {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "Description": "Changes of what ecrkeeper keeps",
            "EventPattern": {"account": [{"Ref": "AWS::AccountId"}], **pattern},
            "Targets": [{"Id": "central", "Arn": target, "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]}}],
        },
    }


def _sender(target: Json) -> Json:
    trusted = {"Service": "events.amazonaws.com"}
    own_account = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    assume = {"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole", "Condition": own_account}
    put = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": target}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "Description": "Sends events to the central bus of ecrkeeper",
            "AssumeRolePolicyDocument": {"Version": _VERSION, "Statement": [assume]},
            "Policies": [{"PolicyName": "send", "PolicyDocument": {"Version": _VERSION, "Statement": [put]}}],
        },
    }


def central() -> Json:
    """Return the template of the bus, the queue and its key.

    Deploy it once, or in China and GovCloud per Region.
    """
    return {
        "AWSTemplateFormatVersion": _FORMAT,
        "Description": "The bus and the queue of the events that ecrkeeper receives",
        "Parameters": {
            "OrganizationId": _parameter("Organization that may send events", AllowedPattern="o-[a-z0-9]{10,32}"),
            "BusName": _parameter("Name of the bus", Default=_NAME),
            "QueueName": _parameter("Name of the queue", Default="ecrkeeper-events"),
            "ServerRoleArn": _parameter("Principal that reads the queue", AllowedPattern="arn:aws[a-z-]*:.+"),
        },
        "Resources": {
            "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": {"Ref": "BusName"}}},
            "BusPolicy": _bus_policy(),
            "Key": _key(),
            "DeadLetters": _queue({"Fn::Sub": "${QueueName}-dead-letters"}),
            "Queue": _queue({"Ref": "QueueName"}, VisibilityTimeout=60, ReceiveMessageWaitTimeSeconds=20,
                RedrivePolicy={"deadLetterTargetArn": _arn("DeadLetters"), "maxReceiveCount": 5}),
            "QueuePolicy": _queue_policy("Queue", [_SEND, _RECEIVE]),
            "DeadLettersPolicy": _queue_policy("DeadLetters", [_SEND]),
            "Forward": _forward(),
        },
        "Outputs": {
            "QueueUrl": {"Description": "For ECRKEEPER_EVENT_QUEUE_URLS", "Value": {"Ref": "Queue"}},
            "QueueArn": {"Description": "For iam-policy --event-queue", "Value": _arn("Queue")},
            "KeyArn": {"Description": "For iam-policy --event-key", "Value": _arn("Key")},
        },
    }  # fmt: skip


def _arn(resource: str) -> Json:
    return {"Fn::GetAtt": [resource, "Arn"]}


def _bus_policy() -> Json:
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "events:PutEvents",
        "Resource": _arn("Bus"),
        "Condition": {"StringEquals": {"aws:PrincipalOrgID": {"Ref": "OrganizationId"}}},
    }
    properties = {"EventBusName": {"Ref": "Bus"}, "StatementId": "organization", "Statement": statement}
    return {"Type": "AWS::Events::EventBusPolicy", "Properties": properties}


def _forward() -> Json:
    return {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "EventBusName": {"Ref": "Bus"},
            "EventPattern": {"source": _SOURCES, "detail-type": [*_CALLS, *_DELIVERIES, *_OPT_IN, *_SERVICE_EVENTS]},
            "Targets": [{"Id": "queue", "Arn": _arn("Queue"), "DeadLetterConfig": {"Arn": _arn("DeadLetters")}}],
        },
    }


def _key() -> Json:
    return {
        "Type": "AWS::KMS::Key",
        "Properties": {
            "Description": "Encrypts the events of ecrkeeper",
            "EnableKeyRotation": True,
            "KeyPolicy": {"Version": _VERSION, "Statement": _key_statements()},
        },
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
    }


def _key_statements() -> list[Json]:
    own_account = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    root = {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}
    return [
        {"Sid": "Administer", "Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:*", "Resource": "*"},
        {
            "Sid": "Send", "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": "*", "Condition": own_account,
        },
        {
            "Sid": "Receive", "Effect": "Allow", "Principal": {"AWS": {"Ref": "ServerRoleArn"}},
            "Action": "kms:Decrypt", "Resource": "*",
        },
    ]  # fmt: skip


def _queue(name: Json, **more: Any) -> Json:
    properties = {"QueueName": name, "KmsMasterKeyId": {"Ref": "Key"}, "MessageRetentionPeriod": 345600, **more}
    return {
        "Type": "AWS::SQS::Queue",
        "Properties": properties,
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
    }


_SEND: Json = {
    "Sid": "Send",
    "Effect": "Allow",
    "Principal": {"Service": "events.amazonaws.com"},
    "Action": "sqs:SendMessage",
    "Condition": {"ArnEquals": {"aws:SourceArn": _arn("Forward")}},
}
_RECEIVE: Json = {
    "Sid": "Receive",
    "Effect": "Allow",
    "Principal": {"AWS": {"Ref": "ServerRoleArn"}},
    "Action": ["sqs:DeleteMessage", "sqs:ReceiveMessage"],
}
_TLS_ONLY: Json = {
    "Sid": "TlsOnly",
    "Effect": "Deny",
    "Principal": "*",
    "Action": "sqs:*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


def _queue_policy(queue: str, statements: list[Json]) -> Json:
    document = {
        "Version": _VERSION,
        "Statement": [{**each, "Resource": _arn(queue)} for each in (*statements, _TLS_ONLY)],
    }
    return {"Type": "AWS::SQS::QueuePolicy", "Properties": {"Queues": [{"Ref": queue}], "PolicyDocument": document}}


def reader(queues: Iterable[str], keys: Iterable[str]) -> list[Json]:
    """Return the statements that let a principal read queues.

    A batch needs the right of its single action.
    """
    actions = ["sqs:DeleteMessage", "sqs:ReceiveMessage"]
    statements: list[Json] = []
    if named := sorted(queues):
        statements.append({"Sid": "ReceiveEvents", "Effect": "Allow", "Action": actions, "Resource": named})
    if named := sorted(keys):
        statements.append({"Sid": "DecryptEvents", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": named})
    return statements
