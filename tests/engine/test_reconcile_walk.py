"""The walk of a reconcile in docs/architecture.md names the traced modules."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import Any

import ecrkeeper_server

from tests.docs.walks import modules_of, section, steps_of

from .conftest import World
from .test_reconcile_registry import QUAY, REPLICATED, caching

ROOT = f"{Path(ecrkeeper_server.__file__).parent}/"
# The writer of SQLite runs these on its own thread.
ON_THREADS = {"store.claims", "store.sweep", "engine.endings", "engine.causes"}


async def test_walk_of_a_reconcile_names_its_modules(world: World) -> None:
    passed: set[str] = set()

    def profile(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_name != "<module>" and code.co_filename.startswith(ROOT):
            passed.add(code.co_filename.removeprefix(ROOT).removesuffix(".py").replace("/", "."))

    await world.declare({**caching(QUAY), **REPLICATED})
    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        await world.reconcile()
    finally:
        sys.setprofile(before)
    named = modules_of(steps_of(section("Reconciling a registry")))
    assert {"engine.reconcile_registry", "ecr.apply"} <= passed, "the whole way is traced"
    assert {module for module in passed if module.startswith(("engine.", "ecr."))} <= named, "the walk is complete"
    assert named - passed <= ON_THREADS, "the walk names nothing else"
