"""A server behind a real Envoy with the shipped configuration."""

from __future__ import annotations

import json
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ecrkeeper
import grpc
import pytest
import trustme

from tests import harness
from tests.e2e.secured import write_pair

SHIPPED = Path(__file__).parents[2] / "deploy/envoy/envoy.yaml"
ENVOY = Path(harness.program("envoy"))


@pytest.fixture(autouse=True, scope="session")
def _installed() -> None:
    if not ENVOY.exists():
        pytest.skip("no Envoy: `make test-proxy` installs it")


def configured(folder: Path, upstream: str, **changes: Any) -> Path:
    """Return the shipped configuration with replaced texts."""
    text = SHIPPED.read_text()
    replaced = {
        "/etc/envoy/tls": str(folder),
        "port_value: 9901": "port_value: 0",
        "address: 0.0.0.0, port_value: 50051": "address: 127.0.0.1, port_value: 0",
        "port_value: 50052": f"port_value: {upstream.rpartition(':')[2]}",
        **changes,
    }
    for old, new in replaced.items():
        assert text.count(old) >= 1, old
        text = text.replace(old, new)
    written = folder / "envoy.yaml"
    written.write_text(text)
    return written


@dataclass(frozen=True)
class Proxied:
    """A server, the Envoy before it, and its addresses."""

    server: harness.Server
    envoy: subprocess.Popen[bytes]
    address: str
    admin: str
    authority: trustme.CA

    @property
    def credentials(self) -> grpc.ChannelCredentials:
        return grpc.ssl_channel_credentials(self.authority.cert_pem.bytes())

    @property
    def tls(self) -> ssl.SSLContext:
        trust = ssl.create_default_context(cadata=self.authority.cert_pem.bytes().decode())
        trust.set_alpn_protocols(["h2"])
        return trust

    def client(self, **options: Any) -> ecrkeeper.Client:
        return ecrkeeper.Client(self.address, credentials=self.credentials, timeout=20, **options)

    def counter(self, name: str) -> int:
        """Return one of Envoy's counters and gauges."""
        line = ask(self.admin, f"stats?filter=^{name}$").decode()
        return int(line.rpartition(": ")[2] or 0)


def ask(admin: str, path: str) -> bytes:
    with urllib.request.urlopen(f"http://{admin}/{path}", timeout=5) as answer:
        content: bytes = answer.read()
    return content


@contextmanager
def proxied(
    folder: Path, aws: harness.Simulator, changes: dict[str, str] | None = None, **settings: Any
) -> Iterator[Proxied]:
    """Run both, and stop them at the end."""
    authority = trustme.CA()
    write_pair(folder, authority, "127.0.0.1")
    server = harness.Server(folder, f"sqlite:///{folder / 'ecrkeeper.db'}", aws.url, **settings)
    command = [
        str(ENVOY), "-c", str(configured(folder, server.address, **(changes or {}))), "--concurrency", "2",
        "--use-dynamic-base-id", "--admin-address-path", str(folder / "admin"), "--log-level", "warning",
    ]  # fmt: skip
    with (folder / "envoy.log").open("wb") as log:
        envoy = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        admin = harness.eventually(lambda: _text(folder / "admin"))
        listeners = harness.eventually(lambda: json.loads(ask(admin, "listeners?format=json")).get("listener_statuses"))
        bound = listeners[0]["local_address"]["socket_address"]
        harness.eventually(lambda: json.loads(ask(admin, "server_info"))["state"] == "LIVE")
        harness.eventually(lambda: b"health_flags::healthy" in ask(admin, "clusters"))
        yield Proxied(server, envoy, f"{bound['address']}:{bound['port_value']}", admin, authority)
    finally:
        envoy.terminate()
        envoy.wait(20)
        assert server.stop() == 0


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""
