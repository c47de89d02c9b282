"""Settings that AWS keeps as a collection: list, create, update, delete by key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecrkeeper_server.settings.elements import Change, ChangeKind, Value
from ecrkeeper_server.settings.plan import Plan
from ecrkeeper_server.settings.setting import Call, Setting, Shape
from ecrkeeper_server.turns import Steps

_READ_ONLY = ("createdAt", "updatedAt", "registryId")


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection(Setting):
    """A setting whose elements AWS creates, updates and deletes one by one.

    `listed` is the member of AWS's answer that holds the items, `items` their
    member in the shape, and `key_member` the parameter that names an item.
    `update` and `delete` are None if AWS has no such operation. `update_params`
    returns the parameters of an update from the key, the old and the new value.
    """

    items: str
    listed: Callable[[Sequence[Mapping[str, Any]]], Sequence[Any]]
    key_of: Callable[[Any], str]
    key_member: str
    create: str
    create_params: Callable[[str, Value], dict[str, Any]]
    update: str | None = None
    update_params: Callable[[str, Value, Value], dict[str, Any]] | None = None
    delete: str | None = None

    @property
    def writes(self) -> frozenset[str]:
        """Create, and Update and Delete if AWS has them."""
        return frozenset(operation for operation in (self.create, self.update, self.delete) if operation)

    def observed(self, responses: Sequence[Mapping[str, Any] | None]) -> dict[str, Any]:
        """Return all items that AWS listed, without output-only members."""
        items = self.listed([response for response in responses if response])
        return {self.items: [_writable(item) for item in items]}

    def calling(self, plan: Plan, observed_shape: Shape) -> Steps[list[Call]]:
        """Return the calls in steps.

        First removals, then replacements (a Delete and a Create), updates, and creations.
        """
        spelled = {self.key_of(item): item for item in observed_shape.get(self.items) or ()}
        calls: list[Call] = []
        for kind in (ChangeKind.REMOVE, ChangeKind.REPLACE, ChangeKind.UPDATE, ChangeKind.ADD):
            for change in plan.changes:
                if change.kind is kind:
                    yield
                    calls += self._calls_of(change, self._spelling(spelled.get(change.key), change.key))
        return calls

    def _spelling(self, item: Any, key: str) -> str:
        # AWS may know the prefix `a` as `a/`; calls use AWS's spelling of an existing item.
        return str(item.get(self.key_member, key)) if isinstance(item, Mapping) else key

    def _calls_of(self, change: Change, spelling: str) -> list[Call]:
        calls = []
        if self.delete and change.kind in (ChangeKind.REMOVE, ChangeKind.REPLACE):
            calls.append(Call("ecr", self.delete, {self.key_member: spelling}, (change,)))
        if change.kind in (ChangeKind.ADD, ChangeKind.REPLACE):
            calls.append(Call("ecr", self.create, self.create_params(change.key, change.after), (change,)))
        if self.update and self.update_params and change.kind is ChangeKind.UPDATE:
            params = self.update_params(change.key, change.before, change.after)
            calls.append(Call("ecr", self.update, {**params, self.key_member: spelling}, (change,)))
        return calls


def _writable(item: Any) -> Any:
    if not isinstance(item, Mapping):
        return item
    return {name: value for name, value in item.items() if name not in _READ_ONLY}
