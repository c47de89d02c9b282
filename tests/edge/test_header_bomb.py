"""Header bombs against a server process: limits, and memory afterwards."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import trustme

from tests import harness
from tests.e2e.secured import secured, write_pair
from tests.edge.header_bomb import WITHIN_LIMIT, Bomb, forget_peak, resident


def test_waiting_calls_with_many_headers_use_bounded_memory(aws: harness.Simulator, tmp_path: Path) -> None:
    server = harness.Server(tmp_path, f"sqlite:///{tmp_path / 'ecrkeeper.db'}", aws.url)
    pid = server.process.pid
    try:
        before = resident(pid)
        forget_peak(pid)
        for connections in (20, 40):
            bomb = Bomb(connections=connections, streams=300, fields=WITHIN_LIMIT)
            asyncio.run(bomb.explode(server.address, seconds=60))
            assert bomb.answers["headers"] == connections * 300, "each call is answered"
        # Without a limit, 6,000 calls take 500 MB, and 12,000 twice as much.
        assert resident(pid, peak=True) - before < 350
    finally:
        assert server.stop() == 0


def test_memory_of_a_burst_is_released(aws: harness.Simulator, tmp_path: Path) -> None:
    server = harness.Server(tmp_path, f"sqlite:///{tmp_path / 'ecrkeeper.db'}", aws.url)
    pid = server.process.pid
    try:
        before = resident(pid)
        forget_peak(pid)
        for _ in range(3):
            asyncio.run(Bomb().explode(server.address))
        peak = resident(pid, peak=True) - before
        assert peak > 100, "gRPC keeps what is beyond the limit until the call has ended"
        # If it were kept, it would grow with each burst: to 480, 700, 900 MB.
        harness.eventually(lambda: resident(pid) - before < 100, 60)
    finally:
        assert server.stop() == 0


def test_header_bomb_without_client_certificate_uses_no_memory(aws: harness.Simulator, tmp_path: Path) -> None:
    authority, clients = trustme.CA(), trustme.CA()
    ca = tmp_path / "clients.crt"
    clients.cert_pem.write_to_path(str(ca))
    write_pair(tmp_path, authority, "127.0.0.1")
    trust = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
    trust.set_alpn_protocols(["h2"])
    with secured(tmp_path, aws, authority, tls_client_ca_file=ca) as running:
        pid = running.server.process.pid
        before = resident(pid)
        forget_peak(pid)
        bomb = Bomb(connections=4)
        asyncio.run(bomb.explode(running.server.address, tls=trust))
        assert bomb.answers == {"closed": 4}
        assert resident(pid, peak=True) - before < 50
