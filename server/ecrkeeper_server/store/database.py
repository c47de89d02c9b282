"""One way to run a transaction, on SQLite and on Postgres.

Every query is a plain function of a `Tx`. Reads see committed data. A write
runs in one transaction and is durable when it returns: SQLite in WAL mode with
`synchronous=FULL`, Postgres with `synchronous_commit` as configured there.
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection

from ecrkeeper_server.store.dialect import Dialect

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Load:
    """How busy the database's connections are; `retries` counts from the start of the process."""

    in_use: int
    size: int
    waiting: int
    retries: int = 0


@dataclass(frozen=True, slots=True)
class Tx:
    """An open transaction, with the SQL of its database."""

    conn: Connection
    dialect: Dialect
    changed: set[str]
    # The W3C traceparent of the call on whose behalf it runs; empty where nothing is traced.
    trace: str = ""

    def now(self) -> ColumnElement[int]:
        """Return the database's time in microseconds."""
        return self.dialect.now()

    def changes(self, name: str) -> None:
        """Note that a resource changed: whoever watches hears of it after the commit."""
        self.changed.add(name)


class Database(abc.ABC):
    """Runs functions of a transaction; any number at a time."""

    @abc.abstractmethod
    async def read(self, query: Callable[[Tx], T]) -> T:
        """Run a query that changes nothing."""

    @abc.abstractmethod
    async def write(self, change: Callable[[Tx], T]) -> T:
        """Run a change in one transaction; an exception undoes all of it."""

    def trace(self) -> str:
        """The W3C traceparent of the call that is being answered; empty where nothing is traced."""
        return ""

    @abc.abstractmethod
    def try_write(self, tx: Tx) -> None:
        """Change nothing, in a way that fails wherever a change would."""

    @abc.abstractmethod
    def load(self) -> Load:
        """How busy it is right now."""

    @abc.abstractmethod
    async def close(self) -> None:
        """Finish what is running and let go of the database."""

    @abc.abstractmethod
    def listen(self, heard: Callable[[set[str]], Any]) -> None:
        """Call `heard` with the names that changed, here or in other processes; a hint, never complete.

        No names at all mean that any may have changed: changes have gone unheard.
        """
