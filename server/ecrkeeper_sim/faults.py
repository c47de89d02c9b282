"""Injected faults: latency, throttling, errors, lost connections and raw answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ecrkeeper_sim.errors import AwsError
from ecrkeeper_sim.models import XML_SERVICES
from ecrkeeper_sim.protocols import Answer
from ecrkeeper_sim.state import World

KINDS = ("latency", "throttle", "error", "drop", "drop_after", "answer", "answer_after")
# In the body of a raw answer, for lists whose tokens differ.
_NUMBER = "{number}"
# The maximum size of a raw answer.
_MAX_BYTES = 64 * 1024 * 1024


@dataclass(slots=True)
class Fault:
    """One rule; absent members match everything, and `count` limits its applications."""

    kind: str
    service: str | None = None
    operation: str | None = None
    account: str | None = None
    region: str | None = None
    probability: float = 1.0
    count: int | None = None
    seconds: float = 0.0
    code: str | None = None
    message: str | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    repeat: int = 1
    answered: int = 0

    def matches(self, service: str, operation: str, account: str, region: str) -> bool:
        """Return whether the rule applies to a call."""
        return (
            self.count != 0
            and self.service in (None, service)
            and self.operation in (None, operation)
            and self.account in (None, account)
            and self.region in (None, region)
        )

    def error(self, service: str) -> AwsError:
        """Return the error that the rule makes of a call."""
        query = service in XML_SERVICES
        if self.kind == "throttle":
            code = self.code or ("Throttling" if query else "ThrottlingException")
            return AwsError(code, self.message or "Rate exceeded", self.status or 400)
        code = self.code or ("ServiceFailure" if query else "ServerException")
        return AwsError(code, self.message or "The request failed because of a server-side issue.", self.status or 500)

    def answer(self) -> Answer:
        """Return the raw answer of an `answer` rule.

        It has a status, headers, and the body `repeat` times, with the number of the answer in place of `{number}`.
        """
        self.answered += 1
        headers = {"Content-Type": "application/octet-stream", **self.headers}
        body = self.body.replace(_NUMBER, str(self.answered)).encode() * self.repeat
        return Answer(self.status or 200, headers.pop("Content-Type"), body, headers=headers)


class Faults:
    """The rules in force, in the order in which they were given."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rules: list[Fault] = []

    def add(self, rules: list[dict[str, Any]]) -> None:
        """Add rules; raises ValueError for one that is malformed."""
        known = {f.name for f in fields(Fault)}
        for rule in rules:
            if unknown := set(rule) - known:
                raise ValueError(f"unknown members of a fault rule: {sorted(unknown)}")
            if rule.get("kind") not in KINDS:
                raise ValueError(f"kind must be one of {', '.join(KINDS)}")
            if len(rule.get("body", "")) * rule.get("repeat", 1) > _MAX_BYTES:
                raise ValueError(f"body times repeat must not exceed {_MAX_BYTES} bytes")
        self._rules += [Fault(**rule) for rule in rules]

    def clear(self) -> None:
        """Drop all rules."""
        self._rules.clear()

    def listed(self) -> list[dict[str, Any]]:
        """Return the rules with their remaining counts."""
        return [asdict(rule) for rule in self._rules]

    def matching(self, service: str, operation: str, account: str, region: str) -> list[Fault]:
        """Return the rules that apply to this call, and count them."""
        if not self._rules:
            return []
        struck = []
        for rule in self._rules:
            if not rule.matches(service, operation, account, region):
                continue
            if rule.probability < 1.0 and self._world.random.random() >= rule.probability:
                continue
            if rule.count is not None:
                rule.count -= 1
            struck.append(rule)
            if rule.kind != "latency":
                break
        return struck
