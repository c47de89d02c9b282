"""A transaction of Postgres.

psycopg sends each row of a statement by itself, and waits for Python's lock each time: while other threads run, that
takes longer than the statement. Several rows are therefore one parameter.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Table

from ecrkeeper_server.store.database import Stamp, Tx, Values, no_stamp
from ecrkeeper_server.store.row_statements import as_json, change, insertion, json_change, json_insertion


class PostgresTx(Tx):
    """A transaction that sends the rows of a table together."""

    __slots__ = ()

    def insert_rows(self, table: Table, rows: Sequence[Values], stamp: Stamp = no_stamp) -> None:
        """Insert rows."""
        if len(rows) == 1:
            self.conn.execute(insertion(self.dialect, table, tuple(rows[0]), stamp), dict(rows[0]))
        elif rows:
            statement = json_insertion(self.dialect, table, tuple(rows[0]), stamp)
            self.conn.execute(statement, as_json(table, rows))

    def update_rows(self, table: Table, key: tuple[str, ...], rows: Sequence[Values]) -> None:
        """Update rows by their keys, which are among the values."""
        if len(rows) == 1:
            only = {f"_{name}": value for name, value in rows[0].items()}
            self.conn.execute(change(table, key, tuple(rows[0])), only)
        elif rows:
            self.conn.execute(json_change(self.dialect, table, key, tuple(rows[0])), as_json(table, rows))
