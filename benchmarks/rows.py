"""Many registries: clones, in the tables, of one that the server reconciled."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ecrkeeper
from ecrkeeper_server.store.clock import Now
from ecrkeeper_server.store.schema import _engine
from ecrkeeper_server.store.sqlite_dialect import sqlite_now
from ecrkeeper_server.store.tables import RESOURCE_COLUMNS, declarations, resource, resources, schedule
from sqlalchemy import BigInteger, Engine, and_, cast, func, insert, select, text, update

from benchmarks.responder import DECLARED

OWNER = "team-bench"
REGIONS = (
    "us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "eu-west-1", "eu-west-2", "eu-west-3",
    "eu-central-1", "eu-north-1", "ap-south-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3",
    "ap-southeast-1", "ap-southeast-2", "sa-east-1", "eu-south-1", "me-south-1", "af-south-1",
)  # fmt: skip
_FIRST = 100_000_000_000
_SEED = "accounts/999999999999/registries/us-east-1"
_PAUSED = "accounts/999999999998/registries/us-east-1"
_CHUNK = 2_000
# Microseconds over which rows have become due.
_SPREAD = 1_000_000


def account(index: int) -> str:
    """The account of the registry with this index: every account has 20 Regions."""
    return str(_FIRST + index // len(REGIONS))


def registry(index: int) -> str:
    """The name of the registry with this index."""
    return f"accounts/{account(index)}/registries/{REGIONS[index % len(REGIONS)]}"


@dataclass(frozen=True, slots=True)
class Seed:
    """The rows of one registry and its declaration."""

    resource: dict[str, Any]
    declaration: dict[str, Any]


class Rows:
    """The registries in one database, besides the server that works on them."""

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        self._now = _clock(self._engine)
        self._registries = and_(schedule.c.name.contains("/registries/"), schedule.c.account < _PAUSED.split("/")[1])

    def close(self) -> None:
        """Close the database."""
        self._engine.dispose()

    def seed(self, client: ecrkeeper.Client) -> Seed:
        """Declare one registry and wait until it is in sync."""
        client.apply_registry_settings(f"{_SEED}/settings/{OWNER}", DECLARED)
        client.wait_until_synced(_SEED, 30)
        with self._engine.connect() as conn:
            row = conn.execute(select(*RESOURCE_COLUMNS).select_from(resource).where(schedule.c.name == _SEED)).one()
            declared = conn.execute(select(declarations).where(declarations.c.account == _SEED.split("/")[1])).one()
        return Seed(row._asdict(), declared._asdict())

    def clone(self, seed: Seed, count: int) -> None:
        """Create registries that differ from the seed only in their names."""
        for begin in range(0, count, _CHUNK):
            chunk = range(begin, min(count, begin + _CHUNK))
            with self._engine.connect() as conn:
                conn.exec_driver_sql("BEGIN")
                rows = list(_resources(seed.resource, chunk))
                for table in (schedule, resources):
                    conn.execute(insert(table), [{column.name: row[column.name] for column in table.c} for row in rows])
                conn.execute(insert(declarations), list(_declarations(seed.declaration, chunk)))
                conn.exec_driver_sql("COMMIT")
        with self._engine.connect() as conn:
            conn.execute(text("ANALYZE"))

    def crowd(self, name: str, settings: Mapping[str, dict[str, Any]]) -> None:
        """Add owners with these settings to a registry that one owner declares."""
        _, account, _, region = name.split("/")
        of_it = and_(declarations.c.account == account, declarations.c.region == region)
        with self._engine.connect() as conn:
            one = conn.execute(select(declarations).where(of_it)).one()._asdict()
            rows = [
                {**one, "owner": owner, "uid": str(uuid.uuid4()), "settings": each} for owner, each in settings.items()
            ]
            conn.execute(insert(declarations), rows)

    def mark(self, names: Sequence[str], **values: Any) -> None:
        """Set columns of registries."""
        with self._engine.connect() as conn:
            for at in range(0, len(names), _CHUNK):
                chosen = resources.c.name.in_(names[at : at + _CHUNK])
                conn.execute(update(resources).where(chosen).values(values))

    def analyze(self) -> None:
        """Bring statistics up to date, and on Postgres the visibility map."""
        with self._engine.connect() as conn:
            conn.execute(text("VACUUM ANALYZE" if self._engine.dialect.name == "postgresql" else "ANALYZE"))

    def make_due(self, begin: int, count: int) -> None:
        """Make `count` registries due, from a multiple of 20 on.

        Their order is random, like that of jittered resyncs. In the order of names, the 20
        registries of an account would follow each other, and an account may use only a part of the
        slots at a time.
        """
        chance: Any = func.abs(func.random() % _SPREAD)
        if self._engine.dialect.name == "postgresql":
            chance = cast(func.random() * _SPREAD, BigInteger)
        accounts = schedule.c.account.between(account(begin), account(begin + count - 1))
        with self._engine.connect() as conn:
            conn.execute(update(schedule).where(self._registries, accounts).values(due_at=self._now() - chance))

    def notify(self) -> None:
        """Wake every engine on a Postgres database, as a write would."""
        with self._engine.connect() as conn:
            conn.execute(text("SELECT pg_notify('ecrkeeper', :name)"), {"name": f"{_PAUSED}\ndue"})

    def due(self) -> int:
        """Return the number of due registries, including those being reconciled."""
        query = select(func.count()).where(schedule.c.due_at <= self._now())
        with self._engine.connect() as conn:
            return int(conn.execute(query).scalar_one())

    def any_due(self) -> bool:
        """Return whether a registry is due or being reconciled."""
        query = select(schedule.c.name).where(schedule.c.due_at <= self._now()).limit(1)
        with self._engine.connect() as conn:
            return conn.execute(query).first() is not None

    def written(self) -> int:
        """Return how many bytes of write-ahead log Postgres has written; 0 for SQLite."""
        if self._engine.dialect.name != "postgresql":
            return 0
        with self._engine.connect() as conn:
            return int(conn.execute(text("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")).scalar_one())

    def updated(self) -> dict[str, tuple[int, int, int]]:
        """Return updates, HOT updates and dead rows of each table on Postgres.

        A session that is open has not reported all of them yet. Call `close` afterwards.
        """
        query = text("SELECT relname, n_tup_upd, n_tup_hot_upd, n_dead_tup FROM pg_stat_user_tables")
        with self._engine.connect() as conn:
            return {table: (updates, hot, dead) for table, updates, hot, dead in conn.execute(query)}

    def check(self) -> None:
        """Raise RuntimeError if a registry has an error, which would falsify the figures."""
        query = select(func.count()).where(self._registries, schedule.c.failures > 0)
        with self._engine.connect() as conn:
            failed = conn.execute(query).scalar_one()
        if failed:
            raise RuntimeError(f"{failed} registries have errors; see server.log")


def _clock(engine: Engine) -> Now:
    if engine.dialect.name == "sqlite":
        return sqlite_now
    from ecrkeeper_server.store.postgres_dialect import postgres_now

    return postgres_now


def wake(client: ecrkeeper.Client) -> None:
    """Wake the engine by a write to a registry that no benchmark reads."""
    client.update_registry(ecrkeeper.Registry(name=_PAUSED, mode=ecrkeeper.Mode.PAUSED), ["mode"])


def _resources(seed: dict[str, Any], indices: range) -> Iterator[dict[str, Any]]:
    for index in indices:
        place = REGIONS[index % len(REGIONS)]
        yield {**seed, "name": registry(index), "account": account(index), "place": place, "uid": str(uuid.uuid4())}


def _declarations(declared: dict[str, Any], indices: range) -> Iterator[dict[str, Any]]:
    for index in indices:
        region = REGIONS[index % len(REGIONS)]
        yield {**declared, "account": account(index), "region": region, "uid": str(uuid.uuid4())}
