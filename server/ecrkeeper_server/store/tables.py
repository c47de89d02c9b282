"""The tables.

Times are microseconds since 1970, UTC; structured values are JSON text.
`resources` holds the desired and the observed state of every registry and role.
`schedule` has a narrow row for each of them and is the work queue: a row is due at
`due_at`, and leased to the worker whose `lease_token` it carries until `lease_until`.
Partial indexes are in `indexes`.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, Table, Text, false, type_coerce

from ecrkeeper_server.store.json_columns import JsonText, StateText, TextBytes

metadata = MetaData()

resources = Table(
    "resources",
    metadata,
    Column("name", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("account", Text, nullable=False),
    # The Region of a registry, or the id of a role.
    Column("place", Text, nullable=False),
    Column("uid", Text, nullable=False),
    Column("spec", JsonText, nullable=False),
    Column("state", StateText, nullable=False),
    # Counts the changes of the spec.
    Column("generation", BigInteger, nullable=False),
    Column("observed_generation", BigInteger, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Column("update_time", BigInteger, nullable=False),
    # The reason why the last attempt left it not Ready, for counting; NULL if it is Ready.
    Column("unready", Text),
    # The reason of `Ready`; NULL if it is IN_SYNC, or before the first attempt.
    Column("reason", Text),
    # Whether the state has drift.
    Column("drifted", Boolean, nullable=False, server_default=false()),
    # The worst result of its replication checks: BROKEN or UNKNOWN; NULL if there is neither.
    Column("replication", Text),
    # Whether events of its account and Region have stopped.
    Column("silent", Boolean, nullable=False, server_default=false()),
    # Findings from events about the resource; `store.findings` has its shape.
    Column("events", JsonText),
    Index("resources_kind_name", "kind", "name"),
    Index("resources_account", "account", "kind"),
    Index("resources_place", "kind", "place", "name"),
    Index("resources_fleet", "place", "account", "kind"),
)

# The columns that every attempt changes, apart from the wide state: an attempt without changes writes some 200 bytes.
# No index contains a column of the lease, so that a claim is a HOT update on Postgres.
schedule = Table(
    "schedule",
    metadata,
    Column("name", Text, primary_key=True),
    Column("account", Text, nullable=False),
    # Counts the requests to reconcile: every change of the spec, and every explicit call.
    Column("requested", BigInteger, nullable=False),
    Column("due_at", BigInteger),
    # Somebody waits for it: the newest request has not been reconciled.
    Column("urgent", Boolean, nullable=False, server_default=false()),
    Column("lease_token", Text),
    Column("lease_until", BigInteger),
    Column("failures", BigInteger, nullable=False),
    # The number of consecutive attempts with the error in the state, and the time of the last one.
    Column("attempts", BigInteger, nullable=False, server_default="0"),
    Column("failed_at", BigInteger),
    # The time for which an event last made the row due; it stays when that time has passed.
    Column("event_due_at", BigInteger),
    Column("observe_time", BigInteger),
    # The W3C traceparent of the call that requested the next attempt.
    Column("trace", Text),
    Index("schedule_due", "due_at"),
)

# A whole resource and its columns. Transactions lock rows in the order of the join.
resource = schedule.join(resources, schedule.c.name == resources.c.name)
RESOURCE_COLUMNS = (*resources.c, *(column for column in schedule.c if column.name not in ("name", "account")))
RESOURCE_NAMES = tuple(column.name for column in RESOURCE_COLUMNS)
"""The members of a `Resource` in the order of its columns."""
STATE_BYTES = TextBytes(type_coerce(resources.c.state, Text)).label("state_bytes")

# The elements with drift, as an index of resources.
drifting = Table(
    "drifting",
    metadata,
    Column("name", Text, primary_key=True),
    Column("setting", Text, primary_key=True),
    Column("element", Text, primary_key=True),
    Index("drifting_setting", "setting", "name"),
    Index("drifting_element", "element", "name"),
)

declarations = Table(
    "declarations",
    metadata,
    Column("account", Text, primary_key=True),
    Column("region", Text, primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("uid", Text, nullable=False),
    Column("settings", JsonText, nullable=False),
    Column("deletion_policy", Text, nullable=False),
    Column("allow_replacement", Boolean, nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("observed_generation", BigInteger, nullable=False),
    # The generation of the registry that the newest change made.
    Column("registry_generation", BigInteger, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Column("update_time", BigInteger, nullable=False),
    # The registry set that made it, by name, and the revision of the set; NULL: somebody declared it by a call.
    Column("managed_by", Text),
    Column("set_revision", BigInteger),
    # The group that it is applied with; NULL: none.
    Column("apply_group", Text),
    Index("declarations_owner", "owner", "account", "region"),
)

revisions = Table(
    "revisions",
    metadata,
    Column("account", Text, primary_key=True),
    Column("region", Text, primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("revision", BigInteger, primary_key=True, autoincrement=False),
    # NULL if the declaration was deleted.
    Column("settings", JsonText),
    Column("deletion_policy", Text, nullable=False),
    Column("allow_replacement", Boolean, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Column("principal", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("method", Text, nullable=False),
)

operations = Table(
    "operations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("method", Text, nullable=False),
    # The name of the resource that the operation works on.
    Column("target", Text, nullable=False),
    # An attempt that began with at least this `requested` ends it.
    Column("requested", BigInteger, nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("metadata", JsonText, nullable=False),
    Column("done", Boolean, nullable=False),
    Column("error", JsonText),
    Column("response", JsonText),
    Column("create_time", BigInteger, nullable=False),
    Column("done_time", BigInteger),
    Index("operations_target", "target", "done"),
    Index("operations_done_time", "done_time"),
)

requests = Table(
    "requests",
    metadata,
    Column("request_id", Text, primary_key=True),
    Column("method", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    # The name of the resource or operation that the first call returned.
    Column("result", Text, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Index("requests_create_time", "create_time"),
)

audit_events = Table(
    "audit_events",
    metadata,
    # SQLite numbers rows itself only in an INTEGER column.
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    # The transaction that last wrote the row: with the id, its cursor in the stream of events.
    Column("txid", BigInteger, nullable=False),
    # `CALL` or `AWS_WRITE`.
    Column("kind", Text, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    # When the outcome of an AWS write was recorded.
    Column("complete_time", BigInteger),
    Column("principal", Text, nullable=False),
    Column("method", Text, nullable=False),
    # The name of the changed resource.
    Column("resource", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("region", Text, nullable=False),
    # The owner of the changed declaration.
    Column("owners", JsonText, nullable=False),
    Column("request_id", Text, nullable=False),
    # The ids under which the log has the call or the attempt.
    Column("call_id", Text, nullable=False),
    Column("reconcile_id", Text, nullable=False),
    # The generation of the registry or role that the call made, or that the attempt reconciled.
    Column("generation", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    # Long ones are parsed when they are rendered.
    Column("changes", StateText, nullable=False),
    # The number of changes that were too many to store.
    Column("omitted", BigInteger, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("aws_error_code", Text, nullable=False),
    Column("aws_request_id", Text, nullable=False),
    # The cause of the drift that an AWS write reverted.
    Column("cause", JsonText),
    Index("audit_events_time", "create_time", "id"),
    Index("audit_events_account", "account", "create_time", "id"),
    Index("audit_events_stream", "txid", "id"),
    sqlite_autoincrement=True,
)

page_token_keys = Table(
    "page_token_keys",
    metadata,
    # Always 1: all replicas share one key.
    Column("id", Integer, primary_key=True, autoincrement=False),
    # In hexadecimal.
    Column("key", Text, nullable=False),
    Column("create_time", BigInteger, nullable=False),
)

installations = Table(
    "installations",
    metadata,
    # Always 1: a database belongs to one installation.
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("uuid", Text, nullable=False),
    Column("create_time", BigInteger, nullable=False),
)
