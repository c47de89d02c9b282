"""The columns that every attempt changes, in a narrow table of their own.

Contract: stop the servers of 0.1.0 before this migration, as before `0006` of the same release:
it moves columns that they read and write. Later migrations keep to the rule that the program of
the release before works on the schema.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_MOVED = (
    "requested", "due_at", "urgent", "lease_token", "lease_until", "failures", "attempts", "failed_at", "observe_time",
    "event_due_at", "trace",
)  # fmt: skip


def _text(name: str, **options: bool) -> sa.Column[str]:
    return sa.Column(name, sa.Text, **{"nullable": False, **options})


def _number(name: str, *, nullable: bool = False, default: str | None = None) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable, server_default=default)


def upgrade() -> None:
    op.create_table(
        "schedule",
        _text("name", primary_key=True),
        _text("account"),
        _number("requested"),
        _number("due_at", nullable=True),
        sa.Column("urgent", sa.Boolean, nullable=False, server_default=sa.false()),
        _text("lease_token", nullable=True),
        _number("lease_until", nullable=True),
        _number("failures"),
        _number("attempts", default="0"),
        _number("failed_at", nullable=True),
        _number("observe_time", nullable=True),
        _number("event_due_at", nullable=True),
        _text("trace", nullable=True),
        # Half of each page is for the next versions of its rows: a claim then writes no index.
        postgresql_with={"fillfactor": 50},
    )
    columns = ", ".join(("name", "account", *_MOVED))
    op.execute(f"INSERT INTO schedule ({columns}) SELECT {columns} FROM resources")  # noqa: S608 - constants
    op.create_index("schedule_due", "schedule", ["due_at"])
    op.create_index(
        "schedule_urgent",
        "schedule",
        ["due_at"],
        postgresql_where=sa.text("urgent"),
        sqlite_where=sa.text("urgent = 1"),
    )
    op.drop_index("resources_due", "resources")
    op.drop_index("resources_urgent", "resources")
    # SQLite writes the table again for each column that is dropped: here, once for all.
    with op.batch_alter_table("resources") as table:
        for column in _MOVED:
            table.drop_column(column)
