"""ECR replication configuration."""

from __future__ import annotations

from ecrkeeper_sim.calls import ApiCall, Call, handles
from ecrkeeper_sim.errors import invalid_parameter
from ecrkeeper_sim.iam_api import created_linked_role
from ecrkeeper_sim.iam_roles import REPLICATION, SERVICES, ensure_service_linked_role, role_missing
from ecrkeeper_sim.iam_usage import note_release, resources_in_use
from ecrkeeper_sim.partitions import is_region_name, partition_of
from ecrkeeper_sim.state import Json

_MEMBER = "replicationConfiguration"


@handles("ecr", "DescribeRegistry")
def describe_registry(call: Call, params: Json) -> Json:
    """Return the registry with its replication configuration."""
    rules = call.registry.replication_rules
    return {"registryId": call.identity.account, "replicationConfiguration": {"rules": rules}}


@handles("ecr", "PutReplicationConfiguration")
def put_replication_configuration(call: Call, params: Json) -> Json:
    """Replace the replication configuration; create a missing service-linked role."""
    configuration = params["replicationConfiguration"]
    rules = configuration["rules"]
    _check_destinations(call, rules)
    if rules or call.settings.empty_replication_creates_role:
        require_service_linked_role(call, REPLICATION)
    registry = call.registry
    before = resources_in_use(registry, REPLICATION)
    registry.replication_rules = rules
    note_release(call.world, registry, REPLICATION, before)
    return {"replicationConfiguration": {"rules": rules}}


def require_service_linked_role(call: Call, principal: str) -> None:
    """Create the role that a setting needs, on behalf of the caller.

    The caller's permissions apply.
    """
    if role_missing(call.account, principal):
        arn = SERVICES[principal].role_arn(call.partition, call.identity.account)
        call.authorize("iam:CreateServiceLinkedRole", arn, {"iam:AWSServiceName": principal})
        role = ensure_service_linked_role(call.world, call.account, principal, call.region)
        result = created_linked_role(role) if role is not None else None
        params = {"AWSServiceName": principal}
        call.caused.append(
            ApiCall("iam", "CreateServiceLinkedRole", params, call.world.uuid(), result, invoked_by=principal)
        )


def _check_destinations(call: Call, rules: list[Json]) -> None:
    unique = {(d["region"], d["registryId"]) for rule in rules for d in rule["destinations"]}
    if (call.region, call.identity.account) in unique:
        raise invalid_parameter(_MEMBER, "Replication destination cannot be the same as the source registry")
    for region, _ in sorted(unique):
        if not is_region_name(region) or partition_of(region) != call.partition:
            raise invalid_parameter(_MEMBER, f"Invalid region '{region}'")
    quota = call.settings.destination_quota
    if len(unique) > quota:
        raise invalid_parameter(
            _MEMBER, f"Replication configuration cannot have more than {quota} unique destinations across all rules"
        )
