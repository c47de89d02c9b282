"""The plan of a set over its whole fleet.

The fleet is read page by page so that memory is bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import chain

import orjson
from msgspec import Struct, field

from ecrkeeper_server.declarations.audit_records import changing_settings
from ecrkeeper_server.declarations.commands import composing_specs, specs_of
from ecrkeeper_server.declarations.preconditions import MAX_DECLARATION_BYTES
from ecrkeeper_server.errors import InvalidArgument, Violation, rejection
from ecrkeeper_server.fleet import matching, template, waves
from ecrkeeper_server.fleet.bounds import Reach
from ecrkeeper_server.fleet.matching import Place
from ecrkeeper_server.fleet.names import SetName
from ecrkeeper_server.fleet.plan import FleetPlan, Problem
from ecrkeeper_server.fleet.rendering import Renderer
from ecrkeeper_server.fleet.selectors import Matcher, matcher
from ecrkeeper_server.fleet.template import Chosen, MissingLabelError, Templates
from ecrkeeper_server.json_object import Json
from ecrkeeper_server.names import SettingsName
from ecrkeeper_server.settings.element_sets import brief
from ecrkeeper_server.settings.elements import Change, cost
from ecrkeeper_server.store.database import Database
from ecrkeeper_server.store.fleet_specs import SetSpec
from ecrkeeper_server.store.specs import DeclarationSpec
from ecrkeeper_server.turns import Steps, work

_KNOWN = 1_000
_MAX_OWNERS = 5
PATH = "registry_set"


def checking(spec: SetSpec) -> Steps[None]:
    """Reject a set with violations that do not depend on the fleet, all at once.

    A step is a part of the set.
    """
    size = yield from template.measuring(spec.to_json())
    if size > MAX_DECLARATION_BYTES:
        text = f"must be at most {MAX_DECLARATION_BYTES:,} bytes as JSON with all its overrides, got {size:,} bytes"
        raise InvalidArgument([Violation(PATH, text)], reason="DECLARATION_TOO_LARGE")
    violations: list[Violation] = []
    selecting = [(spec.selector, f"{PATH}.selector")]
    selecting += [(each.selector, f"{PATH}.overrides[{at}].selector") for at, each in enumerate(spec.overrides)]
    selecting += [
        (wave.selector, f"{PATH}.strategy.waves[{at}].selector")
        for at, wave in enumerate(spec.waves)
        if wave.selector is not None
    ]
    for selector, path in selecting:
        try:
            matcher(selector, path)
        except InvalidArgument as error:
            violations += error.violations
    violations += waves.violations(spec.waves, f"{PATH}.strategy.waves")
    yield
    violations += yield from template.checking(spec.settings, f"{PATH}.settings")
    for at, each in enumerate(spec.overrides):
        violations += yield from template.checking(each.settings, f"{PATH}.overrides[{at}].settings")
    if violations:
        raise rejection(violations)


class Planned(Struct):
    """The plan of a set.

    `present` counts the registries it declares for now; `denied` is one beyond its bounds.
    """

    plan: FleetPlan = field(default_factory=FleetPlan)
    present: int = 0
    denied: Place | None = None
    pool: int = 0
    total: int = 0


MayRead = Callable[[SettingsName], bool]


def readable(_: SettingsName) -> bool:
    """Let the caller read everything."""
    return True


class Planner:
    """Plans one set: everything about a target that does not depend on other targets.

    The plan names only the registries and the owners whose declarations the caller may read.
    """

    def __init__(
        self, name: SetName, spec: SetSpec, reach: Reach, *, may_read: MayRead = readable, releasing: bool = False
    ) -> None:
        self._name = name
        self._spec = spec
        self._reach = reach
        self._may_read = may_read
        self._releasing = releasing
        self._templates = Templates(spec)
        self._renderer = Renderer(self._templates)
        self._selecting = waves.Selecting.of(spec.effective_waves)
        self._checked: set[Chosen] = set()
        self._known: dict[tuple[bytes, Chosen], list[Change]] = {}
        self._planned = Planned()

    @property
    def selector(self) -> Matcher:
        """The selector of the set."""
        return matcher(self._spec.selector)

    async def run(self, db: Database) -> Planned:
        """Plan over all accounts.

        InvalidArgument for a target that no wave takes, or the first one that is invalid. The plan ends at a registry
        beyond the bounds: its errors and numbers would show labels that the caller may not read.
        """
        after, selector = "", self.selector
        while True:
            places, after = await db.read_then_parse(
                lambda tx, after=after: matching.reading_page(tx, selector, self._name, after, others=True)  # type: ignore[misc]
            )
            await work().run(self._adding_all(places))
            if self._planned.denied is not None:
                return self._planned
            if not after:
                break
        self._check_waves()
        return self._planned

    def _adding_all(self, places: Sequence[Place]) -> Steps[None]:
        for place in places:
            yield from self._adding(place)
            if self._planned.denied is not None:
                return
            yield

    def _check_waves(self) -> None:
        planned = self._planned
        _, unassigned = waves.ranges(self._spec.effective_waves, planned.total, planned.pool)
        if unassigned:
            text = f"must take all {planned.total} targets, and {unassigned} are in no wave; add a wave with `rest`"
            raise InvalidArgument([Violation(f"{PATH}.strategy.waves", text)])

    def _adding(self, place: Place) -> Steps[None]:
        planned, plan, registry = self._planned, self._planned.plan, place.registry
        shown = self._may_read(self._name.settings(registry))
        managed = place.managed_by(self._name)
        reached = managed is not None or (place.matched and not self._releasing)
        if reached and not self._reach(registry):
            planned.denied = place
            return
        planned.present += managed is not None
        planned.total += 1
        planned.pool += self._selecting.wave_of(place.target) is None
        if not place.target.account.writable:
            plan.targets += 1
            plan.held += 1
            return
        if not place.matched or self._releasing:
            if managed is not None:
                abandoned = self._spec.deletion_policy == "ABANDON"
                changes = yield from self._changing(managed.settings, None)
                yield from plan.adding_release(registry, changes, abandoned=abandoned, shown=shown)
            return
        try:
            settings = yield from self._templates.rendering(place.target)
        except MissingLabelError as error:
            problem: Problem | None = Problem("LABEL_MISSING", registry, str(error))
        else:
            problem = yield from self._finding_problem(place, settings)
        if problem is not None:
            plan.targets += 1
            plan.add_problem(problem, shown=shown)
            return
        yield
        changes = yield from self._changes(place, settings)
        yield from plan.adding(registry, changes, shown=shown)

    def _finding_problem(self, place: Place, settings: Json) -> Steps[Problem | None]:
        """Return why a target would fail.

        InvalidArgument if its settings are invalid, whatever the target.
        """
        target = place.target
        chosen = self._templates.chosen(target)
        if chosen not in self._checked:
            self._checked.add(chosen)
            if violations := (yield from self._renderer.checking(target, settings, f"{PATH}.settings")):
                raise rejection(violations)
        if place.declared is not None and place.managed_by(self._name) is None:
            text = f"{place.declared.name} was declared by a call and not by {self._name}"
            return Problem("DECLARED_BY_CALL", place.registry, text)
        return (yield from self._conflict(place, settings))

    def _conflict(self, place: Place, settings: Json) -> Steps[Problem | None]:
        others = [row for row in place.others if row.settings.keys() & settings.keys()]
        if not others:
            return None
        specs = {**specs_of({row.owner: row for row in others}), self._name.id: DeclarationSpec(settings, "", False)}
        yield from _charging(settings, *(row.settings for row in others))
        composition = yield from composing_specs(specs, settings)
        conflicts = composition.conflicts
        if not conflicts:
            return None
        first = conflicts[0]
        text = f"{first.setting} {brief(first.keys)}: {self._others(place, first.owners)} declares another value"
        return Problem("OWNER_CONFLICT", place.registry, text)

    def _others(self, place: Place, owners: Collection[str]) -> str:
        """Return the names of other owners; unreadable ones are only counted."""
        others = sorted(owner for owner in owners if owner != self._name.id)
        shown = [owner for owner in others if self._may_read(SettingsName(place.registry, owner))]
        hidden = len(others) - len(shown)
        if (more := len(shown) - _MAX_OWNERS) > 0:
            shown[_MAX_OWNERS:] = [f"{more} more"]
        return ", ".join([*shown, *([f"{hidden} other owners" if hidden > 1 else "another owner"] if hidden else [])])

    def _changes(self, place: Place, settings: Json) -> Steps[list[Change]]:
        managed = place.managed_by(self._name)
        before = None if managed is None else managed.settings
        if before == settings:
            return []
        chosen = self._templates.chosen(place.target)
        if chosen.has_placeholders:
            return (yield from self._changing(before, settings))
        key = (orjson.dumps(before, option=orjson.OPT_SORT_KEYS), chosen)
        yield
        changes = self._known.get(key)
        if changes is None:
            if len(self._known) >= _KNOWN:
                self._known.clear()
            changes = self._known[key] = yield from self._changing(before, settings)
        return changes

    def _changing(self, before: Json | None, after: Json | None) -> Steps[list[Change]]:
        yield from _charging(before, after)
        return (yield from changing_settings(before, after))


def _charging(*declared: Json | None) -> Steps[None]:
    """Charge the caller for work on settings that have many elements, in steps."""
    elements = 0
    for setting in chain.from_iterable(each.values() for each in declared if each):
        for member in setting.values():
            yield
            if isinstance(member, list):
                elements += len(member)
                for item in member:
                    yield
                    elements += cost(item)
            else:
                elements += cost(member)
    work().charge(elements)
