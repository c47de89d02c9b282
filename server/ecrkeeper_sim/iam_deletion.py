"""The asynchronous deletion of service-linked roles."""

from __future__ import annotations

from ecrkeeper_sim.calls import Call, handles
from ecrkeeper_sim.errors import AwsError
from ecrkeeper_sim.iam_roles import BY_ROLE_NAME, find_role, is_service_linked, no_such_role, remove_role
from ecrkeeper_sim.iam_usage import usage
from ecrkeeper_sim.state import Account, DeletionTask, Json, World

_REASON = (
    "The service-linked role cannot be deleted because one or more resources of Amazon ECR still use it. "
    "Remove those resources first, and then try again."
)


def update_deletions(world: World, account: Account) -> None:
    """Advance each unfinished deletion of the account to its current state."""
    if world.settings.deletion_mode != "time":
        return
    now, settings = world.clock.now(), world.settings
    for task in [t for t in account.tasks.values() if t.unfinished]:
        elapsed = now - task.started
        if task.status == "NOT_STARTED" and elapsed >= settings.deletion_not_started_seconds:
            task.status = "IN_PROGRESS"
        if elapsed >= settings.deletion_not_started_seconds + settings.deletion_in_progress_seconds:
            _finish(world, account, task)


def advance(world: World, account: Account, role_name: str | None) -> list[Json]:
    """Move unfinished deletions to their next state; return their new states."""
    moved = []
    for task in [t for t in account.tasks.values() if t.unfinished and role_name in (None, t.role_name)]:
        if task.status == "NOT_STARTED":
            task.status = "IN_PROGRESS"
        else:
            _finish(world, account, task)
        moved.append({"task_id": task.task_id, "role_name": task.role_name, "status": task.status})
    return moved


def _finish(world: World, account: Account, task: DeletionTask) -> None:
    role = account.roles.get(task.role_name.lower())
    service = BY_ROLE_NAME.get(task.role_name.lower())
    task.usage = usage(world, account, service.principal) if service is not None else []
    if task.usage:
        task.status, task.reason = "FAILED", _REASON
        return
    task.status = "SUCCEEDED"
    if role is not None:
        remove_role(world, account, role)
    if world.settings.deletion_task_vanishes:
        del account.tasks[task.task_id]


@handles("iam", "DeleteServiceLinkedRole")
def delete_service_linked_role(call: Call, params: Json) -> Json:
    """Start the deletion, or name the unfinished one."""
    name = params["RoleName"]
    for task in call.account.tasks.values():
        if task.unfinished and task.role_name.lower() == name.lower():
            return {"DeletionTaskId": task.task_id}
    if name.lower() not in call.account.roles:
        raise no_such_role(name)
    role = find_role(call.world, call.account, name)
    if not is_service_linked(role):
        raise AwsError("InvalidInput", f"Role {role.name} is not a service-linked role")
    principal = role.path.strip("/").rpartition("/")[2]
    task_id = f"task/aws-service-role/{principal}/{role.name}/{call.world.uuid()}"
    call.account.tasks[task_id] = DeletionTask(task_id, role.name, call.now())
    return {"DeletionTaskId": task_id}


@handles("iam", "GetServiceLinkedRoleDeletionStatus")
def get_deletion_status(call: Call, params: Json) -> Json:
    """Return the state of a deletion, with the usage that made it fail."""
    task_id = params["DeletionTaskId"]
    task = call.account.tasks.get(task_id)
    if task is None:
        raise AwsError("NoSuchEntity", f"Deletion task {task_id} cannot be found.", 404)
    if task.status != "FAILED":
        return {"Status": task.status}
    return {"Status": "FAILED", "Reason": {"Reason": task.reason, "RoleUsageList": task.usage}}
