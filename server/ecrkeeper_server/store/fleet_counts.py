"""The problems in the fleet, counted by indexes, and examples of them.

No row is kept for them, because every attempt would have to write it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple

from msgspec import Struct, field
from sqlalchemy import ColumnElement, and_, func, select

from ecrkeeper_server.names import RegistryName, RoleName
from ecrkeeper_server.store import rollouts
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.fleet_parts import Part, count_accounts, count_resources, within
from ecrkeeper_server.store.fleet_specs import AccountState
from ecrkeeper_server.store.fleet_tables import fleet_accounts
from ecrkeeper_server.store.replication_checks import BROKEN
from ecrkeeper_server.store.tables import STATE_BYTES, resource, resources, schedule

# The reason of resources that nobody declares: they are `Ready`.
_READY_REASON = "UNMANAGED"
# Of each reason, and of all.
_EXAMPLES, _MAX_PROBLEMS = 3, 20


class KindCounts(Struct, frozen=True):
    """The numbers of resources of a kind.

    `pending` resources were not observed yet, and `reasons` count those that are not Ready. Registries
    are also counted by the worst result of their replication checks, and by silent events.
    """

    total: int
    pending: int
    drifted: int
    reasons: list[tuple[str, int]]
    replication: dict[str, int] = field(default_factory=dict)
    silent: int = 0

    @property
    def ready(self) -> int:
        """The number of Ready resources."""
        return max(0, self.total - self.pending - sum(number for _, number in self.reasons))


def counts(tx: Tx, kind: str, parts: Sequence[Part] | None) -> KindCounts:
    """Count the resources of a kind within some parts of the fleet."""
    of_kind = and_(resources.c.kind == kind, within(parts))

    # Not by the kind, for which SQLite would read whole rows: resources with a waiting caller are few, and always due.
    kept = func.coalesce(resources.c.kind, "") == kind
    waited_for = and_(kept, schedule.c.urgent, schedule.c.due_at > 0)
    pending = select(func.count()).select_from(resource).where(waited_for, resources.c.reason.is_(None), within(parts))

    def number(*conditions: ColumnElement[bool]) -> int:
        return int(tx.conn.execute(select(func.count()).where(of_kind, *conditions)).scalar_one())

    # Both columns are in a partial index, which has few entries.
    worst = select(resources.c.replication, func.count()).where(of_kind, resources.c.replication.is_not(None))
    size = func.count().label("size")
    by_reason = (
        select(resources.c.reason, size)
        .where(of_kind, resources.c.reason.is_not(None), resources.c.reason != _READY_REASON)
        .group_by(resources.c.reason)
        .order_by(size.desc(), resources.c.reason)
    )
    return KindCounts(
        total=number() if parts is None else count_resources(tx, kind, parts),
        # They were requested and no attempt has ended yet; a failed attempt has a reason.
        pending=int(tx.conn.execute(pending).scalar_one()),
        drifted=number(resources.c.drifted),
        reasons=[(reason, count) for reason, count in tx.conn.execute(by_reason)],
        replication={str(result): count for result, count in tx.conn.execute(worst.group_by(resources.c.replication))},
        silent=number(resources.c.silent),
    )


def accounts(tx: Tx, parts: Sequence[Part] | None, *conditions: ColumnElement[bool]) -> int:
    """Count the accounts within some parts of the fleet that meet all conditions."""
    if parts is not None:
        return count_accounts(tx, parts, *conditions)
    return int(tx.conn.execute(select(func.count()).select_from(fleet_accounts).where(*conditions)).scalar_one())


class Example(NamedTuple):
    """A resource with a problem, and the bytes of its state.

    It has the reason of `Ready`, or None: its replication does not work.
    """

    name: str
    reason: str | None
    size: int

    @property
    def member(self) -> str:
        """The member of the state that tells about the problem."""
        return "checks" if self.reason is None else "conditions"


class FleetCounts(Struct, frozen=True):
    """The counts, some problems, and the rollouts that have not ended, of all sets."""

    registries: KindCounts
    roles: KindCounts
    accounts: int
    unreachable: int
    examples: list[Example]
    opened: list[rollouts.Key]


def count(tx: Tx, registries: Sequence[Part] | None, roles: Sequence[Part] | None) -> FleetCounts:
    """Count within some parts of the fleet; looks at many rows."""
    of_registries, of_roles = counts(tx, RegistryName.kind, registries), counts(tx, RoleName.kind, roles)
    examples = chain(
        _not_ready(tx, RoleName.kind, of_roles, roles),
        _broken(tx, of_registries, registries),
        _not_ready(tx, RegistryName.kind, of_registries, registries),
    )
    active = (fleet_accounts.c.state == AccountState.ACTIVE, fleet_accounts.c.unreachable != "")
    return FleetCounts(
        registries=of_registries,
        roles=of_roles,
        accounts=accounts(tx, roles),
        unreachable=accounts(tx, roles, *active),
        examples=list(islice(examples, _MAX_PROBLEMS)),
        opened=rollouts.open_keys(tx),
    )


def _not_ready(tx: Tx, kind: str, of_kind: KindCounts, parts: Sequence[Part] | None) -> Iterator[Example]:
    for reason, _ in of_kind.reasons[:_MAX_PROBLEMS]:
        yield from _examples(tx, kind, reason, parts)


def _broken(tx: Tx, of_kind: KindCounts, parts: Sequence[Part] | None) -> list[Example]:
    """Return some registries whose replication does not work; they can be `Ready`."""
    return _examples(tx, RegistryName.kind, None, parts) if of_kind.replication.get(BROKEN) else []


def _examples(tx: Tx, kind: str, reason: str | None, parts: Sequence[Part] | None) -> list[Example]:
    """Return some resources of a kind with a problem, by name."""
    problem = resources.c.replication == BROKEN if reason is None else resources.c.reason == reason
    query = select(resources.c.name, STATE_BYTES).where(resources.c.kind == kind, problem, within(parts))
    rows = tx.conn.execute(query.order_by(resources.c.name).limit(_EXAMPLES))
    return [Example(name, reason, size) for name, size in rows]


def states(tx: Tx, some: Sequence[Example], member: str) -> dict[str, str]:
    """Return the states of examples that still have their problem, by name.

    They are texts, perhaps of the member only.
    """
    part = tx.dialect.json_part(resources.c.state, member)
    query = select(resources.c.name, resources.c.reason, resources.c.replication, part)
    rows = tx.conn.execute(query.where(resources.c.name.in_([each.name for each in some])))
    now = {name: (reason, replication, text) for name, reason, replication, text in rows}
    return {each.name: now[each.name][2] for each in some if each.name in now and _has(each, *now[each.name][:2])}


def _has(example: Example, reason: str | None, replication: str | None) -> bool:
    return replication == BROKEN if example.reason is None else reason == example.reason
