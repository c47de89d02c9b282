"""Messages of the elements of a registry."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ecrkeeper.v1 import common_pb2, registry_pb2

from ecrkeeper_server.api.messages import differences, fields
from ecrkeeper_server.api.messages.groups import grouping
from ecrkeeper_server.api.messages.sizes import RESOURCE_BYTES
from ecrkeeper_server.settings.element_states import ElementState
from ecrkeeper_server.turns import Steps

# Owners of one element.
_OWNERS = 1_000


def adding_elements(items: Any, states: Iterable[ElementState], *, complete: bool = False) -> Steps[None]:
    """Add elements to a list in steps, with equal replication pairs as one.

    Omit long values unless `complete` is set.
    """
    groups = yield from grouping(
        states,
        lambda each: (each.setting, each.keys),
        lambda each: (each.state, each.owners, each.value, each.problem),
    )
    yield from fields.adding(items, (_element(state, *group, complete=complete) for state, group in groups))


def _element(
    state: ElementState, key: str, pairs: common_pb2.ReplicationPairs | None, *, complete: bool
) -> registry_pb2.Element:
    value, omitted = (fields.value(state.value), False) if complete else differences.short_value(state.value)
    return registry_pb2.Element(
        setting=state.setting,
        key=key,
        state=element_state(state.state),
        owners=state.owners[:_OWNERS],
        omitted_owners=max(0, len(state.owners) - _OWNERS),
        value=value,
        value_omitted=omitted,
        problem=state.problem,
        pairs=pairs,
    )


def element(state: ElementState, key: str) -> registry_pb2.Element:
    """Return one element of a group with its complete value.

    AWS's value is set if it differs.
    """
    differs = state.desired is not None and state.observed != state.desired
    message = registry_pb2.Element(
        setting=state.setting,
        key=key,
        state=element_state(state.state),
        owners=state.owners[:_OWNERS],
        omitted_owners=max(0, len(state.owners) - _OWNERS),
        value=fields.value(state.value),
        observed=fields.value(state.observed) if differs else None,
        problem=state.problem,
    )
    if message.ByteSize() > RESOURCE_BYTES:
        # AWS has a value that its own limits do not allow.
        message.ClearField("value")
        message.ClearField("observed")
        message.value_omitted = True
    return message


def element_state(name: str) -> Any:
    """Return the number of a state."""
    return fields.number(registry_pb2.Element, "State", name)
