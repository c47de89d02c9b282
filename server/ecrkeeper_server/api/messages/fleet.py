"""Rows of the fleet as proto messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecrkeeper.v1 import common_pb2, fleet_pb2

from ecrkeeper_server.api.messages import differences, fields
from ecrkeeper_server.api.messages.sizes import AROUND, PLAN_BYTES, measuring, shortening
from ecrkeeper_server.fleet.messages import filling_set, strategy
from ecrkeeper_server.fleet.plan import FleetPlan, Group, summary
from ecrkeeper_server.store.fleet_rows import AccountRow, SetRevision, SetRow
from ecrkeeper_server.store.fleet_specs import AccountState, SetSpec
from ecrkeeper_server.store.rollout_rows import RolloutRow, TargetRow
from ecrkeeper_server.store.rollouts import OpenRollout
from ecrkeeper_server.turns import Steps

# Of each group of a plan: the answer has to fit into a message.
_MAX_CHANGES = 20
_STATES = ("PENDING", "RUNNING", "BAKING", "SUCCEEDED", "FAILED", "SKIPPED", "HELD")


def account(row: AccountRow) -> fleet_pb2.Account:
    """An account of the fleet."""
    return fleet_pb2.Account(
        name=f"accounts/{row.account}",
        uid=row.uid,
        etag=row.etag,
        create_time=fields.timestamp(row.create_time or None),
        update_time=fields.timestamp(row.update_time or None),
        display_name=row.display_name,
        labels=row.labels,
        organizational_unit=row.organizational_unit,
        state=fields.number(fleet_pb2.Account, "State", row.state),
        enabled_regions=row.enabled_regions,
        source=fields.number(fleet_pb2.Account, "Source", row.source),
        caller_identity=row.caller_identity,
        conditions=[_reachable(row)],
    )


def _reachable(row: AccountRow) -> common_pb2.Condition:
    if row.state != AccountState.ACTIVE or row.reachable_since is None:
        text = "not asked yet" if row.state == AccountState.ACTIVE else f"the account is {row.state}"
        return common_pb2.Condition(
            type="Reachable", status=common_pb2.Condition.UNKNOWN, reason="NOT_CHECKED", message=text
        )
    return common_pb2.Condition(
        type="Reachable",
        status=common_pb2.Condition.FALSE if row.unreachable else common_pb2.Condition.TRUE,
        reason=row.unreachable or "REACHABLE",
        message=row.unreachable_message,
        last_transition_time=fields.timestamp(row.reachable_since),
    )


def registry_set(
    row: SetRow, active: OpenRollout | None = None, queued: OpenRollout | None = None
) -> Steps[fleet_pb2.RegistrySet]:
    """A registry set, with the rollouts of it that have not ended, in steps."""
    message = fleet_pb2.RegistrySet(
        name=row.name,
        uid=row.uid,
        etag=row.etag,
        generation=row.generation,
        current_revision=row.current_revision,
        create_time=fields.timestamp(row.create_time),
        update_time=fields.timestamp(row.update_time),
        active_rollout="" if active is None else active.name,
        queued_rollout="" if queued is None else queued.name,
        deleting=row.deleting,
        held_removals=row.held_removals,
    )
    yield from filling_set(row.set_spec, message)
    return message


def revision(row: SetRevision) -> Steps[fleet_pb2.RegistrySetRevision]:
    """One revision of a set, in steps."""
    message = fleet_pb2.RegistrySetRevision(
        revision=row.revision,
        create_time=fields.timestamp(row.create_time),
        principal=row.principal,
        request_id=row.request_id,
        reason=row.reason,
        method=row.method,
    )
    if row.spec is not None:
        yield from filling_set(SetSpec.from_json(row.spec), message.registry_set)
        message.registry_set.name = f"registrySets/{row.set_id}"
    return message


def plan(planned: FleetPlan, warnings: list[common_pb2.Warning]) -> Steps[fleet_pb2.FleetPlan]:
    """The plan of a set, in steps; it has fewer changes if it would be too long."""
    message = fleet_pb2.FleetPlan(
        target_count=planned.targets,
        changing_count=planned.changing,
        unchanged_count=planned.unchanged,
        removing_count=planned.removing,
        released_count=planned.released,
        held_count=planned.held,
        failing_count=planned.failing,
        ungrouped_count=planned.ungrouped,
        problems=[
            fleet_pb2.FleetPlanProblem(reason=each.reason, registry=str(each.registry), message=each.message)
            for each in planned.problems
        ],
        warnings=warnings,
    )
    over = (yield from measuring(message)) - PLAN_BYTES
    sizes = []
    for at, each in enumerate(planned.largest()):
        yield
        group = message.groups.add()
        yield from _filling_group(group, each)
        size = yield from measuring(group)
        sizes.append((-size, at))
        over += size + AROUND
    for _, at in sorted(sizes):
        if over > 0:
            _, freed = yield from shortening(message.groups[at].changes, over)
            over -= freed
    return message


def _filling_group(message: fleet_pb2.FleetPlanGroup, group: Group) -> Steps[None]:
    message.summary = summary(group)
    message.registry_count = group.count
    message.registries.extend(map(str, group.names))
    yield from differences.adding_changes(message.changes, group.changes[:_MAX_CHANGES])


def _wave_status(counts: Mapping[str, int]) -> fleet_pb2.RolloutWaveStatus:
    numbers: dict[str, Any] = {f"{state.lower()}_count": counts.get(state, 0) for state in _STATES}
    return fleet_pb2.RolloutWaveStatus(target_count=sum(counts.values()), **numbers)


def rollout(row: RolloutRow) -> fleet_pb2.Rollout:
    """A rollout."""
    return fleet_pb2.Rollout(
        name=row.name,
        state=fields.number(fleet_pb2.Rollout, "State", row.state),
        cause=fields.number(fleet_pb2.Rollout, "Cause", row.cause),
        revision=row.revision,
        principal=row.principal,
        reason=row.reason,
        create_time=fields.timestamp(row.create_time),
        update_time=fields.timestamp(row.update_time),
        end_time=fields.timestamp(row.end_time),
        wave=row.wave,
        waves=map(_wave_status, row.counts),
        message=row.message,
        strategy=strategy(row.waves),
    )


def target(row: TargetRow) -> fleet_pb2.RolloutTarget:
    """One registry of a rollout."""
    return fleet_pb2.RolloutTarget(
        registry=str(row.registry),
        wave=row.wave,
        state=fields.number(fleet_pb2.RolloutTarget, "State", row.state),
        action=fields.number(fleet_pb2.RolloutTarget, "Action", row.action),
        reason=row.reason,
        message=row.message,
        changed=row.changed,
        rolled_back=row.undo,
        update_time=fields.timestamp(row.update_time),
    )
