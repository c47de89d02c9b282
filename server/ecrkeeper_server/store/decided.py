"""Store units of work that were decided on before their transaction.

The transaction locks the registries, and compares what the decision is based on with what is stored then.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from msgspec import Struct
from sqlalchemy import Select, Text, and_, select

from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import work
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.store.json_columns import json_rows
from ecrkeeper_server.store.tables import declarations, requests, resource, resources, schedule
from ecrkeeper_server.store.unit_of_work import UnitOfWork
from ecrkeeper_server.turns import STEP, Steps

_REGISTRY = (resources.c.name, resources.c.uid, resources.c.generation, schedule.c.requested)
_DECLARATION = tuple(
    declarations.c[name] for name in ("account", "region", "owner", "uid", "generation", "managed_by", "set_revision")
)


class Basis(Struct, frozen=True):
    """The versions of the rows that a decision is based on."""

    registries: set[tuple[Any, ...]]
    declared: set[tuple[Any, ...]]
    requests: set[str]


def describing(unit: UnitOfWork) -> Steps[Basis]:
    """Return what a unit of work was read from, in steps."""
    before = unit.before
    registries = {_version(row, _REGISTRY) for row in before.registries.values()}
    declared = set()
    for at, one in enumerate(before.declared.values()):
        if at % STEP == STEP - 1:
            yield
        declared.add(_version(one, _DECLARATION))
    return Basis(registries, declared, set(before.requests))


def _version(row: Any, columns: Any) -> tuple[Any, ...]:
    return tuple(getattr(row, column.key) for column in columns)


def save_if_current(tx: Tx, unit: UnitOfWork, basis: Basis, request_id: str) -> bool:
    """Store decisions unless their basis has changed; return whether they are stored."""
    if _locked(tx, list(unit.declared), request_id) != basis:
        return False
    work.save(tx, unit)
    return True


def _locked(tx: Tx, names: list[RegistryName], request_id: str) -> Basis:
    """Lock registries; return their versions, and the call with a request id."""
    values = json_rows({"name": str(name), "account": name.account, "region": name.region} for name in names)
    called = json_rows([{"request_id": request_id.lower()}])
    registries, declared, requested = _queries(tx.dialect)
    found = tx.ask(tx.conn, [(registries, values), (declared, values), (requested, called)])
    rows, owners, calls = ({tuple(row) for row in each} for each in found)
    return Basis(rows, owners, {row[0] for row in calls})


@lru_cache(maxsize=4)
def _queries(dialect: Dialect) -> tuple[Select[Any], Select[Any], Select[Any]]:
    names = dialect.json_table(dict.fromkeys(("name", "account", "region"), Text()))
    registries = (
        select(*_REGISTRY)
        .select_from(resource)
        .where(schedule.c.name.in_(select(names.c.name)))
        .order_by(schedule.c.name)
        .with_for_update()
    )
    of_registry = and_(declarations.c.account == names.c.account, declarations.c.region == names.c.region)
    ids = dialect.json_table({"request_id": Text()})
    requested = select(requests.c.request_id).where(requests.c.request_id.in_(select(ids.c.request_id)))
    return registries, select(*_DECLARATION).join_from(names, declarations, of_registry), requested
