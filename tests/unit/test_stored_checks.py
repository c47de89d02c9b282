"""The stored form of replication checks."""

from __future__ import annotations

import pytest
from ecrkeeper_server.ecr.replication_check import result_of, to_json
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings.arrivals import Arrival, Outcome
from ecrkeeper_server.settings.replication_access import Check

THERE = RegistryName("222222222222", "us-west-2")


@pytest.mark.parametrize("result", ["OK", "BROKEN", "UNKNOWN", "CONDITIONAL"])
def test_stored_result_is_known_to_older_replicas(result: str) -> None:
    stored = to_json(THERE, Check(result, (), ()), 1)
    assert stored["result"] in ("OK", "BROKEN", "UNKNOWN")
    assert result_of(stored) == result


def test_stored_filters_are_limited() -> None:
    many = tuple(f"team-{i}" for i in range(1000))
    stored = to_json(THERE, Check("OK", (), (Arrival(Outcome.ARRIVES, many, many[:30], "team-0"),)), 1)
    (arrival,) = stored["arrivals"]
    assert (len(arrival["whole"]), len(arrival["partial"]), arrival["omitted"]) == (20, 20, 990)
