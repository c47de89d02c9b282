"""An engine with a simulated AWS that rejects registry policies."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from tests.engine.conftest import ACCOUNT, REGION, World, a_world

GONE = "arn:aws:iam::333333333333:role/gone"


@pytest.fixture
async def world(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with a_world(database_url, monkeypatch) as created:
        yield created


def statement(sid: str, principal: Any = "555555555555", **members: Any) -> dict[str, Any]:
    """Return a statement in the usual form."""
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": "ecr:ReplicateImage",
        "Resource": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/*",
        **members,
    }


def policy(*statements: Mapping[str, Any]) -> dict[str, Any]:
    """Return a registry policy as declared."""
    return {"registry_policy": {"policyText": json.dumps({"Version": "2012-10-17", "Statement": list(statements)})}}


async def unresolvable(world: World, *principals: str) -> None:
    """Make these principals unknown to AWS."""
    await world.control("PUT", "settings", {"unresolvable_principals": list(principals)})


async def sids(world: World) -> set[str]:
    """Return the statements that AWS has."""
    text = (await world.present())["policyText"]
    return {each["Sid"] for each in json.loads(text)["Statement"]} if text else set()


async def puts(world: World, operation: str = "PutRegistryPolicy") -> list[dict[str, Any]]:
    """Return the writes of one kind that reached AWS."""
    logged = (await world.control("GET", "requests"))["requests"]
    return [entry for entry in logged if entry["operation"] == operation]


def own(row: Any, owner: str) -> dict[str, tuple[str, str]]:
    """Return status and reason of each condition of a declaration."""
    conditions = row.state.get("owners", {}).get(owner, row.state)["conditions"]
    return {c["type"]: (c["status"], c["reason"]) for c in conditions}
