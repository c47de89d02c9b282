"""A role as an ended operation stores it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Self

from msgspec import Struct
from msgspec.structs import replace

from ecrkeeper_server.json_object import Json
from ecrkeeper_server.store.rows import Resource

_MAX_BYTES = 60_000
_MEMBERS = (
    "name", "kind", "account", "place", "uid", "spec", "state", "generation", "observed_generation", "requested",
    "create_time", "update_time", "observe_time", "due_at", "urgent", "lease_token", "lease_until", "failures",
)  # fmt: skip


class FinalRole(Struct, frozen=True):
    """The basic view of a role at the end of an operation."""

    resource: Resource

    @classmethod
    def of(cls, row: Resource) -> Self:
        """Return the view of a role, without tags if it would be too long."""
        view = cls(replace(row, state=row.role_state.brief().to_json()))
        if len(json.dumps(view.to_json())) <= _MAX_BYTES:
            return view
        # Only tags can be that long: the role itself has them.
        spec, state = replace(row.role_spec, tags={}), row.role_state.brief(tags=False)
        return cls(replace(row, spec=spec.to_json(), state=state.to_json()))

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Parse a stored view."""
        return cls(Resource(**stored))

    def to_json(self) -> Json:
        """Return the stored form."""
        return {name: getattr(self.resource, name) for name in _MEMBERS}
