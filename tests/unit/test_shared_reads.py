"""Watches share the reads of changed resources."""

from __future__ import annotations

from pathlib import Path

from ecrkeeper_server.api.services.broadcaster import Changes
from ecrkeeper_server.api.services.shared_reads import SharedReads
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import resources, schema
from ecrkeeper_server.turns import Turns

NAME = RegistryName("111111111111", "us-east-1")


async def test_first_read_precedes_every_announcement(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ecrkeeper.db'}"
    schema.migrate(url)
    db = schema.open_database(url)
    await db.write(lambda tx: resources.create(tx, NAME, {}))
    changes = Changes()
    assert changes.announced == 0
    rows = await SharedReads(db, changes, Turns()).of((str(NAME),))
    assert set(rows) == {str(NAME)}
    await db.close()
