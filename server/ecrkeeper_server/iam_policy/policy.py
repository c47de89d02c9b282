"""The IAM policy of the role that the server assumes in an account.

Facts: "Actions, resources, and condition keys for Amazon ECR" and "... for
AWS IAM" in the service authorization reference; the permissions that the ECR
user guide names for cache rules, creation templates and enhanced scanning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from ecrkeeper_server.json_object import Json
from ecrkeeper_server.roles.catalogue import ROLES, RoleKind
from ecrkeeper_server.settings.account_settings import ACCOUNT_SETTINGS, VALUES
from ecrkeeper_server.settings.advice import READ_ALONG
from ecrkeeper_server.settings.cache_rules import CACHE_RULES
from ecrkeeper_server.settings.policy import REGISTRY_POLICY
from ecrkeeper_server.settings.replication import REPLICATION
from ecrkeeper_server.settings.replication_access import SETTINGS_OF_DESTINATION
from ecrkeeper_server.settings.scanning import SCANNING
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.settings.templates import TEMPLATES

# Other settings that ecrkeeper reads for a managed setting: the policies of replication
# destinations, the scope that restricts a policy, and settings that plans warn about.
_ALSO_READ = {REPLICATION.name: SETTINGS_OF_DESTINATION, REGISTRY_POLICY.name: (ACCOUNT_SETTINGS.name,), **READ_ALONG}

_REPLICATION_READS = (
    "ListReplicationBackfills",
    "DescribeReplicationBackfillResults",
    "DescribeRepositories",
    "ListImages",
    "DescribeImageReplicationStatus",
)
_BACKFILL_WRITES = ("StartReplicationBackfill", "StopReplicationBackfill")
_ROLE_READS = ("GetRole",)
_ROLE_WRITES = ("UpdateRole", "TagRole", "UntagRole", "DeleteServiceLinkedRole")
_INSPECTOR = "inspector2.amazonaws.com"


class Scope(Struct, frozen=True, kw_only=True):
    """The scope of a policy: settings, account, and whether ecrkeeper writes.

    `account` may be `*`, because a role's policy never reaches beyond its own account.
    `custom_roles` matches the roles that cache rules and templates may name, by the part of their
    ARN after `role/`, with wildcards.
    """

    settings: tuple[str, ...]
    enforce: bool
    partition: str = "aws"
    account: str = "*"
    custom_roles: str = "*"
    enhanced_scanning: bool = True

    @property
    def roles(self) -> list[RoleKind]:
        """The service-linked roles that the settings need."""
        return [kind for kind in ROLES.values() if kind.setting in self.settings]

    def role_arn(self, path: str) -> str:
        """Return the ARN of a role in the account, by path and name."""
        return f"arn:{self.partition}:iam::{self.account}:role/{path}"


def policy(scope: Scope) -> Json:
    """Return the smallest policy for the scope.

    Statements and actions have a stable order.
    """
    statements = [*_reads(scope), *(_writes(scope) if scope.enforce else ())]
    return {"Version": "2012-10-17", "Statement": statements}


def _allow(sid: str, allowed: Iterable[str], resource: str | list[str], condition: Json | None = None) -> Json:
    statement: Json = {"Sid": sid, "Effect": "Allow", "Action": sorted(allowed), "Resource": resource}
    return {**statement, "Condition": {"StringEquals": condition}} if condition else statement


def _ecr(operations: Iterable[str]) -> list[str]:
    return [f"ecr:{operation}" for operation in operations]


def _reads(scope: Scope) -> Iterator[Json]:
    names = {*scope.settings, *(also for name in scope.settings for also in _ALSO_READ.get(name, ()))}
    operations = {read.operation for name in names - {ACCOUNT_SETTINGS.name} for read in SETTINGS[name].reads}
    if REPLICATION.name in scope.settings:
        operations.update(_REPLICATION_READS)
    if operations:
        yield _allow("ReadSettings", _ecr(operations), "*")
    if ACCOUNT_SETTINGS.name in names:
        reads = {read.operation for read in ACCOUNT_SETTINGS.reads}
        yield _allow("ReadAccountSettings", _ecr(reads), "*", _named_settings())
    if scope.roles:
        # By name under any path, because IAM does not know the path of a missing role, and to
        # recognize look-alikes under other paths.
        role_arns = [scope.role_arn(f"*{kind.role_name}") for kind in scope.roles]
        if _passed(scope):
            # Plans warn of custom roles that are missing or do not trust ECR.
            role_arns.append(scope.role_arn(scope.custom_roles))
        status = ["iam:GetServiceLinkedRoleDeletionStatus"] if scope.enforce else []
        yield _allow("ReadRoles", [*(f"iam:{name}" for name in _ROLE_READS), *status], role_arns)
        yield _allow("FindEnabledRegions", ["account:ListRegions"], "*")
    yield _allow("FindCausesOfDrift", ["cloudtrail:LookupEvents"], "*")


def _writes(scope: Scope) -> Iterator[Json]:
    operations = {op for name in scope.settings if name != ACCOUNT_SETTINGS.name for op in SETTINGS[name].writes}
    if REPLICATION.name in scope.settings:
        operations.update(_BACKFILL_WRITES)
    if CACHE_RULES.name in scope.settings:
        # It changes nothing, but makes ECR read the secret and log in to the upstream.
        operations.add("ValidatePullThroughCacheRule")
    if operations:
        yield _allow("WriteSettings", _ecr(operations), "*")
    if ACCOUNT_SETTINGS.name in scope.settings:
        yield _allow("WriteAccountSettings", _ecr(ACCOUNT_SETTINGS.writes), "*", _named_settings())
    if scope.roles:
        arns = [scope.role_arn(f"{kind.path.strip('/')}/{kind.role_name}") for kind in scope.roles]
        services = [kind.service_name for kind in scope.roles]
        yield _allow("CreateRoles", ["iam:CreateServiceLinkedRole"], arns, {"iam:AWSServiceName": services})
        yield _allow("WriteRoles", [f"iam:{name}" for name in _ROLE_WRITES], arns)
    yield from _dependents(scope)


def _named_settings() -> Json:
    return {"ecr:AccountSetting": sorted(VALUES)}


def _dependents(scope: Scope) -> Iterator[Json]:
    """Return the additional actions that AWS requires for a write."""
    if CACHE_RULES.name in scope.settings:
        secrets = f"arn:{scope.partition}:secretsmanager:*:{scope.account}:secret:ecr-pullthroughcache/*"
        yield _allow("ReadUpstreamSecrets", ["secretsmanager:GetSecretValue"], secrets)
    if TEMPLATES.name in scope.settings:
        needed = _ecr(["CreateRepository", "PutLifecyclePolicy", "SetRepositoryPolicy"])
        yield _allow("CreateFromTemplates", needed, f"arn:{scope.partition}:ecr:*:{scope.account}:repository/*")
    if passed := _passed(scope):
        yield _allow(
            "PassCustomRoles", ["iam:PassRole"], scope.role_arn(scope.custom_roles), {"iam:PassedToService": passed}
        )
    if SCANNING.name in scope.settings and scope.enhanced_scanning:
        inspector = [f"inspector2:{name}" for name in ("Disable", "Enable", "ListAccountPermissions")]
        yield _allow("EnhancedScanning", inspector, "*")
        role = scope.role_arn(f"aws-service-role/{_INSPECTOR}/*")
        yield _allow("CreateInspectorRole", ["iam:CreateServiceLinkedRole"], role, {"iam:AWSServiceName": _INSPECTOR})


def _passed(scope: Scope) -> list[str]:
    """Return the services to which ecrkeeper passes custom roles."""
    return [ROLES[role].service_name for role in (TEMPLATES.role, CACHE_RULES.role) if role in _role_ids(scope)]


def _role_ids(scope: Scope) -> set[str]:
    return {kind.id for kind in scope.roles}
