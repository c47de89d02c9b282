"""Leases of synchronizations, confirmed removals, and pinned accounts.

Accounts know by which principal they are reached. Registries show replication that does not work, and silent events,
for counting.

Contract: the program of the release before this one must work on the schema that this migration leaves behind. It
neither reads nor writes what is added here; the counts are of the attempts of newer programs.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def _number(name: str, *, default: str | None = None) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=default is None, server_default=default)


def _partial(name: str, columns: list[str], condition: str, sqlite: str = "") -> None:
    op.create_index(
        name,
        "resources",
        columns,
        postgresql_where=sa.text(condition),
        sqlite_where=sa.text(sqlite or condition),
    )


def upgrade() -> None:
    op.add_column("fleet_syncs", _number("lease_until"))
    op.add_column("rollouts", _number("allow_removals", default="0"))
    for name in ("caller_identity", "unreachable", "unreachable_message"):
        op.add_column("fleet_accounts", sa.Column(name, sa.Text, nullable=False, server_default=""))
    op.add_column("fleet_accounts", _number("reachable_since"))
    op.add_column("fleet_accounts", _number("check_at", default="0"))
    op.create_index("fleet_accounts_check", "fleet_accounts", ["check_at", "account"])
    op.create_table(
        "rollout_accounts",
        sa.Column("set_id", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("account", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("display_name", "labels", "organizational_unit")),
    )
    op.add_column("rollout_targets", sa.Column("removes", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("resources", sa.Column("replication", sa.Text))
    op.add_column("resources", sa.Column("silent", sa.Boolean, nullable=False, server_default=sa.false()))
    _partial("resources_replication", ["kind", "replication", "name"], "replication IS NOT NULL")
    _partial("resources_silent", ["kind", "name"], "silent", "silent = 1")
