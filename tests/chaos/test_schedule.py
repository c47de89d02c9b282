"""The random schedule depends only on its seed, and runs for the given time."""

from __future__ import annotations

import os
import subprocess
from itertools import islice
from pathlib import Path

import pytest

from .schedule import Event, Model, client_lane, foreign_lane, network_lane, process_lane

ROOT = Path(__file__).parents[2]
HERE = ("810000000001", "us-east-1")


@pytest.mark.parametrize(
    ("arguments", "seconds"), [([], "3600"), (["SOAK_SECONDS=7"], "7")], ids=["an hour", "as requested"]
)
def test_soak_runs_for_requested_time(arguments: list[str], seconds: str) -> None:
    # If /bin/sh is bash, SECONDS is the time since the shell started.
    environment = {**os.environ, "SECONDS": "0"}
    completed = subprocess.run(
        ["make", "--dry-run", "soak", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    recipe = next(line for line in completed.stdout.splitlines() if "CHAOS_SECONDS" in line)
    shown = subprocess.run(
        ["bash", "-c", f"{recipe.split()[0]}; echo $CHAOS_SECONDS"], capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == seconds
    for file in ("sqlite", "postgres"):
        assert f"tests/chaos/test_schedule_on_{file}.py" in recipe
        assert (ROOT / f"tests/chaos/test_schedule_on_{file}.py").is_file()


def test_seed_determines_schedule() -> None:
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


def test_model_tracks_owners_conflicts_and_unmanaged_elements() -> None:
    model = Model(unmanaged={HERE: {"unmanaged-1"}})
    model.apply(apply("a", {"p": "quay.io", "q": "quay.io"}))
    assert not model.conflict(apply("b", {"p": "quay.io"}))
    assert model.conflict(apply("b", {"p": "registry.k8s.io"}))
    model.apply(apply("b", {"p": "registry.k8s.io"}, force=True))
    unmanaged = {"unmanaged": "public.ecr.aws", "unmanaged-1": "public.ecr.aws"}
    assert model.expected(HERE) == ({"q": "quay.io", "p": "registry.k8s.io", **unmanaged}, {"f/", "unmanaged/"})
    assert model.delete(Event("delete", HERE, 0.0, owner="b"))
    assert not model.delete(Event("delete", HERE, 0.0, owner="b"))
    assert model.expected(HERE)[0] == {"q": "quay.io", **unmanaged}
