"""The one place for SQL that differs from database to database.

A database opens with one `Dialect`, which every transaction carries. Queries ask it for an expression and never for
its name. Statements are cached by their dialect, so two dialects with the same clock are equal.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, SelectBase, Table
from sqlalchemy.types import TypeEngine

from ecrkeeper_server.store.clock import Now


@dataclass(frozen=True)
class Dialect(abc.ABC):
    """One database's own SQL. `now` is its clock, in microseconds."""

    now: Now

    @property
    @abc.abstractmethod
    def concurrent_writers(self) -> bool:
        """Whether two transactions may write at the same time and commit in another order than they began."""

    @abc.abstractmethod
    def insert_or_ignore(self, table: Table) -> Any:
        """Return an INSERT that adds nothing where the key is taken."""

    @abc.abstractmethod
    def json_table(self, columns: Mapping[str, TypeEngine[Any]]) -> Any:
        """Return a table of these columns whose rows the statement gets when it runs, by `tables.json_rows`."""

    @abc.abstractmethod
    def json_integer(self, parameter: str, key: ColumnElement[str]) -> ColumnElement[int]:
        """Return the integer under a key of the JSON object that a parameter holds, or NULL."""

    @abc.abstractmethod
    def one_of(self, column: ColumnElement[str], names: SelectBase) -> ColumnElement[bool]:
        """Return the condition that looks up each of a few names by the index of the column."""

    @abc.abstractmethod
    def transaction_id(self, ids: ColumnElement[int]) -> ColumnElement[int]:
        """Return the id of this transaction; `ids` is the column that keeps those of the others."""

    @abc.abstractmethod
    def first_unfinished(self, ids: ColumnElement[int]) -> ColumnElement[int]:
        """Return the id below which no transaction still runs."""

    @abc.abstractmethod
    def first_unassigned(self, ids: ColumnElement[int]) -> ColumnElement[int]:
        """Return an id that no transaction that this one sees has reached."""
