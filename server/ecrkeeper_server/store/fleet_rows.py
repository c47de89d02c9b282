"""The rows of the fleet's tables as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from msgspec import Struct, field

from ecrkeeper_server.json_object import Json
from ecrkeeper_server.store.fleet_specs import AccountState, SetSpec, Source
from ecrkeeper_server.store.rows import FromRow


class Authority(Struct, frozen=True):
    """The principal on whose behalf a set acts, with its groups."""

    principal: str = ""
    groups: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Read a stored authority."""
        return cls(stored.get("principal", ""), tuple(stored.get("groups", ())))

    def to_json(self) -> Json:
        """Return the authority as it is stored."""
        return {"principal": self.principal, "groups": list(self.groups)}


class AccountRow(FromRow, Struct, frozen=True, kw_only=True):
    """An account of the fleet."""

    account: str
    uid: str
    display_name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    organizational_unit: str = ""
    state: str = AccountState.ACTIVE
    regions: Sequence[str] = ()
    source: str = Source.DECLARED
    aws_regions: Sequence[str] | None = None
    generation: int = 1
    create_time: int = 0
    update_time: int = 0
    caller_identity: str = ""
    unreachable: str = ""
    unreachable_message: str = ""
    reachable_since: int | None = None
    check_at: int = 0

    @property
    def enabled_regions(self) -> tuple[str, ...]:
        """The enabled Regions: those that somebody declared, or those that AWS told."""
        return tuple(self.regions or self.aws_regions or ())

    @property
    def etag(self) -> str:
        """Changes with every change of the account."""
        return f"{self.uid[:8]}-{self.generation}"


class SetRow(FromRow, Struct, frozen=True, kw_only=True):
    """A registry set."""

    id: str
    uid: str
    spec: Json
    authority: Json
    generation: int
    current_revision: int = 0
    held_removals: int = 0
    create_time: int
    update_time: int
    due_at: int | None = None
    deleting: bool = False

    @property
    def name(self) -> str:
        """The name of the set."""
        return f"registrySets/{self.id}"

    @property
    def set_spec(self) -> SetSpec:
        """The content of the set."""
        return SetSpec.from_json(self.spec)

    @property
    def etag(self) -> str:
        """Changes with every change of the set."""
        return f"{self.uid[:8]}-{self.generation}"


class SetRevision(FromRow, Struct, frozen=True):
    """One content that a set had; `spec` is None where it was deleted."""

    set_id: str
    revision: int
    spec: Json | None
    create_time: int
    principal: str
    request_id: str
    reason: str
    method: str
