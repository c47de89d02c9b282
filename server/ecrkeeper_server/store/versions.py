"""Versions of resources, which differ for each desired or observed state."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from sqlalchemy import BigInteger, ColumnElement, Text, case, func, literal_column, select, type_coerce

from ecrkeeper_server.names import WILDCARD
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.json_columns import HASHED_AT_ONCE, NARROW_CHARACTERS, reading_each
from ecrkeeper_server.store.resources import page_of
from ecrkeeper_server.store.rows import Resource
from ecrkeeper_server.store.tables import STATE_BYTES, resources
from ecrkeeper_server.turns import Steps


class Versioned(Struct, frozen=True):
    """A row with a number that differs for each desired or observed state.

    `digest` is the part of it that the database computes.
    """

    row: Resource
    version: int
    digest: int


def hashed(text: ColumnElement[Any], seed: ColumnElement[Any] | None = None) -> ColumnElement[int]:
    """Return the database's hash of a text and a seed."""
    return func.hashtextextended(text, literal_column("0", BigInteger) if seed is None else seed, type_=BigInteger)


_STATE, _SPEC = type_coerce(resources.c.state, Text), type_coerce(resources.c.spec, Text)
_EVENTS = func.coalesce(type_coerce(resources.c.events, Text), literal_column("''", Text))
_NO_EVENTS = (resources.c.events.is_(None), literal_column("0", BigInteger))
# The database hashes the texts, so that most rows are not transferred. It does not copy the state, which can be long.
DIGEST = hashed(_STATE, hashed(_SPEC + _EVENTS)).label("digest")
# The digest of what is shown of a registry with its declarations.
STATUS_DIGEST = hashed(_STATE, case(_NO_EVENTS, else_=hashed(_EVENTS))).label("digest")
COUNTS = (resources.c.generation, resources.c.observed_generation)


def reading(tx: Tx, kind: str, after: str, limit: int) -> Steps[list[tuple[str, int]]]:
    """Return the names and versions of a page of all resources of a kind, in steps."""
    query = page_of(select(resources.c.name, *COUNTS, DIGEST, STATE_BYTES), kind, WILDCARD, after, limit)
    (rows,) = tx.ask(tx.conn, [(query, {})])
    return reading_each(
        rows, lambda row: (row[0], version_of(*row[1:-1])), lambda row: row[-1] // HASHED_AT_ONCE, NARROW_CHARACTERS
    )


def version_of(generation: int, observed_generation: int, digest: int) -> int:
    """Return the version of a resource from its generations and its digest."""
    return hash((generation, observed_generation, digest))


def versioned_of(row: Resource, digest: int) -> Versioned:
    """Return a resource with its version."""
    return Versioned(row, version_of(row.generation, row.observed_generation, digest), digest)
