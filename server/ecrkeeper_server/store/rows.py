"""The rows as values."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Any, Self, TypeVar

from msgspec import Struct
from sqlalchemy import Row

from ecrkeeper_server.json_object import Json
from ecrkeeper_server.names import RegistryName, RoleName, SettingsName
from ecrkeeper_server.store.long_json import LongJson, reading_members, value_of
from ecrkeeper_server.store.specs import DeclarationSpec, Mode, RegistrySpec, RoleSpec, mode_of
from ecrkeeper_server.store.state_parts import StoredError
from ecrkeeper_server.store.states import STATUS_MEMBERS, RegistryState, RoleState
from ecrkeeper_server.turns import Steps, finish, work


class FromRow:
    """A value whose members are the columns of a table."""

    __slots__ = ()

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """Return the values of a row that holds all columns of the table."""
        return cls(**row._asdict())


class HasState:
    """A value with a stored state, which is not parsed yet if it is long."""

    __slots__ = ()
    state: Json | LongJson

    @property
    def stored_state(self) -> Json:
        """The state.

        A long one is parsed at once unless `reading_state` or `parsed` has done so before.
        """
        return value_of(self.state)

    def reading_state(self) -> Steps[Json]:
        """Parse the state, and return it."""
        return (yield from self.state.reading()) if isinstance(self.state, LongJson) else self.state

    def reading_members(self, names: Collection[str] = STATUS_MEMBERS) -> Steps[Json]:
        """Return these members of the state in steps, and perhaps others."""
        return reading_members(self.state, names)

    def members(self, *names: str) -> Json:
        """Return these members at once; a long state is split, and only they are parsed."""
        return finish(self.reading_members(names))


R = TypeVar("R", bound=HasState)


async def parsed(row: R) -> R:
    """Return a row after parsing its state in turns."""
    if isinstance(row.state, LongJson):
        await work().run(row.state.reading())
    return row


class Resource(FromRow, HasState, Struct, frozen=True):
    """A registry or a role: desired state, observed state, and place in the queue.

    `spec` and `state` are the stored JSON, which `mode`, `registry_spec`, `role_spec`,
    `registry_state` and `role_state` parse on demand.
    """

    name: str
    kind: str
    account: str
    place: str
    uid: str
    spec: Json
    state: Json | LongJson
    generation: int
    observed_generation: int
    requested: int
    create_time: int
    update_time: int
    observe_time: int | None
    due_at: int | None
    urgent: bool
    lease_token: str | None
    lease_until: int | None
    failures: int
    unready: str | None = None
    trace: str | None = None
    reason: str | None = None
    drifted: bool = False
    replication: str | None = None
    silent: bool = False
    attempts: int = 0
    failed_at: int | None = None
    event_due_at: int | None = None
    events: Json | None = None

    @classmethod
    def new(cls, name: RegistryName | RoleName, spec: Json, now: int, *, uid: str = "", generation: int = 0) -> Self:
        """Return a resource that is not stored; without a uid, nobody has declared it."""
        return cls(
            name=str(name), kind=name.kind, account=name.account,
            place=name.region if isinstance(name, RegistryName) else name.role, uid=uid, spec=spec, state={},
            generation=generation, observed_generation=0, requested=generation, create_time=now, update_time=now,
            observe_time=None, due_at=None, urgent=False, lease_token=None, lease_until=None, failures=0,
        )  # fmt: skip

    @property
    def registry(self) -> RegistryName:
        """The registry of the row; only for the kind `registry`."""
        return RegistryName(self.account, self.place)

    @property
    def role(self) -> RoleName:
        """The role of the row; only for the kind `role`."""
        return RoleName(self.account, self.place)

    @property
    def mode(self) -> Mode:
        """The mode of the resource."""
        return mode_of(self.spec)

    @property
    def registry_spec(self) -> RegistrySpec:
        """The desired state; only for the kind `registry`."""
        return RegistrySpec.from_json(self.spec)

    @property
    def role_spec(self) -> RoleSpec:
        """The desired state; only for the kind `role`."""
        return RoleSpec.from_json(self.spec)

    @property
    def registry_state(self) -> RegistryState:
        """The observed state; only for the kind `registry`."""
        return RegistryState(self.stored_state)

    @property
    def role_state(self) -> RoleState:
        """The observed state; only for the kind `role`."""
        return RoleState(self.stored_state)

    @property
    def deleting(self) -> bool:
        """Whether the deletion of a role is running."""
        return self.kind == RoleName.kind and self.role_spec.deletion is not None

    @property
    def etag(self) -> str:
        """The etag of everything that is desired; empty if the row is not stored."""
        return f"{self.uid[:8]}-{self.generation}" if self.uid else ""

    @property
    def carried_out(self) -> bool:
        """Whether the last attempt converged to the newest generation."""
        return self.observed_generation >= self.generation and self.unready is None


def with_new_spec(row: Any, *, spec: Any, now: Any) -> dict[str, Any]:
    """Return the columns of `resources` for another desired state: a new generation.

    `row` is the resource, or the table if the database is to increment.
    """
    return {"spec": spec, "generation": row.generation + 1, "update_time": now}


def with_request(row: Any, *, now: Any, trace: Any) -> dict[str, Any]:
    """Return the columns of `schedule` for a requested reconcile; `row` as above."""
    return {"requested": row.requested + 1, "due_at": now, "urgent": True, "trace": trace}


class RegistryStatus(HasState, Struct, frozen=True):
    """The status of a registry that is shown with each of its declarations."""

    state: Json | LongJson
    due_at: int | None
    events: Json | None = None


class Declaration(FromRow, Struct, frozen=True):
    """One owner's declaration for one registry; `settings` is in AWS's shape.

    `managed_by` is the name of the registry set that made it, at `set_revision`; None
    for other declarations. `apply_group` is the group that it is applied with, or None.
    """

    account: str
    region: str
    owner: str
    uid: str
    settings: Json
    deletion_policy: str
    allow_replacement: bool
    generation: int
    observed_generation: int
    registry_generation: int
    create_time: int
    update_time: int
    managed_by: str | None = None
    set_revision: int | None = None
    apply_group: str | None = None

    @property
    def name(self) -> SettingsName:
        """The name of the declaration."""
        return SettingsName(RegistryName(self.account, self.region), self.owner)

    @property
    def spec(self) -> DeclarationSpec:
        """The settings and options that the owner declares."""
        return DeclarationSpec(self.settings, self.deletion_policy, self.allow_replacement, self.apply_group or "")

    @property
    def etag(self) -> str:
        """The etag, which changes with every change of the declaration."""
        return f"{self.uid[:8]}-{self.generation}"


class Revision(FromRow, Struct, frozen=True):
    """A revision of a declaration; `settings` is None if it was deleted."""

    account: str
    region: str
    owner: str
    revision: int
    settings: Json | None
    deletion_policy: str
    allow_replacement: bool
    create_time: int
    principal: str
    request_id: str
    reason: str
    method: str


class Method(StrEnum):
    """The calls that begin operations."""

    RECONCILE_REGISTRY = "ReconcileRegistry"
    RECONCILE_ROLE = "ReconcileServiceLinkedRole"
    DELETE_ROLE = "DeleteServiceLinkedRole"
    START_BACKFILL = "StartReplicationBackfill"


class Operation(FromRow, Struct, frozen=True):
    """A long-running call, one of `Method`; `error` is a `StoredError` in JSON."""

    id: str
    method: str
    target: str
    requested: int
    generation: int
    metadata: Json
    done: bool
    error: Json | None
    response: Json | None
    create_time: int
    done_time: int | None

    @property
    def stored_error(self) -> StoredError | None:
        """The error that the operation ended with."""
        return None if self.error is None else StoredError.from_json(self.error)


class Request(FromRow, Struct, frozen=True):
    """An answered write, by the request id of its caller."""

    request_id: str
    method: str
    fingerprint: str
    result: str
    create_time: int
