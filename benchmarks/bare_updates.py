"""The floor of an Update: gRPC for Python, protobuf, and the statements.

It reads the rows that an Update reads and writes those that it writes, by the driver alone and in groups as the server
does. It identifies, limits, checks, composes, traces and logs nothing. Run it as `python -m benchmarks.bare_updates
DATABASE`: the path of an SQLite file, or the URL of a Postgres database.
"""

from __future__ import annotations

import asyncio
import queue
import re
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import grpc
import grpc.aio
import orjson
import psycopg
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
_POSTGRES_READ = """
WITH given AS (SELECT value->>0 AS account, value->>1 AS region, value->>2 AS owner FROM json_array_elements(%s::json))
SELECT d.account, d.region, d.owner, d.settings, d.generation, r.spec, r.state FROM given
JOIN resources r ON r.name = 'accounts/' || given.account || '/registries/' || given.region
JOIN schedule s ON s.name = r.name
JOIN declarations d ON d.account = given.account AND d.region = given.region AND d.owner = given.owner
FOR UPDATE OF s, r
"""
_WRITES = (
    """
    UPDATE schedule SET requested = requested + 1, due_at = :now, urgent = true, failures = 0
    WHERE name = 'accounts/' || :account || '/registries/' || :region
    """,
    """
    UPDATE resources SET generation = generation + 1, update_time = :now
    WHERE name = 'accounts/' || :account || '/registries/' || :region
    """,
    """
    UPDATE declarations SET settings = :settings, generation = :generation, update_time = :now
    WHERE account = :account AND region = :region AND owner = :owner
    """,
    """
    INSERT INTO revisions (account, region, owner, revision, settings, deletion_policy, allow_replacement, create_time,
      principal, request_id, reason, method)
    VALUES (:account, :region, :owner, :generation, :settings, 'REMOVE', false, :now, '', '', '',
      'UpdateRegistrySettings')
    """,
    """
    INSERT INTO audit_events (txid, kind, create_time, principal, method, resource, account, region, owners,
      request_id, call_id, reconcile_id, generation, reason, changes, omitted, outcome, aws_error_code, aws_request_id)
    VALUES (<txid>, 'CALL', :now, '', 'UpdateRegistrySettings', :owner,
      :account, :region, '[]', '', '', '', :generation, '', :settings, 0, 'SUCCEEDED', '', '')
    """,
)
_SQLITE_WRITES = [each.replace("<txid>", "(SELECT coalesce(max(txid), 0) + 1 FROM audit_events)") for each in _WRITES]
_POSTGRES_WRITES = [
    re.sub(r"(?<!:):(\w+)", r"%(\1)s", each.replace("<txid>", "pg_current_xact_id()::text::bigint")) for each in _WRITES
]

Job = tuple[list[str], str, asyncio.Future[int], asyncio.AbstractEventLoop]


def write_sqlite(path: str, jobs: queue.SimpleQueue[Job]) -> None:
    """Commit what is queued, a group at a time."""
    conn = sqlite3.connect(path, isolation_level=None)
    conn.execute("PRAGMA synchronous = FULL")
    while True:
        group = _group(jobs)
        conn.execute("BEGIN IMMEDIATE")
        rows = _changed(group, conn.execute(_READ, (_names(group),)).fetchall())
        for statement in _SQLITE_WRITES:
            conn.executemany(statement, rows)
        conn.execute("COMMIT")
        group[0][3].call_soon_threadsafe(_deliver, group, rows)


def write_postgres(url: str, jobs: queue.SimpleQueue[Job]) -> None:
    """Commit what is queued, a group at a time.

    There is one wait for the read rows, and one for the written ones.
    """
    with psycopg.connect(url, autocommit=True) as conn, conn.pipeline() as pipeline:
        while True:
            group = _group(jobs)
            conn.execute("BEGIN")
            rows = _changed(group, conn.execute(_POSTGRES_READ, (_names(group),)).fetchall())
            with conn.cursor() as cursor:
                for statement in _POSTGRES_WRITES:
                    for row in rows:
                        cursor.execute(statement, row)
            conn.execute("SELECT pg_notify('ecrkeeper', %s)", ("\n".join(row["account"] for row in rows),))
            pipeline.sync()
            conn.execute("COMMIT")
            pipeline.sync()
            group[0][3].call_soon_threadsafe(_deliver, group, rows)


def _group(jobs: queue.SimpleQueue[Job]) -> list[Job]:
    group = [jobs.get()]
    while len(group) < _GROUP and not jobs.empty():
        group.append(jobs.get())
    return group


def _names(group: Sequence[Job]) -> str:
    return orjson.dumps([name for name, *_ in group]).decode()


def _changed(group: Sequence[Job], read: Sequence[tuple[Any, ...]]) -> list[dict[str, Any]]:
    stored = {row[:3]: row[3:5] for row in read}
    return [
        {
            "account": account, "region": region, "owner": owner,
            "now": time.time_ns() // 1000, "generation": generation + 1,
            "settings": orjson.dumps({**orjson.loads(settings), "scanning_configuration": text}).decode(),
        }
        for (account, region, owner), text, *_ in group
        for settings, generation in (stored[account, region, owner],)
    ]  # fmt: skip


def _deliver(group: Sequence[Job], rows: Sequence[dict[str, Any]]) -> None:
    for (_, _, future, _), row in zip(group, rows, strict=True):
        if not future.done():
            future.set_result(row["generation"])


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
        declaration, loop = request.registry_settings, asyncio.get_running_loop()
        future: asyncio.Future[int] = loop.create_future()
        scanning = declaration.settings.scanning_configuration.rules[0].repository_filters[0].filter
        self._jobs.put((declaration.name.split("/")[1::2], scanning, future, loop))
        number = await future
        return registry_pb2.RegistrySettings(name=declaration.name, etag=str(number), settings=declaration.settings)


async def _serve(database: str) -> None:
    jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
    write: Callable[[str, queue.SimpleQueue[Job]], None] = write_postgres if "://" in database else write_sqlite
    threading.Thread(target=write, args=(database, jobs), daemon=True).start()
    server = grpc.aio.server(options=[("grpc.max_concurrent_streams", 1000), ("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((Updates(jobs),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"listening on 127.0.0.1:{port}", flush=True)
    await asyncio.sleep(NEVER)


if __name__ == "__main__":
    uvloop.run(_serve(sys.argv[1]))
