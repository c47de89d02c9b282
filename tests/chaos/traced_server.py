"""The server with traced attempts, for tests of kills.

`STOP_KIND` and `STOP_BASE`: the attempt on a resource of that kind in the account
`STOP_BASE + N` stops after exactly N statements (calls to AWS and
transactions), forever; the resource's name is then written to `STOP_FILE`. A kill
at that moment leaves what the database and AWS hold then.

`SPANS_FILE` gets a line for the start and the end of every attempt.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecrkeeper_server.aws.client import AwsClient
from ecrkeeper_server.cli.main import main
from ecrkeeper_server.engine.reconciler import Reconciler
from ecrkeeper_server.store.batch import Batch
from ecrkeeper_server.store.postgres import PostgresDatabase
from ecrkeeper_server.store.rows import Resource
from ecrkeeper_server.store.sqlite import SqliteDatabase
from ecrkeeper_server.store.sweep import Desired

KIND, BASE = os.environ.get("STOP_KIND", ""), int(os.environ.get("STOP_BASE", "0"))
SPANS = os.environ.get("SPANS_FILE")


@dataclass
class Counter:
    """The remaining statements of a resource, over all of its attempts."""

    name: str
    left: int
    running: int = 0
    stopped: bool = False

    async def stop(self, around: int) -> None:
        """Stand still once only the statements around this one are running."""
        while self.running > around:
            await asyncio.sleep(0.005)
        if not self.stopped:
            self.stopped = True
            with Path(os.environ["STOP_FILE"]).open("a") as file:
                file.write(self.name + "\n")
        await asyncio.Event().wait()


counters: dict[str, Counter] = {}
current: ContextVar[Counter | None] = ContextVar("current", default=None)
around: ContextVar[int] = ContextVar("around", default=0)


def count(owner: type, method: str) -> None:
    """Count calls of a method that attempts make."""
    original = getattr(owner, method)

    async def counted(self: Any, *args: Any, **options: Any) -> Any:
        counter = current.get()
        if counter is None:
            return await original(self, *args, **options)
        if counter.left == 0:
            await counter.stop(around.get())
        counter.left -= 1
        counter.running += 1
        outside = around.set(around.get() + 1)
        try:
            return await original(self, *args, **options)
        finally:
            around.reset(outside)
            counter.running -= 1

    setattr(owner, method, counted)


def say(**line: Any) -> None:
    """Write one complete line at once."""
    if SPANS:
        with Path(SPANS).open("a") as file:
            file.write(json.dumps({"at": time.monotonic(), "pid": os.getpid(), **line}) + "\n")


def watch_steps() -> None:
    """Give each attempt its counter, and record when it runs."""
    original = Reconciler.work

    async def work(self: Reconciler, row: Resource, desired: Desired | None) -> None:
        if row.kind == KIND:
            number = int(row.account) - BASE
            current.set(counters.setdefault(row.name, Counter(row.name, number)))
        say(row=row.name, what="begin")
        try:
            await original(self, row, desired)
        finally:
            say(row=row.name, what="end")

    Reconciler.work = work  # type: ignore[method-assign]


if __name__ == "__main__":
    for owner in (SqliteDatabase, PostgresDatabase):
        count(owner, "read")
        count(owner, "write")
    count(AwsClient, "call")
    count(Batch, "put")
    watch_steps()
    sys.exit(main(["serve"]))
