"""Which wave each target belongs to."""

from __future__ import annotations

import pytest
from ecrkeeper_server.fleet.targets import FleetAccount
from ecrkeeper_server.fleet.waves import Selecting, ranges, violations
from ecrkeeper_server.store.fleet_specs import CAUTIOUS, Amount, Selector, Wave
from hypothesis import given

from tests.unit.fleet.shapes import accounts, targets_of, waves


@given(waves(), accounts())
def test_every_target_is_in_exactly_one_wave(strategy: list[Wave], fleet_accounts: list[FleetAccount]) -> None:
    targets = targets_of(fleet_accounts)
    selecting = Selecting.of(strategy)
    pool = [target for target in targets if selecting.wave_of(target) is None]
    parts, left = ranges(strategy, len(targets), len(pool))
    assert left == 0, "one wave takes the rest"
    assert [position for part in parts for position in range(part.first, part.end)] == list(range(len(pool)))
    assert len({part.wave for part in parts}) == len(parts)
    assert all(strategy[part.wave].selector is None for part in parts)


SHARES = [
    (CAUTIOUS, 312, [1, 31, 280], "one, a tenth, the rest"),
    (CAUTIOUS, 1, [1, 0, 0], "a single target is the canary"),
    (CAUTIOUS, 5, [1, 1, 3], "a tenth of few is at least one"),
    ((Wave(share=Amount(2)), Wave(share=Amount(10, percent=True)), Wave()), 300, [2, 30, 268], "a count, a share"),
    ((Wave(), Wave(share=Amount(2))), 10, [8, 2], "a wave after the rest keeps its share"),
]


@pytest.mark.parametrize(("strategy", "total", "sizes", "reason"), SHARES, ids=[row[3] for row in SHARES])
def test_shares_round_down(strategy: tuple[Wave, ...], total: int, sizes: list[int], reason: str) -> None:
    parts, left = ranges(strategy, total, total)
    assert [part.end - part.first for part in parts] == sizes, reason
    assert left == 0


def test_targets_without_a_wave_are_counted() -> None:
    _, left = ranges((Wave(share=Amount(2)), Wave(selector=Selector())), 10, 7)
    assert left == 5


def test_strategies_are_rejected_by_name() -> None:
    listed = violations((Wave(), Wave(), Wave(share=Amount(101, percent=True))))
    assert [each.field for each in listed] == ["strategy.waves[1]", "strategy.waves"]
    assert violations(CAUTIOUS) == []
