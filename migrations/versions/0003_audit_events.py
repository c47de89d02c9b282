"""The audit trail.

Contract: the program of the release before this one must work on the schema
that this migration leaves behind; it writes no events.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TEXTS = ("principal", "method", "resource", "account", "region", "owners", "request_id", "call_id", "reconcile_id")
_INDEXES = {
    "audit_events_time": ["create_time", "id"],
    "audit_events_account": ["account", "create_time", "id"],
    "audit_events_stream": ["txid", "id"],
}


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "audit_events",
        sa.Column("id", number, primary_key=True, autoincrement=True),
        _number("txid"),
        _text("kind"),
        _number("create_time"),
        sa.Column("complete_time", sa.BigInteger),
        *map(_text, _TEXTS),
        _number("generation"),
        _text("reason"),
        _text("changes"),
        _number("omitted"),
        _text("outcome"),
        _text("aws_error_code"),
        _text("aws_request_id"),
        sqlite_autoincrement=True,
    )
    for name, columns in _INDEXES.items():
        op.create_index(name, "audit_events", columns)
