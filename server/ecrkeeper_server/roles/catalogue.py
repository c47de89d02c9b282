"""The three service-linked roles of ECR, from the ECR user guide and IAM."""

from __future__ import annotations

from msgspec import Struct


class RoleKind(Struct, frozen=True):
    """One of the roles: its names in IAM, and the setting that needs it."""

    id: str
    role_name: str
    service_name: str
    setting: str

    @property
    def path(self) -> str:
        """The path in IAM; a role with the same name and another path is a look-alike."""
        return f"/aws-service-role/{self.service_name}/"

    def arn(self, partition: str, account: str) -> str:
        """Return the ARN of the role in an account."""
        return f"arn:{partition}:iam::{account}:role{self.path}{self.role_name}"


ROLES = {
    kind.id: kind
    for kind in (
        RoleKind(
            "replication",
            "AWSServiceRoleForECRReplication",
            "replication.ecr.amazonaws.com",
            "replication_configuration",
        ),
        RoleKind(
            "pull-through-cache",
            "AWSServiceRoleForECRPullThroughCache",
            "pullthroughcache.ecr.amazonaws.com",
            "pull_through_cache_rules",
        ),
        RoleKind(
            "repository-creation-template",
            "AWSServiceRoleForECRTemplate",
            "ecr.amazonaws.com",
            "repository_creation_templates",
        ),
    )
}
