"""ECR registry policy and account settings, one of which sets the policy's scope."""

from __future__ import annotations

from ecrkeeper_sim.calls import Call, handles
from ecrkeeper_sim.errors import AwsError, invalid_parameter
from ecrkeeper_sim.policy_documents import parse_registry_policy, rendered
from ecrkeeper_sim.principals import reject_deleted, with_unique_ids
from ecrkeeper_sim.state import Json

_BASIC_SCAN = "BASIC_SCAN_TYPE_VERSION"
_POLICY_SCOPE = "REGISTRY_POLICY_SCOPE"
_BLOB_MOUNTING = "BLOB_MOUNTING"
_NAMES = (_BASIC_SCAN, _POLICY_SCOPE, _BLOB_MOUNTING)


@handles("ecr", "GetRegistryPolicy")
def get_registry_policy(call: Call, params: Json) -> Json:
    """Return the registry policy."""
    shown = with_unique_ids(_existing_policy(call), call.settings)
    return {"registryId": call.identity.account, "policyText": rendered(shown)}


@handles("ecr", "PutRegistryPolicy")
def put_registry_policy(call: Call, params: Json) -> Json:
    """Replace the registry policy."""
    registry = call.registry
    unresolvable = call.settings.unresolvable_principals
    policy = parse_registry_policy(params["policyText"], registry.scope, call.partition, unresolvable)
    reject_deleted(policy, call.settings)
    registry.policy = policy
    return {"registryId": call.identity.account, "policyText": rendered(registry.policy)}


@handles("ecr", "DeleteRegistryPolicy")
def delete_registry_policy(call: Call, params: Json) -> Json:
    """Remove the registry policy and return what it was."""
    policy = _existing_policy(call)
    call.registry.policy = None
    return {"registryId": call.identity.account, "policyText": rendered(policy)}


@handles("ecr", "GetAccountSetting")
def get_account_setting(call: Call, params: Json) -> Json:
    """Return the value of one account setting."""
    name = _known(params["name"])
    values = {
        _BASIC_SCAN: "AWS_NATIVE",
        _POLICY_SCOPE: call.registry.scope,
        _BLOB_MOUNTING: call.registry.blob_mounting,
    }
    return {"name": name, "value": values[name]}


@handles("ecr", "PutAccountSetting")
def put_account_setting(call: Call, params: Json) -> Json:
    """Change one account setting."""
    name, value = _known(params["name"]), params["value"]
    scopes = ("V1", "V2") if call.settings.policy_scope_v1_writable else ("V2",)
    allowed = {_BASIC_SCAN: ("AWS_NATIVE",), _POLICY_SCOPE: scopes, _BLOB_MOUNTING: ("ENABLED", "DISABLED")}[name]
    if value not in allowed:
        raise invalid_parameter("value", f"Value for account setting {name} must be one of [{', '.join(allowed)}]")
    if name == _POLICY_SCOPE:
        call.registry.scope = value
    elif name == _BLOB_MOUNTING:
        call.registry.blob_mounting = value
    return {"name": name, "value": value}


def _known(name: str) -> str:
    if name not in _NAMES:
        raise invalid_parameter("name", f"Account setting name must be one of [{', '.join(_NAMES)}]")
    return name


def _existing_policy(call: Call) -> Json:
    policy = call.registry.policy
    if policy is None:
        raise AwsError(
            "RegistryPolicyNotFoundException",
            f"Registry policy does not exist in the registry with id '{call.identity.account}'",
        )
    return policy
