"""Declarations of a registry that are read with JSON as text."""

from __future__ import annotations

from collections.abc import Sequence

from ecrkeeper_server.store import declarations
from ecrkeeper_server.store.declarations import Stored
from ecrkeeper_server.store.rows import Declaration
from ecrkeeper_server.turns import work


async def parsed_in_turns(texts: Sequence[Stored]) -> list[Declaration]:
    """Return the declarations; parse long ones in turns."""
    return await work().run(declarations.parsing(texts), declarations.parsing_cost(texts))
