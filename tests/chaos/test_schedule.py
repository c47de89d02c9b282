"""A seeded random schedule of writes, kills, stops, cuts and faults; `make soak` runs it for as long as one likes."""

from __future__ import annotations

import os
import random
from itertools import islice
from pathlib import Path

import pytest

from tests.harness import Simulator

from .actors import run
from .schedule import Event, Model, client_lane, foreign_lane, network_lane, process_lane

SECONDS = float(os.environ.get("CHAOS_SECONDS", "25"))
SEED = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))
HERE = ("810000000001", "us-east-1")


@pytest.mark.timeout(SECONDS + 600)
def test_everything_acknowledged_comes_true_whatever_happens(aws: Simulator, database_url: str, tmp_path: Path) -> None:
    run(tmp_path, database_url, aws, seed=SEED, seconds=SECONDS)


def test_a_seed_says_all_of_a_schedule() -> None:
    def events(seed: int) -> list[Event]:
        lanes = (client_lane(seed), foreign_lane(seed), process_lane(seed, 2), network_lane(seed, database=True))
        return [event for lane in lanes for event in islice(lane, 100)]

    assert events(1) == events(1)
    assert events(1) != events(2)
    assert {e.kind for e in events(1)} >= {
        "apply",
        "delete",
        "mode",
        "role-delete",
        "create",
        "kill",
        "stop",
        "cut-aws",
    }


def apply(owner: str, rules: dict[str, str], *, force: bool = False) -> Event:
    return Event("apply", HERE, 0.0, owner=owner, rules=tuple(rules.items()), filters=("f/",), flag=force)


def test_the_model_knows_owners_conflicts_and_what_is_foreign() -> None:
    model = Model(foreign={HERE: {"foreign-1"}})
    model.apply(apply("a", {"p": "quay.io", "q": "quay.io"}))
    assert not model.conflict(apply("b", {"p": "quay.io"}))
    assert model.conflict(apply("b", {"p": "registry.k8s.io"}))
    model.apply(apply("b", {"p": "registry.k8s.io"}, force=True))
    foreign = {"foreign": "public.ecr.aws", "foreign-1": "public.ecr.aws"}
    assert model.expected(HERE) == ({"q": "quay.io", "p": "registry.k8s.io", **foreign}, {"f/", "foreign/"})
    assert model.delete(Event("delete", HERE, 0.0, owner="b"))
    assert not model.delete(Event("delete", HERE, 0.0, owner="b"))
    assert model.expected(HERE)[0] == {"q": "quay.io", **foreign}
