"""Settings that AWS keeps as one document: one Get, one Put, perhaps a Delete."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecrkeeper_server.settings.plan import Plan
from ecrkeeper_server.settings.setting import Call, Setting, Shape
from ecrkeeper_server.turns import Steps

_NOT_OF_THE_SHAPE = ("registryId", "ResponseMetadata")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document(Setting):
    """A setting that one Put writes as a whole.

    `member` is the member of the Get's answer that holds the shape; None if the
    answer is the shape. `body` returns the Put's parameters from the target shape
    and the observed one. Without a `delete`, an empty Put removes the setting.
    """

    put: str
    body: Callable[[dict[str, Any], Shape], dict[str, Any]]
    member: str | None = None
    delete: str | None = None

    @property
    def writes(self) -> frozenset[str]:
        """The Put, and the Delete if there is one."""
        return frozenset({self.put} | ({self.delete} if self.delete else set()))

    def observed(self, responses: Sequence[Mapping[str, Any] | None]) -> dict[str, Any]:
        """Return the document that AWS has; empty if it has none."""
        response = (responses[0] if responses else None) or {}
        shape = (response.get(self.member) or {}) if self.member else response
        return {name: value for name, value in shape.items() if name not in _NOT_OF_THE_SHAPE}

    def calling(self, plan: Plan, observed_shape: Shape) -> Steps[list[Call]]:
        """Return one call that makes all changes, in steps."""
        return [(yield from self.putting(plan, observed_shape))] if plan.changes else []

    def putting(self, plan: Plan, observed_shape: Shape) -> Steps[Call]:
        """Return the call that writes a plan's target, in steps.

        The target may be what AWS has already.
        """
        if self.delete and not plan.target:
            return Call("ecr", self.delete, {}, plan.changes)
        shape = yield from self.joining(plan.target)
        return Call("ecr", self.put, self.body(shape, observed_shape), plan.changes)
