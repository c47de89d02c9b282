"""Silent connections to a server process with few file descriptors."""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ecrkeeper
import grpc
import pytest
import trustme
from ecrkeeper_server.rlimits import for_callers

from tests import harness
from tests.e2e.secured import write_pair
from tests.edge.calls import CHECK, OPTIONS, SERVING

DESCRIPTORS = 256
NAME = "accounts/111111111111/registries/us-east-1"
LIMITED = f"import os, resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (64, {DESCRIPTORS})); os.execv(sys.argv[1], sys.argv[1:])"


class FewDescriptors(harness.Server):
    """A server with a hard limit of descriptors, and a lower soft limit."""

    command = (sys.executable, "-c", LIMITED, *harness.Server.command)


@contextlib.contextmanager
def silent(address: str, count: int) -> Iterator[list[socket.socket]]:
    """Open connections on which nothing is sent."""
    host, _, port = address.rpartition(":")
    with contextlib.ExitStack() as stack:
        opened = []
        for _ in range(count):
            with contextlib.suppress(OSError):
                opened.append(stack.enter_context(socket.create_connection((host, int(port)), timeout=5)))
        yield opened


def status(port: int, path: str) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=5) as answer:
        return int(answer.status)


def connected(address: str, roots: bytes | None = None) -> grpc.Channel:
    """A channel that shares its connection with no other."""
    if roots is None:
        return grpc.insecure_channel(address, options=OPTIONS)
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(roots), options=OPTIONS)


def serves(channel: grpc.Channel) -> bool:
    """Return whether a health check is answered."""
    try:
        return bool(channel.unary_unary(CHECK)(b"", timeout=5) == SERVING)
    except grpc.RpcError as error:
        assert error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
        return False


@pytest.mark.parametrize("encrypted", [True, False], ids=["TLS", "plaintext"])
def test_silent_connections_end_and_block_nobody(aws: harness.Simulator, tmp_path: Path, encrypted: bool) -> None:
    authority = trustme.CA()
    write_pair(tmp_path, authority, "127.0.0.1")
    files = {"tls_certificate_file": tmp_path / "tls.crt", "tls_key_file": tmp_path / "tls.key"} if encrypted else {}
    server = FewDescriptors(tmp_path, f"sqlite:///{tmp_path / 'ecrkeeper.db'}", aws.url, **files)
    roots = authority.cert_pem.bytes() if encrypted else None
    trust: dict[str, Any] = {"credentials": grpc.ssl_channel_credentials(roots)} if roots else {"insecure": True}
    log = tmp_path / "server.log"
    harness.eventually(lambda: '"started"' in log.read_text())
    lines = {line["event"]: line for line in map(json.loads, log.read_text().splitlines())}
    assert lines["few_descriptors"]["available"] == DESCRIPTORS
    port = lines["started"]["metrics_port"]
    try:
        with ecrkeeper.Client(server.address, **trust) as early, silent(f"127.0.0.1:{port}", DESCRIPTORS) as probing:
            early.list_supported_regions()
            with silent(server.address, 2 * DESCRIPTORS) as opened:
                assert len(opened) + len(probing) > 2 * DESCRIPTORS
                assert [status(port, path) for path in ("healthz", "readyz", "metrics")] == [200] * 3
                early.apply_registry_settings(
                    f"{NAME}/settings/web", {"scanningConfiguration": {"scanType": "ENHANCED"}}
                )
                harness.eventually(lambda: aws.registry()["scanning"] != {} and aws.writes())
                with connected(server.address, roots) as late:
                    harness.eventually(lambda: serves(late), 30)
    finally:
        assert server.stop() == 0


def test_connections_are_bounded(aws: harness.Simulator, tmp_path: Path) -> None:
    server = harness.Server(tmp_path, f"sqlite:///{tmp_path / 'ecrkeeper.db'}", aws.url, max_connections=2)
    try:
        with connected(server.address) as one, connected(server.address) as other, connected(server.address) as third:
            assert serves(one)
            assert serves(other)
            assert not serves(third)
            one.close()
            harness.eventually(lambda: serves(third))
    finally:
        assert server.stop() == 0


@pytest.mark.parametrize(
    ("available", "connections", "reason"),
    [
        (20_000, 2000, "as configured"),
        (1024, 632, "128, and those of the database and of AWS stay free"),
        (256, 128, "with very few, half of them"),
        (1, 1, "never none"),
    ],
)
def test_file_descriptors_stay_reserved_for_other_uses(available: int, connections: int, reason: str) -> None:
    assert for_callers(2000, available, 264) == connections, reason
