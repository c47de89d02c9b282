"""The tables of the fleet: accounts, registry sets, rollouts and their targets.

A rollout is a queue entry as well: a step on it is due at `due_at`. A step is one transaction that locks the row, so
it needs no lease: a process that is killed leaves nothing behind.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Table, Text, false

from ecrkeeper_server.store.json_columns import JsonText
from ecrkeeper_server.store.tables import metadata


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _number(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


fleet_accounts = Table(
    "fleet_accounts",
    metadata,
    Column("account", Text, primary_key=True),
    _text("uid"),
    _text("display_name"),
    Column("labels", JsonText, nullable=False),
    _text("organizational_unit"),
    _text("state"),
    # The enabled Regions that somebody declared.
    Column("regions", JsonText, nullable=False),
    _text("source"),
    # The enabled Regions as AWS says; NULL: AWS was not asked.
    Column("aws_regions", JsonText),
    _number("generation"),
    _number("create_time"),
    _number("update_time"),
    # The ARN as which AWS was last called in the account, or why it could not be called.
    Column("caller_identity", Text, nullable=False, server_default=""),
    Column("unreachable", Text, nullable=False, server_default=""),
    Column("unreachable_message", Text, nullable=False, server_default=""),
    # The time since which the account is reachable or not; NULL: never checked.
    Column("reachable_since", BigInteger),
    # The time of the next check.
    Column("check_at", BigInteger, nullable=False, server_default="0"),
    Index("fleet_accounts_check", "check_at", "account"),
)

registry_sets = Table(
    "registry_sets",
    metadata,
    Column("id", Text, primary_key=True),
    _text("uid"),
    Column("spec", JsonText, nullable=False),
    # The principal who wrote the set last, with its groups: the policy decides by it what the set may reach.
    Column("authority", JsonText, nullable=False),
    _number("generation"),
    # The revision that new targets get; 0: no rollout has succeeded yet.
    _number("current_revision"),
    # Releases that the guard of removals holds back.
    _number("held_removals"),
    _number("create_time"),
    _number("update_time"),
    # When the targets are compared with the selector again.
    Column("due_at", BigInteger),
    Column("deleting", Boolean, nullable=False),
    Index("registry_sets_due", "due_at"),
)

registry_set_revisions = Table(
    "registry_set_revisions",
    metadata,
    Column("set_id", Text, primary_key=True),
    Column("revision", BigInteger, primary_key=True, autoincrement=False),
    # NULL: the set was deleted.
    Column("spec", JsonText),
    _number("create_time"),
    _text("principal"),
    _text("request_id"),
    _text("reason"),
    _text("method"),
)

rollouts = Table(
    "rollouts",
    metadata,
    Column("set_id", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    _text("state"),
    _text("cause"),
    _text("principal"),
    _text("reason"),
    Column("authority", JsonText, nullable=False),
    # The set as it was when the rollout began.
    Column("spec", JsonText, nullable=False),
    # How many targets of each wave are in each state.
    Column("counts", JsonText, nullable=False),
    # The account whose targets were determined last; later, how far the targets under way were read.
    _text("cursor"),
    _text("message"),
    _number("revision"),
    _number("wave"),
    # The last wave whose gate is open; -1: none.
    _number("approved"),
    # While the targets are determined: how many are in no selecting wave.
    _number("pool"),
    _number("create_time"),
    _number("update_time"),
    Column("end_time", BigInteger),
    Column("due_at", BigInteger),
    Column("retried", Boolean, nullable=False),
    # How many removals the caller confirmed.
    Column("allow_removals", BigInteger, nullable=False, server_default="0"),
    Index("rollouts_due", "due_at"),
)

rollout_accounts = Table(
    "rollout_accounts",
    metadata,
    # The accounts of the targets as they were when the targets were determined.
    Column("set_id", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("account", Text, primary_key=True),
    _text("display_name"),
    Column("labels", JsonText, nullable=False),
    _text("organizational_unit"),
)

fleet_syncs = Table(
    "fleet_syncs",
    metadata,
    # Of what the accounts are synchronized with.
    Column("source", Text, primary_key=True),
    # When a replica may begin again; the end of the lease, if nobody has requested it during a synchronization.
    _number("due_at"),
    # Until when a replica has it; NULL: no replica.
    Column("lease_until", BigInteger),
)

rollout_targets = Table(
    "rollout_targets",
    metadata,
    Column("set_id", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("account", Text, primary_key=True),
    Column("region", Text, primary_key=True),
    # -1 while the targets are determined: its place in the pool decides.
    _number("wave"),
    _number("position"),
    # Of a pending target, when it may begin; of others, when they came into their state.
    _number("since"),
    _number("update_time"),
    # The generations of declaration and registry that the rollout made; 0: none yet.
    _number("generation"),
    _number("registry_generation"),
    # The declaration's revision before; 0: there was none.
    _number("before_revision"),
    Column("before_set_revision", BigInteger),
    _text("state"),
    _text("action"),
    _text("reason"),
    _text("message"),
    Column("changed", Boolean, nullable=False),
    # Whether it goes back to its revision before.
    Column("undo", Boolean, nullable=False),
    # Whether it removes elements although no call asked for that.
    Column("removes", Boolean, nullable=False, server_default=false()),
    Index("rollout_targets_wave", "set_id", "number", "wave", "state", "position"),
    Index("rollout_targets_registry", "set_id", "account", "region", "number"),
)
