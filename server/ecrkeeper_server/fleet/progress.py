"""Rollouts as a state machine; pure.

Given the states of its targets, decide which targets may start, and the rollout's next state.

The failure tolerance is strict: a target starts only if the wave could not exceed its tolerance by more than one
failure even if all targets under way failed. Concurrency is therefore at most the tolerance plus one, less the
failures so far, as in the strict mode of CloudFormation StackSets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from ecrkeeper_server.store.fleet_specs import Gate, Wave
from ecrkeeper_server.store.rollout_rows import ENDED, UNDER_WAY, RolloutState, TargetState


class Counts(Struct, frozen=True):
    """The number of targets of a wave in each state."""

    states: Mapping[TargetState, int] = field(default_factory=dict)

    def __getitem__(self, state: TargetState) -> int:
        return self.states.get(state, 0)

    @property
    def total(self) -> int:
        """All targets."""
        return sum(self.states.values())

    @property
    def under_way(self) -> int:
        """The targets that were written and are not decided yet."""
        return sum(self[state] for state in UNDER_WAY)

    @property
    def open(self) -> int:
        """The targets that are not decided yet."""
        return self[TargetState.PENDING] + self.under_way


class Progress(Struct, frozen=True):
    """The progress of a rollout.

    `counts` has one entry for each wave, and one more for the retry of skipped targets.

    `approved` is the last wave whose gate is open. `retried` says that skipped targets were tried again already.
    """

    state: RolloutState
    wave: int
    counts: Sequence[Counts]
    approved: int = -1
    retried: bool = False


class Decision(Struct, frozen=True):
    """The next state of a rollout, and how many pending targets of its wave start.

    `retry` moves the skipped targets of all waves into the last wave, as pending.
    """

    state: RolloutState
    wave: int
    start: int = 0
    retry: bool = False


def decide(progress: Progress, waves: Sequence[Wave]) -> Decision:
    """Decide the next step of a rollout.

    A state in which nothing moves by itself stays.
    """
    match progress.state:
        case RolloutState.RUNNING | RolloutState.AWAITING_APPROVAL:
            return _forward(progress, waves)
        case RolloutState.ROLLING_BACK:
            return _back(progress, waves)
        case _:
            return Decision(progress.state, progress.wave)


def _forward(progress: Progress, waves: Sequence[Wave]) -> Decision:
    number = progress.wave
    while number < len(progress.counts):
        counts, wave = progress.counts[number], _wave(waves, number)
        if counts.total and wave.gate is Gate.APPROVAL and progress.approved < number < len(waves):
            return Decision(RolloutState.AWAITING_APPROVAL, number)
        if counts[TargetState.FAILED] > wave.tolerance(counts.total):
            return Decision(RolloutState.HALTED, number)
        if counts.open:
            return Decision(RolloutState.RUNNING, number, startable(counts, wave))
        number += 1
    last = len(progress.counts) - 1
    skipped = sum(counts[TargetState.SKIPPED] for counts in progress.counts[:-1])
    if skipped and not progress.retried:
        return Decision(RolloutState.RUNNING, last, retry=True)
    return Decision(RolloutState.SUCCEEDED, last)


def _back(progress: Progress, waves: Sequence[Wave]) -> Decision:
    """Undo in reverse waves.

    A failure does not end it, because the other targets would stay between two revisions.
    """
    number = progress.wave
    while number >= 0:
        counts, wave = progress.counts[number], _wave(waves, number)
        if counts.open:
            free = wave.concurrent(counts.total) - counts.under_way
            return Decision(RolloutState.ROLLING_BACK, number, max(0, min(counts[TargetState.PENDING], free)))
        number -= 1
    return Decision(RolloutState.ROLLED_BACK, 0)


def startable(counts: Counts, wave: Wave) -> int:
    """Return how many pending targets of a wave may start now."""
    total, under_way = counts.total, counts.under_way
    concurrent = wave.concurrent(total) - under_way
    tolerated = wave.tolerance(total) + 1 - counts[TargetState.FAILED] - under_way
    return max(0, min(counts[TargetState.PENDING], concurrent, tolerated))


def _wave(waves: Sequence[Wave], number: int) -> Wave:
    """Return a wave.

    The retry of skipped targets has the limits of the last wave, without its gate.
    """
    return waves[number] if number < len(waves) else replace(waves[-1], gate=Gate.NONE)


_FROM: Mapping[str, frozenset[RolloutState]] = {
    "pause": frozenset({RolloutState.RUNNING, RolloutState.AWAITING_APPROVAL}),
    "resume": frozenset({RolloutState.PAUSED, RolloutState.HALTED}),
    "approve": frozenset({RolloutState.AWAITING_APPROVAL}),
    "cancel": frozenset(RolloutState) - ENDED,
    "roll back": frozenset(
        {
            RolloutState.RUNNING,
            RolloutState.AWAITING_APPROVAL,
            RolloutState.PAUSED,
            RolloutState.HALTED,
            RolloutState.SUCCEEDED,
            RolloutState.CANCELLED,
        }
    ),
}


def allowed(action: str) -> frozenset[RolloutState]:
    """Return the states in which an action makes sense.

    The actions are pause, resume, approve, cancel and roll back.
    """
    return _FROM[action]
