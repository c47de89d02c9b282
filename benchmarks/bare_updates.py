"""The floor of an Update on SQLite: gRPC for Python, protobuf, and the statements.

It reads the rows that an Update reads and writes those that it writes, by the driver alone and in groups as the server
does. It identifies, limits, checks, composes, traces and logs nothing. Run it as `python -m benchmarks.bare_updates F`.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

import grpc
import grpc.aio
import orjson
import uvloop
from ecrkeeper.v1 import registry_pb2
from ecrkeeper.v1 import registry_settings_service_pb2 as pb

from benchmarks.measure import NEVER

_GROUP = 64
_READ = """
WITH given AS (
  SELECT json_extract(value, '$[0]') AS account, json_extract(value, '$[1]') AS region,
    json_extract(value, '$[2]') AS owner FROM json_each(?)
)
SELECT d.account, d.region, d.owner, d.settings, d.generation, r.spec, r.state FROM given
JOIN resources r ON r.name = 'accounts/' || given.account || '/registries/' || given.region
JOIN declarations d ON d.account = given.account AND d.region = given.region AND d.owner = given.owner
"""
_WRITES = (
    """
    UPDATE resources SET generation = generation + 1, requested = requested + 1, update_time = :now, due_at = :now,
      urgent = 1, failures = 0 WHERE name = 'accounts/' || :account || '/registries/' || :region
    """,
    """
    UPDATE declarations SET settings = :settings, generation = :generation, update_time = :now
    WHERE account = :account AND region = :region AND owner = :owner
    """,
    """
    INSERT INTO revisions (account, region, owner, revision, settings, deletion_policy, allow_replacement, create_time,
      principal, request_id, reason, method)
    VALUES (:account, :region, :owner, :generation, :settings, 'REMOVE', 0, :now, '', '', '', 'UpdateRegistrySettings')
    """,
    """
    INSERT INTO audit_events (txid, kind, create_time, principal, method, resource, account, region, owners,
      request_id, call_id, reconcile_id, generation, reason, changes, omitted, outcome, aws_error_code, aws_request_id)
    VALUES ((SELECT coalesce(max(txid), 0) + 1 FROM audit_events), 'CALL', :now, '', 'UpdateRegistrySettings', :owner,
      :account, :region, '[]', '', '', '', :generation, '', :settings, 0, 'SUCCEEDED', '', '')
    """,
)

Job = tuple[list[str], str, asyncio.Future[int], asyncio.AbstractEventLoop]


def write(path: str, jobs: queue.SimpleQueue[Job]) -> None:
    """Commit the queued calls, a group at a time."""
    conn = sqlite3.connect(path, isolation_level=None)
    conn.execute("PRAGMA synchronous = FULL")
    while True:
        group = [jobs.get()]
        while len(group) < _GROUP and not jobs.empty():
            group.append(jobs.get())
        conn.execute("BEGIN IMMEDIATE")
        numbers = _store(conn, group)
        conn.execute("COMMIT")
        group[0][3].call_soon_threadsafe(_deliver, group, numbers)


def _store(conn: sqlite3.Connection, group: Sequence[Job]) -> list[int]:
    names = orjson.dumps([name for name, *_ in group]).decode()
    found = {row[:3]: row[3:5] for row in conn.execute(_READ, (names,))}
    rows = [
        {
            "account": account, "region": region, "owner": owner,
            "now": time.time_ns() // 1000, "generation": generation + 1,
            "settings": orjson.dumps({**orjson.loads(settings), "scanning_configuration": text}).decode(),
        }
        for (account, region, owner), text, *_ in group
        for settings, generation in (found[account, region, owner],)
    ]  # fmt: skip
    for statement in _WRITES:
        conn.executemany(statement, rows)
    return [row["generation"] for row in rows]


def _deliver(group: Sequence[Job], numbers: Sequence[int]) -> None:
    for (_, _, future, _), number in zip(group, numbers, strict=True):
        if not future.done():
            future.set_result(number)


class Updates(grpc.GenericRpcHandler):
    """Answers every call as an Update."""

    def __init__(self, jobs: queue.SimpleQueue[Job]) -> None:
        self._jobs = jobs
        self._handler: Any = grpc.unary_unary_rpc_method_handler(
            self._update, pb.UpdateRegistrySettingsRequest.FromString, registry_pb2.RegistrySettings.SerializeToString
        )

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """The one handler."""
        return self._handler

    async def _update(self, request: Any, _context: Any) -> registry_pb2.RegistrySettings:
        given, loop = request.registry_settings, asyncio.get_running_loop()
        future: asyncio.Future[int] = loop.create_future()
        scanning = given.settings.scanning_configuration.rules[0].repository_filters[0].filter
        self._jobs.put((given.name.split("/")[1::2], scanning, future, loop))
        number = await future
        return registry_pb2.RegistrySettings(name=given.name, etag=str(number), settings=given.settings)


async def _serve(path: str) -> None:
    jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
    threading.Thread(target=write, args=(path, jobs), daemon=True).start()
    server = grpc.aio.server(options=[("grpc.max_concurrent_streams", 1000), ("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((Updates(jobs),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"listening on 127.0.0.1:{port}", flush=True)
    await asyncio.sleep(NEVER)


if __name__ == "__main__":
    uvloop.run(_serve(sys.argv[1]))
