"""Read a registry with its declarations, or only their size if they are large."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct
from sqlalchemy import BigInteger, Text, bindparam, case, func, select, type_coerce
from sqlalchemy.engine import Dialect as Compiler

from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.declarations import Stored
from ecrkeeper_server.store.declared_texts import reading_texts
from ecrkeeper_server.store.json_columns import AT_ONCE, TextBytes, as_text
from ecrkeeper_server.store.prepared import Prepared
from ecrkeeper_server.store.tables import RESOURCE_COLUMNS, RESOURCE_NAMES, declarations, resource, resources, schedule
from ecrkeeper_server.turns import Steps

_ALL = 2**62


class RegistryTexts(Struct, frozen=True):
    """A registry and its declarations with JSON as text.

    Without a row, none is stored. If `too_large`, both are left out; `size` counts their bytes.
    """

    row: Sequence[Any] | None
    declared: Sequence[Stored]
    size: int
    too_large: bool = False


def reading(tx: Tx, name: RegistryName, most: int = _ALL) -> Steps[RegistryTexts]:
    """Return a registry with its declarations by owner; if large, their size.

    More than `most` bytes are large.
    """
    values = {"registry": str(name), "account": name.account, "region": name.region, "most": most}
    rows = _read(tx.conn.dialect).rows(tx.conn, values)
    size, row = (rows[0][0], rows[0][1:]) if rows else (0, None)
    if size > most:
        return RegistryTexts(None, (), size, too_large=True)
    if size > AT_ONCE:
        yield
    declared = yield from reading_texts(tx, name)
    return RegistryTexts(row, declared, size)


@lru_cache(maxsize=8)
def _read(compiler: Compiler) -> Prepared:
    settings = TextBytes(type_coerce(declarations.c.settings, Text))
    declared = select(func.coalesce(func.sum(settings), 0)).where(
        declarations.c.account == bindparam("account"), declarations.c.region == bindparam("region")
    )
    texts = list(map(as_text, RESOURCE_COLUMNS))
    state = type_coerce(resources.c.state, Text)
    size = TextBytes(state)
    # The database does not send a state that is too large.
    texts[_STATE_AT] = case((size <= bindparam("most", type_=BigInteger), state))
    query = select(size + declared.scalar_subquery(), *texts).select_from(resource)
    return Prepared(query.where(schedule.c.name == bindparam("registry")), compiler)


_STATE_AT = RESOURCE_NAMES.index("state")
