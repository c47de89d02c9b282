"""The modules that a server imports at its start."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import ecrkeeper
import pytest
from ecrkeeper_server.aws.models import BOTOCORE

from tests import harness

ACCOUNT = "345678901234"
NAME = f"accounts/{ACCOUNT}/registries/us-east-1/settings/team-a"
DECLARED = {"scanning_configuration": {"scan_type": "ENHANCED", "rules": []}}
# Users: migrations, tokens, TLS, policies, tracing, profiles, nobody.
NOT_CONFIGURED = {
    "alembic", "jwt", "cryptography", "yaml", "opentelemetry", "boto3", "sqlalchemy.orm", "mako", "rich.console",
    "rich.pretty",
}  # fmt: skip
# The public codec needs them, which is a part of what it costs.
if BOTOCORE.usable:
    NOT_CONFIGURED |= {"botocore.session", "botocore.client"}


class Tracked(harness.Server):
    """Run a server that logs each module that it imports."""

    command = (sys.executable, "-X", "importtime", "-m", "ecrkeeper_server", "serve")

    def __init__(self, folder: Path, url: str, aws_url: str) -> None:
        super().__init__(folder, url, aws_url)
        self._lines = folder / "server.log"

    def imported(self) -> list[str]:
        return re.findall(r"^import time: [^|]*\|[^|]*\| +(\S+)$", self._lines.read_text(), re.MULTILINE)


def loaded(server: Tracked) -> set[str]:
    return set(server.imported())


def test_server_imports_only_configured_features(database_url: str, aws: harness.Simulator, tmp_path: Path) -> None:
    server = Tracked(tmp_path, database_url, aws.url)
    modules = loaded(server)
    assert {"grpc", "protovalidate", "sqlalchemy", "botocore.serialize"} <= modules
    assert not modules & NOT_CONFIGURED
    postgres = database_url.startswith("postgresql")
    for module, of_postgres in (("psycopg", True), ("sqlalchemy.dialects.postgresql", True), ("sqlite3", False)):
        assert (module in modules) == (postgres == of_postgres), module
    assert server.stop() == 0


def test_modules_are_loaded_before_server_listens(database_url: str, aws: harness.Simulator, tmp_path: Path) -> None:
    server = Tracked(tmp_path, database_url, aws.url)
    before = len(server.imported())
    with ecrkeeper.Client(server.address, insecure=True) as client:
        client.apply_registry_settings(NAME, DECLARED)
        client.wait_until_synced(NAME, timeout=20)
        with pytest.raises(ecrkeeper.InvalidArgument):
            client.apply_registry_settings(NAME, {"scanning_configuration": {"scan_type": 7}})
        client.list_registries(f"accounts/{ACCOUNT}")
    assert [name for name in server.imported()[before:] if not name.startswith("encodings")] == []
    assert server.stop() == 0


@pytest.mark.parametrize("setting", ["listen", "metrics_listen"])
def test_address_in_use_prints_one_line_with_setting(tmp_path: Path, setting: str) -> None:
    variables = {
        "LISTEN": "127.0.0.1:0",
        "METRICS_LISTEN": "127.0.0.1:0",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'x.db'}",
    }
    with socket.create_server(("127.0.0.1", 0)) as listener:
        variables[setting.upper()] = address = f"127.0.0.1:{listener.getsockname()[1]}"
        environment = {**os.environ, **{f"ECRKEEPER_{name}": value for name, value in variables.items()}}
        command = [harness.program("ecrkeeper-server"), "serve"]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 1
    lines = [line for line in ended.stderr.splitlines() if not line.startswith("{") and "add_port.cc" not in line]
    assert [line.partition(": cannot")[0] for line in lines] == [f"ecrkeeper-server: {setting}"], ended.stderr
    assert address in lines[0]


@pytest.mark.parametrize("command", ["serve", "check-config"])
def test_invalid_environment_of_the_sdks_ends_the_start_and_names_all_errors(tmp_path: Path, command: str) -> None:
    bundle, config = tmp_path / "bundle.pem", tmp_path / "config"
    bundle.write_text("no certificate")
    config.write_text("[default]\nendpoint_url = ecr.example\n")
    database = tmp_path / "x.db"
    environment = {
        **os.environ,
        "ECRKEEPER_DATABASE_URL": f"sqlite:///{database}",
        "AWS_CA_BUNDLE": str(bundle),
        "AWS_CONFIG_FILE": str(config),
        "HTTPS_PROXY": "socks5://user:hunter2@proxy",
    }
    line = [harness.program("ecrkeeper-server"), command]
    ended = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 2
    assert [each.partition(": must")[0].partition(" (")[0] for each in ended.stderr.splitlines()] == [
        f"ecrkeeper-server: endpoint_url of profile default in {config}",
        "ecrkeeper-server: HTTPS_PROXY",
        f"ecrkeeper-server: AWS_CA_BUNDLE: cannot use '{bundle}': no certificates in PEM",
    ]
    assert "hunter2" not in ended.stderr
    assert not database.exists()
