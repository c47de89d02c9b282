"""The trust policy of the role, and a CloudFormation template for a StackSet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from ecrkeeper_server.iam_policy.events_stack import reader
from ecrkeeper_server.iam_policy.policy import Scope, policy
from ecrkeeper_server.json_object import Json

_VERSION = "2012-10-17"


def trust(principal: str | Json, external_id: str | Json = "") -> Json:
    """Return the trust policy of the role for a principal and an optional external id."""
    statement: Json = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
    if external_id:
        statement["Condition"] = {"StringEquals": {"sts:ExternalId": external_id}}
    return {"Version": _VERSION, "Statement": [statement]}


def caller(partition: str, role_name: str, queues: Iterable[str] = (), keys: Iterable[str] = ()) -> Json:
    """Return the policy for the server's own principal.

    It may assume the role and read the queues.

    The policy allows the role in any account.
    """
    arn = f"arn:{partition}:iam::*:role/{role_name}"
    return {
        "Version": _VERSION,
        "Statement": [
            {"Sid": "AssumeRoles", "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn},
            *reader(queues, keys),
        ],
    }


def template(scope: Scope, *, role_name: str, principal: str = "", external_id: str = "") -> Json:
    """Return the template. Roles are global: deploy it to one Region of each account."""
    parameters: Json = {
        "RoleName": {"Type": "String", "Default": role_name, "Description": "As in ECRKEEPER_AWS_ROLE_TEMPLATE"},
        "Principal": {"Type": "String", "Description": "ARN of the principal that the server runs as"},
    }
    if principal:
        parameters["Principal"]["Default"] = principal
    document: Any = trust({"Ref": "Principal"}, {"Ref": "ExternalId"} if external_id else "")
    if external_id:
        # No default, so that the template does not contain the value.
        parameters["ExternalId"] = {"Type": "String", "NoEcho": True, "MinLength": 2}
    everywhere = replace(scope, partition="${AWS::Partition}", account="${AWS::AccountId}")
    role: Json = {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": {"Ref": "RoleName"},
            "Description": "Assumed by ecrkeeper, which manages registry settings of Amazon ECR",
            "AssumeRolePolicyDocument": document,
            "Policies": [{"PolicyName": "ecrkeeper", "PolicyDocument": _substituted(policy(everywhere))}],
        },
    }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"The role of ecrkeeper in an account, to {'enforce' if scope.enforce else 'observe'}",
        "Parameters": parameters,
        "Resources": {"Role": role},
        "Outputs": {"RoleArn": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}}},
    }


def _substituted(value: Any) -> Any:
    """Return a document with `Fn::Sub` around each text with a pseudo parameter."""
    if isinstance(value, dict):
        return {key: _substituted(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_substituted(inner) for inner in value]
    return {"Fn::Sub": value} if isinstance(value, str) and "${AWS::" in value else value
