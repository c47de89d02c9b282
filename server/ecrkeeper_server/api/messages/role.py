"""Conversion of service-linked roles to messages."""

from __future__ import annotations

from ecrkeeper.v1 import common_pb2, role_pb2

from ecrkeeper_server.api.messages.fields import number, timestamp
from ecrkeeper_server.api.messages.resource import common
from ecrkeeper_server.api.messages.status import status_of_stored
from ecrkeeper_server.roles.catalogue import ROLES
from ecrkeeper_server.roles.usage import RegionUsage
from ecrkeeper_server.store.rows import Resource


def role(row: Resource, partition: str) -> role_pb2.ServiceLinkedRole:
    """Return a service-linked role."""
    kind, spec, observed = ROLES[row.place], row.role_spec, row.role_state.role
    deletion = row.role_state.deletion
    message = role_pb2.ServiceLinkedRole(
        mode=number(common_pb2, "Mode", spec.mode),
        provenance=number(role_pb2.ServiceLinkedRole, "Provenance", row.role_state.provenance),
        state=number(role_pb2.ServiceLinkedRole, "State", role_state(row)),
        role_name=kind.role_name,
        aws_service_name=kind.service_name,
        arn=observed.arn if observed else kind.arn(partition, row.account),
        deletion_task_id=(deletion.task or "") if deletion else "",
        observe_time=timestamp(row.observe_time),
        tags=spec.tags,
    )
    if spec.description is not None:
        message.description = spec.description
    if observed:
        message.role_id = observed.role_id
        message.role_create_time.CopyFrom(timestamp(observed.create_time))
        message.observed_description = observed.description
        message.observed_tags.update(observed.tags)
    common(message, row)
    rejection = row.role_state.rejected_deletion(row.generation)
    if rejection is not None and not message.HasField("last_error"):
        message.last_error.CopyFrom(status_of_stored(rejection))
    return message


def role_state(row: Resource) -> str | None:
    """Return the state of a role in AWS; None if it is not known yet."""
    if row.deleting:
        return "DELETING"
    if not row.role_state.observed:
        return None
    return "ACTIVE" if row.role_state.role is not None else "ABSENT"


def region_usage(usage: RegionUsage) -> role_pb2.RegionUsage:
    """Return the usage of a role in one Region."""
    return role_pb2.RegionUsage(
        region=usage.region,
        state=number(role_pb2.RegionUsage, "State", usage.state),
        resources=usage.resources,
        owners=usage.owners,
        message=usage.message,
        omitted_resources=usage.omitted_resources,
        omitted_owners=usage.omitted_owners,
    )
