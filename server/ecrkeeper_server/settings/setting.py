"""The interface of a setting: data and a few functions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from ecrkeeper_server.errors import Violation
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings.elements import Change, Elements, Keys, Value
from ecrkeeper_server.settings.plan import Plan
from ecrkeeper_server.turns import Steps

Shape = Mapping[str, Any]
"""A setting in AWS's form: the JSON form of its proto message."""


class Call(Struct, frozen=True):
    """One AWS call that writes, and the changes that it makes."""

    service: str
    operation: str
    params: dict[str, Any]
    changes: tuple[Change, ...]


class Read(Struct, frozen=True):
    """One AWS call that reads.

    `items` is the member of the list to page through with `nextToken`. An error
    means "not configured" if its code, without the suffix `Exception`, is in
    `absent`.
    """

    operation: str
    params: dict[str, Any] = {}
    items: str | None = None
    absent: frozenset[str] = frozenset()


class Warning(Struct, frozen=True):
    """A warning about a valid declaration that is probably a mistake."""

    reason: str
    subject: str
    message: str


class Quota(Struct, frozen=True):
    """The use that a set of elements makes of one of AWS's limits."""

    quota: str
    used: int
    limit: int


def over_quota(quota: str, used: int | str, limit: int) -> str:
    """Return the message for an exceeded quota."""
    return f"{quota}: {used}, and AWS allows {limit}"


class Contradiction(Struct, frozen=True):
    """Elements that AWS does not accept together, by their keys, and the reason."""

    keys: tuple[str, ...]
    description: str


def _no_violations(_shape: Shape, _registry: RegistryName, _path: str) -> list[Violation]:
    return []


def _no_warnings(_plan: Plan, _registry: RegistryName, _context: Mapping[str, Elements]) -> list[Warning]:
    return []


def _none_fixed(_before: Value, _after: Value) -> list[str]:
    return []


def _unlimited(_elements: Elements) -> list[Quota]:
    return []


def _all_readable(_shape: Shape) -> list[str]:
    return []


def _each_alone(keys: Keys) -> Iterator[tuple[str, Keys]]:
    return ((key, frozenset((key,))) for key in keys)


def nothing_denied(_value: Value) -> bool:
    """Return False: no element of the setting is a denial."""
    return False


def _not_so(_value: Value) -> bool:
    return False


def no_trial(_key: str, _value: Value) -> Read | None:
    """Return no call: AWS has none that tries an element."""
    return None


def _no_failure(_answer: Mapping[str, Any]) -> str:
    return ""


