"""The result of a command on declarations."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from ecrkeeper_server.declarations.takeover import Takeover
from ecrkeeper_server.store.rows import Declaration, Resource
from ecrkeeper_server.store.specs import DeclarationSpec


class WriteResult(Struct, frozen=True):
    """The result of a write, or of one with `validate_only`.

    `before` is the declaration until then, and `planned_on` the etag of the registry; it is empty if that is not
    stored. `takeovers` are the elements that other owners lose.
    """

    registry: Resource
    declared: Declaration
    specs: Mapping[str, DeclarationSpec]
    before: Declaration | None
    planned_on: str = ""
    takeovers: tuple[Takeover, ...] = ()
