"""The fuzzed in-process server, with cached AWS reads and captured logs."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import os
import sqlite3
from collections.abc import AsyncIterator, MutableMapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog
from ecrkeeper_server.api.layers.limits import Limits
from ecrkeeper_server.api.layers.telemetry import Telemetry
from ecrkeeper_server.api.server import build, methods, set_serving
from ecrkeeper_server.api.services.broadcaster import Changes
from ecrkeeper_server.api.services.context import Dependencies
from ecrkeeper_server.aws.call import Call
from ecrkeeper_server.aws.client import AwsClient, AwsOptions
from ecrkeeper_server.aws_errors import AwsError, Temporary
from ecrkeeper_server.metrics.server import Metrics
from ecrkeeper_server.store import schema

_MAX_CALLS = 1500


class RememberingAws:
    """Sends each question to the simulated AWS once, within a limit."""

    def __init__(self, aws: AwsClient) -> None:
        self._aws = aws
        self._answers: dict[str, Any] = {}

    async def call(
        self, account: str, region: str, service: str, operation: str, params: dict[str, Any]
    ) -> dict[str, Any]:
        return await self.write(Call(account, region, service, operation, params))

    async def write(self, call: Call) -> dict[str, Any]:
        for check in (call.ready, call.fence):
            if check is not None:
                await check()
        unfenced = replace(call, fence=None, ready=None)
        key = repr((unfenced, unfenced.params))
        if key not in self._answers:
            if len(self._answers) >= _MAX_CALLS:
                raise Temporary("AWS is not asked any more", reason="AWS_UNAVAILABLE", operation=call.operation)
            try:
                self._answers[key] = await self._aws.write(unfenced)
            except AwsError as error:
                self._answers[key] = error
        answer = self._answers[key]
        if isinstance(answer, AwsError):
            raise answer
        return answer

    def regions(self, partition: str) -> list[str]:
        return self._aws.regions(partition)

    def partitions(self) -> list[str]:
        return self._aws.partitions()


class Complaints(logging.Handler):
    """Collects warnings of libraries and errors of the server's log."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(logging.Formatter().format(record))

    def __call__(self, _logger: Any, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if name in ("error", "critical", "exception"):
            self.texts.append(str(structlog.processors.format_exc_info(_logger, name, dict(event))))
        raise structlog.DropEvent

    def take(self) -> list[str]:
        texts, self.texts = self.texts, []
        return texts


class Contents:
    """Detects changes of the tables of a SQLite file."""

    def __init__(self, path: Path) -> None:
        self._conn = sqlite3.connect(path)
        tables = self._conn.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        ).fetchall()
        self._tables = sorted(name for (name,) in tables)
        self._version = self._read_version()
        self._digest = self._read_digest()

    def changed(self) -> bool:
        """Return whether they have changed since the last call."""
        version = self._read_version()
        if version == self._version:
            return False
        before, self._digest, self._version = self._digest, self._read_digest(), version
        return self._digest != before

    def close(self) -> None:
        self._conn.close()

    def _read_version(self) -> int:
        return int(self._conn.execute("PRAGMA data_version").fetchone()[0])

    def _read_digest(self) -> bytes:
        digest = hashlib.blake2b()
        for table in self._tables:
            # The audit trail keeps writes that were sent to AWS, rejected or not.
            these = " WHERE kind <> 'AWS_WRITE'" if table == "audit_events" else ""
            for row in self._conn.execute(f"SELECT * FROM {table}{these}"):
                digest.update(repr(row).encode(errors="surrogatepass"))
        return digest.digest()


class Target:
    """A running server, its contents and its errors."""

    def __init__(self, address: str, contents: Contents, complaints: Complaints) -> None:
        self.address = address
        self.contents = contents
        self.complaints = complaints


@contextlib.asynccontextmanager
async def running(path: Path, aws_url: str) -> AsyncIterator[Target]:
    """A server on a migrated SQLite file without an engine, so only calls change it."""
    url = f"sqlite:///{path}"
    complaints = Complaints()
    logging.getLogger().addHandler(complaints)
    structlog.configure(processors=[complaints], cache_logger_on_first_use=False)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.texts.append(repr(context)))
    db, changes = schema.open_database(url, pool_size=1), Changes()
    db.listen(changes.publish)
    os.environ.update(AWS_ACCESS_KEY_ID="999999999999", AWS_SECRET_ACCESS_KEY="secret")
    client = AwsClient(
        AwsOptions(
            endpoint_url=aws_url,
            role_template="arn:aws:iam::{account}:role/ecrkeeper",
            external_id=None,
            sts_region="us-east-1",
            timeout=5.0,
        )
    )
    aws: Any = RememberingAws(client)
    edge = Dependencies(db=db, aws=aws, changes=changes, wake=lambda: None, home_region="us-east-1")
    limits = Limits(rate_per_principal=0.0, calls_per_principal=800)
    built = build(edge, Telemetry(Metrics(methods()).rpc), with_reflection=True, limits=limits)
    server = built.server
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    await set_serving(built.health)
    contents = Contents(path)
    try:
        yield Target(f"127.0.0.1:{port}", contents, complaints)
    finally:
        contents.close()
        await server.stop(0)
        await client.close()
        await db.close()
        logging.getLogger().removeHandler(complaints)
        structlog.reset_defaults()
