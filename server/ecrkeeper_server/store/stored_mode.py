"""The mode in the spec of a resource, as an expression that an index has."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Text, and_, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from ecrkeeper_server.store.specs import Mode
from ecrkeeper_server.store.tables import resources

_USUAL = [literal_column(f"'{mode}'", Text) for mode in ("ENFORCE", "")]


class _Mode(FunctionElement[str]):
    """The member `mode` of a column, as text: indexes have no parameters."""

    type = Text()
    inherit_cache = True
    name = "stored_mode"


@compiles(_Mode, "sqlite")
def _on_sqlite(element: _Mode, compiler: Any, **options: Any) -> str:
    return f"json_extract({compiler.process(*element.clauses, **options)}, '$.mode')"


@compiles(_Mode, "postgresql")
def _on_postgres(element: _Mode, compiler: Any, **options: Any) -> str:
    spec = compiler.process(*element.clauses, **options)
    # As text: Postgres reads no JSON with the character NUL in it. Quotes inside of JSON texts are escaped, and no
    # other member of a spec has this name.
    return f"""split_part(split_part(replace({spec}, ' ', ''), '"mode":"', 2), '"', 1)"""


STORED_MODE: ColumnElement[str] = _Mode(resources.c.spec)
UNUSUAL: ColumnElement[bool] = STORED_MODE.not_in(_USUAL)
"""The rows that the index `resources_mode` has: those of another mode than nearly all."""


def has_mode(mode: str, *, equal: bool) -> ColumnElement[bool] | None:
    """Return the condition of resources in a mode; None if nearly all meet it."""
    modes = [str(each) for each in Mode if (each == mode) is equal]
    return None if Mode.ENFORCE in modes else and_(UNUSUAL, STORED_MODE.in_(modes))
