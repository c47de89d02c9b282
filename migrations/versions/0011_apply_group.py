"""The group that a declaration is applied with.

Contract: the program of the release before this one must work on the schema that this migration leaves behind. It
knows no groups: a declaration that it changes keeps its group, and one that it creates has none.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("declarations", sa.Column("apply_group", sa.Text))
    op.create_index(
        "declarations_apply_group",
        "declarations",
        ["apply_group", "account", "region", "owner"],
        postgresql_where=sa.text("apply_group IS NOT NULL"),
        sqlite_where=sa.text("apply_group IS NOT NULL"),
    )
