"""A network that rejects, drops or breaks connections to AWS and the database."""

from __future__ import annotations

import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import ecrkeeper
import pytest

from tests.harness import Server, Simulator, eventually

from .proxy import Proxy, proxy
from .rest import assert_nothing_stuck, foreign_kept, pairs, plant, prefixes, stop_at_rest
from .test_kill import account, all_hold, declared, in_sync, registry

ROWS = list(range(900, 904))
TROUBLES = ["cut", "hang", "reset"]


@pytest.fixture
def aws_line(aws: Simulator) -> Iterator[Proxy]:
    with proxy(urlsplit(aws.url).port or 0) as line:
        yield line


def probe(port: int, path: str) -> int:
    """Return the status of a probe, which must answer soon."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def start(folder: Path, url: str, aws_port: int, probes: int) -> Server:
    return Server(
        folder,
        url,
        f"http://127.0.0.1:{aws_port}",
        metrics_listen=f"127.0.0.1:{probes}",
        aws_timeout_seconds=1,
        drain_seconds=2,
    )


def declare(client: ecrkeeper.Client, n: int) -> None:
    client.apply_registry_settings(f"{registry(n)}/settings/team-a", declared(n))


def assert_all_there(aws: Simulator, url: str, rows: list[int]) -> None:
    for n in rows:
        state = aws.registry(account=account(n))
        assert prefixes(state) == {"quay", "k8s", "unmanaged"}
        assert pairs(state) == {("us-west-2", "prod/"), ("eu-west-1", "unmanaged/")}
        foreign_kept(aws, account(n))
    assert_nothing_stuck(url, 60)


@pytest.mark.parametrize("trouble", TROUBLES)
def test_unreachable_aws_keeps_writes_and_shows_reason(
    aws: Simulator, aws_line: Proxy, tmp_path: Path, trouble: str
) -> None:
    url, probes = f"sqlite:///{tmp_path / 'ecrkeeper.db'}", free_port()
    for n in ROWS:
        plant(aws, account(n))
    server = start(tmp_path, url, aws_line.port, probes)
    with ecrkeeper.Client(server.address, insecure=True) as client:
        if trouble == "reset":
            aws.control("POST", "faults", {"kind": "latency", "seconds": 0.2})
        else:
            getattr(aws_line, trouble)()
        for n in ROWS:
            declare(client, n)
        if trouble == "reset":
            for _ in range(10):
                time.sleep(0.15)
                aws_line.reset()
            aws.control("DELETE", "faults")
        else:
            began = time.monotonic()
            with pytest.raises(ecrkeeper.Unavailable) as caught:
                client.get_registry(registry(ROWS[0]), refresh=True, timeout=30)
            assert caught.value.reason == "AWS_UNREACHABLE"
            assert time.monotonic() - began < 25
            reasons = [c.reason for c in client.get_registry(registry(ROWS[0])).conditions if c.type == "Synced"]
            assert reasons == ["AWS_UNREACHABLE"] or not reasons
            assert probe(probes, "/readyz") == 200
        aws_line.heal()
        operations = [client.reconcile_registry(registry(n)) for n in ROWS]
        eventually(all_hold(ROWS, lambda n: in_sync(client, registry(n))), 60)
        # An attempt that began before may have synced the registry.
        for operation in operations:
            operation.result(timeout=60)
    stop_at_rest(server, url)
    assert_all_there(aws, url, ROWS)


@pytest.mark.parametrize("trouble", TROUBLES)
def test_unreachable_database_is_reported_and_server_recovers(
    aws: Simulator, shared_url: str, tmp_path: Path, trouble: str
) -> None:
    probes, kept = free_port(), [n + 10 for n in ROWS]
    for n in kept:
        plant(aws, account(n))
    with proxy(urlsplit(shared_url).port or 0) as line:
        url = shared_url.replace(f":{urlsplit(shared_url).port}/", f":{line.port}/")
        server = start(tmp_path, url, urlsplit(aws.url).port or 0, probes)
        with ecrkeeper.Client(server.address, insecure=True) as client:
            assert probe(probes, "/readyz") == 200
            aws.control("POST", "faults", {"kind": "latency", "seconds": 0.1})
            for n in kept[:-1]:
                declare(client, n)
            getattr(line, trouble)()
            if trouble != "reset":
                began = time.monotonic()
                eventually(lambda: probe(probes, "/readyz") == 503, 10)
                assert probe(probes, "/healthz") == 200
                with pytest.raises((ecrkeeper.Unavailable, ecrkeeper.DeadlineExceeded)) as caught:
                    client.get_registry(registry(kept[0]), timeout=5)
                if trouble == "cut":
                    assert caught.value.reason == "STORE_UNAVAILABLE"
                assert time.monotonic() - began < 20
            aws.control("DELETE", "faults")
            line.heal()
            eventually(lambda: probe(probes, "/readyz") == 200, 30)
            eventually(lambda: accepted(client, kept[-1]), 30)
            eventually(all_hold(kept, lambda n: in_sync(client, registry(n))), 60)
        stop_at_rest(server, shared_url)
    assert_all_there(aws, shared_url, kept)


def accepted(client: ecrkeeper.Client, n: int) -> bool:
    try:
        declare(client, n)
    except ecrkeeper.Unavailable:
        return False
    return True


def test_server_stops_while_database_is_unavailable(aws: Simulator, shared_url: str, tmp_path: Path) -> None:
    aws.control("POST", "faults", {"kind": "latency", "seconds": 0.5})
    with proxy(urlsplit(shared_url).port or 0) as line:
        url = shared_url.replace(f":{urlsplit(shared_url).port}/", f":{line.port}/")
        server = start(tmp_path, url, urlsplit(aws.url).port or 0, free_port())
        with ecrkeeper.Client(server.address, insecure=True) as client:
            declare(client, 920)
        time.sleep(0.3)  # its attempt is running and holds a lease
        line.cut()
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 20
