"""Many owners and long errors do not make the stored state of a registry large."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from ecrkeeper_server.aws_errors import Permanent
from ecrkeeper_server.store import resources
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.rows import Declaration
from ecrkeeper_server.store.stored_drift import MAX_OWNERS
from ecrkeeper_server.store.tables import declarations
from ecrkeeper_server.store.work import columns_of
from sqlalchemy import insert

from tests import databases
from tests.engine.conftest import ACCOUNT, REGION, REGISTRY, World, a_world

OWNERS, ELEMENTS = 1_200, 20
# One owner's status, one element's difference in the drift and in the errors, and everything else.
MOST_BYTES = OWNERS * 2_000 + ELEMENTS * 3_000 + 30_000
ARNS = [f"arn:aws:iam::{ACCOUNT}:role/{at:03}-".ljust(200, "x") for at in range(ELEMENTS)]


@pytest.fixture(params=["sqlite", "postgres"])
async def crowded(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    """A registry whose owners all declare the same elements, which AWS rejects."""
    url = databases.migrated(request, request.param, tmp_path)
    async with a_world(url, monkeypatch) as world:
        await world.db.write(_declare)
        yield world


def _declare(tx: Tx) -> None:
    row = resources.ensure(tx, REGISTRY, {})
    row = resources.set_spec(tx, row.name, row.spec)
    rows = [
        Declaration(
            account=ACCOUNT, region=REGION, owner=f"team-{at:04}-".ljust(63, "z"), uid=str(uuid.uuid4()),
            settings={"pull_time_update_exclusions": {"principalArns": ARNS}}, deletion_policy="REMOVE",
            allow_replacement=False, generation=1, observed_generation=0, registry_generation=row.generation,
            create_time=1, update_time=1,
        )
        for at in range(OWNERS)
    ]  # fmt: skip
    tx.conn.execute(insert(declarations), [{**columns_of(row), "create_time": 1, "update_time": 1} for row in rows])


@pytest.mark.timeout(240)
async def test_state_of_many_owners_and_long_errors_is_bounded(crowded: World) -> None:
    crowded.aws.faults["RegisterPullTimeUpdateExclusion"] = lambda _: Permanent("m" * 1_000_000, reason="AWS_REJECTED")
    row = await crowded.reconcile()
    state = row.registry_state
    error = state.error
    assert error is not None
    assert len(error.message) == 1_000
    assert len(error.preconditions) + error.omitted == ELEMENTS, "what is not stored is counted"
    assert {len(each.owners or ()) + each.omitted_owners for each in state.drift} == {OWNERS}
    assert {len(each.owners or ()) for each in state.drift} == {MAX_OWNERS}
    assert len(state.owners) == OWNERS
    for own in state.owners.values():
        assert own.error is not None and own.error.message.startswith("pull_time_update_exclusions")
        assert len(own.error.preconditions) + own.error.omitted == ELEMENTS
    assert len(json.dumps(row.stored_state)) <= MOST_BYTES
    repeated = await crowded.resync()
    assert len(json.dumps(repeated.stored_state)) <= MOST_BYTES, "another attempt adds nothing"
