"""A filter as a tree of restrictions, and its condition on columns and indexes.

The database narrows the rows down, and may return some that do not match, so
callers still evaluate the whole filter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Select, and_, exists, literal, not_, or_, select

from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store.stored_drift import MANY
from ecrkeeper_server.store.stored_mode import has_mode
from ecrkeeper_server.store.tables import declarations, drifting, resources


@dataclass(frozen=True, slots=True)
class Restriction:
    """One comparison of a field with a value.

    `equal` is False for `!=`; `has` is True for `:`.
    """

    field: str
    equal: bool
    value: str
    has: bool = dataclass_field(default=False, compare=False)


class Every(Struct, frozen=True):
    """All parts match; without parts, always."""

    parts: tuple[Expression, ...]


class Either(Struct, frozen=True):
    """At least one part matches."""

    parts: tuple[Expression, ...]


class Negation(Struct, frozen=True):
    """The part does not match."""

    part: Expression


Expression = Restriction | Every | Either | Negation
Condition = ColumnElement[bool]

# The reason of nearly every row is not stored: the column is NULL, as before the first attempt.
_USUAL = "IN_SYNC"
# With each of these conditions a resource is not ready, so it has another reason.
_NOT_READY = {
    ("conditions.Ready", "FALSE"), ("conditions.Synced", "FALSE"),
    ("conditions.Blocked", "TRUE"), ("conditions.Degraded", "TRUE"),
}  # fmt: skip


_DECLARED = literal("accounts/") + declarations.c.account + "/registries/" + declarations.c.region
_DECLARED_FOR_IT = and_(declarations.c.account == resources.c.account, declarations.c.region == resources.c.place)
_DRIFT_OF_IT = drifting.c.name == resources.c.name


class _Elsewhere(Struct, frozen=True):
    """Rows of another table that belong to resources.

    `name` is the name of the resource, and `of_it` is met by the rows of one.
    """

    name: ColumnElement[str]
    of_it: Condition
    wanted: Condition

    @property
    def names(self) -> Select[Any]:
        """The query of the names."""
        return select(self.name.label("name")).where(self.wanted)


_Form = Callable[[_Elsewhere], Condition]


def _at_once(rows: _Elsewhere) -> Condition:
    return resources.c.name.in_(rows.names)


def _of_row(rows: _Elsewhere) -> Condition:
    return exists().where(rows.of_it, rows.wanted).correlate(resources)


def stored_reason(reason: str) -> str | None:
    """Return the reason of `Ready` in the form of the column."""
    return None if reason == _USUAL else reason


def holds(expression: Expression, meets: Callable[[Restriction], bool]) -> bool:
    """Evaluate an expression, given whether each restriction matches."""
    match expression:
        case Restriction():
            return meets(expression)
        case Every(parts):
            return all(holds(part, meets) for part in parts)
        case Either(parts):
            return any(holds(part, meets) for part in parts)
        case Negation(part):
            return not holds(part, meets)


def required(expression: Expression) -> Iterator[Restriction]:
    """Yield the restrictions that every match must meet."""
    match expression:
        case Restriction():
            yield expression
        case Every(parts):
            for part in parts:
                yield from required(part)
        case _:
            return


class Narrowing(Struct, frozen=True):
    """The part of a filter that the database evaluates.

    All matching resources meet `condition`, which finds names in other tables at once, and `by_row`, which looks there
    for each row. The names of all of them are among those of each query in `named`.
    """

    condition: Condition
    by_row: Condition
    named: Sequence[Select[Any]] = ()


def narrowing_of(expression: Expression, kind: str) -> Narrowing | None:
    """Return the part of a filter that the database evaluates, if there is any."""
    condition, by_row = condition_of(expression, kind), _narrowed(expression, kind, _of_row, wanted=True)
    if condition is None or by_row is None:
        return None
    found = [_elsewhere(each.field, each.value, kind, equal=True) for each in required(expression) if each.equal]
    return Narrowing(condition, by_row, [each.names for each in found if each is not None])


def condition_of(expression: Expression, kind: str) -> Condition | None:
    """Return a condition that all matching `resources` of a kind meet, or None."""
    return _narrowed(expression, kind, _at_once, wanted=True)


def _narrowed(expression: Expression, kind: str, form: _Form, *, wanted: bool) -> Condition | None:
    match expression:
        case Restriction(field, equal, value):
            return _condition(field, value, kind, form, equal=equal is wanted)
        case Negation(part):
            return _narrowed(part, kind, form, wanted=not wanted)
        case Every(parts) | Either(parts):
            conditions = [_narrowed(part, kind, form, wanted=wanted) for part in parts]
            known = [condition for condition in conditions if condition is not None]
            if isinstance(expression, Every) is wanted:
                return and_(*known) if known else None
            # A part without a condition may match any row.
            return or_(*known) if known and len(known) == len(conditions) else None


def _condition(field: str, value: str, kind: str, form: _Form, *, equal: bool) -> Condition | None:
    elsewhere = _elsewhere(field, value, kind, equal=equal)
    if elsewhere is None:
        return _column_condition(field, value, equal=equal)
    is_named = form(elsewhere)
    return is_named if equal else not_(is_named)


def _elsewhere(field: str, value: str, kind: str, *, equal: bool) -> _Elsewhere | None:
    """Return where a field is that is in another table than the resources."""
    match field:
        case "setting":
            return _Elsewhere(drifting.c.name, _DRIFT_OF_IT, drifting.c.setting == value)
        case "element":
            # One that has many may have this one; one that is to lack it must not be listed with it.
            elements = [value, MANY] if equal else [value]
            return _Elsewhere(drifting.c.name, _DRIFT_OF_IT, drifting.c.element.in_(elements))
        case "owner" if kind == RegistryName.kind:
            return _Elsewhere(_DECLARED, _DECLARED_FOR_IT, declarations.c.owner == value)
        case _:
            return None


def _column_condition(field: str, value: str, *, equal: bool) -> Condition | None:
    columns = resources.c
    match field:
        case "account":
            return columns.account == value if equal else columns.account != value
        case "region" | "role":
            return columns.place == value if equal else columns.place != value
        case "mode":
            return has_mode(value, equal=equal)
        case "drift":
            return columns.drifted if equal is (value == "TRUE") else not_(columns.drifted)
        case "reason" if value == _USUAL:
            return columns.reason.is_(None) if equal else _unusual(before_the_first_attempt=True)
        case "reason":
            return columns.reason == value if equal else or_(columns.reason.is_(None), columns.reason != value)
        case _ if (field, value) in _NOT_READY and equal:
            return _unusual(before_the_first_attempt=False)
        case _:
            return None


def _unusual(*, before_the_first_attempt: bool) -> Condition:
    """Return a condition on rows with another reason.

    If requested, it includes rows that have no reason yet.
    """
    other = resources.c.reason.is_not(None)
    return or_(other, resources.c.observed_generation == 0) if before_the_first_attempt else other
