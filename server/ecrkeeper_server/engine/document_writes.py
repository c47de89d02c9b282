"""Writing a document that several owners share: what AWS refuses of it is isolated, and the rest goes out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ecrkeeper_server.aws_errors import AwsError, Permanent, Temporary
from ecrkeeper_server.ecr.apply import AwsWrite
from ecrkeeper_server.ecr.observe import observe_setting
from ecrkeeper_server.engine.attempt import Attempt
from ecrkeeper_server.engine.policy_rejection import explain_policy_rejection, is_generic_rejection, scope_of
from ecrkeeper_server.engine.rejections import held, owners_by_key
from ecrkeeper_server.engine.write_ahead import Progress, SettingWrite, disown, remember
from ecrkeeper_server.settings import suspects
from ecrkeeper_server.settings.document import Document
from ecrkeeper_server.settings.elements import Change, Elements, Plan
from ecrkeeper_server.settings.isolation import Keys, Search, Verdict, items_of, needs, with_changes
from ecrkeeper_server.settings.setting import Call

# What AWS says of the content of a request, and not of who sends it or when.
_OF_THE_CONTENT = frozenset({"AWS_REJECTED", "AWS_QUOTA_EXCEEDED", "PRINCIPAL_NOT_FOUND"})
_CODES = frozenset({"InvalidParameter", "Validation", "LimitExceeded"})


def of_the_content(error: AwsError) -> bool:
    """Whether AWS refuses what a request says, and may accept one without the part at fault."""
    return isinstance(error, Permanent) and (error.reason in _OF_THE_CONTENT or error.aws_code in _CODES)


def aws_write(attempt: Attempt, progress: Progress, setting: str, call: Call) -> AwsWrite:
    """A call as it is sent, on behalf of those who declare what it changes."""
    registry = attempt.claimed.registry
    owners = sorted({owner for c in call.changes for owner in progress.composition.owners.get((setting, c.key), ())})
    return AwsWrite(
        registry.account, registry.region, call.service, call.operation, call.params, call.changes, owners
    )  # fmt: skip


@dataclass(slots=True)
class DocumentWriter:
    """Writes one document in one attempt."""

    attempt: Attempt
    progress: Progress
    setting: Document
    # Each refusal with the changes that it was of; the smallest one with a change says the most about that change.
    refusals: list[tuple[Keys, AwsError]] = field(default_factory=list)
    # The scope of the registry's policy, once it was read: it may be why AWS refuses a statement.
    _scope: tuple[str | None] | None = None

    async def write(self, due: SettingWrite) -> list[Change]:
        """Send what was not refused before, isolate what AWS refuses of it, and try once more what is `retried`.

        The elements at fault become suspects. Returns the changes that are neither made nor known to be refused;
        raises what keeps all of them from being sent.
        """
        if due.planned is not None:
            for write in due.writes:
                await self._first(due.planned, write)
        if due.retried:
            await self._search(due.retried, refused=False)
        known = (
            suspects.keys_of(self.progress.suspects.get(self.setting.name, ()))
            | held(self.progress, self.setting.name).keys()
        )
        sent = {change.key for change in due.changes} - known
        return [change for change in self.pending() if change.key in sent]

    async def _first(self, planned: Plan, write: AwsWrite) -> None:
        """Send everything at once, which nearly always is all there is to do."""
        before = self.progress.applied_before.get(self.setting.name, {})
        error = await self._send(write, planned.target, before)
        if error is None:
            return
        sets = [change for change in planned.changes if change.after is not None]
        removals = [change for change in planned.changes if change.after is None]
        if not sets:
            # AWS refuses that less is there, so no element is at fault.
            raise error
        self.refusals.append((frozenset(change.key for change in planned.changes), error))
        verdict = await self._search(sets, refused=True)
        removed = await self._remove(removals)
        if removed and verdict.base_refused:
            # What AWS could not take may be gone now.
            verdict = await self._search(sets, refused=True)
        if verdict.unfit and not removed and not verdict.accepted:
            # Another attempt would find the same.
            by_key = {change.key: change for change in sets}
            self._blame([[by_key[key] for key in sorted(item.keys)] for item in verdict.unfit])

    async def _remove(self, removals: Sequence[Change]) -> bool:
        """Remove what is no longer wanted, but no denial that another one, not in place yet, may stand in for."""
        needed = needs(self.setting, [*self.pending(), *removals], owners_by_key(self.progress, self.setting.name))
        ready = [change for change in removals if not needed[change.key]]
        if not ready or not self._may_go_on():
            return False
        if (error := await self._probe(ready)) is not None:
            raise error
        return True

    async def _search(self, changes: Sequence[Change], *, refused: bool) -> Verdict:
        """Find what AWS refuses of changes, with as many calls as are left; everything else is written."""
        by_key = {change.key: change for change in changes}
        times = {declared.owner: declared.update_time for declared in self.progress.declared}
        items = items_of(self.setting, changes, owners_by_key(self.progress, self.setting.name), times)

        def fits(keys: Keys) -> bool:
            return self._fits(by_key[key] for key in keys)

        # Nothing is wrong with a document that is not there, nor with one beside which the suspects were found.
        tried = suspects.with_any(self.progress.suspects.get(self.setting.name, ()), by_key)
        proven = not self._base or bool(tried and not any(one.base for one in tried))
        search = Search(items, fits, refused=refused, proven=proven)
        probes = search.probes()
        try:
            keys = next(probes, None)
            while keys is not None and self._may_go_on():
                error = await self._probe([by_key[key] for key in sorted(keys)])
                if error is not None:
                    self.refusals.append((keys, error))
                try:
                    keys = probes.send(error is None)
                except StopIteration:
                    keys = None
        finally:
            self._conclude(search.verdict, by_key)
        return search.verdict

    def _conclude(self, verdict: Verdict, by_key: Mapping[str, Change]) -> None:
        """Keep what was found: suspects that AWS has taken are cleared, what it refuses becomes suspect."""
        name = self.setting.name
        self.progress.suspects[name] = suspects.without(self.progress.suspects.get(name, ()), verdict.accepted)
        if verdict.base_refused:
            self._blame([list(by_key.values())], base=suspects.digest(dict(self._base)))
        else:
            self._blame([[by_key[key] for key in sorted(item.keys)] for item in verdict.faulty])

    def _blame(self, groups: Sequence[Sequence[Change]], *, base: str = "") -> None:
        name, now = self.setting.name, self.attempt.now
        for changes in groups:
            keys = {change.key for change in changes}
            known = self.progress.suspects.get(name, [])
            before = next(iter(suspects.with_any(known, keys)), None)
            error, degrades = self._refusal(set() if base else keys), bool(base) or self._had(changes)
            suspect = suspects.refused(before, changes, error, now, degrades=degrades, base=base)
            self.progress.suspects[name] = [*suspects.without(known, keys), suspect]

    def _refusal(self, keys: set[str]) -> AwsError:
        """What AWS said of the smallest group with any of the keys; without keys, of what it has."""
        found = [(of, error) for of, error in self.refusals if (keys & of if keys else not of)]
        return min(found, key=lambda each: len(each[0]))[1]

    def _had(self, changes: Sequence[Change]) -> bool:
        """Whether AWS had the elements as they are declared, until it changed them by itself or somebody did."""
        settled = self.attempt.claimed.registry_state.settled.get(self.setting.name, {})
        return any(
            change.before is not None
            and (settled.get(change.key) == change.after or self.setting.vanished(change.before))
            for change in changes
        )

    async def _probe(self, changes: Sequence[Change]) -> AwsError | None:
        """Write changes on top of what AWS has; what AWS says of them if it refuses them."""
        name, target = self.setting.name, with_changes(self._base, changes)
        planned = Plan(name, target, tuple(changes), {}, ())
        write = aws_write(
            self.attempt, self.progress, name, self.setting.call(planned, self.progress.observed[name].shape)
        )
        before = dict(self.progress.applied.get(name, {}))
        await remember(self.attempt, self.progress, {name: planned}, {name: [write]})
        return await self._send(write, target, before)

    async def _send(self, write: AwsWrite, target: Elements, before: Elements) -> AwsError | None:
        name = self.setting.name
        self.progress.calls_left -= 1
        try:
            await self.attempt.send(write, self._look_again)
        except AwsError as error:
            done = self.setting.already_done(write.operation, error.aws_code)
            if not done and of_the_content(error):
                return await self._explained(error, write.changes)
            if not done:
                raise
        finally:
            disown(self.progress, name, before, [write])
        self.progress.observed[name] = replace(self.progress.observed[name], elements=dict(target))
        return None

    async def _explained(self, error: AwsError, changes: Iterable[Change]) -> AwsError:
        if not is_generic_rejection(error):
            return error
        if self._scope is None:
            self._scope = (await scope_of(self.attempt, self.progress),)
        sent = {change.key: change.after for change in changes if change.after is not None}
        return explain_policy_rejection(error, self._scope[0], sent)

    async def _look_again(self) -> None:
        """Make sure that a document is still what the call was made of.

        A document replaces all that is there, and ECR takes no condition with it: what somebody else adds after
        this look and before the call reaches ECR is lost.
        """
        name, defaults = self.setting.name, self.setting.defaults
        seen = await observe_setting(self.attempt.aws, self.attempt.claimed.registry, self.setting)
        made_of = self.progress.observed[name]
        if ({**defaults, **seen.elements}, seen.unknown) != ({**defaults, **made_of.elements}, made_of.unknown):
            self.progress.observed[name] = seen
            text = f"{name} was changed in AWS while this was under way"
            raise Temporary(text, reason="CHANGED_MEANWHILE", after=0.5)

    def pending(self) -> list[Change]:
        """The changes that are not made yet."""
        planned = self.progress.plans[self.setting.name].changes
        return [change for change in planned if self._base.get(change.key) != change.after]

    @property
    def _base(self) -> Elements:
        """What AWS has."""
        return self.progress.observed[self.setting.name].elements

    def _fits(self, changes: Iterable[Change]) -> bool:
        registry, base = self.attempt.claimed.registry, self._base
        found = self.setting.validate_composed(with_changes(base, changes), registry)
        # Where what is there is beyond the limits already, AWS decides.
        return not found or bool(self.setting.validate_composed(base, registry))

    def _may_go_on(self) -> bool:
        return self.progress.calls_left > 0 and self.attempt.monotonic() < self.attempt.search_until
