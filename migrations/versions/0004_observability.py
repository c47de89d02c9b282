"""Columns and indexes that metrics and traces read.

Contract: the program of the release before this one must work on the schema
that this migration leaves behind. It leaves both columns as they are: what they
say is then old until a newer program takes the next step on the row.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _index(name: str, table: str, columns: list[str], *, postgres: str, sqlite: str) -> None:
    op.create_index(name, table, columns, postgresql_where=sa.text(postgres), sqlite_where=sa.text(sqlite))


def upgrade() -> None:
    op.add_column("resources", sa.Column("unready", sa.Text))
    op.add_column("resources", sa.Column("trace", sa.Text))
    not_ready = "unready IS NOT NULL"
    _index("resources_unready", "resources", ["kind", "unready"], postgres=not_ready, sqlite=not_ready)
    _index("operations_pending", "operations", ["method", "create_time"], postgres="NOT done", sqlite="done = 0")
