"""Several server processes on one Postgres."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import ecrkeeper
import psycopg

from tests.harness import Simulator, eventually

from .processes import TracedServer
from .test_kill import all_hold, creations, declared, has_everything, in_sync, registry

LEASE = 2.0


def replica(folder: Path, name: str, url: str, aws: Simulator, **settings: Any) -> TracedServer:
    (folder / name).mkdir()
    return TracedServer(folder / name, url, aws.url, **{"lease_seconds": LEASE, **settings})


def held_spans(lines: Iterable[dict[str, Any]], until: float) -> dict[str, list[tuple[float, float, int]]]:
    """Return when and by which process each resource was reconciled."""
    spans: dict[str, list[tuple[float, float, int]]] = {}
    begun: dict[tuple[str, int], float] = {}
    for line in lines:
        key = line["row"], line["pid"]
        if line["what"] == "begin":
            begun[key] = line["at"]
        else:
            spans.setdefault(line["row"], []).append((begun.pop(key), line["at"], line["pid"]))
    for (row, pid), at in begun.items():
        spans.setdefault(row, []).append((at, until, pid))
    return spans


def leased_rows(url: str) -> int:
    with psycopg.connect(url) as conn:
        row = conn.execute("SELECT count(*) FROM schedule WHERE lease_token IS NOT NULL").fetchone()
    assert row is not None
    return int(row[0])


def test_replicas_never_share_a_resource_and_both_progress(aws: Simulator, shared_url: str, tmp_path: Path) -> None:
    aws.control("POST", "faults", {"kind": "latency", "seconds": 0.02})
    rows = range(200, 260)
    first = replica(tmp_path, "first", shared_url, aws, concurrency=6)
    second = replica(tmp_path, "second", shared_url, aws, concurrency=6)
    with ecrkeeper.Client(first.address, insecure=True) as one, ecrkeeper.Client(second.address, insecure=True) as two:
        for n in rows:
            (one if n % 2 else two).apply_registry_settings(f"{registry(n)}/settings/team-a", declared(n))
        for _ in range(2):
            for n in rows:
                # Every resource is enqueued again and again while both work.
                (two if n % 2 else one).reconcile_registry(registry(n))
        eventually(all_hold(rows, lambda n: in_sync(one, registry(n))), 40)
        eventually(lambda: leased_rows(shared_url) == 0, 20)
    assert first.stop() == 0
    assert second.stop() == 0
    assert all(has_everything(aws, n) for n in rows)
    assert not {creation: times for creation, times in creations(aws).items() if times > 1}
    lines = first.spans() + second.spans()
    for row, spans in held_spans(sorted(lines, key=lambda line: line["at"]), float("inf")).items():
        spans.sort()
        for (_, end, _), (begin, _, _) in zip(spans, spans[1:], strict=False):
            assert end <= begin, f"{row} was worked on twice at once"
    worked = [{line["row"] for line in server.spans() if "registries" in line["row"]} for server in (first, second)]
    assert all(len(rows) > 5 for rows in worked), [len(rows) for rows in worked]


def test_resources_of_killed_replica_are_claimed_after_lease(aws: Simulator, shared_url: str, tmp_path: Path) -> None:
    rows = range(300, 320)
    doomed = replica(tmp_path, "doomed", shared_url, aws, kind="registry", base=300_000_000_000 + 295)
    with ecrkeeper.Client(doomed.address, insecure=True) as client:
        for n in rows:
            client.apply_registry_settings(f"{registry(n)}/settings/team-a", declared(n))
    # Every attempt has stopped or ended.
    heir = replica(tmp_path, "heir", shared_url, aws)
    with ecrkeeper.Client(heir.address, insecure=True) as client:
        time.sleep(LEASE)  # the holder lives and renews, so nobody claims its resources
        stuck = doomed.stopped()
        assert not {line["row"] for line in heir.spans()} & stuck
        killed_at = time.monotonic()
        doomed.kill()
        eventually(all_hold(rows, lambda n: in_sync(client, registry(n))), 20)
    assert heir.stop() == 0
    claims = {line["row"]: line["at"] for line in reversed(heir.spans()) if line["what"] == "begin"}
    assert stuck
    assert stuck <= set(claims)
    assert max(claims[row] for row in stuck) - killed_at < LEASE + 3
    assert min(claims[row] for row in stuck) > killed_at
    assert all(has_everything(aws, n) for n in rows)


def test_sigterm_lets_reconciles_end_and_exits_with_0(aws: Simulator, shared_url: str, tmp_path: Path) -> None:
    rows = range(400, 408)
    aws.control("POST", "faults", {"kind": "latency", "seconds": 0.1})
    server = replica(tmp_path, "only", shared_url, aws, lease_seconds=60)
    with ecrkeeper.Client(server.address, insecure=True) as client:
        for n in rows:
            client.apply_registry_settings(f"{registry(n)}/settings/team-a", declared(n))
    eventually(lambda: leased_rows(shared_url) > 0)
    assert server.stop() == 0
    assert leased_rows(shared_url) == 0
    begun = [line["row"] for line in server.spans() if line["what"] == "begin"]
    ended = [line["row"] for line in server.spans() if line["what"] == "end"]
    assert begun
    assert sorted(begun) == sorted(ended)


def test_sigterm_releases_leases_of_slow_reconciles(aws: Simulator, shared_url: str, tmp_path: Path) -> None:
    n = 500
    leaving = replica(
        tmp_path,
        "leaving",
        shared_url,
        aws,
        kind="registry",
        base=300_000_000_000 + 498,
        lease_seconds=120,
        drain_seconds=0.5,
    )
    with ecrkeeper.Client(leaving.address, insecure=True) as client:
        client.apply_registry_settings(f"{registry(n)}/settings/team-a", declared(n))
        eventually(lambda: registry(n) in leaving.stopped())
    assert leased_rows(shared_url) == 1
    began = time.monotonic()
    assert leaving.stop() == 0
    assert time.monotonic() - began < 10
    assert leased_rows(shared_url) == 0
    heir = replica(tmp_path, "heir", shared_url, aws, lease_seconds=120)
    with ecrkeeper.Client(heir.address, insecure=True) as client:
        eventually(lambda: in_sync(client, registry(n)), 15)
    assert heir.stop() == 0
