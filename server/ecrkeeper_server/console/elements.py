"""Elements, drift and changes as rows with both values side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ecrkeeper.v1 import common_pb2, registry_pb2
from msgspec import Struct

from ecrkeeper_server.console.diff import Sides, sides
from ecrkeeper_server.console.rendering import enum, pretty

_OMITTED = "(long value, omitted)"


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


def element_rows(elements: Iterable[Any], drift: Iterable[Any] = ()) -> Iterator[Row]:
    """Yield the rows of elements, with what AWS has according to `drift`."""
    differing = {(each.setting, each.key): each for each in drift}
    for each in elements:
        element_drift = differing.get((each.setting, each.key))
        desired, observed = _desired(each), _observed(each, element_drift)
        yield Row(
            each.setting, each.key, enum(each, "state"), tuple(each.owners), sides(desired, observed), each.problem,
            each.pairs if each.HasField("pairs") else None,
        )  # fmt: skip


def _desired(element: Any) -> str | None:
    if element.state in (registry_pb2.Element.UNMANAGED, registry_pb2.Element.REMOVING):
        return None
    return _value(element, "value", omitted=element.value_omitted)


def _observed(element: Any, drift: Any) -> str | None:
    if element.state == registry_pb2.Element.OUT_OF_SYNC:
        if drift is not None:
            return _value(drift, "observed", omitted=drift.values_omitted and drift.kind != common_pb2.Drift.MISSING)
        return _value(element, "observed")
    return _value(element, "value", omitted=element.value_omitted)


def drift_rows(drift: Iterable[Any]) -> Iterator[Row]:
    """Yield the rows of drift, each with its cause."""
    for each in drift:
        omitted = each.values_omitted
        desired = _value(each, "desired", omitted=omitted and each.kind != common_pb2.Drift.UNEXPECTED)
        observed = _value(each, "observed", omitted=omitted and each.kind != common_pb2.Drift.MISSING)
        yield Row(
            each.setting, each.key, enum(each, "kind"), tuple(each.owners), sides(desired, observed),
            pairs=each.pairs if each.HasField("pairs") else None,
            cause=each.cause if each.HasField("cause") else None,
            since=each.since,
        )  # fmt: skip


def change_rows(changes: Iterable[Any]) -> Iterator[Row]:
    """Yield the rows of changes: the values before and after."""
    for each in changes:
        omitted = each.values_omitted
        before = _value(each, "before", omitted=omitted and each.kind != common_pb2.ElementChange.ADD)
        after = _value(each, "after", omitted=omitted and each.kind != common_pb2.ElementChange.REMOVE)
        yield Row(
            each.setting, each.key, enum(each, "kind"), (), sides(before, after),
            pairs=each.pairs if each.HasField("pairs") else None,
        )  # fmt: skip


def _value(message: Any, field: str, *, omitted: bool = False) -> str | None:
    if message.HasField(field):
        return pretty(getattr(message, field))
    return _OMITTED if omitted else None
