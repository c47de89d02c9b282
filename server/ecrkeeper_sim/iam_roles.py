"""IAM roles: service-linked roles, their creation, and eventual consistency."""

from __future__ import annotations

import json
from dataclasses import dataclass

from ecrkeeper_sim.errors import AwsError
from ecrkeeper_sim.partitions import partition_of
from ecrkeeper_sim.state import Account, Ghost, Role, World

REPLICATION = "replication.ecr.amazonaws.com"
PULL_THROUGH_CACHE = "pullthroughcache.ecr.amazonaws.com"
TEMPLATE = "ecr.amazonaws.com"
INSPECTOR = "inspector2.amazonaws.com"


@dataclass(frozen=True, slots=True)
class LinkedService:
    """An AWS service that has a service-linked role."""

    principal: str
    role_name: str
    policy_name: str

    @property
    def path(self) -> str:
        """The path of the role."""
        return f"/aws-service-role/{self.principal}/"

    def role_arn(self, partition: str, account: str) -> str:
        """Return the ARN that the role has in the account."""
        return f"arn:{partition}:iam::{account}:role{self.path}{self.role_name}"


SERVICES = {
    service.principal: service
    for service in (
        LinkedService(REPLICATION, "AWSServiceRoleForECRReplication", "ECRReplicationServiceRolePolicy"),
        LinkedService(
            PULL_THROUGH_CACHE, "AWSServiceRoleForECRPullThroughCache", "AWSECRPullThroughCache_ServiceRolePolicy"
        ),
        LinkedService(TEMPLATE, "AWSServiceRoleForECRTemplate", "ECRTemplateServiceRolePolicy"),
        LinkedService(INSPECTOR, "AWSServiceRoleForAmazonInspector2", "AmazonInspector2ServiceRolePolicy"),
    )
}
BY_ROLE_NAME = {service.role_name.lower(): service for service in SERVICES.values()}


def is_service_linked(role: Role) -> bool:
    """Return whether the role belongs to an AWS service."""
    return role.path.startswith("/aws-service-role/")


def no_such_role(name: str) -> AwsError:
    """Return the error for a role that does not exist."""
    return AwsError("NoSuchEntity", f"The role with name {name} cannot be found.", 404)


def find_role(world: World, account: Account, name: str) -> Role:
    """Return the role as the API would see it, eventual consistency included.

    Raises NoSuchEntity.
    """
    key = name.lower()
    now = world.clock.now()
    role = account.roles.get(key)
    if role is not None:
        if role.hidden_reads > 0:
            role.hidden_reads -= 1
            raise no_such_role(name)
        if now < role.readable_from:
            raise no_such_role(name)
        return role
    ghost = account.ghosts.get(key)
    if ghost is not None and now < ghost.until:
        return ghost.role
    if ghost is not None and ghost.reads > 0:
        ghost.reads -= 1
        return ghost.role
    raise no_such_role(name)


def visible_roles(world: World, account: Account) -> list[Role]:
    """Return the roles that a list shows now, by name."""
    now = world.clock.now()
    shown = {k: role for k, role in account.roles.items() if now >= role.readable_from and not role.hidden_reads}
    for key, ghost in account.ghosts.items():
        if now < ghost.until:
            shown.setdefault(key, ghost.role)
    return [shown[key] for key in sorted(shown)]


def add_role(world: World, account: Account, role: Role) -> Role:
    """Add a role to the account, hidden for as long as the settings say."""
    settings = world.settings
    role.readable_from = world.clock.now() + settings.iam_create_lag_seconds
    role.hidden_reads = settings.iam_create_lag_reads
    account.roles[role.name.lower()] = role
    return role


def remove_role(world: World, account: Account, role: Role) -> None:
    """Remove the role; reads show it for as long as the settings say."""
    settings, now = world.settings, world.clock.now()
    del account.roles[role.name.lower()]
    account.ghosts[role.name.lower()] = Ghost(
        role,
        now + settings.iam_delete_lag_seconds,
        settings.iam_delete_lag_reads,
        now + settings.iam_name_held_seconds,
    )


def name_is_taken(world: World, account: Account, name: str) -> bool:
    """Return whether a role of that name exists or was deleted too recently."""
    ghost = account.ghosts.get(name.lower())
    return name.lower() in account.roles or (ghost is not None and world.clock.now() < ghost.name_held_until)


def create_service_linked_role(
    world: World, account: Account, service: LinkedService, partition: str, description: str | None
) -> Role:
    """Create the role of the service; the caller has checked that its name is free."""
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service.principal}}
    policy_arn = f"arn:{partition}:iam::aws:policy/aws-service-role/{service.policy_name}"
    role = Role(
        name=service.role_name,
        path=service.path,
        arn=service.role_arn(partition, account.account),
        role_id="AROA" + world.identifier(17),
        created=world.clock.now(),
        trust_policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        description=description,
        attached_policies={service.policy_name: policy_arn},
    )
    return add_role(world, account, role)


def role_missing(account: Account, principal: str) -> bool:
    """Return whether the service's role would have to be created."""
    return SERVICES[principal].role_name.lower() not in account.roles


def ensure_service_linked_role(world: World, account: Account, principal: str, region: str) -> Role | None:
    """Create the role as ECR does for a setting that needs it, unless it exists.

    Return a new role.
    """
    if role_missing(account, principal):
        return create_service_linked_role(
            world, account, SERVICES[principal], partition_of(region), world.settings.auto_created_description
        )
    return None
