"""A fleet of its own for a test.

Its accounts have a label that no other test uses, and a set matches them.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import ecrkeeper
from ecrkeeper.v1 import fleet_pb2

from tests import harness
from tests.e2e.live import Live, fresh_account

REGIONS = ("us-east-1", "eu-west-1")
Rollout = fleet_pb2.Rollout
ALL_AT_ONCE = {"waves": [{"rest": True, "maxConcurrent": {"count": 50}, "failureTolerance": {"percent": 100}}]}
WAIT_SECONDS = 30.0


def exclusion(name: str) -> dict[str, Any]:
    """Settings of one element, which no validation but its pattern limits."""
    return {"pullTimeUpdateExclusions": {"principalArns": [f"arn:aws:iam::${{account}}:role/{name}"]}}


@dataclass
class Fleet:
    """Accounts with one label, and a set of the same name over them."""

    live: Live
    label: str = field(default_factory=lambda: f"t{uuid.uuid4().hex[:10]}")
    accounts: list[str] = field(default_factory=list)

    @property
    def client(self) -> ecrkeeper.Client:
        return self.live.client

    @property
    def set_name(self) -> str:
        return f"registrySets/{self.label}"

    @property
    def selector(self) -> dict[str, Any]:
        return {"accounts": f"labels.fleet = {self.label}"}

    def add(self, count: int = 1, *, denied: int = 0, **fields: Any) -> list[str]:
        """Add accounts to the fleet; AWS denies AssumeRole in the first `denied` ones."""
        accounts = sorted(fresh_account() for _ in range(count))
        for account in accounts[:denied]:
            # Before the server knows the account, because it assumes the role at once and keeps the session.
            self.live.aws.control("PUT", f"accounts/{account}", {"denied": True})
        for account in accounts:
            labels = {"fleet": self.label, **fields.get("labels", {})}
            fields_of_all = {"enabledRegions": list(REGIONS), **fields, "labels": labels}
            self.client.create_account(account, fields_of_all)
        self.accounts = sorted([*self.accounts, *accounts])
        return accounts

    def content(self, settings: dict[str, Any], **fields: Any) -> dict[str, Any]:
        return {"selector": self.selector, "settings": settings, "strategy": ALL_AT_ONCE, **fields}

    def create(self, settings: dict[str, Any], **fields: Any) -> fleet_pb2.RegistrySet:
        return self.client.create_registry_set(self.label, self.content(settings, **fields))

    def update(self, options: dict[str, Any] | None = None, **fields: Any) -> fleet_pb2.RegistrySet:
        change = {"name": self.set_name, **fields}
        return self.client.update_registry_set(change, list(fields), **(options or {}))

    def rollout(self, number: int | None = None) -> fleet_pb2.Rollout:
        """The newest rollout, or one."""
        if number is not None:
            return self.client.get_rollout(f"{self.set_name}/rollouts/{number}")
        return next(iter(self.client.list_rollouts(self.set_name)))

    def ended(
        self, state: str = "SUCCEEDED", number: int | None = None, seconds: float = WAIT_SECONDS
    ) -> fleet_pb2.Rollout:
        """The newest rollout, or one, once it is in a state."""
        expected = Rollout.State.Value(state)

        def ended_or_none() -> fleet_pb2.Rollout | None:
            try:
                current = self.rollout(number)
            except (ecrkeeper.NotFound, StopIteration):
                return None
            return current if current.state == expected else None

        try:
            ended_rollout: fleet_pb2.Rollout = harness.eventually(ended_or_none, seconds)
        except AssertionError as error:
            raise AssertionError(f"{self.rollout(number)}\n{list(self.targets(number))}") from error
        return ended_rollout

    def targets(self, number: int | None = None, filter: str = "") -> list[fleet_pb2.RolloutTarget]:
        return list(self.client.list_rollout_targets(self.rollout(number).name, filter))

    def registries(self) -> Iterator[tuple[str, str]]:
        """The account and Region of each registry."""
        return ((account, region) for account in self.accounts for region in REGIONS)

    def excluded(self) -> dict[tuple[str, str], list[str]]:
        """The roles that AWS has in each registry."""
        exclusions = {}
        for account, region in self.registries():
            arns = self.live.aws.registry(region, account)["exclusions"]
            exclusions[account, region] = sorted(str(arn).rpartition("/")[2] for arn in arns)
        return exclusions

    def has(self, *names: str) -> bool:
        """Whether AWS has exactly these roles in each registry."""
        return all(roles == sorted(names) for roles in self.excluded().values())
