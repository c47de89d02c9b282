"""Calls of other principals from events, and the times of the last events."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Self

from msgspec import Struct
from msgspec.structs import asdict, replace
from sqlalchemy import BigInteger, Text, and_, bindparam, delete, exists, func, select, true, tuple_, update

from ecrkeeper_server.events.records import Actor
from ecrkeeper_server.json_object import Json
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store.audit import PURGED_AT_ONCE
from ecrkeeper_server.store.causes import StoredCause
from ecrkeeper_server.store.clock import DAY, MICROSECONDS
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.store.event_tables import cloud_events, event_health
from ecrkeeper_server.store.json_columns import JsonText, json_rows
from ecrkeeper_server.store.tables import audit_events, resources

HEALTHY_FOR = DAY
# The health of a place is written again only if it is older than this.
HEALTH_STEP_SECONDS = 60
_HEALTH_STEP = HEALTH_STEP_SECONDS * MICROSECONDS
HEALTH_PAGE = 500
"""The places of a page."""

Place = tuple[str, str]
"""An account and a Region."""

_COLUMNS = ("event_id", "name", "setting", "hint", "event_time", "actor")
_JSON: Any = JsonText()
# Events of CloudTrail have whole seconds.
_SECOND = 1_000_000
# The newest call is the cause, so older ones are seldom needed.
_NEWEST = 100


class CloudEvent(Struct, frozen=True):
    """A call of another principal that may have changed a resource.

    See the columns of the table.
    """

    event_id: str
    name: str
    setting: str
    hint: str
    event_time: int
    actor: Json

    @classmethod
    def of(cls, actor: Actor, name: str, setting: str, hint: str, installation: str) -> Self:
        """Return a call as it is stored; `installation` is that of another ecrkeeper."""
        return cls(
            actor.event_id, name, setting, hint, actor.event_time, {**actor.to_json(), "installation": installation}
        )

    @property
    def installation(self) -> str:
        """The id of the other installation that called; empty of other callers."""
        return str(self.actor.get("installation", ""))

    def cause(self, confidence: str) -> StoredCause:
        """Return the call as a cause of drift."""
        return replace(StoredCause.from_json(self.actor), confidence=confidence)


def known_names(tx: Tx, names: Collection[str]) -> set[str]:
    """Return those of the names that are resources."""
    rows = tx.conn.execute(_known(tx.dialect), json_rows({"name": name} for name in names)) if names else ()
    return {row.name for row in rows}


@lru_cache(maxsize=64)
def _known(dialect: Dialect) -> Any:
    table = dialect.json_table({"name": Text()})
    return select(resources.c.name).where(resources.c.name.in_(select(table.c.name)))


def own_request_ids(tx: Tx, request_ids: Collection[str]) -> set[str]:
    """Return those of AWS's request ids that belong to calls of this installation."""
    rows = tx.conn.execute(_own(tx.dialect), json_rows({"name": each} for each in request_ids)) if request_ids else ()
    return {row.aws_request_id for row in rows}


@lru_cache(maxsize=64)
def _own(dialect: Dialect) -> Any:
    table = dialect.json_table({"name": Text()})
    request_id = audit_events.c.aws_request_id
    return select(request_id).where(request_id != "", request_id.in_(select(table.c.name)))


def add(tx: Tx, events: Sequence[CloudEvent]) -> dict[tuple[str, str], int]:
    """Store events; return the event ids and names of new ones.

    The values are the time of the store, in microseconds.
    """
    if not events:
        return {}
    added = tx.conn.execute(_add(tx.dialect), json_rows(map(_values, events)))
    return {(row.event_id, row.name): row.receive_time for row in added}


def _values(event: CloudEvent) -> dict[str, Any]:
    # `asdict` copies the actor, which takes longer than everything else here.
    return {**{name: getattr(event, name) for name in _COLUMNS}, "actor": _JSON.process_bind_param(event.actor, None)}


@lru_cache(maxsize=64)
def _add(dialect: Dialect) -> Any:
    texts = dict.fromkeys(("event_id", "name", "setting", "hint", "actor"), Text())
    table = dialect.json_table({**texts, "event_time": BigInteger()})
    # Without a condition, SQLite takes ON CONFLICT for one of a join.
    rows = select(*(table.c[name] for name in _COLUMNS), dialect.now()).where(true())
    return (
        dialect.insert_or_ignore(cloud_events)
        .from_select([*_COLUMNS, "receive_time"], rows)
        .returning(cloud_events.c.event_id, cloud_events.c.name, cloud_events.c.receive_time)
    )


class Range(Struct, frozen=True):
    """A setting of a resource and a time range in microseconds."""

    name: str
    setting: str
    since: int
    until: int


def newest(tx: Tx, ranges: Sequence[Range]) -> list[list[CloudEvent]]:
    """Return the events of each range, newest first."""
    by_range: list[list[CloudEvent]] = [[] for _ in ranges]
    values = json_rows({"at": at, **asdict(each)} for at, each in enumerate(ranges))
    for at, *columns in tx.conn.execute(_newest(tx.dialect), values) if ranges else ():
        by_range[at].append(CloudEvent(*columns))
    return by_range


