"""The changes that a write would make, out of the answer to `validate_only`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format

from ecrkeeper.v1.common_pb2 import ElementChange, Plan
from ecrkeeper.v1.registry_pb2 import Registry, RegistrySettings
from ecrkeeper.v1.role_pb2 import ServiceLinkedRole

_SIGNS = {"ADD": "+", "UPDATE": "~", "REPLACE": "±", "REMOVE": "-"}


@dataclass(frozen=True, slots=True)
class Change:
    """The change of one element.

    `kind` is ADD, UPDATE, REPLACE or REMOVE. Values have AWS's shape.
    """

    kind: str
    setting: str
    key: str
    before: Any = None
    after: Any = None
    count: int = 1
    values_omitted: bool = False

    def __str__(self) -> str:
        several = f" (and {self.count - 1} alike)" if self.count > 1 else ""
        return f"{_SIGNS[self.kind]} {self.setting} {self.key}{several}"


@dataclass(frozen=True, slots=True)
class Caution:
    """A consequence that is allowed and may be unexpected."""

    reason: str
    subject: str
    message: str

    def __str__(self) -> str:
        return f"{self.message} [{self.reason}]"


@dataclass(frozen=True, slots=True)
class Takeover:
    """An element that another owner loses, because `force` is set.

    `value` is what that owner declared, in AWS's shape; None if it is longer than 2 KiB. Elements that are alike are
    one takeover of `count` elements.
    """

    owner: str
    setting: str
    key: str
    value: Any = None
    count: int = 1

    def __str__(self) -> str:
        several = f" (and {self.count - 1} alike)" if self.count > 1 else ""
        return f"{self.setting} {self.key}{several} from {self.owner}"


@dataclass(frozen=True, slots=True)
class WritePlan:
    """The changes that one write would make in AWS, in their order.

    With `digest` as `plan_digest`, the write carries out this plan or fails. The changes take at least
    `least_seconds`, because the server limits its calls to AWS.
    """

    name: str
    changes: tuple[Change, ...] = ()
    warnings: tuple[Caution, ...] = ()
    calls: tuple[str, ...] = ()
    omitted: int = 0
    takeovers: tuple[Takeover, ...] = ()
    digest: str = ""
    omitted_warnings: int = 0
    least_seconds: float = 0.0

    @property
    def removals(self) -> tuple[Change, ...]:
        """Changes that remove an element from AWS."""
        return tuple(change for change in self.changes if change.kind == "REMOVE")

    @property
    def removal_count(self) -> int:
        """Return how many elements are removed.

        Changes that are alike are one change of several elements.
        """
        return sum(change.count for change in self.removals)

    def __bool__(self) -> bool:
        return bool(self.changes or self.calls)

    def __str__(self) -> str:
        lines = [self.name if self else f"{self.name}: no changes in AWS"]
        lines += [f"  {change}" for change in self.changes]
        if self.omitted:
            lines.append(f"  and {self.omitted} that the server left out")
        lines += [f"  takes over {each}" for each in self.takeovers]
        lines += [f"  warning: {warning}" for warning in self.warnings]
        if self.omitted_warnings:
            lines.append(f"  and {self.omitted_warnings} warnings that the server left out")
        if self.least_seconds:
            lines.append(f"  takes at least {self.least_seconds:.0f} s, because the server limits its calls to AWS")
        return "\n".join(lines)


def write_plan(planned: RegistrySettings | Registry | ServiceLinkedRole) -> WritePlan:
    """Return the plan in the answer of a call with `validate_only`."""
    plan = planned.plan
    warnings: Iterable[Any] = plan.warnings  # The stubs name the builtin of that name.
    return WritePlan(
        planned.name,
        tuple(_changes(plan)),
        tuple(Caution(each.reason, each.subject, each.message) for each in warnings),
        tuple(f"{call.service}:{call.operation}" for call in plan.calls),
        plan.omitted_calls + sum(call.omitted_changes for call in plan.calls),
        takeovers_of(planned) if isinstance(planned, RegistrySettings) else (),
        plan.digest,
        plan.omitted_warnings,
        plan.least_duration.ToTimedelta().total_seconds(),
    )


def takeovers_of(declared: RegistrySettings) -> tuple[Takeover, ...]:
    """Return what a call with `force` takes over."""
    return tuple(
        Takeover(
            each.owner,
            each.setting,
            each.key,
            json_format.MessageToDict(each.value) if each.HasField("value") else None,
            max(1, len(each.pairs.destinations) * len(each.pairs.filters)),
        )
        for each in declared.takeovers
    )


def _changes(plan: Plan) -> Iterator[Change]:
    """Yield each change once.

    A replacement is in two calls: the one that deletes and the one that creates.
    """
    shown: set[tuple[str, str]] = set()
    for call in plan.calls:
        for change in map(change_of, call.changes):
            at = change.setting, change.key
            if change.kind != "REPLACE" or at not in shown:
                yield change
            shown.add(at)


def change_of(change: ElementChange) -> Change:
    """Return one change with its values as Python has them."""
    pairs = change.pairs
    return Change(
        ElementChange.Kind.Name(change.kind),
        change.setting,
        change.key,
        json_format.MessageToDict(change.before) if change.HasField("before") else None,
        json_format.MessageToDict(change.after) if change.HasField("after") else None,
        max(1, len(pairs.destinations) * len(pairs.filters)),
        change.values_omitted,
    )
