"""The plan of a set: which registries change, grouped by identical change.

Its size is bounded, however many registries there are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any

from msgspec import Struct, field

from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings.elements import Change, ChangeKind
from ecrkeeper_server.settings.pair_products import covering
from ecrkeeper_server.turns import Steps

# A plan lists no more than this; it counts the rest.
_MAX_GROUPS, _MAX_NAMES, _MAX_PROBLEMS = 100, 10, 100
# Characters of a step; each part counts as some more.
_AT_ONCE, _PART = 20_000, 200
# Filters of a part.
_FILTERS = 100


class Group(Struct):
    """Registries with the same changes; `names` are the first readable ones.

    `changes` are those of the first one of these. Without any, nothing shows whose changes they are.
    """

    changes: Sequence[Change]
    kind: str
    setting: str
    size: int
    key: str = ""
    count: int = 0
    names: list[RegistryName] = field(default_factory=list)

    def add(self, name: RegistryName, changes: Sequence[Change], *, shown: bool) -> None:
        """Count a registry."""
        self.count += 1
        if not shown:
            return
        if not self.names:
            self.changes, self.key = changes, changes[0].key
        if len(self.names) < _MAX_NAMES:
            self.names.append(name)


def _group(changes: Sequence[Change]) -> Group:
    first = changes[0]
    return Group((), str(first.kind).lower(), first.setting, len(changes))


class Problem(Struct, frozen=True):
    """A registry that the set cannot be applied to as it is."""

    reason: str
    registry: RegistryName
    message: str


class FleetPlan(Struct):
    """The effect of a set on the fleet.

    `removing` counts targets that lose elements, `ungrouped` those in no group.
    """

    targets: int = 0
    unchanged: int = 0
    held: int = 0
    removing: int = 0
    released: int = 0
    failing: int = 0
    ungrouped: int = 0
    groups: dict[bytes, Group] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def changing(self) -> int:
        """The number of registries that change."""
        return sum(group.count for group in self.groups.values()) + self.ungrouped

    def adding(
        self, name: RegistryName, changes: Sequence[Change], *, abandoned: bool = False, shown: bool = True
    ) -> Steps[None]:
        """Add a target with the changes of its declaration, in steps.

        The changes of an abandoned declaration do not reach AWS. A target that is not `shown` is only counted.
        """
        self.targets += 1
        if not changes:
            self.unchanged += 1
            return
        if not abandoned and removes(changes):
            self.removing += 1
        key = yield from _key(name, changes)
        group = self.groups.get(key)
        if group is None and len(self.groups) >= _MAX_GROUPS:
            self.ungrouped += 1
            return
        if group is None:
            group = self.groups[key] = _group(changes)
        group.add(name, changes, shown=shown)

    def adding_release(
        self, name: RegistryName, changes: Sequence[Change], *, abandoned: bool, shown: bool
    ) -> Steps[None]:
        """Add a registry that the set does not match any more, in steps."""
        self.released += 1
        yield from self.adding(name, changes, abandoned=abandoned, shown=shown)

    def add_problem(self, problem: Problem, *, shown: bool) -> None:
        """Add a target that would fail; one that is not `shown` is only counted."""
        self.failing += 1
        if shown and len(self.problems) < _MAX_PROBLEMS:
            self.problems.append(problem)

    def largest(self) -> list[Group]:
        """Return the groups, the largest first."""
        return sorted(self.groups.values(), key=lambda group: -group.count)


def removes(changes: Iterable[Change]) -> bool:
    """Return whether changes remove an element."""
    return any(change.kind in (ChangeKind.REMOVE, ChangeKind.REPLACE) for change in changes)


def _key(name: RegistryName, changes: Sequence[Change]) -> Steps[bytes]:
    """Return a digest of changes without their registry's names, in steps."""
    digest = blake2b(digest_size=16)
    characters = 0
    for change in changes:
        for part in (yield from _parts(change)):
            text = json.dumps(part, sort_keys=True)
            text = text.replace(name.account, "${account}").replace(name.region, "${region}")
            digest.update(f"{text},".encode())
            characters += _PART + len(text)
            if characters > _AT_ONCE:
                yield
                characters = 0
    return digest.digest()


def _parts(change: Change) -> Steps[list[Any]]:
    """Return a change as JSON values, none of which takes long to write."""
    parts: list[Any] = [[change.setting, str(change.kind), change.before, change.after]]
    if change.pairs is None:
        return [*parts, change.key]
    for lefts, rights in (yield from covering(change.pairs)):
        parts.append([lefts, len(rights)])
        parts += (rights[at : at + _FILTERS] for at in range(0, len(rights), _FILTERS))
        yield
    return parts


def summary(group: Group) -> str:
    """Return a group in words.

    An example is "312 registries: add pull_through_cache_rules quay".
    """
    more = f" and {group.size - 1} more" if group.size > 1 else ""
    noun = "registry" if group.count == 1 else "registries"
    key = f" {group.key}" if group.key else ""
    return f"{group.count} {noun}: {group.kind} {group.setting}{key}{more}"
