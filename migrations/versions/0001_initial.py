"""The first schema.

Contract: the program of the release before this one must work on the schema
that this migration leaves behind.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _text(name: str, **options: bool) -> sa.Column[str]:
    return sa.Column(name, sa.Text, **{"nullable": False, **options})


def _number(name: str, **options: bool) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, **{"nullable": False, **options})


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False)


def upgrade() -> None:
    op.create_table(
        "resources",
        _text("name", primary_key=True),
        _text("kind"),
        _text("account"),
        _text("place"),
        _text("uid"),
        _text("spec"),
        _text("state"),
        _number("generation"),
        _number("observed_generation"),
        _number("requested"),
        _number("create_time"),
        _number("update_time"),
        _number("observe_time", nullable=True),
        _number("due_at", nullable=True),
        _text("lease_token", nullable=True),
        _number("lease_until", nullable=True),
        _number("failures"),
    )
    op.create_index("resources_due", "resources", ["due_at"])
    op.create_index("resources_kind_name", "resources", ["kind", "name"])
    op.create_index("resources_account", "resources", ["account", "kind"])
    owner = ("account", "region", "owner")
    op.create_table(
        "declarations",
        *(_text(name, primary_key=True) for name in owner),
        _text("uid"),
        _text("settings"),
        _text("deletion_policy"),
        _flag("allow_replacement"),
        _number("generation"),
        _number("observed_generation"),
        _number("registry_generation"),
        _number("create_time"),
        _number("update_time"),
    )
    op.create_table(
        "revisions",
        *(_text(name, primary_key=True) for name in owner),
        _number("revision", primary_key=True, autoincrement=False),
        _text("settings", nullable=True),
        _text("deletion_policy"),
        _flag("allow_replacement"),
        _number("create_time"),
        *(_text(name) for name in ("principal", "request_id", "reason", "method")),
    )
    op.create_table(
        "operations",
        _text("id", primary_key=True),
        _text("method"),
        _text("target"),
        _number("requested"),
        _number("generation"),
        _text("metadata"),
        _flag("done"),
        _text("error", nullable=True),
        _text("response", nullable=True),
        _number("create_time"),
        _number("done_time", nullable=True),
    )
    op.create_index("operations_target", "operations", ["target", "done"])
    op.create_index("operations_done_time", "operations", ["done_time"])
    op.create_table(
        "requests",
        _text("request_id", primary_key=True),
        _text("method"),
        _text("fingerprint"),
        _text("result"),
        _number("create_time"),
    )
    op.create_index("requests_create_time", "requests", ["create_time"])
