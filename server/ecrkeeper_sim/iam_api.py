"""IAM operations on roles."""

from __future__ import annotations

from urllib.parse import quote

from ecrkeeper_sim.calls import Call, handles
from ecrkeeper_sim.errors import AwsError
from ecrkeeper_sim.iam_roles import (
    BY_ROLE_NAME,
    SERVICES,
    add_role,
    create_service_linked_role,
    find_role,
    is_service_linked,
    name_is_taken,
    remove_role,
    visible_roles,
)
from ecrkeeper_sim.paging import page
from ecrkeeper_sim.state import Json, Role

_TAG_QUOTA = 50


def described(role: Role, *, full: bool) -> Json:
    """Return the role in IAM's shape.

    Lists and creates leave out what only GetRole tells.
    """
    shown: Json = {
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.role_id,
        "Arn": role.arn,
        "CreateDate": role.created,
        "AssumeRolePolicyDocument": quote(role.trust_policy, safe=""),
        "MaxSessionDuration": role.max_session_duration,
    }
    if role.description:
        shown["Description"] = role.description
    if full:
        shown["RoleLastUsed"] = {}
        if role.tags:
            shown["Tags"] = _tag_list(role)
        if role.permissions_boundary:
            boundary = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": role.permissions_boundary}
            shown["PermissionsBoundary"] = boundary
    return shown


def created_linked_role(role: Role) -> Json:
    """Return the result of CreateServiceLinkedRole."""
    shown = described(role, full=False)
    del shown["MaxSessionDuration"]
    return {"Role": shown}


@handles("iam", "CreateServiceLinkedRole")
def create_linked(call: Call, params: Json) -> Json:
    """Create the role of an AWS service."""
    principal = params["AWSServiceName"]
    service = SERVICES.get(principal)
    if service is None:
        text = f"{principal} is not a valid AWS service name (Service Principal)"
        raise AwsError("AccessDenied", text, 403)
    if params.get("CustomSuffix"):
        raise AwsError("InvalidInput", f"Custom suffix is not allowed for {principal}")
    if name_is_taken(call.world, call.account, service.role_name):
        raise AwsError(
            "InvalidInput",
            f"Service role name {service.role_name} has been taken in this account, please try a different suffix.",
        )
    description = params.get("Description")
    role = create_service_linked_role(call.world, call.account, service, call.partition, description)
    return created_linked_role(role)


@handles("iam", "CreateRole")
def create_role(call: Call, params: Json) -> Json:
    """Create an ordinary role."""
    name, path = params["RoleName"], params.get("Path", "/")
    if path.startswith("/aws-service-role/"):
        raise AwsError("InvalidInput", "The path /aws-service-role/ is reserved for service-linked roles.")
    if name_is_taken(call.world, call.account, name):
        raise AwsError("EntityAlreadyExists", f"Role with name {name} already exists.", 409)
    role = Role(
        name=name,
        path=path,
        arn=f"arn:{call.partition}:iam::{call.identity.account}:role{path}{name}",
        role_id="AROA" + call.world.identifier(17),
        created=call.now(),
        trust_policy=params["AssumeRolePolicyDocument"],
        description=params.get("Description"),
        max_session_duration=params.get("MaxSessionDuration", 3600),
        tags={tag["Key"]: tag["Value"] for tag in params.get("Tags", [])},
        permissions_boundary=params.get("PermissionsBoundary"),
    )
    add_role(call.world, call.account, role)
    shown = described(role, full=True)
    del shown["RoleLastUsed"]
    return {"Role": shown}


@handles("iam", "DeleteRole")
def delete_role(call: Call, params: Json) -> Json:
    """Delete an ordinary role."""
    role = find_role(call.world, call.account, params["RoleName"])
    if is_service_linked(role):
        raise _protected(role)
    if role.name.lower() in call.account.roles:
        remove_role(call.world, call.account, role)
    return {}


@handles("iam", "GetRole")
def get_role(call: Call, params: Json) -> Json:
    """Return one role."""
    return {"Role": described(find_role(call.world, call.account, params["RoleName"]), full=True)}


