"""The only place for SQL that differs between databases.

A database opens with one `Dialect`, which every transaction carries. Queries ask
it for expressions, never for its name. Statements are cached by their dialect, so
two dialects with the same clock are equal.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Executable, SelectBase, Table
from sqlalchemy.types import TypeEngine

from ecrkeeper_server.store.clock import Now


@dataclass(frozen=True)
class Dialect(abc.ABC):
    """The SQL of one database; `now` is its clock, in microseconds."""

    now: Now

    @property
    @abc.abstractmethod
    def concurrent_writers(self) -> bool:
        """Whether concurrent writes may commit in another order than they began."""

    @property
    @abc.abstractmethod
    def sorts_code_points(self) -> bool:
        """Whether texts are in the order of their code points, as in Python."""

    @abc.abstractmethod
    def statistics(self, table: Table) -> Executable | None:
        """Return the statement that brings the planner's statistics of a table up to date.

        None if plans do not depend on them.
        """

    @abc.abstractmethod
    def insert_or_ignore(self, table: Table) -> Any:
        """Return an INSERT that skips existing keys."""

    @abc.abstractmethod
    def json_table(self, columns: Mapping[str, TypeEngine[Any]]) -> Any:
        """Return a table whose rows the statement gets when it runs, by `json_rows`."""

    @abc.abstractmethod
    def json_integer(self, parameter: str, key: ColumnElement[str]) -> ColumnElement[int]:
        """Return the integer under a key of a JSON object parameter, or NULL."""

    @abc.abstractmethod
    def json_member(self, column: ColumnElement[Any], name: str) -> ColumnElement[str]:
        """Return a member of a column's JSON object as JSON text.

        The member is an object or a list; NULL if it is missing.
        """

    @abc.abstractmethod
    def json_part(self, column: ColumnElement[Any], name: str) -> ColumnElement[str]:
        """Return JSON text of an object with a member of a column's object.

        It may have others. The member is an object or a list, and may be missing. The text may hold any escapes.
        """

    @abc.abstractmethod
    def json_lists(self, columns: Sequence[ColumnElement[Any]]) -> ColumnElement[str]:
        """Return an aggregate: JSON text with a list of the columns of each row."""

    @abc.abstractmethod
    def one_of(self, column: ColumnElement[str], names: SelectBase) -> ColumnElement[bool]:
        """Return a condition that looks up a few names by the column's index."""

    @abc.abstractmethod
    def transaction_id(self, ids: ColumnElement[int]) -> ColumnElement[int]:
        """Return the id of this transaction; the column `ids` has those of the others."""

    @abc.abstractmethod
    def first_unfinished(self, ids: ColumnElement[int]) -> ColumnElement[int]:
        """Return the id below which no transaction is running."""

    @abc.abstractmethod
    def first_unassigned(self, ids: ColumnElement[int]) -> ColumnElement[int]:
        """Return an id above all transactions that are visible to this one."""
