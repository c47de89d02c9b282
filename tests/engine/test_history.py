"""Number and start of errors over attempts, and writes of an idle fleet."""

from __future__ import annotations

from ecrkeeper_server.aws_errors import Temporary

from tests.engine.conftest import World

QUAY = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}
CACHING = {"pull_through_cache_rules": {"rules": [QUAY]}}


async def test_error_attempts_are_counted_until_it_clears(world: World) -> None:
    world.aws.faults["CreatePullThroughCacheRule"] = lambda _: Temporary("no", reason="AWS_UNAVAILABLE")
    await world.declare(CACHING)
    first = await world.reconcile()
    assert (first.reason, first.drifted, first.attempts) == ("AWS_UNAVAILABLE", True, 1)
    since = first.state["error"]["since"]
    repeated = await world.resync()
    assert (repeated.attempts, repeated.state["error"]["since"], repeated.drifted) == (2, since, True)
    assert (repeated.failed_at or 0) > (first.failed_at or 0) >= since
    assert [each["since"] for each in repeated.state["drift"]] == [each["since"] for each in first.state["drift"]]
    assert [each["owners"] for each in repeated.state["drift"]] == [["team-a"]]
    del world.aws.faults["CreatePullThroughCacheRule"]
    last = await world.resync()
    assert (last.reason, last.drifted, last.attempts, last.failed_at) == (None, False, 0, None)
    assert last.state["error"] is None
    unchanged = await world.resync()
    assert (unchanged.attempts, unchanged.failed_at, unchanged.state) == (0, None, last.state)
