"""Accounts of the fleet, registry sets and rollouts.

A declaration records which registry set made it.

Contract: the program of the release before this one must work on the schema that this migration leaves behind. It
knows nothing of registry sets, so it lets calls change the declarations that a set made.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def _text(name: str, *, null: bool = False, default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=null, server_default=default)


def _number(name: str, *, null: bool = False, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=null, primary_key=key, autoincrement=False)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False)


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=True)


def upgrade() -> None:
    op.add_column("declarations", sa.Column("managed_by", sa.Text))
    op.add_column("declarations", sa.Column("set_revision", sa.BigInteger))
    op.create_index("resources_fleet", "resources", ["place", "account", "kind"])
    op.create_table(
        "fleet_accounts",
        _key("account"),
        *map(_text, ("uid", "display_name", "labels", "organizational_unit", "state", "regions", "source")),
        _text("aws_regions", null=True),
        *map(_number, ("generation", "create_time", "update_time")),
    )
    op.create_table(
        "registry_sets",
        _key("id"),
        *map(_text, ("uid", "spec", "authority")),
        *map(_number, ("generation", "current_revision", "held_removals", "create_time", "update_time")),
        _number("due_at", null=True),
        _flag("deleting"),
    )
    op.create_index("registry_sets_due", "registry_sets", ["due_at"])
    op.create_table(
        "registry_set_revisions",
        _key("set_id"),
        _number("revision", key=True),
        _text("spec", null=True),
        _number("create_time"),
        *map(_text, ("principal", "request_id", "reason", "method")),
    )
    op.create_table(
        "rollouts",
        _key("set_id"),
        _number("number", key=True),
        *map(_text, ("state", "cause", "principal", "reason", "authority", "spec", "counts", "cursor", "message")),
        *map(_number, ("revision", "wave", "approved", "pool", "create_time", "update_time")),
        _number("end_time", null=True),
        _number("due_at", null=True),
        _flag("retried"),
    )
    op.create_index("rollouts_due", "rollouts", ["due_at"])
    active = sa.text("state NOT IN ('QUEUED', 'SUCCEEDED', 'CANCELLED', 'ROLLED_BACK', 'SUPERSEDED')")
    op.create_index(
        "rollouts_active", "rollouts", ["set_id"], unique=True, postgresql_where=active, sqlite_where=active
    )
    op.create_table("fleet_syncs", _key("source"), _number("due_at"))
    op.create_table(
        "rollout_targets",
        _key("set_id"),
        _number("number", key=True),
        _key("account"),
        _key("region"),
        *map(_number, ("wave", "position", "since", "update_time", "generation", "registry_generation")),
        _number("before_revision"),
        _number("before_set_revision", null=True),
        *map(_text, ("state", "action", "reason", "message")),
        _flag("changed"),
        _flag("undo"),
    )
    op.create_index("rollout_targets_wave", "rollout_targets", ["set_id", "number", "wave", "state", "position"])
    op.create_index("rollout_targets_registry", "rollout_targets", ["set_id", "account", "region", "number"])
