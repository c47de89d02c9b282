"""Elements, drift and changes as rows with both values side by side."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ecrkeeper.v1 import common_pb2, registry_pb2
from msgspec import Struct

from ecrkeeper_server.console.diff import Sides, sides
from ecrkeeper_server.console.json_text import pretty
from ecrkeeper_server.console.rendering import enum
from ecrkeeper_server.turns import Steps

_OMITTED = "(long value, omitted)"
# Differences that a step looks up.
_DRIFTS = 500


class Row(Struct, frozen=True):
    """An element: its setting and key, its state, its owners, and its values."""

    setting: str
    key: str
    state: str
    owners: tuple[str, ...]
    values: Sides
    note: str = ""
    pairs: Any = None
    cause: Any = None
    since: Any = None


def element_rows(elements: Iterable[Any], drift: Iterable[Any] = ()) -> Steps[list[Row]]:
    """Return the rows of elements, with what AWS has according to `drift`, in steps."""
    differing = {}
    for number, each in enumerate(drift):
        if number % _DRIFTS == 0:
            yield
        differing[each.setting, each.key] = each
    rows = []
    for each in elements:
        yield
        desired = yield from _desired(each)
        observed = desired
        if each.state != registry_pb2.Element.IN_SYNC:
            observed = yield from _observed(each, differing.get((each.setting, each.key)))
        yield
        rows.append(Row(
            each.setting, each.key, enum(each, "state"), tuple(each.owners), sides(desired, observed), each.problem,
            each.pairs if each.HasField("pairs") else None,
        ))  # fmt: skip
    return rows


def _desired(element: Any) -> Steps[str | None]:
    if element.state in (registry_pb2.Element.UNMANAGED, registry_pb2.Element.REMOVING):
        return None
    return (yield from _value(element, "value", omitted=element.value_omitted))


def _observed(element: Any, drift: Any) -> Steps[str | None]:
    if element.state == registry_pb2.Element.OUT_OF_SYNC:
        if drift is not None:
            omitted = drift.values_omitted and drift.kind != common_pb2.Drift.MISSING
            return (yield from _value(drift, "observed", omitted=omitted))
        return (yield from _value(element, "observed"))
    return (yield from _value(element, "value", omitted=element.value_omitted))


def drift_rows(drift: Iterable[Any]) -> Steps[list[Row]]:
    """Return the rows of drift, each with its cause, in steps."""
    rows = []
    for each in drift:
        yield
        omitted = each.values_omitted
        desired = yield from _value(each, "desired", omitted=omitted and each.kind != common_pb2.Drift.UNEXPECTED)
        observed = yield from _value(each, "observed", omitted=omitted and each.kind != common_pb2.Drift.MISSING)
        yield
        rows.append(Row(
            each.setting, each.key, enum(each, "kind"), tuple(each.owners), sides(desired, observed),
            pairs=each.pairs if each.HasField("pairs") else None,
            cause=each.cause if each.HasField("cause") else None,
            since=each.since,
        ))  # fmt: skip
    return rows


def change_rows(changes: Iterable[Any]) -> Steps[list[Row]]:
    """Return the rows of changes, the values before and after, in steps."""
    rows = []
    for each in changes:
        yield
        omitted = each.values_omitted
        before = yield from _value(each, "before", omitted=omitted and each.kind != common_pb2.ElementChange.ADD)
        after = yield from _value(each, "after", omitted=omitted and each.kind != common_pb2.ElementChange.REMOVE)
        yield
        rows.append(Row(
            each.setting, each.key, enum(each, "kind"), (), sides(before, after),
            pairs=each.pairs if each.HasField("pairs") else None,
        ))  # fmt: skip
    return rows


def _value(message: Any, field: str, *, omitted: bool = False) -> Steps[str | None]:
    if message.HasField(field):
        return (yield from pretty(getattr(message, field)))
    return _OMITTED if omitted else None
