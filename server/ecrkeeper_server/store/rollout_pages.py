"""Pages of targets under way, with their declarations and registries.

Thousands of targets may be under way, and each step reads some of them: a page costs the same however many there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import (
    BigInteger,
    Boolean,
    Select,
    Text,
    and_,
    bindparam,
    literal,
    or_,
    select,
    true,
    tuple_,
)

from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.store.fleet_tables import rollout_targets as table
from ecrkeeper_server.store.json_columns import json_rows
from ecrkeeper_server.store.rollout_rows import RolloutRow, RolloutState, TargetRow, TargetState
from ecrkeeper_server.store.rows import Declaration, Resource
from ecrkeeper_server.store.tables import RESOURCE_COLUMNS, RESOURCE_NAMES, declarations, resources, schedule

_WITHOUT_SETTINGS = [
    literal({}, each.type).label(each.key) if each.key == "settings" else each for each in declarations.c
]


class Cursor(NamedTuple):
    """The place of a target in the order of its wave."""

    position: int
    account: str
    region: str


FIRST = Cursor(-1, "", "")
"""The place before all targets."""


class Observed(Struct, frozen=True):
    """A target under way, with its declaration and its registry as they are now.

    A page has declarations without settings: they can be large, and few targets need them.
    """

    target: TargetRow
    declared: Declaration | None
    registry: Resource | None


class Page(Struct, frozen=True):
    """The targets of a page that may be decided now.

    `size` targets were read; the last one is at `end`, which is None if no others follow.
    """

    observed: list[Observed]
    size: int
    end: Cursor | None


class Waits(Struct, frozen=True):
    """The times since which a target has waited too long.

    `patient` is for one whose registry has a problem, `longest` for any.
    """

    patient: int
    longest: int


def page(tx: Tx, rollout: RolloutRow, state: TargetState, after: Cursor, limit: int, waits: Waits) -> Page:
    """Read targets of a state under way behind `after`, in their order.

    They are of the rollout's wave, the only one with targets under way. A rollout that goes back counts the targets
    that go back, so the others are excluded.

    A target may be decided if its registry has observed its generation, or if it has waited and the registry has a
    problem, or for the longest time.
    """
    targets = _targets(tx, rollout, state, after, limit)
    end = Cursor(targets[-1].position, targets[-1].account, targets[-1].region) if len(targets) == limit else None
    return Page(_observed(tx, rollout, targets, waits) if targets else [], len(targets), end)


def _targets(tx: Tx, rollout: RolloutRow, state: TargetState, after: Cursor, limit: int) -> list[TargetRow]:
    in_wave = and_(table.c.set_id == rollout.set_id, table.c.number == rollout.number, table.c.wave == rollout.wave)
    going_back = table.c.undo if rollout.state == RolloutState.ROLLING_BACK else true()
    order = (table.c.position, table.c.account, table.c.region)
    behind = tuple_(*order) > tuple_(*map(literal, after))
    query = select(table).where(in_wave, table.c.state == state, behind, going_back).order_by(*order).limit(limit)
    return [TargetRow.of(row) for row in tx.conn.execute(query)]


def _observed(tx: Tx, rollout: RolloutRow, targets: Sequence[TargetRow], waits: Waits) -> list[Observed]:
    values = json_rows(
        {
            "name": str(target.registry),
            "generation": target.registry_generation,
            "patient": target.since <= waits.patient,
            "longest": target.since <= waits.longest,
        }
        for target in targets
    )
    reached_query, declared_query, _ = _queries(tx.dialect)
    registries: dict[str, Resource | None] = {}
    for name, *columns in tx.conn.execute(reached_query, values):
        registries[name] = None if columns[0] is None else Resource(**dict(zip(RESOURCE_NAMES, columns, strict=True)))
    chosen = [target for target in targets if str(target.registry) in registries]
    declared = _declared(tx, rollout, chosen, declared_query)
    return [Observed(each, declared.get(each.registry), registries[str(each.registry)]) for each in chosen]


def with_settings(tx: Tx, rollout: RolloutRow, observed: Sequence[Observed]) -> list[Observed]:
    """Return targets with the settings of their declarations as they are now."""
    *_, query = _queries(tx.dialect)
    declared = _declared(tx, rollout, [each.target for each in observed], query)
    return [replace(each, declared=declared.get(each.target.registry)) for each in observed]


def _declared(
    tx: Tx, rollout: RolloutRow, targets: Sequence[TargetRow], query: Select[Any]
) -> dict[RegistryName, Declaration]:
    places = json_rows({"account": target.account, "region": target.region} for target in targets)
    rows = tx.conn.execute(query, {**places, "set_id": rollout.set_id}) if targets else ()
    current = (Declaration.of(row) for row in rows if row.account is not None)
    return {each.name.registry: each for each in current}


# Outer joins: SQLite would read all declarations of the set for an inner one, or for a condition on pairs of columns.
@lru_cache(maxsize=4)
def _queries(dialect: Dialect) -> tuple[Select[Any], Select[Any], Select[Any]]:
    """Return the queries of registries and of declarations.

    The latter come without their settings, and with them.
    """
    targets = dialect.json_table(
        {"name": Text(), "generation": BigInteger(), "patient": Boolean(), "longest": Boolean()}
    )
    none = resources.c.name.is_(None)
    # An attempt that failed has a reason.
    failing = and_(targets.c.patient, resources.c.reason.is_not(None))
    reached = (
        select(targets.c.name.label("target"), *RESOURCE_COLUMNS)
        .select_from(targets)
        .outerjoin(resources, resources.c.name == targets.c.name)
        .outerjoin(schedule, schedule.c.name == targets.c.name)
        .where(or_(none, resources.c.observed_generation >= targets.c.generation, targets.c.longest, failing))
    )
    places = dialect.json_table({"account": Text(), "region": Text()})
    of_place = and_(
        declarations.c.account == places.c.account,
        declarations.c.region == places.c.region,
        declarations.c.owner == bindparam("set_id"),
    )
    joined = places.outerjoin(declarations, of_place)
    return reached, select(*_WITHOUT_SETTINGS).select_from(joined), select(declarations).select_from(joined)
