"""Store units of work that were decided on before their transaction.

The transaction locks the registries, and compares what the decision is based on with what is stored then.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Select, Text, and_, cast, func, literal_column, select

from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import audit, work
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.store.json_columns import json_rows, writing_json
from ecrkeeper_server.store.long_json import LongJson
from ecrkeeper_server.store.tables import declarations, requests, resource, resources, schedule
from ecrkeeper_server.store.unit_of_work import UnitOfWork
from ecrkeeper_server.turns import Steps

_REGISTRY = (resources.c.name, resources.c.uid, resources.c.generation, schedule.c.requested)
_DECLARATION = ("account", "region", "owner", "uid", "generation", "managed_by", "set_revision")
# Declarations of a step.
_AT_ONCE = 200
_BETWEEN_MARKS, _BETWEEN_MEMBERS = "\n", "\t"


class Basis(Struct, frozen=True):
    """The versions of the rows that a decision is based on."""

    registries: set[tuple[Any, ...]]
    declared: set[str]
    requests: set[str]


def describing(unit: UnitOfWork) -> Steps[Basis]:
    """Return what a unit of work was read from, in steps."""
    before = unit.before
    registries = {tuple(getattr(row, column.key) for column in _REGISTRY) for row in before.registries.values()}
    marks = set()
    for at, one in enumerate(before.declared.values()):
        if at % _AT_ONCE == _AT_ONCE - 1:
            yield
        members = (getattr(one, name) for name in _DECLARATION)
        marks.add(_BETWEEN_MEMBERS.join("" if member is None else str(member) for member in members))
    return Basis(registries, marks, set(before.requests))


def writing(unit: UnitOfWork) -> Steps[None]:
    """Make the texts that a unit of work stores in steps.

    Its transaction then need not make them.
    """
    texts: dict[int, LongJson] = {}
    for owners in unit.declared.values():
        for at, (owner, one) in enumerate(owners.items()):
            if at % _AT_ONCE == _AT_ONCE - 1:
                yield
            if one is not unit.before.declared.get(one.name):
                owners[owner] = replace(one, settings=(yield from _written(one.settings, texts)))
    for at, each in enumerate(unit.revisions):
        if each.settings is not None:
            unit.revisions[at] = replace(each, settings=(yield from _written(each.settings, texts)))
    unit.events = yield from audit.writing(unit.events)


def _written(settings: Any, texts: dict[int, LongJson]) -> Steps[Any]:
    """Return settings with their text, which a declaration and its revision share."""
    if id(settings) not in texts:
        texts[id(settings)] = yield from writing_json(settings)
    return texts[id(settings)]


def save_if_current(tx: Tx, unit: UnitOfWork, basis: Basis, request_id: str = "") -> bool:
    """Store decisions unless their basis has changed; return whether they are stored."""
    if _locked(tx, list(unit.declared), request_id) != basis:
        return False
    work.save(tx, unit)
    return True


def _locked(tx: Tx, names: list[RegistryName], request_id: str) -> Basis:
    """Lock registries; return their versions, and the call with a request id."""
    values = json_rows({"name": str(name), "account": name.account, "region": name.region} for name in names)
    call = json_rows([{"request_id": request_id.lower()}])
    registries, declared, requested = _queries(tx.dialect)
    rows, (marks,), called = tx.ask(tx.conn, [(registries, values), (declared, values), (requested, call)])
    return Basis(
        {tuple(row) for row in rows},
        set(marks[0].split(_BETWEEN_MARKS)) if marks[0] else set(),
        {row[0] for row in called},
    )


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
    # One text for all of them: a registry may have thousands.
    members = [func.coalesce(cast(declarations.c[name], Text), "") for name in _DECLARATION]
    mark: Any = members[0]
    for member in members[1:]:
        mark = mark.concat(_BETWEEN_MEMBERS).concat(member)
    of_registry = and_(declarations.c.account == names.c.account, declarations.c.region == names.c.region)
    between: Any = literal_column(f"'{_BETWEEN_MARKS}'", Text)
    marks = select(func.aggregate_strings(mark, between)).select_from(names).join(declarations, of_registry)
    ids = dialect.json_table({"request_id": Text()})
    requested = select(requests.c.request_id).where(requests.c.request_id.in_(select(ids.c.request_id)))
    return registries, marks, requested
