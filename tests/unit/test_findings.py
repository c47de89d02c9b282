"""Results of deliveries, however often and in any order they come."""

from __future__ import annotations

import pytest
from ecrkeeper_server.store.clock import MICROSECONDS
from ecrkeeper_server.store.findings import Findings

SETTING, TARGET, START = "replication_configuration", "222222222222/eu-west-1", 1_800_000_000 * MICROSECONDS
MINUTE = 60 * MICROSECONDS


def delivered(known: Findings, time: int, failure: str | None) -> Findings:
    return known.with_delivery(SETTING, TARGET, time, failure)


@pytest.mark.parametrize("failure", [None, "denied"])
def test_results_that_confirm_the_last_one_are_kept_once_a_minute(failure: str | None) -> None:
    known = delivered(Findings({}), START, failure)
    for seconds in range(61):
        assert delivered(known, START + seconds * MICROSECONDS, failure) is known
    assert delivered(known, START + MINUTE + 1, failure).stored != known.stored


@pytest.mark.parametrize(("first", "second"), [(None, "denied"), ("denied", None)])
def test_results_that_contradict_the_last_one_are_kept_at_once(first: str | None, second: str | None) -> None:
    known = delivered(delivered(Findings({}), START, first), START + 1, second)
    assert bool(known.conditions()) == (second is not None)
