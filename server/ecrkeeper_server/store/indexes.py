"""The partial indexes, and with them the whole schema.

SQLAlchemy loads the dialects of both databases for them. Queries do not need
them, so only code that creates or compares schemas imports this module.
"""

from __future__ import annotations

from sqlalchemy import Index, text

from ecrkeeper_server.store import event_tables, fleet_tables
from ecrkeeper_server.store.stored_mode import STORED_MODE, UNUSUAL
from ecrkeeper_server.store.tables import audit_events, declarations, metadata, operations, resources, schedule

__all__ = ["event_tables", "fleet_tables", "metadata"]

_ACTIVE = "state NOT IN ('QUEUED', 'SUCCEEDED', 'CANCELLED', 'ROLLED_BACK', 'SUPERSEDED')"

Index("schedule_urgent", schedule.c.due_at, postgresql_where=text("urgent"), sqlite_where=text("urgent = 1"))
Index(
    "resources_unready",
    resources.c.kind,
    resources.c.unready,
    postgresql_where=text("unready IS NOT NULL"),
    sqlite_where=text("unready IS NOT NULL"),
)
Index(
    "resources_reason",
    resources.c.kind,
    resources.c.reason,
    resources.c.name,
    postgresql_where=text("reason IS NOT NULL"),
    sqlite_where=text("reason IS NOT NULL"),
)
Index(
    "resources_drifted",
    resources.c.kind,
    resources.c.name,
    postgresql_where=text("drifted"),
    sqlite_where=text("drifted = 1"),
)
Index(
    "resources_replication",
    resources.c.kind,
    resources.c.replication,
    resources.c.name,
    postgresql_where=text("replication IS NOT NULL"),
    sqlite_where=text("replication IS NOT NULL"),
)
Index(
    "resources_silent",
    resources.c.kind,
    resources.c.name,
    postgresql_where=text("silent"),
    sqlite_where=text("silent = 1"),
)
Index(
    "resources_mode",
    resources.c.kind,
    STORED_MODE,
    resources.c.name,
    postgresql_where=UNUSUAL,
    sqlite_where=UNUSUAL,
)
Index(
    "operations_pending",
    operations.c.method,
    operations.c.create_time,
    postgresql_where=text("NOT done"),
    sqlite_where=text("done = 0"),
)
Index(
    "declarations_apply_group",
    declarations.c.apply_group,
    declarations.c.account,
    declarations.c.region,
    declarations.c.owner,
    postgresql_where=text("apply_group IS NOT NULL"),
    sqlite_where=text("apply_group IS NOT NULL"),
)
Index(
    "audit_events_aws_request",
    audit_events.c.aws_request_id,
    postgresql_where=text("aws_request_id <> ''"),
    sqlite_where=text("aws_request_id <> ''"),
)
# Transactions that each see no rollout under way may begin one at the same time: the second one is repeated.
Index(
    "rollouts_active",
    fleet_tables.rollouts.c.set_id,
    unique=True,
    postgresql_where=text(_ACTIVE),
    sqlite_where=text(_ACTIVE),
)
