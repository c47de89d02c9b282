"""The calls of `FleetService` that concern rollouts, one function for each RPC."""

from __future__ import annotations

from ecrkeeper._base import Paged, Unary, Watched
from ecrkeeper.v1 import fleet_service_pb2 as pb
from ecrkeeper.v1.fleet_pb2 import Rollout, RolloutTarget


def get_rollout(name: str, *, timeout: float | None = None) -> Unary[Rollout]:
    """Return one rollout, `registrySets/{set}/rollouts/{number}`. NotFound."""
    return Unary(Rollout, pb.GetRolloutRequest(name=name), timeout)


def list_rollouts(
    parent: str, *, page_size: int = 0, page_token: str = "", timeout: float | None = None
) -> Paged[Rollout, pb.ListRolloutsResponse]:
    """List the rollouts of a registry set, newest first."""
    request = pb.ListRolloutsRequest(parent=parent, page_size=page_size, page_token=page_token)
    return Paged(Unary(pb.ListRolloutsResponse, request, timeout), lambda page: page.rollouts)


def list_rollout_targets(
    parent: str, filter: str = "", *, page_size: int = 0, page_token: str = "", timeout: float | None = None
) -> Paged[RolloutTarget, pb.ListRolloutTargetsResponse]:
    """List the targets of a rollout, ordered by name.

    NotFound; InvalidArgument for a filter with faults.
    """
    request = pb.ListRolloutTargetsRequest(parent=parent, filter=filter, page_size=page_size, page_token=page_token)
    return Paged(Unary(pb.ListRolloutTargetsResponse, request, timeout), lambda page: page.targets)


def pause_rollout(name: str, *, reason: str = "", request_id: str = "", timeout: float | None = None) -> Unary[Rollout]:
    """Let no more targets begin.

    NotFound; FailedPrecondition if the rollout's state does not allow it.
    """
    return Unary(Rollout, pb.PauseRolloutRequest(name=name, reason=reason, request_id=request_id), timeout)


def resume_rollout(
    name: str, *, reason: str = "", request_id: str = "", timeout: float | None = None
) -> Unary[Rollout]:
    """Continue a rollout that was paused or has halted. NotFound; FailedPrecondition."""
    return Unary(Rollout, pb.ResumeRolloutRequest(name=name, reason=reason, request_id=request_id), timeout)


def approve_rollout(
    name: str, *, reason: str = "", request_id: str = "", timeout: float | None = None
) -> Unary[Rollout]:
    """Let the next wave begin.

    NotFound; FailedPrecondition, also for the principal who started the rollout.
    """
    return Unary(Rollout, pb.ApproveRolloutRequest(name=name, reason=reason, request_id=request_id), timeout)


def cancel_rollout(
    name: str, *, reason: str = "", request_id: str = "", timeout: float | None = None
) -> Unary[Rollout]:
    """End a rollout; its targets stay where they are. NotFound; FailedPrecondition."""
    return Unary(Rollout, pb.CancelRolloutRequest(name=name, reason=reason, request_id=request_id), timeout)


def roll_back_rollout(
    name: str, *, reason: str = "", request_id: str = "", timeout: float | None = None
) -> Unary[Rollout]:
    """Take the changed targets back to their revision before.

    NotFound; FailedPrecondition; PermissionDenied.
    """
    return Unary(Rollout, pb.RollBackRolloutRequest(name=name, reason=reason, request_id=request_id), timeout)


def watch_rollout(name: str, *, timeout: float | None = None) -> Watched[pb.WatchRolloutResponse]:
    """Stream a rollout: as it is now, then after each change, until it has ended.

    It goes on after the server was away. NotFound; Unavailable if the server cannot be reached at first;
    DeadlineExceeded if a timeout was given.
    """
    return Watched(pb.WatchRolloutResponse, pb.WatchRolloutRequest(name=name), timeout)
