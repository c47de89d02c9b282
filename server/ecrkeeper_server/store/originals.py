"""AWS's state before declarations, as their revision 0."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import ColumnElement, Select, Text, and_, select, type_coerce

from ecrkeeper_server.json_object import Json
from ecrkeeper_server.names import RegistryName, SettingsName
from ecrkeeper_server.settings.algebra import splitting
from ecrkeeper_server.settings.element_sets import merged
from ecrkeeper_server.settings.setting import Shape
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.store.json_columns import json_rows, reading_each, reading_json, writing_json
from ecrkeeper_server.store.long_json import LongJson
from ecrkeeper_server.store.rows import Declaration
from ecrkeeper_server.store.tables import revisions
from ecrkeeper_server.store.unit_of_work import Origin, revision
from ecrkeeper_server.store.work import KEY, columns_of, key_of
from ecrkeeper_server.turns import Steps, finish

_REVISION = (*KEY, "revision")
_STAMPED = "create_time"


class Merged(Struct, frozen=True):
    """The settings to store if the stored ones have this text.

    Without a text, none are stored yet; without settings, nothing changes.
    """

    text: str | None
    settings: Json | LongJson | None


class Original(Struct, frozen=True):
    """AWS's state of the settings of a declaration that has not converged yet."""

    declared: Declaration
    settings: Json
    merged: Merged | None = None


def record(tx: Tx, originals: Sequence[Original]) -> None:
    """Store AWS's state before declarations as revision 0, each setting once.

    Declared elements of settings that cannot be removed are added when they appear.
    """
    texts = finish(reading(tx, originals))
    new, changed = [], []
    for each in originals:
        text, one = texts.get(each.declared.name), each.merged
        if one is None or one.text != text:
            one = finish(_merging(each, text))
        if one.settings is not None and text is None:
            new.append(_revision_0(each.declared, one.settings))
        elif one.settings is not None:
            changed.append({**key_of(each.declared.name), "revision": 0, "settings": one.settings})
    tx.insert_rows(revisions, new, _stamp)
    tx.update_rows(revisions, _REVISION, changed)


def reading(tx: Tx, originals: Sequence[Original]) -> Steps[dict[SettingsName, str]]:
    """Return the texts of the settings that are stored already, in steps."""
    if not originals:
        return {}
    names = json_rows(key_of(each.declared.name) for each in originals)
    (rows,) = tx.ask(tx.conn, [(_texts(tx.dialect), names)])
    stored = yield from reading_each(rows, tuple, lambda row: len(row[-1] or ""))
    return {SettingsName(RegistryName(*place), owner): text or "{}" for *place, owner, text in stored}


def merging(originals: Sequence[Original], texts: dict[SettingsName, str]) -> Steps[list[Original]]:
    """Return originals merged with the stored settings, in steps.

    The transaction then only compares the texts of these.
    """
    prepared: list[Original] = []
    for each in originals:
        one = yield from _merging(each, texts.get(each.declared.name))
        yield
        settings = None if one.settings is None else (yield from writing_json(one.settings))
        prepared.append(replace(each, merged=replace(one, settings=settings)))
    return prepared


def _merging(original: Original, text: str | None) -> Steps[Merged]:
    settings = original.settings
    if text is None:
        # An older version converged it without an original, which owned elements are not.
        return Merged(None, None if original.declared.observed_generation else settings)
    known = yield from reading_json(text)
    changed = dict(known)
    for name in settings:
        if name not in known or not SETTINGS[name].removable:
            yield
            changed[name] = yield from _adding(name, settings[name], known.get(name))
    return Merged(text, None if changed == known else changed)


def _adding(name: str, shape: Shape, known: Shape | None) -> Steps[Shape]:
    setting = SETTINGS[name]
    elements = yield from splitting(setting, shape)
    if known is not None:
        elements = merged(elements, (yield from splitting(setting, known)))
    return (yield from setting.joining(elements))


def _revision_0(declared: Declaration, settings: Any) -> dict[str, Any]:
    # An element that existed before stays when an owner returns to it and leaves again.
    kept = replace(declared, deletion_policy="ABANDON")
    columns = columns_of(revision(kept, 0, settings, Origin("Observe"), 0))
    return {name: value for name, value in columns.items() if name != _STAMPED}


def _stamp(dialect: Dialect) -> dict[str, ColumnElement[int]]:
    return {_STAMPED: dialect.now()}


@lru_cache(maxsize=4)
def _texts(dialect: Dialect) -> Select[Any]:
    names = dialect.json_table(dict.fromkeys(KEY, Text()))
    same = and_(revisions.c.revision == 0, *(revisions.c[name] == names.c[name] for name in KEY))
    columns: list[ColumnElement[Any]] = [*(revisions.c[name] for name in KEY)]
    return select(*columns, type_coerce(revisions.c.settings, Text)).join_from(names, revisions, same)
