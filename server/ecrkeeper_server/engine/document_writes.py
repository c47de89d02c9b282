"""Write a document that several owners share, and isolate what AWS rejects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from ecrkeeper_server.aws_errors import AwsError, Permanent, Temporary
from ecrkeeper_server.ecr.apply import AwsWrite
from ecrkeeper_server.ecr.observe import observe_setting
from ecrkeeper_server.engine.attempt import Attempt
from ecrkeeper_server.engine.policy_rejection import explain_policy_rejection, is_generic_rejection, scope_of
from ecrkeeper_server.engine.rejections import held, owners_by_key
from ecrkeeper_server.engine.write_ahead import MAX_CALLS, Progress, SettingWrite, record_intent, relinquish
from ecrkeeper_server.settings import suspects
from ecrkeeper_server.settings.document import Document
from ecrkeeper_server.settings.element_sets import NO_KEYS, changed_keys, merged, only, restricted
from ecrkeeper_server.settings.elements import Change, Elements, Keys, alike, gather, keys_of
from ecrkeeper_server.settings.isolation import (
    Search,
    Verdict,
    calls_needed,
    itemizing,
    needs,
    unmade_changes,
    with_changes,
)
from ecrkeeper_server.settings.plan import Plan
from ecrkeeper_server.settings.setting import Call
from ecrkeeper_server.turns import work

# Errors about the content of a request, not about its sender or its time.
_OF_THE_CONTENT = frozenset({"AWS_REJECTED", "AWS_QUOTA_EXCEEDED", "PRINCIPAL_NOT_FOUND"})
_CODES = frozenset({"InvalidParameter", "Validation", "LimitExceeded"})


def of_the_content(error: AwsError) -> bool:
    """Return whether AWS rejects the content of a request, and may accept a part."""
    return isinstance(error, Permanent) and (error.reason in _OF_THE_CONTENT or error.aws_code in _CODES)


def aws_write(attempt: Attempt, progress: Progress, setting: str, call: Call) -> AwsWrite:
    """Return a call with the owners of its changes."""
    registry = attempt.claimed.registry
    owners = sorted(progress.composition.owners_of_any(setting, changed_keys(call.changes)))
    return AwsWrite(
        registry.account, registry.region, call.service, call.operation, call.params, call.changes, owners
    )  # fmt: skip


class DocumentWriter(Struct):
    """Writes one document in one attempt."""

    attempt: Attempt
    progress: Progress
    setting: Document
    # Each rejection with its changes. The smallest one with a change is the most specific.
    rejections: list[tuple[Keys, AwsError]] = field(default_factory=list)
    # The scope of the registry's policy, once read: it may explain a rejection.
    _scope: tuple[str | None] | None = None

    async def write(self, due: SettingWrite) -> list[Change]:
        """Send unsuspected changes, isolate rejections, and retry `retried` once.

        The rejected elements become suspects. Returns the changes that are neither
        made nor known to be rejected; raises errors that prevent all of them.
        """
        if due.planned is not None:
            for write in due.writes:
                await self._first(due.planned, write)
        if due.retried:
            await self._search(due.retried, rejected=False)
        name = self.setting.name
        known = suspects.keys_of(self.progress.suspects.get(name, ())) | keys_of(held(self.progress, name))
        return list(restricted(self.pending(), changed_keys(due.changes) - known))

    async def _first(self, planned: Plan, write: AwsWrite) -> None:
        """Send everything in one call, which nearly always succeeds."""
        before = self.progress.applied_before.get(self.setting.name, {})
        error = await self._send(write, planned.target, before)
        if error is None:
            return
        sets = [change for change in planned.changes if change.after is not None]
        removals = [change for change in planned.changes if change.after is None]
        if not sets:
            # AWS rejects a removal, so no element is in error.
            raise error
        self.rejections.append((changed_keys(planned.changes), error))
        verdict = await self._search(sets, rejected=True)
        removed = await self._remove(removals)
        if removed and verdict.base_rejected:
            # The removal may have removed the part that AWS rejected.
            verdict = await self._search(sets, rejected=True)
        if verdict.unfit and not removed and not verdict.accepted:
            # Another attempt would find the same.
            self._suspect([list(restricted(sets, item.keys)) for item in verdict.unfit])

    async def _remove(self, removals: Sequence[Change]) -> bool:
        """Remove undesired elements, except denials that a pending one replaces."""
        needed = needs(self.setting, [*self.pending(), *removals], owners_by_key(self.progress, self.setting.name))
        ready = [change for change in removals if not needed.get(change.key)]
        if not ready or not self._may_continue():
            return False
        if (error := await self._probe(ready)) is not None:
            raise error
        return True

    async def _search(self, changes: Sequence[Change], *, rejected: bool) -> Verdict:
        """Find the rejected changes with the remaining calls; write all others."""
        times = {declared.owner: declared.update_time for declared in self.progress.declared}
        owners = owners_by_key(self.progress, self.setting.name)
        items = await work().run(itemizing(self.setting, changes, owners, times), self.attempt.elements)
        # With fewer calls, no attempt would decide anything, and all owners would wait.
        self.progress.calls_remaining += max(0, calls_needed(len(items)) - MAX_CALLS)

        def fits(keys: Keys) -> bool:
            return self._fits(restricted(changes, keys))

        # An absent document cannot be invalid, nor one beside which suspects were found.
        tried = suspects.with_any(self.progress.suspects.get(self.setting.name, ()), changed_keys(changes))
        proven = not self._base or bool(tried and not any(one.base for one in tried))
        search = Search(items, fits, rejected=rejected, proven=proven)
        try:
            keys = await work().run(search.advancing(), self.attempt.elements)
            while keys is not None and self._may_continue():
                error = await self._probe(list(restricted(changes, keys)))
                if error is not None:
                    self.rejections.append((keys, error))
                keys = await work().run(search.advancing(error is None), self.attempt.elements)
        finally:
            self._conclude(search.verdict, changes)
        return search.verdict

    def _conclude(self, verdict: Verdict, changes: Sequence[Change]) -> None:
        """Clear accepted suspects, and make suspects of rejected changes."""
        name = self.setting.name
        self.progress.suspects[name] = suspects.without_any(self.progress.suspects.get(name, ()), verdict.accepted)
        if verdict.base_rejected:
            self._suspect([changes], base=suspects.fingerprint(self._base))
        else:
            self._suspect([list(restricted(changes, item.keys)) for item in verdict.rejected])

    def _suspect(self, groups: Sequence[Sequence[Change]], *, base: str = "") -> None:
        name, now = self.setting.name, self.attempt.now
        for changes in groups:
            keys = changed_keys(changes)
            known = self.progress.suspects.get(name, [])
            before = next(iter(suspects.with_any(known, keys)), None)
            error, degrades = self._rejection(NO_KEYS if base else keys), bool(base) or self._had_as_declared(changes)
            suspect = suspects.rejected(before, changes, error, now, degrades=degrades, base=base)
            self.progress.suspects[name] = [*suspects.without_any(known, keys), suspect]

    def _rejection(self, keys: Keys) -> AwsError:
        """Return the rejection of the smallest group with any of the keys.

        Without keys, return the rejection of the observed document.
        """
        matching = [(of, error) for of, error in self.rejections if (keys & of if keys else not of)]
        return min(matching, key=lambda each: len(each[0]))[1]

    def _had_as_declared(self, changes: Sequence[Change]) -> bool:
        """Return whether AWS once had the elements as declared."""
        settled = self.attempt.claimed.registry_state.settled.get(self.setting.name, {})
        return any(
            change.before is not None and (self.setting.vanished(change.before) or _shows_any(settled, change))
            for change in changes
        )

    async def _probe(self, changes: Sequence[Change]) -> AwsError | None:
        """Write changes on top of what AWS has; return AWS's rejection, if any."""
        name, target = self.setting.name, with_changes(self._base, changes)
        planned = Plan(name, target, tuple(changes), {}, ())
        call = await work().run(
            self.setting.putting(planned, self.progress.observed[name].shape), self.attempt.elements
        )
        write = aws_write(self.attempt, self.progress, name, call)
        before = self.progress.applied.get(name, {})
        await record_intent(self.attempt, self.progress, {name: planned}, {name: [write]})
        return await self._send(write, target, before)

    async def _send(self, write: AwsWrite, target: Elements, before: Elements) -> AwsError | None:
        name = self.setting.name
        self.progress.calls_remaining -= 1
        try:
            await self.attempt.send(write, self.reread)
        except AwsError as error:
            done = self.setting.already_done(write.operation, error.aws_code)
            if not done and of_the_content(error):
                return await self._explained(error, write.changes)
            if not done:
                raise
        finally:
            relinquish(self.progress, name, before, [write])
        self.progress.observed[name] = replace(self.progress.observed[name], elements=target)
        return None

    async def _explained(self, error: AwsError, changes: Iterable[Change]) -> AwsError:
        if not is_generic_rejection(error):
            return error
        if self._scope is None:
            self._scope = (await scope_of(self.attempt, self.progress),)
        sent = gather((change.keys, change.after) for change in changes if change.after is not None)
        return explain_policy_rejection(error, self._scope[0], sent)

    async def reread(self) -> None:
        """Check that a document is still the one that the call is based on.

        A Put replaces the whole document, and ECR has no conditional writes: a
        concurrent change between this read and the Put is lost.
        """
        name, defaults = self.setting.name, self.setting.defaults
        observed = await observe_setting(self.attempt.aws, self.attempt.claimed.registry, self.setting)
        basis = self.progress.observed[name]
        same = merged(defaults, observed.elements) == merged(defaults, basis.elements)
        if not same or observed.unknown != basis.unknown:
            self.progress.observed[name] = observed
            text = f"{name} was changed in AWS during this attempt"
            raise Temporary(text, reason="CHANGED_MEANWHILE", after=0.5)

    def pending(self) -> list[Change]:
        """Return the pending changes."""
        planned = self.progress.plans[self.setting.name].changes
        return unmade_changes(planned, self._base)

    @property
    def _base(self) -> Elements:
        """Return the elements that AWS has."""
        return self.progress.observed[self.setting.name].elements

    def _fits(self, changes: Iterable[Change]) -> bool:
        registry, base = self.attempt.claimed.registry, self._base
        violations = self.setting.validate_composed(with_changes(base, changes), registry)
        # If the observed document already exceeds the limits, AWS decides.
        return not violations or bool(self.setting.validate_composed(base, registry))

    def _may_continue(self) -> bool:
        return self.progress.calls_remaining > 0 and self.attempt.monotonic() < self.attempt.search_until


def _shows_any(elements: Elements, change: Change) -> bool:
    """Whether any of these elements is as a change makes it."""
    return any(value == change.after for _, (value,) in alike(only(elements, change.keys)))
