"""Mark the rows that somebody waits for.

Contract: the program of the release before this one must work on the schema
that this migration leaves behind. It inserts rows without the column, claims
by `due_at` alone and leaves marks in place; all of that is harmless.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("resources", sa.Column("urgent", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_index(
        "resources_urgent",
        "resources",
        ["due_at"],
        postgresql_where=sa.text("urgent"),
        sqlite_where=sa.text("urgent = 1"),
    )
