"""The causes of drift in the audit events of the writes that reverted it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct
from sqlalchemy import BigInteger, Text, and_, select, update

from ecrkeeper_server.events.targets import operations_of
from ecrkeeper_server.json_object import Json
from ecrkeeper_server.store import audit
from ecrkeeper_server.store.attributions import Attribution
from ecrkeeper_server.store.causes import StoredCause
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.store.json_columns import JsonText, json_rows
from ecrkeeper_server.store.tables import audit_events

_JSON: Any = JsonText()


class NamedCause(Struct, frozen=True):
    """The cause of some elements' drift; without elements, of the whole setting."""

    attribution: Attribution
    elements: Sequence[str] | None
    cause: StoredCause


def name_causes(tx: Tx, named: Sequence[NamedCause]) -> None:
    """Store causes in the audit events of the writes that reverted the drift.

    The last cause of a write replaces earlier ones.
    """
    attempts = {
        (each.name, each.reconcile_id): {
            "account": each.name.split("/")[1],
            "resource": each.name,
            "reconcile_id": each.reconcile_id,
            "since": each.since,
        }
        for each in (one.attribution for one in named)
    }
    causes: dict[int, Json] = {}
    rows = tx.conn.execute(_writes(tx.dialect), json_rows(attempts.values())).all() if attempts else ()
    for each, row in itertools.product(named, rows):
        if _reverts(row, each):
            causes[row.id] = each.cause.to_json()
    if causes:
        values = ({"id": id, "cause": _JSON.process_bind_param(cause, None)} for id, cause in sorted(causes.items()))
        tx.conn.execute(_name_causes(tx.dialect), json_rows(values))
        tx.changes(audit.CHANGED)


def _reverts(write: Any, named: NamedCause) -> bool:
    """Whether a write may have reverted the drift."""
    attribution = named.attribution
    if (write.resource, write.reconcile_id) != (attribution.name, attribution.reconcile_id):
        return False
    _, _, operation = write.method.partition(":")
    if operation not in operations_of(attribution.setting):
        return False
    changes = map(audit.StoredChange.from_json, write.changes)
    return named.elements is None or any(change.key in named.elements for change in changes)


@lru_cache(maxsize=64)
def _writes(dialect: Dialect) -> Any:
    texts = ("account", "resource", "reconcile_id")
    attempts = dialect.json_table({**dict.fromkeys(texts, Text()), "since": BigInteger()})
    wanted = [audit_events.c[name] == attempts.c[name] for name in texts]
    columns = (audit_events.c[name] for name in ("id", "resource", "reconcile_id", "method", "changes"))
    recent = audit_events.c.create_time >= attempts.c.since
    return select(*columns).join_from(attempts, audit_events, and_(*wanted, recent))


@lru_cache(maxsize=64)
def _name_causes(dialect: Dialect) -> Any:
    rows = dialect.json_table({"id": BigInteger(), "cause": Text()})
    txid = dialect.transaction_id(audit_events.c.txid)
    return update(audit_events).where(audit_events.c.id == rows.c.id).values(cause=rows.c.cause, txid=txid)
