"""Write the declarations of targets, many in one transaction or one in turns.

The decisions are those of single calls.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msgspec import Struct
from msgspec.structs import replace

from ecrkeeper_server.declarations.commands import PutDeclaration
from ecrkeeper_server.declarations.deletion import DeleteDeclaration
from ecrkeeper_server.declarations.idempotency import Caller
from ecrkeeper_server.declarations.write_result import WriteResult
from ecrkeeper_server.errors import StatusError, rejection
from ecrkeeper_server.fleet.bounds import out_of_bounds
from ecrkeeper_server.fleet.judging import LONGEST_SECONDS
from ecrkeeper_server.fleet.names import SetName
from ecrkeeper_server.fleet.rendering import Renderer
from ecrkeeper_server.fleet.targets import FleetAccount, Target
from ecrkeeper_server.fleet.template import MissingLabelError
from ecrkeeper_server.names import RegistryName, SettingsName
from ecrkeeper_server.store.clock import MICROSECONDS
from ecrkeeper_server.store.fleet_rows import Authority
from ecrkeeper_server.store.fleet_specs import AccountState, SetSpec
from ecrkeeper_server.store.resources import SUSPENDED
from ecrkeeper_server.store.rollout_rows import Action, Cause, RolloutRow, TargetRow, TargetState
from ecrkeeper_server.store.rows import Revision
from ecrkeeper_server.store.specs import DeclarationSpec, Mode
from ecrkeeper_server.store.unit_of_work import Manager, UnitOfWork
from ecrkeeper_server.turns import Steps, finish

# When a registry that another transaction holds, or that another set is about to take, is tried again.
BUSY_SECONDS, TAKEOVER_SECONDS = 0.2, 1.0
_CALL = "Rollout"
_MESSAGE_CHARACTERS = 1_000


class _Waiting(Exception):
    """A target cannot begin yet."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Writer(Struct, frozen=True, kw_only=True):
    """Writes targets of one rollout into a unit of work.

    `reached` are the registries within the bounds of the set, `accounts` the accounts of the targets, `taking` the sets
    that will declare for a registry and do not yet, `before` the revisions that targets go back to.
    """

    rollout: RolloutRow
    unit: UnitOfWork
    spec: SetSpec
    renderer: Renderer
    reached: Collection[RegistryName]
    accounts: Mapping[str, FleetAccount]
    taking: Mapping[TargetRow, str]
    before: Mapping[SettingsName, Revision]

    @property
    def name(self) -> SetName:
        """The set."""
        return SetName(self.rollout.set_id)

    def write(self, target: TargetRow) -> TargetRow:
        """Write a pending target, and return it as it is from now on."""
        return finish(self.writing(target))

    def writing(self, target: TargetRow) -> Steps[TargetRow]:
        """Return the same in steps."""
        try:
            return (yield from self._writing(target))
        except _Waiting as wait:
            return self._waits(target, wait.reason, str(wait))
        except MissingLabelError as error:
            return self._in_state(target, TargetState.FAILED, "LABEL_MISSING", str(error))
        except StatusError as error:
            return self._in_state(target, TargetState.FAILED, error.reason, error.message)

    def _waits(self, target: TargetRow, reason: str, message: str) -> TargetRow:
        """Return a target that begins later; another set is not waited for without end."""
        now = self.unit.now
        if not reason:
            return replace(target, since=now + int(BUSY_SECONDS * MICROSECONDS))
        # The time of the last change is that of the first attempt that had to wait.
        began = target.update_time if target.reason == reason else now
        if now - began >= LONGEST_SECONDS * MICROSECONDS:
            text = f"{message}, for {LONGEST_SECONDS // 60} minutes; exclude the registry from one of both sets"
            return self._in_state(target, TargetState.FAILED, reason, text)
        since = now + int(TAKEOVER_SECONDS * MICROSECONDS)
        return replace(target, since=since, update_time=began, reason=reason, message=message)

    def _in_state(self, target: TargetRow, state: TargetState, reason: str, message: str) -> TargetRow:
        now = self.unit.now
        return replace(
            target, state=state, reason=reason, message=message[:_MESSAGE_CHARACTERS], since=now, update_time=now
        )

    def _writing(self, target: TargetRow) -> Steps[TargetRow]:
        registry = target.registry
        if registry in self.unit.busy:
            raise _Waiting("", "")
        account = self.accounts.get(target.account)
        deleting = self.rollout.cause == Cause.DELETION and not target.undo
        if account is not None and account.state is AccountState.GONE and deleting:
            # Nothing can be removed there, and a set that waited for it would never disappear.
            released = yield from self._deleting(target, "ABANDON")
            return self._in_state(released, TargetState.SUCCEEDED, "", "")
        if account is None or not account.writable:
            text = f"accounts/{target.account} is {account.state if account else 'in no fleet'}"
            return self._in_state(target, TargetState.HELD, SUSPENDED, text)
        row = self.unit.registries.get(registry)
        if row is not None and row.mode is not Mode.ENFORCE:
            return self._in_state(target, TargetState.HELD, "NOT_ENFORCED", f"the mode of {registry} is {row.mode}")
        if target.action == Action.RELEASE and not target.undo:
            return (yield from self._releasing(target))
        if registry not in self.reached:
            raise out_of_bounds(Authority.from_json(self.rollout.authority), self.name, registry)
        if target.undo:
            return (yield from self._undoing(target))
        return (yield from self._applying(target, Target(account, target.region)))

    def _applying(self, target: TargetRow, place: Target) -> Steps[TargetRow]:
        settings = yield from self.renderer.rendering(place)
        if violations := (yield from self.renderer.checking(place, settings, "settings")):
            raise rejection(violations)
        spec = self.spec
        wanted = DeclarationSpec(settings, spec.deletion_policy, spec.allow_replacement)
        result = yield from self._putting(target, wanted, self.rollout.revision)
        before = result.before
        if not target.changed:
            target = replace(
                target,
                before_revision=0 if before is None else before.generation,
                before_set_revision=None if before is None else before.set_revision,
                changed=before is None or before.generation != result.declared.generation,
            )
        return self._begun(target, result)

    def _putting(self, target: TargetRow, wanted: DeclarationSpec, revision: int) -> Steps[WriteResult]:
        call = PutDeclaration(
            name=self.name.settings(target.registry),
            change=lambda _: wanted,
            caller=self._caller(),
            create=True,
            update=True,
            remedy="exclude the registry from the set",
            manager=Manager(str(self.name), revision),
        )
        return (yield from call.deciding(self.unit))

    def _begun(self, target: TargetRow, result: WriteResult) -> TargetRow:
        declared = result.declared
        generation = declared.registry_generation
        if target.generation == declared.generation:
            # It was written before and is tried again: only a new generation shows that AWS was asked again.
            generation = self.unit.set_spec(result.registry, result.registry.spec).generation
        written = replace(target, generation=declared.generation, registry_generation=generation)
        return self._in_state(written, TargetState.RUNNING, "", "")

    def _releasing(self, target: TargetRow) -> Steps[TargetRow]:
        if taker := self.taking.get(target):
            raise _Waiting("WAITING_FOR_SET", f"{taker} matches the registry and has not declared for it yet")
        return (yield from self._deleting(target, self.spec.deletion_policy))

    def _deleting(self, target: TargetRow, policy: str) -> Steps[TargetRow]:
        name = self.name.settings(target.registry)
        present = self.unit.declared.get(target.registry, {}).get(name.owner)
        call = DeleteDeclaration(
            name=name,
            caller=self._caller(),
            allow_missing=True,
            manager=Manager(str(self.name), self.rollout.revision),
            deletion_policy=policy,
        )
        result = None if present is None else (yield from call.deciding(self.unit))
        if result is None or present is None:
            return self._released_before(target)
        if not target.undo:
            target = replace(
                target, before_revision=present.generation, before_set_revision=present.set_revision, changed=True
            )
        return self._in_state(
            replace(target, generation=0, registry_generation=result.registry.generation), TargetState.RUNNING, "", ""
        )

    def _released_before(self, target: TargetRow) -> TargetRow:
        """Return a target without a declaration.

        If this rollout deleted it, the registry is reconciled again.
        """
        row = self.unit.registries.get(target.registry)
        if row is None or not target.changed or target.generation:
            return self._in_state(target, TargetState.SUCCEEDED, "", "")
        again = self.unit.set_spec(row, row.spec)
        return self._in_state(replace(target, registry_generation=again.generation), TargetState.RUNNING, "", "")

    def _undoing(self, target: TargetRow) -> Steps[TargetRow]:
        if target.before_revision == 0:
            return (yield from self._deleting(target, "REMOVE"))
        revision = self.before.get(self.name.settings(target.registry))
        if revision is None or revision.settings is None:
            return self._in_state(target, TargetState.FAILED, "NOT_FOUND", "its revision before is not stored any more")
        wanted = DeclarationSpec(revision.settings, revision.deletion_policy, revision.allow_replacement)
        result = yield from self._putting(target, wanted, target.before_set_revision or 0)
        return self._begun(target, result)

    def _caller(self) -> Caller:
        rollout = self.rollout
        reason = f"{rollout.name}: {rollout.reason}" if rollout.reason else rollout.name
        return Caller(_CALL, principal=rollout.principal, reason=reason[:1000])
