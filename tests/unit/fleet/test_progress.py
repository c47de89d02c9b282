"""The state machine of rollouts.

Limits hold at every moment, and a kill changes nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from random import Random

import pytest
from ecrkeeper_server.fleet.progress import (
    Counts,
    Decision,
    Progress,
    allowed,
    decide,
)
from ecrkeeper_server.store.fleet_specs import Amount, Gate, Wave
from ecrkeeper_server.store.rollout_rows import ENDED, UNDER_WAY, RolloutState, TargetState
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tests.unit.fleet.shapes import AMOUNTS

WAVES = st.lists(
    st.builds(Wave, max_concurrent=AMOUNTS | st.none(), failure_tolerance=AMOUNTS | st.none()), min_size=1, max_size=4
)
OUTCOMES = st.sampled_from([TargetState.SUCCEEDED] * 4 + [TargetState.FAILED, TargetState.SKIPPED, TargetState.HELD])


@dataclass
class Stored:
    """The stored part of a rollout.

    Targets have a wave, a state, and the outcome that AWS will give them.
    """

    waves: list[Wave]
    targets: list[tuple[int, TargetState, TargetState]]
    state: RolloutState = RolloutState.RUNNING
    wave: int = 0
    retried: bool = False
    touched: set[int] = field(default_factory=set)

    def copy(self) -> Stored:
        return replace(self, targets=list(self.targets), touched=set(self.touched))

    def counts(self) -> list[Counts]:
        counters = [Counter[TargetState]() for _ in range(len(self.waves) + 1)]
        for wave, state, _ in self.targets:
            counters[wave][state] += 1
        return [Counts(dict(each)) for each in counters]

    def progress(self) -> Progress:
        return Progress(self.state, self.wave, self.counts(), retried=self.retried)

    def apply(self, decision: Decision) -> None:
        self.state, self.wave = decision.state, decision.wave
        if decision.retry:
            self.retried = True
            self.targets = [
                (len(self.waves), TargetState.PENDING, outcome)
                if state is TargetState.SKIPPED
                else (wave, state, outcome)
                for wave, state, outcome in self.targets
            ]
        left = decision.start
        for at, (wave, state, outcome) in enumerate(self.targets):
            if left and wave == decision.wave and state is TargetState.PENDING:
                self.targets[at] = (wave, TargetState.RUNNING, outcome)
                self.touched.add(at)
                left -= 1
        assert not left, "more targets are to start than there are"

    def observe(self, random: Random) -> None:
        under_way = [at for at, (_, state, _) in enumerate(self.targets) if state in UNDER_WAY]
        for at in random.sample(under_way, min(len(under_way), 1 + random.randrange(3))):
            wave, _, outcome = self.targets[at]
            self.targets[at] = (wave, outcome, outcome)

    def check(self) -> None:
        assert self.state is not RolloutState.ROLLING_BACK
        for number, counts in enumerate(self.counts()):
            wave = self.waves[min(number, len(self.waves) - 1)]
            if not counts.total:
                continue
            assert counts[TargetState.FAILED] <= wave.tolerance(counts.total) + 1
            assert counts.under_way <= wave.concurrent(counts.total)
            if number > self.wave:
                assert counts.total == counts[TargetState.PENDING], "nothing of a later wave begins"


def run(stored: Stored, seed: int, kills: float) -> Stored:
    """Go on until the rollout ends or halts.

    A kill loses each decision that is not stored.
    """
    random, killer = Random(seed), Random(seed + 1)
    for _ in range(2000):
        if stored.state is not RolloutState.RUNNING:
            return stored
        decision = decide(stored.progress(), stored.waves)
        after = stored.copy()
        after.apply(decision)
        if killer.random() < kills:
            continue
        stored = after
        stored.check()
        stored.observe(random)
        stored.check()
    raise AssertionError("the rollout does not end")


@st.composite
def rollouts(draw: st.DrawFn) -> Stored:
    waves = draw(WAVES)
    targets = draw(st.lists(st.tuples(st.integers(0, len(waves) - 1), OUTCOMES), max_size=40))
    return Stored(waves, sorted((wave, TargetState.PENDING, outcome) for wave, outcome in targets))


@given(rollouts(), st.integers(0, 2**16))
def test_limits_hold_at_every_moment(stored: Stored, seed: int) -> None:
    ended = run(stored, seed, kills=0)
    assert ended.state in (RolloutState.SUCCEEDED, RolloutState.HALTED)
    if ended.state is RolloutState.SUCCEEDED:
        assert not any(counts.open for counts in ended.counts())


@given(rollouts(), st.integers(0, 2**16))
def test_kill_at_any_step_has_the_same_end(stored: Stored, seed: int) -> None:
    calm, killed = run(stored.copy(), seed, kills=0), run(stored.copy(), seed, kills=0.4)
    assert (calm.state, calm.wave, calm.targets) == (killed.state, killed.wave, killed.targets)


def test_tolerance_is_looked_at_before_each_target() -> None:
    wave = Wave(max_concurrent=Amount(10), failure_tolerance=Amount(1))
    counts = {TargetState.PENDING: 20}
    assert decide(Progress(RolloutState.RUNNING, 0, [Counts(counts), Counts()]), [wave]).start == 2
    one = {TargetState.PENDING: 18, TargetState.FAILED: 1, TargetState.RUNNING: 0}
    assert decide(Progress(RolloutState.RUNNING, 0, [Counts(one), Counts()]), [wave]).start == 1
    both = {TargetState.PENDING: 17, TargetState.FAILED: 2}
    assert decide(Progress(RolloutState.RUNNING, 0, [Counts(both), Counts()]), [wave]).state is RolloutState.HALTED


def test_gate_waits_for_its_approval() -> None:
    waves = [Wave(), Wave(gate=Gate.APPROVAL)]
    counts = [Counts({TargetState.SUCCEEDED: 1}), Counts({TargetState.PENDING: 1}), Counts()]
    waiting = decide(Progress(RolloutState.RUNNING, 0, counts), waves)
    assert waiting == Decision(RolloutState.AWAITING_APPROVAL, 1)
    repeated = Progress(RolloutState.AWAITING_APPROVAL, 1, counts)
    assert decide(repeated, waves) == waiting
    assert decide(structs.replace(repeated, approved=1), waves) == Decision(RolloutState.RUNNING, 1, 1)


@pytest.mark.parametrize("state", [RolloutState.PAUSED, RolloutState.HALTED, RolloutState.QUEUED, *sorted(ENDED)])
def test_nothing_starts_in_states_that_rest(state: RolloutState) -> None:
    counts = [Counts({TargetState.PENDING: 3}), Counts()]
    assert decide(Progress(state, 0, counts), [Wave()]) == Decision(state, 0)


def test_skipped_targets_are_tried_again_once() -> None:
    counts = [Counts({TargetState.SUCCEEDED: 2, TargetState.SKIPPED: 1}), Counts()]
    first = decide(Progress(RolloutState.RUNNING, 0, counts), [Wave()])
    assert first == Decision(RolloutState.RUNNING, 1, retry=True)
    counts = [Counts({TargetState.SUCCEEDED: 2}), Counts({TargetState.SKIPPED: 1})]
    assert decide(Progress(RolloutState.RUNNING, 1, counts, retried=True), [Wave()]).state is RolloutState.SUCCEEDED


@given(rollouts(), st.integers(0, 2**16))
def test_roll_back_goes_through_the_waves_in_reverse(stored: Stored, seed: int) -> None:
    stored = run(stored, seed, kills=0)
    waves = stored.waves
    counts = [Counter[TargetState]() for _ in range(len(waves) + 1)]
    for at in stored.touched:
        counts[stored.targets[at][0]][TargetState.PENDING] += 1
    state, number, order = RolloutState.ROLLING_BACK, len(waves), []
    while state is RolloutState.ROLLING_BACK:
        decision = decide(Progress(state, number, [Counts(dict(each)) for each in counts]), waves)
        state, number = decision.state, decision.wave
        order += [number] * decision.start
        counts[number][TargetState.PENDING] -= decision.start
        counts[number][TargetState.SUCCEEDED] += decision.start
    assert state is RolloutState.ROLLED_BACK
    assert order == sorted(order, reverse=True)
    assert len(order) == len(stored.touched)


def test_actions_fit_states() -> None:
    assert RolloutState.HALTED in allowed("resume")
    assert RolloutState.SUCCEEDED not in allowed("cancel")
    assert not allowed("pause") & ENDED
    assert RolloutState.QUEUED not in allowed("roll back")
