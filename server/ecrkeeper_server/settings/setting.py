"""The interface of a setting: data and a few functions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ecrkeeper_server.errors import Violation
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings.elements import Change, Elements, Plan, Value

Shape = Mapping[str, Any]
"""A setting in AWS's own form: the JSON form of its proto message."""


@dataclass(frozen=True, slots=True)
class Call:
    """One AWS call that writes, and the changes that it makes."""

    service: str
    operation: str
    params: dict[str, Any]
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Read:
    """One AWS call that reads.

    `items` is the list to page over by `nextToken`; an error whose code,
    without the suffix `Exception`, is in `absent` means "not configured".
    """

    operation: str
    params: dict[str, Any] = field(default_factory=dict)
    items: str | None = None
    absent: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Warning:
    """Something that is allowed and probably not meant."""

    reason: str
    subject: str
    message: str


@dataclass(frozen=True, slots=True)
class Quota:
    """Use of one of AWS's limits by a set of elements."""

    quota: str
    used: int
    limit: int


def over_quota(quota: str, used: int | str, limit: int) -> str:
    """Return the message for an exceeded quota."""
    return f"{quota}: {used}, and AWS allows {limit}"


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Elements that AWS does not take together, by their keys, and why."""

    keys: tuple[str, ...]
    description: str


def _no_violations(_shape: Shape, _registry: RegistryName, _path: str) -> list[Violation]:
    return []


def _nothing_together(_elements: Elements, _registry: RegistryName) -> list[Contradiction]:
    return []


def _no_warnings(_plan: Plan, _registry: RegistryName, _context: Mapping[str, Elements]) -> list[Warning]:
    return []


def _none_fixed(_before: Value, _after: Value) -> list[str]:
    return []


def _unlimited(_elements: Elements) -> list[Quota]:
    return []


def _all_readable(_shape: Shape) -> list[str]:
    return []


def _alone(key: str) -> str:
    return key


def nothing_denied(_value: Value) -> bool:
    """Tell that no element of a setting forbids anything."""
    return False


def _not_so(_value: Value) -> bool:
    return False


def _names_nothing(_key: str, _value: Value) -> dict[str, str]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting(ABC):
    """One group of a registry's settings.

    `split` and `join` turn a shape into elements and back: `split` never
    raises on a shape that passed `validate` or came from AWS, and
    `split(join(e)) == e` for all elements that `split` returns. `replaces`
    names the members that AWS cannot change from one value to another.

    `unit` is what AWS takes or refuses of an element together with others, and `names` is what the element refers
    to, for messages: the principals of a statement. `denies` tells whether an element forbids something, `vanished`
    whether AWS shows that it refers to something that was deleted.
    """

    name: str
    reads: tuple[Read, ...]
    split: Callable[[Shape], dict[str, Value]]
    join: Callable[[Elements], dict[str, Any]]
    role: str | None = None
    removable: bool = True
    defaults: Elements = field(default_factory=dict)
    validate: Callable[[Shape, RegistryName, str], list[Violation]] = _no_violations
    validate_together: Callable[[Elements, RegistryName], list[Contradiction]] = _nothing_together
    warnings: Callable[[Plan, RegistryName, Mapping[str, Elements]], list[Warning]] = _no_warnings
    replaces: Callable[[Value, Value], list[str]] = _none_fixed
    quota: Callable[[Elements], list[Quota]] = _unlimited
    opaque: Callable[[Shape], list[str]] = _all_readable
    unit: Callable[[str], str] = _alone
    names: Callable[[str, Value], dict[str, str]] = _names_nothing
    denies: Callable[[Value], bool] = nothing_denied
    vanished: Callable[[Value], bool] = _not_so

    @property
    @abstractmethod
    def writes(self) -> frozenset[str]:
        """The ECR operations that `calls` can lead to."""

    @abstractmethod
    def observed(self, responses: Sequence[Mapping[str, Any] | None]) -> dict[str, Any]:
        """The shape that AWS's answers to `reads` describe; None is the answer "not configured"."""

    @abstractmethod
    def calls(self, plan: Plan, observed_shape: Shape) -> list[Call]:
        """The AWS calls that make a plan true, in order; none if nothing changes."""

    def declarable(self, elements: Elements, registry: RegistryName) -> dict[str, Value]:
        """Those of AWS's elements that can be declared: what cannot be unset may have a value of former times."""
        if self.removable:
            return dict(elements)
        return {
            key: value for key, value in elements.items() if not self.validate(self.join({key: value}), registry, "")
        }

    def exceeded(self, elements: Elements) -> list[Quota]:
        """The quotas that these elements exceed."""
        return [quota for quota in self.quota(elements) if quota.used > quota.limit]

    def validate_composed(self, elements: Elements, registry: RegistryName) -> list[Violation]:
        """The faults of all owners' elements together, AWS's limits first."""
        over = [
            Violation(self.name, over_quota(q.quota, f"{q.used} over all owners", q.limit), "QUOTA_EXCEEDED")
            for q in self.exceeded(elements)
        ]
        return over + [Violation(self.name, found.description) for found in self.validate_together(elements, registry)]
