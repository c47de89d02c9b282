"""The rows of rollouts and of their targets as values."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from ecrkeeper_server.json_object import Json
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store.fleet_specs import SetSpec, Wave
from ecrkeeper_server.store.rows import FromRow


class RolloutState(StrEnum):
    """State of a rollout."""

    QUEUED = "QUEUED"
    PLANNING = "PLANNING"
    RUNNING = "RUNNING"
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    PAUSED = "PAUSED"
    HALTED = "HALTED"
    ROLLING_BACK = "ROLLING_BACK"
    SUCCEEDED = "SUCCEEDED"
    CANCELLED = "CANCELLED"
    ROLLED_BACK = "ROLLED_BACK"
    SUPERSEDED = "SUPERSEDED"


ENDED = frozenset({RolloutState.SUCCEEDED, RolloutState.CANCELLED, RolloutState.ROLLED_BACK, RolloutState.SUPERSEDED})
"""The states that a rollout leaves only to go back."""


class TargetState(StrEnum):
    """State of a target of a rollout."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    BAKING = "BAKING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    HELD = "HELD"


UNDER_WAY = frozenset({TargetState.RUNNING, TargetState.BAKING})
"""The states of a target that was written and is not decided yet."""


class Cause(StrEnum):
    """Why a rollout began."""

    REVISION = "REVISION"
    GROWTH = "GROWTH"
    DELETION = "DELETION"


class Action(StrEnum):
    """The change of a target's declaration."""

    APPLY = "APPLY"
    RELEASE = "RELEASE"


class RolloutRow(FromRow, Struct, frozen=True, kw_only=True):
    """A rollout.

    `counts` has the number of targets by wave and state, and one more wave for skipped ones.
    """

    set_id: str
    number: int
    state: str
    cause: str
    principal: str
    reason: str
    authority: Json
    spec: Json
    counts: list[dict[str, int]]
    revision: int
    create_time: int
    update_time: int
    cursor: str = ""
    message: str = ""
    wave: int = 0
    approved: int = -1
    pool: int = 0
    end_time: int | None = None
    due_at: int | None = None
    retried: bool = False
    allow_removals: int = 0

    @property
    def name(self) -> str:
        """The name of the rollout."""
        return f"registrySets/{self.set_id}/rollouts/{self.number}"

    @property
    def set_spec(self) -> SetSpec:
        """The set as it was when the rollout began."""
        return SetSpec.from_json(self.spec)

    @property
    def waves(self) -> tuple[Wave, ...]:
        """The waves; growth is one wave with the limits of the set's last one."""
        waves = self.set_spec.effective_waves
        if self.cause != Cause.GROWTH:
            return waves
        last = waves[-1]
        return (
            Wave(
                max_concurrent=last.max_concurrent,
                failure_tolerance=last.failure_tolerance,
                bake_seconds=last.bake_seconds,
            ),
        )


class PinnedAccount(FromRow, Struct, frozen=True):
    """An account of a rollout as it was when the targets were determined."""

    account: str
    display_name: str
    labels: Mapping[str, str]
    organizational_unit: str


class TargetRow(FromRow, Struct, frozen=True, kw_only=True):
    """One registry of a rollout."""

    set_id: str
    number: int
    account: str
    region: str
    wave: int
    position: int = 0
    since: int = 0
    update_time: int = 0
    generation: int = 0
    registry_generation: int = 0
    before_revision: int = 0
    before_set_revision: int | None = None
    state: str = TargetState.PENDING
    action: str = Action.APPLY
    reason: str = ""
    message: str = ""
    changed: bool = False
    undo: bool = False
    removes: bool = False

    @property
    def registry(self) -> RegistryName:
        """The name of the registry."""
        return RegistryName(self.account, self.region)
