"""Changes are reverted in time beside a sweep of all slots, in virtual time."""

from __future__ import annotations

import asyncio
import json
import random
import uuid
from pathlib import Path

from ecrkeeper_server.ecr.principals import Principals
from ecrkeeper_server.engine.attribution import Own
from ecrkeeper_server.engine.event_intake import EventIntake
from ecrkeeper_server.events.queue_url import QueueUrl
from ecrkeeper_server.metrics.server import Metrics

from tests.events import samples

from .virtual import AwsModel, Fleet, ModelClient, run

DELAY, DEBOUNCE, COPIES = 2.0, 2.0, 3
REGION = "us-east-1"
QUEUE = QueueUrl.parse("https://sqs.us-east-1.amazonaws.com/999999999999/events")
CHANGED = [f"{n:012d}" for n in range(50)]
SWEPT = [f"{n:012d}" for n in range(1000, 1120)]


def event(account: str) -> str:
    """Return the event of a deleted cache rule."""
    ids = {"eventID": str(uuid.uuid4()), "requestID": str(uuid.uuid4())}
    call = {"eventName": "DeletePullThroughCacheRule", "recipientAccountId": account, "awsRegion": REGION}
    return json.dumps(samples.event({**samples.RECORD, **call, **ids}))


async def seconds_to_revert(folder: Path) -> tuple[list[float], int]:
    """Return how long each change lasts, and the calls of the sweep meanwhile."""
    model = AwsModel()
    fleet = Fleet(folder, model, concurrency=32)
    for account in CHANGED:
        await fleet.declare(account, REGION)
    while len(model.calls) < 4 * len(CHANGED) or fleet.engine.running():
        await asyncio.sleep(0.1)
    for account in SWEPT:
        model.seconds[account] = 2.0
        await fleet.overdue(account, 1, seconds=3600)
    fleet.engine.triggers.wake()
    await asyncio.sleep(2)
    loop = asyncio.get_running_loop()
    own = Own(str(uuid.uuid4()), Principals(ModelClient(model), REGION))
    wake = fleet.engine.triggers.wake
    intake = EventIntake(fleet.db, own, Metrics().events, lambda after: loop.call_later(after, wake), DEBOUNCE)
    changed, since = dict[str, float](), len(model.calls)

    async def deliver(body: str, delay: float) -> None:
        await asyncio.sleep(delay)
        await intake.store([body], QUEUE)

    async def change(account: str) -> None:
        changed[account] = loop.time()
        model.rules[account, REGION].clear()
        body, chance = event(account), random.Random(account)
        await asyncio.gather(*(deliver(body, DELAY + 0.5 * chance.random()) for _ in range(COPIES)))

    tasks = []
    for account in CHANGED:
        tasks.append(asyncio.create_task(change(account)))
        await asyncio.sleep(0.01)
    await asyncio.gather(*tasks)
    await asyncio.sleep(10)
    await fleet.end()
    calls = model.calls[since:]
    writes = {
        owner_account: at
        for at, owner_account, _, operation, _ in calls
        if operation == "CreatePullThroughCacheRule" and owner_account in changed
    }
    return [writes[owner_account] - at for owner_account, at in changed.items()], sum(
        owner_account in model.seconds for _, owner_account, *_ in calls
    )


def test_changes_during_a_sweep_are_reverted_in_time(tmp_path: Path) -> None:
    took, swept = run(seconds_to_revert(tmp_path))
    assert len(took) == len(CHANGED)
    assert sorted(took)[int(0.95 * len(took))] < DELAY + DEBOUNCE + 2
    assert swept > 0
