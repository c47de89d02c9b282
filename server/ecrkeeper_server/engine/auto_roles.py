"""Roles that ECR creates itself when a setting that needs one is written."""

from __future__ import annotations

from ecrkeeper_server.aws_errors import AwsError, Temporary
from ecrkeeper_server.ecr.observe import observe_role
from ecrkeeper_server.engine.attempt import Attempt
from ecrkeeper_server.names import RoleName
from ecrkeeper_server.roles.catalogue import ROLES
from ecrkeeper_server.settings.plan import Plan
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.store import resources
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.rows import Resource
from ecrkeeper_server.store.specs import RoleSpec

_RETRY_SECONDS = 10.0


async def role_will_be_created(attempt: Attempt, name: str, planned: Plan) -> bool:
    """Return whether ECR is about to create the role that the setting needs."""
    role = SETTINGS[name].role
    if role is None or not planned.target:
        return False
    resource = RoleName(attempt.claimed.account, role)
    row = await attempt.db.read(lambda tx: resources.get(tx, str(resource)))
    if row is not None:
        _check_role(row)
        return False
    try:
        return await observe_role(attempt.aws, resource.account, attempt.claimed.place, ROLES[role]) is None
    except AwsError:
        # The creator of the role is worth recording, but not worth failing for.
        return False


def _check_role(row: Resource) -> None:
    """Wait for a role that is being created or deleted: ECR would recreate it."""
    spec = row.role_spec
    if spec.deletion is not None:
        raise Temporary(f"{row.name} is being deleted", reason="ROLE_BEING_DELETED", after=5.0)
    if spec.enforced and row.role_state.role is None:
        error = row.role_state.error
        if error is not None and _is_blocked(row):
            text = f"{row.name} is declared, and cannot be created: {error.message}"
            raise Temporary(
                text, reason="ROLE_BLOCKED", after=_RETRY_SECONDS, grpc_code="FAILED_PRECONDITION",
                metadata={"role": row.name, "role_reason": error.reason},
            )  # fmt: skip
        raise Temporary(f"{row.name} is declared but does not exist yet", reason="ROLE_NOT_READY", after=1.0)


def _is_blocked(row: Resource) -> bool:
    return any(each.type == "Blocked" and each.holds for each in row.role_state.conditions)


async def note_auto_created(attempt: Attempt, role: str) -> None:
    """Record that ECR created the role, if it exists now."""
    resource = RoleName(attempt.claimed.account, role)
    try:
        observed = await observe_role(attempt.aws, resource.account, attempt.claimed.place, ROLES[role])
    except AwsError:
        return
    if observed is None:
        return

    def save(tx: Tx) -> None:
        row = resources.ensure(tx, resource, RoleSpec(managed=False).to_json())
        if row.role_state.provenance is None:
            resources.patch(tx, row.name, state=row.role_state.changed(provenance="AUTO_CREATED").to_json())
            resources.request(tx, row.name)

    await attempt.db.write(save)
