"""Events of AWS, causes of drift, and the installation's id.

Contract: the program of the release before this one must work on the schema
that this migration leaves behind. It neither reads nor writes what is added
here; a row that it finishes forgets an event that came meanwhile, until the
next resync.
"""

from __future__ import annotations

import time
import uuid

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    installations = op.create_table(
        "installations",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("uuid", sa.Text, nullable=False),
        sa.Column("create_time", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(installations, [{"id": 1, "uuid": str(uuid.uuid4()), "create_time": time.time_ns() // 1000}])
    op.add_column("resources", sa.Column("event_due_at", sa.BigInteger))
    op.add_column("resources", sa.Column("events", sa.Text))
    op.add_column("audit_events", sa.Column("cause", sa.Text))
    op.create_index(
        "audit_events_aws_request",
        "audit_events",
        ["aws_request_id"],
        postgresql_where=sa.text("aws_request_id <> ''"),
        sqlite_where=sa.text("aws_request_id <> ''"),
    )
    op.create_table(
        "cloud_events",
        sa.Column("event_id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("setting", sa.Text, nullable=False),
        sa.Column("hint", sa.Text, nullable=False),
        sa.Column("event_time", sa.BigInteger, nullable=False),
        sa.Column("receive_time", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
    )
    op.create_index("cloud_events_name", "cloud_events", ["name", "setting", "event_time"])
    op.create_index("cloud_events_receive_time", "cloud_events", ["receive_time"])
    op.create_table(
        "attributions",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("setting", sa.Text, primary_key=True),
        sa.Column("elements", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("found_at", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("reconcile_id", sa.Text, nullable=False),
        sa.Column("lookups", sa.Integer, nullable=False),
        sa.Column("looked_at", sa.BigInteger),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("lease_until", sa.BigInteger),
    )
    op.create_index("attributions_due", "attributions", ["due_at"])
    op.create_table(
        "event_health",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("region", sa.Text, primary_key=True),
        sa.Column("event_at", sa.BigInteger, nullable=False),
    )
