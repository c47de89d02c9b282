"""Permissions of each operation, and registry policies that deny callers."""

from __future__ import annotations

from ecrkeeper_sim import permissions
from ecrkeeper_sim.calls import Call
from ecrkeeper_sim.errors import AwsError
from ecrkeeper_sim.iam_api import role_arn
from ecrkeeper_sim.iam_roles import SERVICES
from ecrkeeper_sim.principals import names_caller
from ecrkeeper_sim.sqs_access import authorize_queue_call
from ecrkeeper_sim.state import Json


def authorize(call: Call, params: Json) -> None:
    """Raise the access-denied error unless the caller may make the call."""
    if call.service == "sqs":
        authorize_queue_call(call, params)
        return
    if call.policy is not None and (call.service, call.operation) != ("sts", "GetCallerIdentity"):
        call.authorize(f"{call.service}:{call.operation}", _resource(call, params), _conditions(call, params))
    if call.service == "ecr":
        _check_registry_policy(call)


def _resource(call: Call, params: Json) -> str:
    if call.service == "iam":
        if call.operation == "CreateServiceLinkedRole":
            service = SERVICES.get(params["AWSServiceName"])
            return service.role_arn(call.partition, call.identity.account) if service is not None else "*"
        if call.operation == "GetServiceLinkedRoleDeletionStatus":
            return role_arn(call, params["DeletionTaskId"].split("/")[-2]) if "/" in params["DeletionTaskId"] else "*"
        return role_arn(call, params["RoleName"]) if "RoleName" in params else "*"
    if call.service == "sts":
        return str(params.get("RoleArn", "*"))
    if "repositoryName" in params:
        return f"arn:{call.partition}:ecr:{call.region}:{call.identity.account}:repository/{params['repositoryName']}"
    secret = params.get("SecretId")
    if secret is not None and not secret.startswith("arn:"):
        return f"arn:{call.partition}:secretsmanager:{call.region}:{call.identity.account}:secret:{secret}"
    return str(secret or "*")


def _conditions(call: Call, params: Json) -> dict[str, str]:
    if call.operation == "CreateServiceLinkedRole":
        return {"iam:AWSServiceName": params["AWSServiceName"]}
    if call.operation in ("GetAccountSetting", "PutAccountSetting"):
        return {"ecr:AccountSetting": params["name"]}
    return {}


def _check_registry_policy(call: Call) -> None:
    registry = call.registry
    if registry.policy is None or registry.scope != "V2":
        return
    action = f"ecr:{call.operation}"
    for statement in registry.policy["Statement"]:
        if statement["Effect"] != "Deny" or not names_caller(call, statement):
            continue
        if permissions.applies(statement, action, "*", {"aws:RequestedRegion": call.region}):
            raise AwsError(
                "AccessDeniedException",
                f"User: {call.identity.arn} is not authorized to perform: {action} on resource: * "
                "with an explicit deny in a resource-based policy",
            )
