"""Values as a table in a statement: one parameter, so that the statement is the same for any number of rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from sqlalchemy import Text, bindparam, cast, column, func, select
from sqlalchemy.types import TypeEngine

_PARAMETER = "given"


def given(dialect: str, columns: Mapping[str, TypeEngine[Any]]) -> Any:
    """A table of these columns, whose rows are given when the statement is executed."""
    text = bindparam(_PARAMETER, type_=Text)
    if dialect == "sqlite":
        each = func.json_each(text).table_valued("value")
        members = [
            func.json_extract(each.c.value, f"$.{name}", type_=kind).label(name) for name, kind in columns.items()
        ]
        return select(*members).select_from(each).subquery(_PARAMETER)
    # Only where its dialect is in use.
    from sqlalchemy.dialects.postgresql import JSON

    typed: list[Any] = [column(name, kind) for name, kind in columns.items()]
    records = func.json_to_recordset(cast(text, JSON)).table_valued(*typed, name=_PARAMETER)
    return records.render_derived(with_types=True)


def rows(values: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The parameter that holds the rows."""
    return {_PARAMETER: orjson.dumps(list(values)).decode()}
