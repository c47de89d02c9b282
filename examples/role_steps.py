"""The demo's steps on service-linked roles: created by ECR, in use, deleted."""

from __future__ import annotations

import time

import ecrkeeper
from botocore.exceptions import ClientError
from ecrkeeper.v1.role_pb2 import RegionUsage, ServiceLinkedRole
from ecrkeeper.v1.role_service_pb2 import DeleteServiceLinkedRoleMetadata
from screen import Progress, checked, note, table
from world import CENTRAL, HOME, REPLICATION_ROLE, WAIT_SECONDS, DemoError, World, check, enum, short, wait_in_sync

_ROLE_NAME = "AWSServiceRoleForECRReplication"


def auto_created(world: World) -> None:
    """Show the roles that ECR made when settings were written."""
    progress, until = Progress(), time.monotonic() + WAIT_SECONDS
    while True:
        roles = list(world.client.list_service_linked_roles())
        replication = next((role for role in roles if role.name == REPLICATION_ROLE), None)
        if replication is not None and replication.state == ServiceLinkedRole.ACTIVE:
            break
        if time.monotonic() > until:
            raise DemoError(f"{REPLICATION_ROLE} did not appear")
        progress.show("waiting for the server to observe the role")
        time.sleep(0.2)
    progress.end()
    states, origins = ServiceLinkedRole.State.DESCRIPTOR, ServiceLinkedRole.Provenance.DESCRIPTOR
    table(
        ("role", "state", "provenance"),
        [(r.name, enum(states, r.state), enum(origins, r.provenance)) for r in roles],
    )
    check(replication.provenance == ServiceLinkedRole.AUTO_CREATED, "nobody declared it: ECR made it by itself")
    check(_exists(world), f"IAM has {_ROLE_NAME}")


def refused(world: World) -> None:
    """Try to delete the replication role while Regions use it."""
    operation = world.client.delete_service_linked_role(REPLICATION_ROLE)
    try:
        operation.result(WAIT_SECONDS)
    except ecrkeeper.OperationFailed as error:
        note(str(error))
        for violation in error.violations:
            note(f"{violation.type} {violation.description}")
        refusing = {v.subject for v in error.violations}
    else:
        raise DemoError("the role was deleted although two Regions use it")
    users = {
        d.registry.rpartition("/")[2]
        for d in world.declarations
        if d.registry.startswith(f"accounts/{CENTRAL}/") and "replicationConfiguration" in d.settings
    }
    check(refusing == users, f"every Region that uses the role is named: {', '.join(sorted(users))}")
    usage = world.client.check_service_linked_role_usage(REPLICATION_ROLE)
    free = sum(region.state == RegionUsage.FREE for region in usage.usage)
    check(len(users) + free == len(usage.usage), f"the other {free} Regions of the account were read and are free")
    check(_exists(world), "the role is still there")


def empty_replication(world: World) -> None:
    """Declare empty replication for both owners."""
    own = [d for d in world.declarations if d.registry.startswith(f"accounts/{CENTRAL}/")]
    for declaration in own:
        if "replicationConfiguration" in declaration.settings:
            settings = {**declaration.settings, "replicationConfiguration": {"rules": []}}
            world.client.apply_registry_settings(declaration.name, settings, reason="replication ends")
            note(f"{declaration.owner} declares no replication in {short(declaration.registry)}")
    names = sorted({d.registry for d in own})
    wait_in_sync(world, names)
    for name in names:
        region = name.rpartition("/")[2]
        rules = world.ecr(CENTRAL, region).describe_registry()["replicationConfiguration"]["rules"]
        check(rules == [], f"AWS replicates nothing in {region}")
    rules = world.ecr(CENTRAL, HOME).describe_pull_through_cache_rules()["pullThroughCacheRules"]
    check(len(rules) == 3, "the cache rules, declared beside it, are untouched")


def deleted(world: World) -> None:
    """Delete the role, and follow the operation through its phases."""
    operation = world.client.delete_service_linked_role(REPLICATION_ROLE)
    note(operation.name)
    phases, progress, until = [], Progress(), time.monotonic() + WAIT_SECONDS
    names = DeleteServiceLinkedRoleMetadata.Phase.DESCRIPTOR
    while True:
        ended = operation.done()
        phase = enum(names, getattr(operation.metadata, "phase", 0))
        if phase not in phases:
            phases.append(phase)
        progress.show(" > ".join(phases))
        if ended or time.monotonic() > until:
            break
        time.sleep(0.05)
    progress.end()
    operation.result(1.0)
    check(phases[-1] == "DONE" and "DELETING" in phases, f"the operation went through {', '.join(phases)}")
    check(not _exists(world), f"IAM has no {_ROLE_NAME} any more")
    for region in (HOME, "us-west-2"):
        world.client.reconcile_registry(f"accounts/{CENTRAL}/registries/{region}").result(WAIT_SECONDS)
    check(not _exists(world), "another reconcile of the registries does not create it again")
    try:
        world.client.get_service_linked_role(REPLICATION_ROLE)
    except ecrkeeper.NotFound:
        checked("ecrkeeper has forgotten it, too")
    else:
        raise DemoError(f"{REPLICATION_ROLE} is still stored")


def _exists(world: World) -> bool:
    try:
        world.stack.aws("iam", CENTRAL, HOME).get_role(RoleName=_ROLE_NAME)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise
        return False
    return True
