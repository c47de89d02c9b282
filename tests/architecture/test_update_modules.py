"""An Update runs through few modules, and builds its spec once."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from ecrkeeper_server.api.listener import ACCEPT_LOOPS

from benchmarks.update_modules import UPDATES
from tests.docs.walks import modules_of, section, steps_of

_MOST = 29
_SCRIPT = """
import json, sys
from benchmarks.update_modules import modules, trace
walks = trace()
made = [("settings.codec", "settings_to_aws"), ("api.messages.declaration", "read_spec")]
json.dump({s: [modules(w), [[each.calls[key] for key in made] for each in w]] for s, w in walks.items()}, sys.stderr)
"""


@pytest.fixture(scope="module")
def traced() -> dict[str, tuple[list[str], list[list[int]]]]:
    # A separate process: the profiler slows everything else, and other tests' modules would count.
    done = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    calls: dict[str, tuple[list[str], list[list[int]]]] = json.loads(done.stderr.splitlines()[-1])
    return calls


@pytest.mark.parametrize("setting", UPDATES)
def test_update_passes_few_modules(setting: str, traced: dict[str, tuple[list[str], list[list[int]]]]) -> None:
    modules, _ = traced[setting]
    accepting = "api.accept_loops" if ACCEPT_LOOPS.usable else "api.public_server"
    assert {accepting, "api.services.registry_settings", "store.work"} <= set(modules), "the whole way is traced"
    assert len(modules) <= _MOST, "\n".join(modules)


@pytest.mark.parametrize("setting", UPDATES)
def test_update_makes_its_spec_once(setting: str, traced: dict[str, tuple[list[str], list[list[int]]]]) -> None:
    _, specs = traced[setting]
    assert specs == [[1, 1]] * 4


# Modules of the walk that a valid Update without other owners, on SQLite, does not pass until its rows are written.
ELSEWHERE = {
    "declarations.message_rules": "it describes violations",
    "declarations.composition_checks": "it explains rejections",
    "declarations.preconditions": "it explains rejections",
    "turns": "for large declarations",
    "settings.pair_keys": "for more than 25 pairs",
    "store.postgres": "another database",
    "store.postgres_tx": "another database",
    "store.row_statements": "the statements are cached",
    "engine.triggers": "after the write",
    "api.messages.registry_settings": "after the write",
    **({} if ACCEPT_LOOPS.usable else {"api.accept_loops": "grpcio's own accept loop takes the calls"}),
}


def test_walk_of_an_update_names_its_modules(traced: dict[str, tuple[list[str], list[list[int]]]]) -> None:
    walks = [set(modules) for modules, _ in traced.values()]
    passed = set.union(*walks)
    # The walk names the module of one setting as an example.
    own = {module for module in passed if module.startswith("settings.") and sum(module in w for w in walks) == 1}
    steps = modules_of(steps_of(section("The walk of an Update")))
    assert not passed - own - steps - modules_of(section("A call")), "modules that the walk does not name"
    assert steps - passed == set(ELSEWHERE), "modules that the walk names without reason"
