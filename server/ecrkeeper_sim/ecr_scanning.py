"""ECR registry scanning configuration and what it means for a repository."""

from __future__ import annotations

from ecrkeeper_sim.calls import Call, handles
from ecrkeeper_sim.ecr_replication import require_service_linked_role
from ecrkeeper_sim.errors import AwsError, invalid_parameter
from ecrkeeper_sim.iam_roles import INSPECTOR
from ecrkeeper_sim.permissions import matches_any
from ecrkeeper_sim.state import Json

_FREQUENCIES = {"BASIC": ("SCAN_ON_PUSH", "MANUAL"), "ENHANCED": ("SCAN_ON_PUSH", "CONTINUOUS_SCAN")}


@handles("ecr", "GetRegistryScanningConfiguration")
def get_registry_scanning_configuration(call: Call, params: Json) -> Json:
    """Return the scanning configuration."""
    return {"registryId": call.identity.account, "scanningConfiguration": call.registry.scanning}


@handles("ecr", "PutRegistryScanningConfiguration")
def put_registry_scanning_configuration(call: Call, params: Json) -> Json:
    """Replace the scanning configuration; ENHANCED makes Inspector create its role."""
    if call.account.scanning_blocked_by_organization:
        raise AwsError(
            "BlockedByOrganizationPolicyException",
            "The operation did not succeed because the account is managed by an organization policy.",
        )
    scan_type, rules = params.get("scanType", "BASIC"), params.get("rules", [])
    frequencies = [rule["scanFrequency"] for rule in rules]
    wrong = [frequency for frequency in frequencies if frequency not in _FREQUENCIES[scan_type]]
    if wrong:
        raise invalid_parameter("rules", f"Invalid scan frequency for scanType {scan_type}: {wrong[0]}")
    twice = sorted({frequency for frequency in frequencies if frequencies.count(frequency) > 1})
    if twice:
        raise invalid_parameter("rules", f"Invalid input. Contains duplicate scan frequencies: [{', '.join(twice)}]")
    if scan_type == "ENHANCED":
        call.authorize("inspector2:ListAccountPermissions", "*")
        call.authorize("inspector2:Enable", "*")
        require_service_linked_role(call, INSPECTOR)
    elif call.registry.scanning["scanType"] == "ENHANCED":
        call.authorize("inspector2:Disable", "*")
    call.registry.scanning = {"scanType": scan_type, "rules": rules}
    return {"registryScanningConfiguration": call.registry.scanning}


@handles("ecr", "BatchGetRepositoryScanningConfiguration")
def batch_get_repository_scanning_configuration(call: Call, params: Json) -> Json:
    """Return how each named repository is scanned."""
    configurations: list[Json] = []
    failures: list[Json] = []
    for name in params["repositoryNames"]:
        repository = call.registry.repositories.get(name)
        if repository is None:
            reason = f"The repository with name '{name}' does not exist"
            failures.append({"repositoryName": name, "failureCode": "REPOSITORY_NOT_FOUND", "failureReason": reason})
        else:
            configurations.append(_effective(call.registry.scanning, repository))
    return {"scanningConfigurations": configurations, "failures": failures}


def _effective(scanning: Json, repository: Json) -> Json:
    frequency = "MANUAL"
    applied: list[Json] = []
    for rule in sorted(scanning["rules"], key=lambda r: r["scanFrequency"] == "CONTINUOUS_SCAN"):
        filters = [f for f in rule["repositoryFilters"] if _filter_matches(f["filter"], repository["repositoryName"])]
        if filters:
            frequency, applied = rule["scanFrequency"], filters
    return {
        "repositoryArn": repository["repositoryArn"],
        "repositoryName": repository["repositoryName"],
        "scanOnPush": frequency == "SCAN_ON_PUSH",
        "scanFrequency": frequency,
        "appliedScanFilters": applied,
    }


def _filter_matches(pattern: str, name: str) -> bool:
    return matches_any(pattern, name) if "*" in pattern else pattern in name
