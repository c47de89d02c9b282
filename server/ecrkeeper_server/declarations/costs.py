"""The cost of all declarations of a registry, counted in turns if there are many."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from ecrkeeper_server.settings.elements import cost
from ecrkeeper_server.store.rows import Declaration, Resource, parsed
from ecrkeeper_server.turns import MANY, Steps, work

# Shapes that are counted in one step.
_AT_ONCE = 20


async def costs_in_turns(shapes: Collection[Any]) -> list[int]:
    """Return the cost of each shape in elements, and one more for the shape."""
    return await work().run(counting(shapes), len(shapes) * MANY // _AT_ONCE)


async def cost_in_turns(shapes: Collection[Any]) -> int:
    """Return the cost of all of them."""
    return sum(await costs_in_turns(shapes))


async def view_cost(row: Resource, declared: Iterable[Declaration]) -> int:
    """Return the cost of a view: of all owners' settings and of those in AWS."""
    await parsed(row)
    return await cost_in_turns([*(each.settings for each in declared), *row.registry_state.observed.values()])


def counting(shapes: Collection[Any]) -> Steps[list[int]]:
    """Return the cost of each shape in steps."""
    costs = []
    for at, shape in enumerate(shapes):
        if at % _AT_ONCE == _AT_ONCE - 1:
            yield
        costs.append(cost(shape) + 1)
    return costs
