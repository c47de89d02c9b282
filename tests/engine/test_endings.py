"""Attempts that end together."""

from __future__ import annotations

from typing import Any

import pytest
from ecrkeeper_server.declarations.summaries import RegistrySummary
from ecrkeeper_server.engine import endings
from ecrkeeper_server.engine.attempt import Attempt
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store.operation_bounds import MAX_PENDING
from ecrkeeper_server.store.queue import Outcome
from ecrkeeper_server.turns import Steps

from .conftest import ACCOUNT, World

PLACES = [RegistryName(ACCOUNT, region) for region in ("eu-west-1", "eu-west-2", "eu-west-3")]
RULE = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}


async def test_ending_that_the_store_rejects_holds_up_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    save_parts = endings._save_parts

    def picky(tx: Any, saved: Any, ending: Any) -> None:
        if saved.name == str(PLACES[0]):
            raise ValueError("poison")
        save_parts(tx, saved, ending)

    monkeypatch.setattr(endings, "_save_parts", picky)
    for place in PLACES:
        await world.declare({"pull_through_cache_rules": {"rules": [RULE]}}, registry=place)
    while await world.engine.claim_once():
        await world.engine.drain()
    await world.engine.drain()
    poisoned, *others = [await world.row(place) for place in PLACES]
    assert poisoned.lease_token
    assert [(row.lease_token, row.carried_out) for row in others] == [(None, True)] * 2


async def test_operations_that_end_together_share_one_response(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made, make = list[str](), endings.summarizing_end

    def counted(attempt: Attempt, outcome: Outcome) -> Steps[RegistrySummary]:
        made.append(attempt.claimed.name)
        return make(attempt, outcome)

    monkeypatch.setattr(endings, "summarizing_end", counted)
    await world.declare({"pull_through_cache_rules": {"rules": [RULE]}})
    waiting = [await world.begin("ReconcileRegistry") for _ in range(MAX_PENDING)]
    await world.reconcile()
    ended = [await world.operation(each) for each in waiting]
    assert all(each.done for each in ended)
    assert len(made) == 1
    assert ended[0].response is not None
    assert [each.response for each in ended] == [ended[0].response] * MAX_PENDING
