"""A random schedule of writes and failures, with a model of its result; pure."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

ACCOUNTS = ("810000000001", "810000000002")
REGIONS = ("us-east-1", "eu-central-1")
OWNERS = ("team-a", "team-b", "team-c")
UPSTREAMS = ("quay.io", "registry.k8s.io")
CLIENT = ("apply", "apply", "apply", "apply", "delete", "mode", "reconcile", "role-create", "role-delete")
FOREIGN = ("create", "remove-rule", "remove-pairs")
PROCESS = ("kill", "stop")
NETWORK = ("throttles", "errors", "drops", "latency", "cut-aws", "hang-aws", "reset-aws")
DATABASE = ("cut-database", "reset-database")


@dataclass(frozen=True, slots=True)
class Event:
    """The next action of a lane: after `pause` seconds, on `target`, for `seconds`."""

    kind: str
    target: Any
    pause: float
    seconds: float = 0.0
    owner: str = ""
    rules: tuple[tuple[str, str], ...] = ()
    filters: tuple[str, ...] = ()
    flag: bool = False
    word: str = ""


def registry(dice: random.Random) -> tuple[str, str]:
    return dice.choice(ACCOUNTS), dice.choice(REGIONS)


def client_lane(seed: int) -> Iterator[Event]:
    """Yield the writes of owners, one after the other."""
    dice = random.Random(f"{seed} client")
    while True:
        yield Event(
            dice.choice(CLIENT),
            registry(dice),
            dice.uniform(0.0, 0.3),
            owner=dice.choice(OWNERS),
            rules=tuple((f"p{i}", dice.choice(UPSTREAMS)) for i in range(4) if dice.random() < 0.5),
            filters=tuple(f"f{i}/" for i in range(4) if dice.random() < 0.5),
            flag=dice.random() < 0.5,
            word=dice.choice(("ENFORCE", "ENFORCE", "OBSERVE", "PAUSED")),
        )


def foreign_lane(seed: int) -> Iterator[Event]:
    """Yield changes made in AWS directly."""
    dice = random.Random(f"{seed} unmanaged")
    number = 0
    while True:
        kind = dice.choice(FOREIGN)
        number += kind == "create"
        word = f"unmanaged-{number}" if kind == "create" and number < 40 else f"p{dice.randrange(4)}"
        kind = kind if word.startswith("unmanaged") or kind != "create" else "remove-rule"
        yield Event(kind, registry(dice), dice.uniform(0.5, 2.0), word=word)


def process_lane(seed: int, servers: int) -> Iterator[Event]:
    """Yield failures of processes."""
    dice = random.Random(f"{seed} process")
    while True:
        kind, target = dice.choice(PROCESS), dice.randrange(servers)
        yield Event(kind, target, dice.uniform(0.5, 3.0), dice.uniform(0.1, 4.0))


def network_lane(seed: int, *, database: bool) -> Iterator[Event]:
    """Yield failures of the network and of AWS."""
    dice = random.Random(f"{seed} network")
    kinds = NETWORK + (DATABASE if database else ())
    while True:
        yield Event(dice.choice(kinds), None, dice.uniform(0.2, 2.0), dice.uniform(0.5, 4.0))


@dataclass(frozen=True, slots=True)
class Part:
    """The declaration of one owner for a registry."""

    rules: Mapping[str, str]
    filters: frozenset[str]


@dataclass(slots=True)
class Model:
    """The acknowledged declarations, which AWS must have in the end."""

    declared: dict[tuple[str, str], dict[str, Part]] = field(default_factory=dict)
    unmanaged: dict[tuple[str, str], set[str]] = field(default_factory=dict)

    def conflict(self, event: Event) -> bool:
        """Return whether another owner declares one of the rules differently."""
        rules = dict(event.rules)
        others = [p for owner, p in self.declared.get(event.target, {}).items() if owner != event.owner]
        return any(
            part.rules.get(prefix, upstream) != upstream for part in others for prefix, upstream in rules.items()
        )

    def apply(self, event: Event) -> None:
        """Declare; `flag` takes over elements that others declare differently."""
        rules, parts = dict(event.rules), self.declared.setdefault(event.target, {})
        for owner, part in list(parts.items()):
            if owner != event.owner:
                kept = {p: u for p, u in part.rules.items() if rules.get(p, u) == u}
                parts[owner] = Part(kept, part.filters)
        parts[event.owner] = Part(rules, frozenset(event.filters))

    def delete(self, event: Event) -> bool:
        """Delete a declaration; return whether it existed."""
        return self.declared.get(event.target, {}).pop(event.owner, None) is not None

    def expected(self, target: tuple[str, str]) -> tuple[dict[str, str], set[str]]:
        """Return exactly the cache rules and replication filters that AWS must have."""
        parts = self.declared.get(target, {}).values()
        rules = {prefix: upstream for part in parts for prefix, upstream in part.rules.items()}
        kept = dict.fromkeys(self.unmanaged.get(target, set()) | {"unmanaged"}, "public.ecr.aws")
        return {**rules, **kept}, {f for part in parts for f in part.filters} | {"unmanaged/"}
