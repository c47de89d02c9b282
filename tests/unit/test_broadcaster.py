"""Changes reach those who watch them, and wake nobody else."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from ecrkeeper_server.api.services import broadcaster
from ecrkeeper_server.api.services.broadcaster import Changes
from ecrkeeper_server.turns import WORK, Turns, Work

from tests.engine.virtual import run

ONE, TWO = "accounts/111111111111/registries/us-east-1", "accounts/222222222222/registries/us-east-1"
ROLE = "accounts/111111111111/serviceLinkedRoles/replication"


async def test_change_wakes_only_watches_of_its_kind_and_account() -> None:
    changes = Changes()
    with (
        changes.subscribe_to(ROLE) as role,
        changes.subscribe_to(TWO) as other,
        changes.subscribe("registry", "-") as all_registries,
        changes.subscribe("registry", "111111111111") as registries,
        changes.subscribe("registry", "222222222222") as others,
        changes.subscribe("role", "111111111111") as roles,
    ):
        changes.publish([ONE, ROLE])
        listeners = (role, other, all_registries, registries, others, roles)
        woken = await asyncio.gather(*(each.wait(0.05) for each in listeners))
        assert woken == [{ROLE}, set(), {ONE}, {ONE}, set(), {ROLE}]
        assert changes.listeners() == 6
    assert changes.listeners() == 0


async def test_lost_hints_wake_everybody() -> None:
    changes = Changes()
    with changes.subscribe_to(ONE) as one, changes.subscribe("role", "111111111111") as roles:
        changes.publish([])
        await asyncio.gather(one.wait(5), roles.wait(5))
        assert one.overflowed and roles.overflowed


async def test_every_change_outdates_earlier_reads() -> None:
    changes = Changes()
    before = changes.announced
    changes.publish([TWO])
    assert changes.announced != before


async def test_many_names_are_shared_by_all_watches() -> None:
    changes, names = Changes(), [f"accounts/{at:012}/registries/us-east-1" for at in range(2_000)]
    with contextlib.ExitStack() as entered:
        listeners = [entered.enter_context(changes.subscribe("registry", "-")) for _ in range(100)]
        changes.publish(names)
        changes.publish([ONE])
        first, *others = listeners
        assert all(each._shared_names[0] is first._shared_names[0] for each in others)
        assert {frozenset(await each.wait(1)) for each in listeners} == {frozenset([*names, ONE])}
        assert not any(each.queued or each.overflowed for each in listeners)


async def test_many_versions_are_shared_by_all_watches() -> None:
    changes, versions = Changes(), {f"accounts/{at:012}/registries/us-east-1": at for at in range(500)}
    with changes.subscribe("registry", "-") as one, changes.subscribe("registry", "-") as other:
        for each in (one, other):
            each.add_versions(versions)
            each.add_versions({ONE: 1})
        assert one.pop_versions() == other.pop_versions() == [{ONE: 1}, versions]
        assert one.pop_versions() == [{}]
        assert one.queued == 0


async def test_repeated_changes_of_few_names_do_not_overflow() -> None:
    changes = Changes()
    with changes.subscribe("registry", "-") as listener:
        for version in range(20_000):
            changes.publish([ONE])
            listener.add_versions({ONE: version})
        assert await listener.wait(1) == {ONE}
        assert listener.pop_versions() == [{ONE: 19_999}]
        assert not listener.overflowed


async def test_thousand_watches_wake_in_turns() -> None:
    changes, awake = Changes(), 0

    async def watch() -> None:
        nonlocal awake
        with changes.subscribe("registry", "-") as listener:
            await listener.wait(30)
            awake += 1

    watches = [asyncio.create_task(watch()) for _ in range(1_000)]
    await asyncio.sleep(0)
    changes.publish([ONE])
    before, peak = 0, 0
    while awake < 1_000:
        await asyncio.sleep(0)
        before, peak = awake, max(peak, awake - before)
    assert peak <= 20
    await asyncio.gather(*watches)


async def test_next_watches_wake_once_others_have_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """gRPC reports finished sends together, and a thousand of them would take 0.2 s."""
    # Other load on the machine makes nobody a slow reader here.
    monkeypatch.setattr(broadcaster, "_SLOW_SECONDS", 60.0)
    changes, may_send, sending, sent = Changes(), asyncio.Semaphore(0), 0, 0

    async def watch() -> None:
        nonlocal sending, sent
        with changes.subscribe("registry", "-") as listener:
            await listener.wait(30)
            sending += 1
            await may_send.acquire()
            sending, sent = sending - 1, sent + 1

    watches = [asyncio.create_task(watch()) for _ in range(100)]
    await asyncio.sleep(0)
    changes.publish([ONE])
    peak = 0
    while sent < 100:
        for _ in range(10):
            await asyncio.sleep(0)
        peak = max(peak, sending)
        may_send.release()
    assert peak <= 10
    await asyncio.gather(*watches)


def test_slow_reader_delays_nobody() -> None:
    async def main() -> list[str]:
        changes, awake = Changes(), list[str]()

        async def watch(name: str, seconds: float) -> None:
            with changes.subscribe("registry", "-") as listener:
                await listener.wait(30)
                awake.append(name)
                await asyncio.sleep(seconds)

        slow = [asyncio.create_task(watch("slow", 3_600)) for _ in range(50)]
        quick = [asyncio.create_task(watch("quick", 0)) for _ in range(50)]
        await asyncio.sleep(0)
        changes.publish([ONE])
        await asyncio.wait_for(asyncio.gather(*quick), 1.0)
        for each in slow:
            each.cancel()
        return awake

    assert run(main()).count("quick") == 50


def test_principal_with_many_slow_watches_delays_no_other() -> None:
    async def main() -> tuple[float, int]:
        changes, awake = Changes(), list[str]()

        async def watch(name: str, account: str, seconds: float) -> None:
            WORK.set(lambda: Work(Turns(), name))
            with changes.subscribe("registry", account) as listener:
                await listener.wait(30)
                awake.append(name)
                await asyncio.sleep(seconds)

        # Listeners of the account hear first.
        flood = [asyncio.create_task(watch("flooder", "111111111111", 3_600)) for _ in range(200)]
        other = asyncio.create_task(watch("other", "-", 0))
        await asyncio.sleep(0)
        began = asyncio.get_running_loop().time()
        changes.publish([ONE])
        await other
        after = asyncio.get_running_loop().time() - began
        for each in flood:
            each.cancel()
        await asyncio.gather(*flood, return_exceptions=True)
        return after, awake.index("other")

    after, others = run(main())
    assert after < 0.02, "it waits for no slow reader"
    assert others <= 8