def _names_nothing(_key: str, _value: Value) -> dict[str, str]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting(ABC):
    """One group of a registry's settings.

    `split` and `join` convert a shape to elements and back. `split` never raises
    on a shape that passed `validate` or came from AWS, and `split(join(e)) == e`
    for all elements that `split` returns. `replaces` returns the members that AWS
    cannot change from one value to another.

    `prepare` does the parts of `split`, and for a registry of `validate`, that take
    milliseconds, and keeps their results, in short steps.

    Up to `fits` elements never exceed a quota.

    `measure` returns the same as `quota` in steps, and `pack` the same as `join`, if that takes
    milliseconds.

    `units` groups keys by the part that AWS accepts or rejects together.
    `names` returns what messages show of an element, such as the principals of
    a statement. `denies` returns whether an element is a denial, `vanished`
    whether AWS shows that it refers to something deleted. `paired`: a key is a
    pair of a destination and a filter.

    `gone` are AWS's error codes for an element or setting that does not exist,
    `exists` those for an element that does, both without the suffix
    `Exception`. If `bare`, elements are keys without a value, so an existing
    element is as desired. `trial` returns the call that lets AWS try an accepted
    element, or None if there is none. `trial_failure` returns the reason why AWS
    cannot use the element from the answer to that call; empty if it can.
    """

    name: str
    reads: tuple[Read, ...]
    split: Callable[[Shape], Elements]
    join: Callable[[Elements], dict[str, Any]]
    role: str | None = None
    removable: bool = True
    defaults: Elements = field(default_factory=dict)
    validate: Callable[[Shape, RegistryName, str], list[Violation]] = _no_violations
    prepare: Callable[[Shape, RegistryName | None], Iterator[None]] | None = None
    validate_together: Callable[[Elements, RegistryName], list[Contradiction]] | None = None
    warnings: Callable[[Plan, RegistryName, Mapping[str, Elements]], list[Warning]] = _no_warnings
    replaces: Callable[[Value, Value], list[str]] = _none_fixed
    quota: Callable[[Elements], list[Quota]] = _unlimited
    fits: int = 0
    measure: Callable[[Elements], Steps[list[Quota]]] | None = None
    pack: Callable[[Elements], Steps[dict[str, Any]]] | None = None
    opaque: Callable[[Shape], list[str]] = _all_readable
    units: Callable[[Keys], Iterable[tuple[str, Keys]]] = _each_alone
    names: Callable[[str, Value], dict[str, str]] = _names_nothing
    denies: Callable[[Value], bool] = nothing_denied
    vanished: Callable[[Value], bool] = _not_so
    gone: frozenset[str] = frozenset()
    exists: frozenset[str] = frozenset()
    bare: bool = False
    trial: Callable[[str, Value], Read | None] = no_trial
    trial_failure: Callable[[Mapping[str, Any]], str] = _no_failure
    paired: bool = False

    @property
    @abstractmethod
    def writes(self) -> frozenset[str]:
        """The ECR operations that `calling` can lead to."""

    @abstractmethod
    def observed(self, responses: Sequence[Mapping[str, Any] | None]) -> dict[str, Any]:
        """Return the shape that AWS's answers to `reads` describe.

        None is the answer "not configured".
        """

    @abstractmethod
    def calling(self, plan: Plan, observed_shape: Shape) -> Steps[list[Call]]:
        """Return the AWS calls that carry out a plan, in steps.

        They are in order; there are none if nothing changes.
        """

    def already_done(self, operation: str, code: str) -> bool:
        """Return whether AWS rejects a write because it already has that effect."""
        if operation.startswith(("Delete", "Deregister")):
            return code in self.gone
        return self.bare and code in self.exists

    def overtaken(self, code: str) -> bool:
        """Return whether AWS rejects a write because of a concurrent change."""
        return code in self.gone or code in self.exists

    def declarable(self, elements: Elements, registry: RegistryName) -> Elements:
        """Return the elements of AWS that can be declared.

        An element that cannot be unset may have a value that is no longer valid.
        """
        if self.removable:
            return elements
        return {
            key: value for key, value in elements.items() if not self.validate(self.join({key: value}), registry, "")
        }

    def contradictions(self, elements: Elements, registry: RegistryName) -> list[Contradiction]:
        """Return the elements that AWS does not accept together."""
        return [] if self.validate_together is None else self.validate_together(elements, registry)

    def exceeded(self, elements: Elements) -> list[Quota]:
        """Return the quotas that these elements exceed."""
        return [quota for quota in self.quota(elements) if quota.used > quota.limit]

    def joining(self, elements: Elements) -> Steps[dict[str, Any]]:
        """Return the shape of elements in steps."""
        return self.join(elements) if self.pack is None else (yield from self.pack(elements))

    def measuring(self, elements: Elements) -> Steps[list[Quota]]:
        """Return the use of quotas in steps."""
        return self.quota(elements) if self.measure is None else (yield from self.measure(elements))

    def validate_composed(self, elements: Elements, registry: RegistryName) -> list[Violation]:
        """Return the violations of all owners' elements together, AWS's limits first."""
        over = [
            Violation(self.name, over_quota(q.quota, f"{q.used} over all owners", q.limit), "QUOTA_EXCEEDED")
            for q in self.exceeded(elements)
        ]
        return over + [
            Violation(self.name, violation.description) for violation in self.contradictions(elements, registry)
        ]
