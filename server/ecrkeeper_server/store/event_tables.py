"""The tables of events of AWS, and of drift whose cause is still unknown."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from ecrkeeper_server.store.json_columns import JsonText
from ecrkeeper_server.store.tables import metadata

# Calls of others that AWS reported and that may have changed a resource, for a day.
cloud_events = Table(
    "cloud_events",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    # The setting, or the part of a role.
    Column("setting", Text, nullable=False),
    # The element that the request seems to name.
    Column("hint", Text, nullable=False),
    Column("event_time", BigInteger, nullable=False),
    Column("receive_time", BigInteger, nullable=False),
    Column("actor", JsonText, nullable=False),
    Index("cloud_events_name", "name", "setting", "event_time"),
    Index("cloud_events_receive_time", "receive_time"),
)

# Drift whose cause CloudTrail is still to be asked for.
attributions = Table(
    "attributions",
    metadata,
    Column("name", Text, primary_key=True),
    Column("setting", Text, primary_key=True),
    Column("elements", JsonText, nullable=False),
    # The last observation without the drift, the one that found it, and the end of the attempt.
    Column("since", BigInteger, nullable=False),
    Column("found_at", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("reconcile_id", Text, nullable=False),
    # How often CloudTrail was asked, and when last.
    Column("lookups", Integer, nullable=False),
    Column("looked_at", BigInteger),
    Column("due_at", BigInteger, nullable=False),
    Column("lease_until", BigInteger),
    Index("attributions_due", "due_at"),
)

# When events of a place last arrived.
event_health = Table(
    "event_health",
    metadata,
    Column("account", Text, primary_key=True),
    Column("region", Text, primary_key=True),
    Column("event_at", BigInteger, nullable=False),
)
