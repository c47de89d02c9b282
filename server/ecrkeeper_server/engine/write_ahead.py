"""Record an attempt's intended writes and ownership before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from ecrkeeper_server.ecr.apply import AwsWrite
from ecrkeeper_server.ecr.observe import Observed
from ecrkeeper_server.engine.attempt import Attempt
from ecrkeeper_server.engine.setting_errors import SettingError
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings.algebra import Composition
from ecrkeeper_server.settings.element_sets import NO_KEYS, changed_keys, differing, merged, only, without
from ecrkeeper_server.settings.elements import Change, Elements, Keys, keys_of
from ecrkeeper_server.settings.plan import Plan
from ecrkeeper_server.settings.suspects import Suspects
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.store.contests import Contests
from ecrkeeper_server.store.originals import Original
from ecrkeeper_server.store.rows import Declaration
from ecrkeeper_server.store.states import RegistryState
from ecrkeeper_server.store.stored_drift import StoredDrift
from ecrkeeper_server.turns import Steps, work

# Document writes of one attempt, including those that AWS rejects.
MAX_CALLS = 12


class Progress(Struct):
    """The findings of one attempt so far, by setting.

    `applied_before` is what was applied before the write-ahead record.
    `calls_remaining` limits the calls to isolate what AWS rejects of documents.
    `retry_in` is the time to retry the rest. `denials` are the denials that were
    in place, with their owners then.
    """

    composition: Composition
    declared: list[Declaration]
    applied: dict[str, Elements]
    unconfirmed: dict[str, Keys] = field(default_factory=dict)
    observed: dict[str, Observed] = field(default_factory=dict)
    plans: dict[str, Plan] = field(default_factory=dict)
    errors: dict[str, list[SettingError]] = field(default_factory=dict)
    originals: Sequence[Original] = ()
    remediated: list[StoredDrift] = field(default_factory=list)
    suspects: Suspects = field(default_factory=dict)
    contests: Contests = field(default_factory=dict)
    # The contested elements that are not to be written now, by setting.
    withheld: Mapping[str, Keys] = field(default_factory=dict)
    denials: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    applied_before: dict[str, Elements] = field(default_factory=dict)
    calls_remaining: int = MAX_CALLS
    retry_in: float | None = None

    def elements(self) -> dict[str, Elements]:
        """Return AWS's state of the readable settings."""
        return {name: observed.elements for name, observed in self.observed.items()}


class SettingWrite(Struct, frozen=True):
    """One setting's part of the writes of an attempt.

    `planned` is None where nothing new is sent, and `writes` are the calls of that plan. `retried` are changes of a
    document that AWS rejected before, and that are due again.
    """

    setting: str
    planned: Plan | None
    writes: Sequence[AwsWrite]
    retried: Sequence[Change]

    @property
    def changes(self) -> list[Change]:
        """The changes of the plan, and those that are tried again."""
        return [*(self.planned.changes if self.planned is not None else ()), *self.retried]


async def record_intent(
    attempt: Attempt, progress: Progress, todo: Mapping[str, Plan], writes: Mapping[str, Sequence[AwsWrite]]
) -> None:
    """Record intended writes as owned, and in the audit trail, before sending.

    If they were recorded afterwards, a kill in between would leave elements in
    AWS that nobody removes when their owner leaves.
    """
    state = await work().step(_intending, attempt, progress, todo, elements=attempt.elements)
    originals, progress.originals = progress.originals, ()
    await attempt.intend([write for of_setting in writes.values() for write in of_setting], state, originals)


def _intending(attempt: Attempt, progress: Progress, todo: Mapping[str, Plan]) -> RegistryState:
    """Own the intended elements, and return the state with them."""
    intended = {name: _intended(progress, planned) for name, planned in todo.items()}
    for name, elements in intended.items():
        before = progress.applied.get(name, {})
        first = progress.unconfirmed.get(name, NO_KEYS) | (keys_of(elements) - keys_of(before))
        if first:
            progress.unconfirmed[name] = first
        progress.applied[name] = merged(before, elements)
    return attempt.claimed.registry_state.changed(
        applied=dict(progress.applied),
        unconfirmed=dict(progress.unconfirmed),
        suspects=progress.suspects,
    )


def originals_of(progress: Progress, registry: RegistryName) -> Steps[list[Original]]:
    """Return the originals of new declarations, in steps.

    Call it before anything becomes owned.
    """
    originals: list[Original] = []
    for declared in progress.declared:
        if declared.observed_generation < declared.generation:
            originals.append(Original(declared, (yield from _original(progress, declared, registry))))
    return originals


def _original(progress: Progress, declared: Declaration, registry: RegistryName) -> Steps[dict[str, Any]]:
    """Return AWS's state of a declaration's settings, in steps.

    Owned elements, other owners' elements, and elements that cannot be removed
    are excluded.
    """
    shapes = {}
    for name in declared.settings.keys() & progress.observed.keys():
        yield
        setting, observed = SETTINGS[name], progress.observed[name].elements
        declared_elements = keys_of(setting.split(declared.settings[name]))
        unowned = keys_of(observed) - keys_of(progress.applied.get(name, {}))
        # Permanent and shared elements are included only if this owner changes them.
        nobodys = unowned - keys_of(progress.composition.owners.get(name, {})) if setting.removable else NO_KEYS
        yield
        unowned_before = only(observed, (unowned & declared_elements) | nobodys)
        shapes[name] = yield from setting.joining(setting.declarable(unowned_before, registry))
    return shapes


def _intended(progress: Progress, planned: Plan) -> Elements:
    """Return the desired elements that will exist, without withheld ones."""
    withheld = changed_keys(progress.plans[planned.setting].changes) - changed_keys(planned.changes)
    return without(progress.composition.desired.get(planned.setting, {}), withheld)


def relinquish(progress: Progress, name: str, before: Elements, writes: Sequence[AwsWrite]) -> None:
    """Forget the intent for changes that AWS rejected or that were not sent.

    An unmanaged element with such a key is not owned.
    """
    desired, observed = progress.composition.desired.get(name, {}), progress.observed[name].elements
    ineffective = _keys_of_writes(writes, "NOT_SENT", "FAILED")
    if ineffective:
        kept = progress.applied.get(name, {})
        as_desired = keys_of(desired) - differing(desired, observed)
        forgotten = (ineffective - keys_of(before)) - as_desired
        restored = only(only(before, ineffective), keys_of(kept))
        progress.applied[name] = merged(without(kept, forgotten), restored)
    owned = keys_of(progress.applied.get(name, {}))
    succeeded = _keys_of_writes(writes, "SUCCEEDED")
    progress.unconfirmed[name] = (progress.unconfirmed.get(name, NO_KEYS) & owned) - succeeded


def _keys_of_writes(writes: Sequence[AwsWrite], *outcomes: str) -> Keys:
    return changed_keys(change for write in writes if write.outcome in outcomes for change in write.changes)
