"""Clients that write and watch while the database fails, and their invariants."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter

import ecrkeeper
import psycopg
from ecrkeeper.v1.registry_pb2 import Registry

from tests.harness import Simulator

RULE = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}
CACHING = {"pullThroughCacheRules": {"rules": [RULE]}}


def account(n: int) -> str:
    return str(700_000_000_000 + n)


def registry(n: int, region: str = "us-east-1") -> str:
    return f"accounts/{account(n)}/registries/{region}"


def part(n: int, region: str = "us-east-1") -> str:
    return f"{registry(n, region)}/settings/team-a"


def rules(aws: Simulator, n: int) -> list[str]:
    """Return the prefixes of the pull-through cache rules that AWS has."""
    return [rule["ecrRepositoryPrefix"] for rule in aws.registry(account=account(n))["pullThroughCacheRules"]]


def in_sync(client: ecrkeeper.Client, name: str) -> bool:
    registry = client.get_registry(name)
    return registry.observed_generation == registry.generation and not registry.reconciling


def is_synced(registry: Registry) -> bool:
    return registry.observed_generation == registry.generation and any(
        c.type == "Synced" and c.status == 1 for c in registry.conditions
    )


class Writer(threading.Thread):
    """Changes one declaration repeatedly, retrying each change until acknowledged."""

    def __init__(self, address: str, n: int) -> None:
        super().__init__(daemon=True)
        self.n, self._address = n, address
        self.acknowledged: list[str] = []
        self.declared = ""
        self._end = threading.Event()

    def stop(self) -> None:
        self._end.set()
        self.join(30)
        assert not self.is_alive()

    def run(self) -> None:
        with ecrkeeper.Client(self._address, insecure=True) as client:
            for round_ in range(5000):
                if self._end.is_set():
                    return
                request_id = str(uuid.uuid4())
                prefix = f"quay-{round_ % 7}"
                rule = {**RULE, "ecrRepositoryPrefix": prefix}
                while True:
                    try:
                        client.apply_registry_settings(
                            part(self.n), {"pullThroughCacheRules": {"rules": [rule]}}, request_id=request_id
                        )
                    except (ecrkeeper.Unavailable, ecrkeeper.DeadlineExceeded):
                        time.sleep(0.1)
                        continue
                    break
                self.declared = prefix
                self.acknowledged.append(request_id)
                time.sleep(0.05)


class Watcher(threading.Thread):
    """Follows one watch of all registries throughout."""

    def __init__(self, client: ecrkeeper.Client) -> None:
        super().__init__(daemon=True)
        self._watch = client.watch_registries("accounts/-")
        self.latest: dict[str, Registry] = {}
        self.error: ecrkeeper.RegistryError | None = None

    def run(self) -> None:
        try:
            for step in self._watch:
                self.latest[step.registry.name] = step.registry
        except ecrkeeper.RegistryError as error:
            self.error = error

    def shows(self, now: Registry) -> bool:
        """Return whether the watch has shown AWS in sync with the current spec."""
        assert self.error is None, self.error
        observed = self.latest.get(now.name)
        return observed is not None and observed.generation == now.generation and is_synced(observed)

    def stop(self) -> None:
        self._watch.close()
        self.join(10)
        assert not self.is_alive()


def revisions_of(url: str, n: int) -> list[str]:
    """Return the request ids of all stored writes, once for each revision."""
    with psycopg.connect(url) as conn:
        rows = conn.execute("SELECT request_id FROM revisions WHERE account = %s", [account(n)])
        return [row[0] for row in rows]


def assert_each_write_stored_once(url: str, writers: list[Writer]) -> None:
    """Check that no acknowledged write is lost or duplicated."""
    for writer in writers:
        revisions = revisions_of(url, writer.n)
        assert Counter(revisions).most_common(1)[0][1] == 1, "a write was applied twice"
        assert set(writer.acknowledged) <= set(revisions)


def listeners(url: str) -> int:
    with psycopg.connect(url) as conn:
        row = conn.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ecrkeeper-listen'"
        ).fetchone()
    return int(row[0]) if row else 0
