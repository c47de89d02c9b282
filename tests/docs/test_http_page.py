"""docs/http.md is followed with a running server."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import ecrkeeper
from ecrkeeper_server.config.settings import load

from tests import harness
from tests.docs.blocks import Reading
from tests.docs.stage import Made
from tests.http.web import port_of

ACCOUNT = "111111111111"
REGISTRY = f"accounts/{ACCOUNT}/registries/us-east-1"
SETTINGS = {"scanningConfiguration": {"scanType": "ENHANCED"}}


def test_http(stage: Made, aws: harness.Simulator, tmp_path: Path) -> None:
    page = Reading("docs/http.md")
    url = f"sqlite:///{tmp_path / 'ecrkeeper.db'}"
    server = harness.Server(tmp_path, url, aws.url, http_listen="127.0.0.1:0")
    staged = stage({"127.0.0.1:8080": f"127.0.0.1:{port_of(tmp_path / 'server.log')}"})
    with ecrkeeper.Client(server.address, insecure=True) as client:
        client.apply_registry_settings(f"{REGISTRY}/settings/web", SETTINGS)
    assert json.loads(staged.shell(page.next("sh", "curl -sS")))["name"] == REGISTRY
    listed = json.loads(staged.shell(page.next("sh", "buf curl")))
    assert [each["name"] for each in listed["registries"]] == [REGISTRY]
    staged.shell(page.next("sh", "api openapi"))
    assert json.loads((staged.folder / "ecrkeeper.openapi.json").read_text())["openapi"] == "3.1.0"
    shown = tmp_path / "shown.toml"
    shown.write_text(page.next("toml", "http_allowed_origins").text)
    assert load(shown, {}).http_listen == tomllib.loads(shown.read_text())["http_listen"]
    page.ended()
    assert server.stop() == 0
