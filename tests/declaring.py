"""Store declarations directly, without a registry and without validation."""

from __future__ import annotations

from typing import Any

from ecrkeeper_server.names import SettingsName
from ecrkeeper_server.store import revision_pages, work
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.rows import Declaration, Revision
from ecrkeeper_server.store.unit_of_work import Origin
from ecrkeeper_server.turns import finish


def put(
    tx: Tx,
    name: SettingsName,
    settings: dict[str, Any],
    *,
    registry_generation: int,
    origin: Origin,
    deletion_policy: str = "REMOVE",
    allow_replacement: bool = False,
) -> Declaration:
    """Change or create a declaration."""
    unit = work.load(tx, [name])
    stored = unit.declare(
        name, settings, deletion_policy=deletion_policy, allow_replacement=allow_replacement,
        registry_generation=registry_generation, origin=origin,
    )  # fmt: skip
    work.save(tx, unit)
    return stored


def get(tx: Tx, name: SettingsName) -> Declaration | None:
    """Return one declaration."""
    return work.load(tx, [name]).declared[name.registry].get(name.owner)


def remove(tx: Tx, declared: Declaration, origin: Origin) -> None:
    """Delete a declaration."""
    unit = work.load(tx, [declared.name])
    unit.remove(declared, origin)
    work.save(tx, unit)


def newest_revisions(tx: Tx, name: SettingsName) -> list[Revision]:
    """Return all revisions of a declaration, newest first."""
    numbers = [row.key for row in finish(revision_pages.reading_page(tx, name, None, 1000))]
    return finish(finish(revision_pages.reading(tx, name, numbers)))
