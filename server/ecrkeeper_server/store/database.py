"""The interface to run a transaction, on SQLite and on Postgres.

Every query is a plain function of a `Tx`. Reads see committed data. A write
runs in one transaction and is durable when it returns: SQLite in WAL mode with
`synchronous=FULL`, Postgres with `synchronous_commit` as configured there.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Select, Table

from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.turns import Steps, finish, work

T = TypeVar("T")

DUE = "due"
"""The name that listeners receive when a resource became due at once."""

Query = tuple[Select[Any], Mapping[str, Any]]
"""A cached query and the values of its parameters: text and numbers only."""

Rows = Iterable[Sequence[Any]]

Values = Mapping[str, Any]
"""The values of a row by column; all rows of a call have the same columns."""

Stamp = Callable[[Dialect], Mapping[str, ColumnElement[Any]]]
"""Returns expressions by column, which are the same for all rows."""

Ask = Callable[[Connection, Sequence[Query]], list[Rows]]
"""Returns the rows of independent queries of one transaction, in order."""


class Load(Struct, frozen=True):
    """The load of the database's connections; `retries` counts since the start."""

    in_use: int
    size: int
    waiting: int
    retries: int = 0


def no_stamp(_: Dialect) -> Mapping[str, ColumnElement[Any]]:
    """Return no expressions."""
    return {}


@dataclass(frozen=True, slots=True)
class Tx(abc.ABC):
    """An open transaction, with the SQL of its database."""

    conn: Connection
    dialect: Dialect
    changed: set[str]
    ask: Ask
    # The W3C traceparent of the call that it serves; empty without tracing.
    trace: str = ""

    def now(self) -> ColumnElement[int]:
        """Return the database's time in microseconds."""
        return self.dialect.now()

    def changes(self, name: str) -> None:
        """Record that a resource changed, to notify watchers after the commit."""
        self.changed.add(name)

    def makes_due(self) -> None:
        """Record that a resource became due at once, to wake the engines after the commit."""
        self.changed.add(DUE)

    @abc.abstractmethod
    def insert_rows(self, table: Table, rows: Sequence[Values], stamp: Stamp = no_stamp) -> None:
        """Insert rows."""

    @abc.abstractmethod
    def update_rows(self, table: Table, key: tuple[str, ...], rows: Sequence[Values]) -> None:
        """Update rows by their keys, which are among the values."""


class Database(abc.ABC):
    """Runs functions in transactions, any number concurrently."""

    @property
    def reads_inline(self) -> bool:
        """Whether reads run on the event loop, with no round trip."""
        return False

    @abc.abstractmethod
    async def read(self, query: Callable[[Tx], T]) -> T:
        """Run a read-only query."""

    async def count(self, query: Callable[[Tx], T]) -> T:
        """Run a read-only query that looks at many rows and returns few.

        On SQLite, it runs in a thread, and all rows that it reads are of one moment.
        """
        return await self.read(query)

    async def read_in_turns(self, query: Callable[[Tx], Steps[T]]) -> T:
        """Run a read-only query that pauses if it reads much, and perhaps runs it twice.

        On SQLite, all rows that it reads with `Tx.ask` are of one moment, however often it pauses.
        """
        return await self.read(lambda tx: finish(query(tx)))

    async def read_then_parse(self, query: Callable[[Tx], Steps[Steps[T]]]) -> T:
        """Run a query in turns, then the steps that it returns on the event loop.

        On Postgres, a query runs in a thread that takes the GIL from the loop. It therefore returns JSON as text, and
        the steps parse it.
        """
        return await work().run_short(await self.read_in_turns(query))

    @abc.abstractmethod
    async def write(self, change: Callable[[Tx], T]) -> T:
        """Run a change in one transaction; an exception rolls it back."""

    def trace(self) -> str:
        """The W3C traceparent of the current call; empty without tracing."""
        return ""

    @abc.abstractmethod
    def try_write(self, tx: Tx) -> None:
        """Change nothing, but fail wherever a change would fail."""

    @abc.abstractmethod
    def load(self) -> Load:
        """Return the current load."""

    @abc.abstractmethod
    async def close(self) -> None:
        """Finish running transactions and close the database."""

    @abc.abstractmethod
    def listen(self, on_notify: Callable[[set[str]], Any]) -> None:
        """Call `on_notify` with the names of changed resources, of any process.

        Notifications may be lost. No names at all mean that any resource may have
        changed.
        """
