"""Many rows of a table in one statement."""

from __future__ import annotations

import subprocess
import sys
import uuid
from typing import Any

import pytest
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.rows import Revision
from ecrkeeper_server.store.tables import operations, revisions
from ecrkeeper_server.store.uids import new_uid
from ecrkeeper_server.store.work import KEY, columns_of
from sqlalchemy import ColumnElement, select

SETTINGS: list[Any] = [
    {"text": 'a"b\\c, ä, \U0001f600, \x00 and \ud800', "number": 2**53, "none": None, "list": [True, 1.5]},
    None,
    {},
]


def row(number: int, **fields: Any) -> dict[str, Any]:
    settings = SETTINGS[number % len(SETTINGS)]
    revision = Revision(
        "111111111111", "us-east-1", "it's", number, settings, "REMOVE", number > 1, number, "ü", "", "", ""
    )
    return {**columns_of(revision), **fields}


async def stored(db: Database) -> list[dict[str, Any]]:
    rows = await db.read(lambda tx: tx.conn.execute(select(revisions).order_by(revisions.c.revision)).all())
    return [each._asdict() for each in rows]


@pytest.mark.parametrize("count", [0, 1, 3], ids=["no rows", "one row", "many rows"])
async def test_rows_are_stored_as_given(db: Database, count: int) -> None:
    rows = [row(number) for number in range(count)]
    await db.write(lambda tx: tx.insert_rows(revisions, rows))
    assert await stored(db) == rows


@pytest.mark.parametrize("count", [1, 3], ids=["one row", "many rows"])
async def test_update_changes_the_given_rows_and_columns(db: Database, count: int) -> None:
    rows = [row(number) for number in range(4)]
    await db.write(lambda tx: tx.insert_rows(revisions, rows))
    changed = [row(number, reason=f"changed {number}", settings=SETTINGS[0]) for number in range(count)]
    values = [{name: each[name] for name in (*KEY, "revision", "reason", "settings")} for each in changed]
    await db.write(lambda tx: tx.update_rows(revisions, (*KEY, "revision"), values))
    assert await stored(db) == [*changed, *rows[count:]]


@pytest.mark.parametrize("count", [1, 2], ids=["one row", "many rows"])
async def test_stamp_is_the_same_for_all_rows(db: Database, count: int) -> None:
    shape = {"method": "m", "target": "t", "requested": 1, "generation": 1, "metadata": {}, "done": False}

    def stamp(dialect: Any) -> dict[str, ColumnElement[int]]:
        return {"create_time": dialect.now()}

    def change(tx: Tx) -> list[int]:
        tx.insert_rows(operations, [{"id": str(number), **shape} for number in range(count)], stamp)
        return list(tx.conn.execute(select(operations.c.create_time)).scalars())

    times = await db.write(change)
    assert len(times) == count
    assert min(times) == max(times) > 0


def test_uids_are_random_uuids() -> None:
    uids = [new_uid() for _ in range(1000)]
    assert len({*uids}) == 1000
    assert {uuid.UUID(each).version for each in uids} == {4}


def test_uids_of_a_forked_process_are_its_own() -> None:
    program = """
import os
from ecrkeeper_server.store.uids import new_uid
new_uid()
read, write = os.pipe()
if os.fork() == 0:
    os.write(write, new_uid().encode())
    os._exit(0)
assert os.read(read, 100).decode() != new_uid()
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=30).returncode == 0