@lru_cache(maxsize=64)
def _newest(dialect: Dialect) -> Any:
    number = BigInteger()
    ranges = dialect.json_table({"at": number, "name": Text(), "setting": Text(), "since": number, "until": number})
    wanted = and_(
        cloud_events.c.name == ranges.c.name,
        cloud_events.c.setting == ranges.c.setting,
        cloud_events.c.event_time >= ranges.c.since - _SECOND,
        cloud_events.c.event_time <= ranges.c.until,
    )
    order = (cloud_events.c.event_time.desc(), cloud_events.c.receive_time.desc())
    nth = func.row_number().over(partition_by=ranges.c.at, order_by=order).label("nth")
    columns = (cloud_events.c[name] for name in _COLUMNS)
    ranked = select(ranges.c.at, *columns, nth).join_from(ranges, cloud_events, wanted).subquery()
    shown = (ranked.c[name] for name in ("at", *_COLUMNS))
    return select(*shown).where(ranked.c.nth <= _NEWEST).order_by(ranked.c.at, ranked.c.nth)


def record_arrival(tx: Tx, places: Collection[RegistryName]) -> None:
    """Record that events of these accounts and Regions arrive."""
    if not places:
        return
    rows = [{"account": place.account, "region": place.region} for place in sorted(places)]
    tx.conn.execute(_insert_health(tx.dialect), json_rows(rows))
    tx.conn.execute(_update_health(tx.dialect), json_rows(rows))


def _places(dialect: Dialect) -> Any:
    return dialect.json_table({"account": Text(), "region": Text()})


@lru_cache(maxsize=64)
def _insert_health(dialect: Dialect) -> Any:
    table = _places(dialect)
    rows = select(table.c.account, table.c.region, dialect.now()).where(true())
    return dialect.insert_or_ignore(event_health).from_select(["account", "region", "event_at"], rows)


@lru_cache(maxsize=64)
def _update_health(dialect: Dialect) -> Any:
    table = _places(dialect)
    same = (table.c.account == event_health.c.account, table.c.region == event_health.c.region)
    named = exists(select(1).select_from(table).where(*same).correlate(event_health))
    old = event_health.c.event_at < dialect.now() - _HEALTH_STEP
    return update(event_health).where(named, old).values(event_at=dialect.now())


class HealthPage(NamedTuple):
    """For how long events of some places still count as healthy, in microseconds.

    Silent places have no more than zero. The next page begins behind `last`; None: this is the last page.
    """

    remaining: dict[Place, int]
    last: Place | None


def health_page(tx: Tx, behind: Place = ("", "")) -> HealthPage:
    """Return the health of the next places, by account and Region.

    A page takes about a millisecond: SQLite reads it on the event loop, and rows of Postgres need the GIL.
    """
    account, region = behind
    values = {"account": account, "region": region, "most": HEALTH_PAGE}
    rows = tx.conn.execute(_health_page(tx.dialect), values).all()
    remaining = {(account, region): micros for account, region, micros in rows}
    return HealthPage(remaining, next(reversed(remaining)) if len(rows) == HEALTH_PAGE else None)


@lru_cache(maxsize=64)
def _health_page(dialect: Dialect) -> Any:
    place = (event_health.c.account, event_health.c.region)
    # Silent places as well: a page looks at no more rows than it has.
    query = select(*place, event_health.c.event_at + HEALTHY_FOR - dialect.now())
    behind = tuple_(*place) > tuple_(bindparam("account", type_=Text), bindparam("region", type_=Text))
    return query.where(behind).order_by(*place).limit(bindparam("most", type_=BigInteger))


def silent_places(tx: Tx) -> int:
    """Return how many registries have had no event for a day; looks at all of them."""
    healthy = exists(
        select(1).where(
            event_health.c.account == resources.c.account,
            event_health.c.region == resources.c.place,
            event_health.c.event_at > tx.now() - HEALTHY_FOR,
        )
    )
    query = select(func.count()).select_from(resources).where(resources.c.kind == RegistryName.kind, ~healthy)
    return int(tx.conn.execute(query).scalar_one())


def purge(tx: Tx) -> int:
    """Delete some events that are older than a day; return their number.

    EventBridge repeats none after that.
    """
    old = (
        select(cloud_events.c.event_id)
        .where(cloud_events.c.receive_time < tx.now() - DAY)
        .order_by(cloud_events.c.receive_time)
        .limit(PURGED_AT_ONCE)
    )
    gone = tx.conn.execute(
        delete(cloud_events).where(cloud_events.c.event_id.in_(old)).returning(cloud_events.c.event_id)
    )
    # A place that is silent for longer than a day counts like one without a row.
    tx.conn.execute(delete(event_health).where(event_health.c.event_at < tx.now() - HEALTHY_FOR - DAY))
    return len(gone.all())
