"""Pages of the revisions of a declaration."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement

from ecrkeeper_server.names import SettingsName
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.large_rows import Sized, reading_rows, reading_sizes, sizes
from ecrkeeper_server.store.rows import Revision
from ecrkeeper_server.store.tables import revisions
from ecrkeeper_server.store.work import key_of
from ecrkeeper_server.turns import Steps


def _of(name: SettingsName) -> list[ColumnElement[bool]]:
    return [revisions.c[column] == value for column, value in key_of(name).items()]


def reading_page(tx: Tx, name: SettingsName, below: int | None, limit: int) -> Steps[list[Sized]]:
    """Return the numbers and sizes of revisions below `below`, newest first."""
    query = sizes(revisions.c.revision, revisions.c.settings).where(*_of(name))
    if below is not None:
        query = query.where(revisions.c.revision < below)
    return reading_sizes(tx, query.order_by(revisions.c.revision.desc()).limit(limit))


def reading(tx: Tx, name: SettingsName, numbers: Collection[int]) -> Steps[Steps[list[Revision]]]:
    """Read the revisions of these numbers, and return the steps that parse them.

    Those that exist come newest first.
    """
    these = (*_of(name), revisions.c.revision.in_(numbers))
    return reading_rows(
        tx, revisions, lambda query: query.where(*these).order_by(revisions.c.revision.desc()), Revision
    )
