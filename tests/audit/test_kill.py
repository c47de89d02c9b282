"""SIGKILL between the record of a write and its completion."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import ecrkeeper
from ecrkeeper.v1.audit_pb2 import AuditEvent

from tests.chaos.processes import TracedServer
from tests.harness import Server, Simulator, eventually

BASE = 400_000_000_000
REGION = "us-east-1"
RULES = {"rules": [{"ecrRepositoryPrefix": p, "upstreamRegistryUrl": "quay.io"} for p in ("one", "two")]}


def registry(n: int) -> str:
    return f"accounts/{BASE + n}/registries/{REGION}"


def events(client: ecrkeeper.Client, n: int) -> list[AuditEvent]:
    return list(client.list_audit_events(f"account = {BASE + n} AND kind = AWS_WRITE"))


def test_write_interrupted_by_kill_is_unknown(aws: Simulator, database_url: str, tmp_path: Path) -> None:
    rows = range(20)
    doomed = TracedServer(tmp_path, database_url, aws.url, kind="registry", base=BASE, concurrency=100, lease_seconds=1)
    with ecrkeeper.Client(doomed.address, insecure=True) as client:
        for n in rows:
            client.apply_registry_settings(f"{registry(n)}/settings/team", {"pullThroughCacheRules": RULES})

        def ended(n: int) -> bool:
            return registry(n) in doomed.stopped() or not client.get_registry(registry(n)).reconciling

        eventually(lambda: all(ended(n) for n in rows), 60)
    doomed.kill()
    before = aws.writes()

    heir = Server(tmp_path, database_url, aws.url)
    with ecrkeeper.Client(heir.address, insecure=True) as client:
        eventually(lambda: not any(client.get_registry(registry(n)).reconciling for n in rows), 40)
        open_events = {n: [e for e in events(client, n) if e.outcome == AuditEvent.UNKNOWN] for n in rows}
        assert not any(e.HasField("complete_time") for listed in open_events.values() for e in listed)
        open_then = {n for n, listed in open_events.items() if listed}
        sent_then = {int(call["account"]) - BASE for call in before}
        assert open_then - sent_then, "no kill came between the record and the call"
        assert open_then & sent_then, "no kill came between the call and its completion"
        assert sent_then - open_then, "no step ended before the kill"
        for n in rows:
            sent = Counter(call["request_id"] for call in aws.writes() if call["account"] == str(BASE + n))
            request_ids = {e.aws_request_id for e in events(client, n) if e.outcome == AuditEvent.SUCCEEDED}
            assert request_ids <= set(sent)
            assert len(set(sent) - request_ids) <= len(open_events[n]), (
                f"killed after {n} statements: a write is not in the trail"
            )
    assert heir.stop() == 0