@handles("iam", "ListRoles")
def list_roles(call: Call, params: Json) -> Json:
    """Return the roles under a path prefix, page by page."""
    prefix = params.get("PathPrefix", "/")
    roles = [
        (role.name.lower(), described(role, full=False))
        for role in visible_roles(call.world, call.account)
        if role.path.startswith(prefix)
    ]
    return _listed("Roles", roles, params)


@handles("iam", "UpdateRole")
def update_role(call: Call, params: Json) -> Json:
    """Change the description or the session duration."""
    role = find_role(call.world, call.account, params["RoleName"])
    if is_service_linked(role) and "MaxSessionDuration" in params:
        raise _protected(role)
    if "Description" in params:
        role.description = params["Description"]
    if not is_service_linked(role):
        role.max_session_duration = params.get("MaxSessionDuration", 3600)
    return {}


@handles("iam", "UpdateRoleDescription")
def update_role_description(call: Call, params: Json) -> Json:
    """Change the description."""
    role = find_role(call.world, call.account, params["RoleName"])
    role.description = params["Description"]
    return {"Role": described(role, full=False)}


@handles("iam", "TagRole")
def tag_role(call: Call, params: Json) -> Json:
    """Add tags or change their values."""
    role = find_role(call.world, call.account, params["RoleName"])
    keys = [tag["Key"] for tag in params["Tags"]]
    if len({key.lower() for key in keys}) != len(keys):
        raise AwsError("InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    if any(key.lower().startswith("aws:") for key in keys):
        raise AwsError("InvalidInput", "Tag keys beginning with aws: are reserved for AWS use.")
    merged = {**role.tags, **{tag["Key"]: tag["Value"] for tag in params["Tags"]}}
    if len(merged) > _TAG_QUOTA:
        raise AwsError("LimitExceeded", f"The number of tags has reached the maximum limit: {_TAG_QUOTA}.", 409)
    role.tags = merged
    return {}


@handles("iam", "UntagRole")
def untag_role(call: Call, params: Json) -> Json:
    """Remove tags; unknown keys are no error."""
    role = find_role(call.world, call.account, params["RoleName"])
    role.tags = {key: value for key, value in role.tags.items() if key not in params["TagKeys"]}
    return {}


@handles("iam", "ListRoleTags")
def list_role_tags(call: Call, params: Json) -> Json:
    """Return the tags of a role, page by page."""
    role = find_role(call.world, call.account, params["RoleName"])
    return _listed("Tags", [(tag["Key"], tag) for tag in _tag_list(role)], params)


@handles("iam", "ListAttachedRolePolicies")
def list_attached_role_policies(call: Call, params: Json) -> Json:
    """Return the managed policies attached to a role."""
    role = find_role(call.world, call.account, params["RoleName"])
    attached = sorted(role.attached_policies.items())
    return _listed(
        "AttachedPolicies", [(name, {"PolicyName": name, "PolicyArn": arn}) for name, arn in attached], params
    )


def role_arn(call: Call, name: str) -> str:
    """Return the ARN of a role name for authorization, even if the role is absent."""
    role = call.account.roles.get(name.lower())
    if role is not None:
        return role.arn
    service = BY_ROLE_NAME.get(name.lower())
    if service is not None:
        return service.role_arn(call.partition, call.identity.account)
    return f"arn:{call.partition}:iam::{call.identity.account}:role/{name}"


def _listed(member: str, items: list[tuple[str, Json]], params: Json) -> Json:
    shown, token = page(items, params, 100, ("MaxItems", "Marker"))
    answer: Json = {member: shown, "IsTruncated": token is not None}
    if token is not None:
        answer["Marker"] = token
    return answer


def _tag_list(role: Role) -> list[Json]:
    return [{"Key": key, "Value": role.tags[key]} for key in sorted(role.tags)]


def _protected(role: Role) -> AwsError:
    return AwsError(
        "UnmodifiableEntity",
        f"Cannot perform the operation on the protected role '{role.name}' - this role is only modifiable by AWS",
    )
