"""Columns and indexes that filters read, and how often an error occurred.

Contract: the program of the release before this one must work on the schema
that this migration leaves behind. It writes none of the new columns: what they
say is then old until a newer program makes the next attempt on the row.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# Each statement for both databases: what the columns and the index say of rows that are stored already.
_FILL = {
    "sqlite": (
        """UPDATE resources SET
            reason = (SELECT nullif(json_extract(value, '$.reason'), 'IN_SYNC') FROM json_each(state, '$.conditions')
                WHERE json_extract(value, '$.type') = 'Ready'),
            drifted = coalesce(json_array_length(state, '$.drift'), 0) > 0,
            attempts = CASE WHEN json_type(state, '$.error') = 'object' THEN max(failures, 1) ELSE 0 END""",
        """INSERT INTO drifting SELECT DISTINCT name, json_extract(value, '$.setting'), json_extract(value, '$.key')
            FROM resources, json_each(state, '$.drift')""",
    ),
    "postgresql": (
        """UPDATE resources SET
            reason = (SELECT nullif(each->>'reason', 'IN_SYNC') FROM json_array_elements(state::json->'conditions') each
                WHERE each->>'type' = 'Ready'),
            drifted = coalesce(json_array_length(state::json->'drift'), 0) > 0,
            attempts = CASE WHEN json_typeof(state::json->'error') = 'object' THEN greatest(failures, 1) ELSE 0 END""",
        """INSERT INTO drifting SELECT DISTINCT name, each->>'setting', each->>'key'
            FROM resources, json_array_elements(state::json->'drift') each""",
    ),
}


def _index(name: str, columns: list[str], *, postgres: str, sqlite: str) -> None:
    op.create_index(name, "resources", columns, postgresql_where=sa.text(postgres), sqlite_where=sa.text(sqlite))


def upgrade() -> None:
    op.add_column("resources", sa.Column("reason", sa.Text))
    op.add_column("resources", sa.Column("drifted", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("resources", sa.Column("attempts", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("resources", sa.Column("failed_at", sa.BigInteger))
    op.create_table(
        "drifting",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("setting", sa.Text, primary_key=True),
        sa.Column("element", sa.Text, primary_key=True),
    )
    for statement in _FILL[op.get_bind().dialect.name]:
        op.execute(statement)
    op.create_index("drifting_setting", "drifting", ["setting", "name"])
    op.create_index("drifting_element", "drifting", ["element", "name"])
    op.create_index("resources_place", "resources", ["kind", "place", "name"])
    _index("resources_reason", ["kind", "reason", "name"], postgres="reason IS NOT NULL", sqlite="reason IS NOT NULL")
    _index("resources_drifted", ["kind", "name"], postgres="drifted", sqlite="drifted = 1")
    op.create_index("declarations_owner", "declarations", ["owner", "account", "region"])
