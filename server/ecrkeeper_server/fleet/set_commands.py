"""Writes of registry sets, each in the transaction of its call."""

from __future__ import annotations

import uuid

from msgspec import Struct

from ecrkeeper_server.declarations.idempotency import Caller, check_etag, find_response, save_response
from ecrkeeper_server.errors import AlreadyExists, FailedPrecondition, NotFound
from ecrkeeper_server.fleet.names import SetName
from ecrkeeper_server.fleet.rollout_commands import active_of, begin, end, queued_of
from ecrkeeper_server.json_object import Json
from ecrkeeper_server.settings.elements import diff
from ecrkeeper_server.store import audit, registry_sets, rollouts
from ecrkeeper_server.store.audit import NewEvent
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.fleet_rows import Authority, SetRevision, SetRow
from ecrkeeper_server.store.fleet_specs import SetSpec
from ecrkeeper_server.store.rollout_rows import Cause, RolloutState


class SetWrite(Struct, frozen=True, kw_only=True):
    """A call that writes a set; without a `spec`, it deletes the set."""

    name: SetName
    caller: Caller
    authority: Authority
    spec: SetSpec | None
    create: bool = False
    update: bool = True
    etag: str = ""
    supersede: bool = False
    # In how many registries the caller allows the change to remove elements.
    removals: int = 0

    def check(self, present: SetRow | None) -> None:
        """Reject a call that does not fit the present set."""
        name = str(self.name)
        if present is None and not self.create:
            raise NotFound("RegistrySet", name, "create it, or set allow_missing")
        if present is not None and not self.update:
            raise AlreadyExists(
                f"{name} exists; update it instead", reason="ALREADY_EXISTS", resource=("RegistrySet", name)
            )
        if self.update:
            check_etag(name, self.etag, "" if present is None else present.etag)
        if present is not None and present.deleting and self.spec is not None:
            raise FailedPrecondition(f"{name} is being deleted; wait until it has disappeared", reason="SET_DELETING")

    def unchanged(self, present: SetRow | None) -> bool:
        """Return whether the call would make the set what it is."""
        if present is None or (present.held_removals and self.removals):
            return False
        return self.spec is not None and present.spec == self.spec.to_json()


def write_set(tx: Tx, call: SetWrite) -> SetRow:
    """Create, change or delete a set: a new revision, and a rollout of it."""
    name, caller = call.name, call.caller
    opened = rollouts.open_of(tx, name.id, lock=True)
    present = registry_sets.get(tx, name.id, lock=True)
    if find_response(tx, caller) is not None:
        if present is None:
            raise NotFound("RegistrySet", str(name), "the call was answered before; deleted since")
        return present
    call.check(present)
    save_response(tx, caller, str(name))
    if present is not None and call.unchanged(present):
        return present
    active, queued = active_of(opened), queued_of(opened)
    if queued is not None and not call.supersede:
        raise FailedPrecondition(
            f"{queued.name} waits for {active.name if active else 'another one'}; set `supersede` to replace it",
            reason="ROLLOUT_QUEUED",
            metadata={"rollout": queued.name},
        )
    row = _store(tx, call, present)
    cause = Cause.DELETION if call.spec is None else Cause.REVISION
    spec = row.spec if call.spec is None else call.spec.to_json()
    queueing = active is not None
    rollout = begin(tx, row, cause, caller, spec=spec, revision=row.generation, queued=queueing, removals=call.removals)
    if queued is not None:
        rollouts.change(tx, queued, due_in=None, state=RolloutState.SUPERSEDED, message=f"replaced by {rollout.name}")
    elif active is not None and call.supersede:
        end(tx, active, RolloutState.CANCELLED, f"superseded by {rollout.name}")
    return row


def _store(tx: Tx, call: SetWrite, present: SetRow | None) -> SetRow:
    caller, set_id = call.caller, call.name.id
    revision = registry_sets.next_revision(tx, set_id)
    spec: Json | None = None if call.spec is None else call.spec.to_json()
    registry_sets.add_revision(
        tx, SetRevision(set_id, revision, spec, 0, caller.principal, caller.request_id, caller.reason, caller.method)
    )
    before = {} if present is None else present.spec
    if present is None:
        row = registry_sets.add(
            tx,
            SetRow(
                id=set_id,
                uid=str(uuid.uuid4()),
                spec=spec or {},
                authority=call.authority.to_json(),
                generation=revision,
                create_time=0,
                update_time=0,
            ),
        )
    else:
        values = {"deleting": True} if spec is None else {"spec": spec}
        row = registry_sets.change(
            tx,
            set_id,
            generation=revision,
            authority=call.authority.to_json(),
            update_time=tx.now(),
            held_removals=0,
            **values,
        )
    _record(tx, call, row, before, spec or {})
    return row


def _record(tx: Tx, call: SetWrite, row: SetRow, before: Json, after: Json) -> None:
    caller = call.caller
    event = NewEvent(
        kind="CALL",
        method=caller.method,
        resource=row.name,
        owners=(row.id,),
        principal=caller.principal,
        request_id=caller.request_id,
        call_id=caller.call_id,
        generation=row.generation,
        reason=caller.reason,
        changes=diff("registry_set", before, after),
    )
    audit.add(tx, [event])
