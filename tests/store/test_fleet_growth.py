"""Changes of accounts: the guard of removals, waits for other sets, labels."""

from __future__ import annotations

import pytest
from ecrkeeper_server.declarations.idempotency import Caller
from ecrkeeper_server.engine.rollouts import RolloutWorker
from ecrkeeper_server.fleet import growth, matching
from ecrkeeper_server.fleet.account_commands import put_account
from ecrkeeper_server.fleet.bounds import Bounds
from ecrkeeper_server.fleet.membership import plan_targets
from ecrkeeper_server.fleet.names import RolloutName, SetName
from ecrkeeper_server.fleet.rollout_commands import control
from ecrkeeper_server.store import fleet_accounts, registry_sets, rollouts
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.fleet_rows import AccountRow
from ecrkeeper_server.store.fleet_specs import AccountState, Amount, Selector, Wave
from ecrkeeper_server.store.rollout_rows import Cause, RolloutState, TargetState
from msgspec.structs import replace

from .conftest import Clock
from .fleets import StoredFleet, excluding


@pytest.fixture
def fleet(db: Database, clock: Clock) -> StoredFleet:
    return StoredFleet(db, clock)


async def test_accounts_that_leave_one_by_one_meet_the_guard(fleet: StoredFleet) -> None:
    await fleet.add(20, set="a")
    await fleet.write("a", excluding("scanner"), max_removals=Amount(3))
    await fleet.work()
    for account in fleet.accounts[:10]:
        await fleet.label(account, set="gone")
        await fleet.work(5)
    assert len(await fleet.roles("a")) == 17, "three left, and no more"
    assert (await fleet.set("a")).held_removals == 7
    # The day after, three more may leave, and there are seven.
    await fleet.work(10)
    fleet.clock.advance(86_400)
    await fleet.work(20)
    assert len(await fleet.roles("a")) == 17
    await fleet.write("a", excluding("scanner"), max_removals=Amount(3), removals=7)
    await fleet.work()
    assert len(await fleet.roles("a")) == 10
    assert (await fleet.set("a")).held_removals == 0


async def test_accounts_that_leave_slowly_pass_the_guard(fleet: StoredFleet) -> None:
    await fleet.add(8, set="a")
    await fleet.write("a", excluding("scanner"), max_removals=Amount(1))
    await fleet.work()
    for account in fleet.accounts[:3]:
        fleet.clock.advance(86_400)
        await fleet.label(account, set="gone")
        await fleet.work(10)
    assert len(await fleet.roles("a")) == 5
    assert (await fleet.set("a")).held_removals == 0


@pytest.mark.parametrize("cause", [Cause.GROWTH, Cause.REVISION])
async def test_selector_that_shrinks_while_targets_are_determined_meets_the_guard(
    fleet: StoredFleet, cause: Cause, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matching, "ACCOUNTS", 2)
    await fleet.add(12, set="a")
    await fleet.write("a", excluding("scanner"), max_removals=Amount(3))
    await fleet.work()
    if cause is Cause.REVISION:
        await fleet.write("a", excluding("scanner", "other"), max_removals=Amount(3))
    else:
        await fleet.label(fleet.accounts[0], set="gone")
        fleet.clock.advance(1)
        row = await fleet.db.write(growth.claim_comparison)
        assert row is not None
        await growth.compare(fleet.db, row)
    [newest, _] = await fleet.rollouts("a")
    assert (newest.state, newest.cause) == (RolloutState.PLANNING, cause)
    # Between the comparison, or the plan, and the pages of the rollout.
    for account in fleet.accounts[:9]:
        await fleet.label(account, set="gone")
    await fleet.work()
    assert len(await fleet.roles("a")) == 12, "nothing was released"
    assert (await fleet.set("a")).held_removals == 9
    if cause is Cause.REVISION:
        kept = {account for account, roles in (await fleet.roles("a")).items() if roles == ["scanner", "other"]}
        assert kept == set(fleet.accounts[9:]), "what still matches has the new revision"
        [newest, _] = await fleet.rollouts("a")
        assert [each.position for each in await fleet.targets(newest)] == [0, 1, 2]


async def test_confirmed_removals_pass_the_guard(fleet: StoredFleet) -> None:
    await fleet.add(6, set="a")
    await fleet.write("a", excluding("scanner"), max_removals=Amount(0))
    await fleet.work()
    nowhere = Selector("labels.set = nowhere")
    await fleet.write("a", excluding("scanner"), selector=nowhere, max_removals=Amount(0), removals=6)
    await fleet.work()
    assert await fleet.roles("a") == {}


async def test_abandoned_targets_need_no_confirmation(fleet: StoredFleet) -> None:
    await fleet.add(6, set="a")
    options = {"max_removals": Amount(0), "deletion_policy": "ABANDON"}
    await fleet.write("a", excluding("scanner"), **options)
    await fleet.work()
    for account in fleet.accounts:
        await fleet.label(account, set="gone")
    await fleet.work()
    assert await fleet.roles("a") == {}


async def test_suspended_accounts_do_not_count_for_the_guard(fleet: StoredFleet) -> None:
    await fleet.add(6, set="a")
    await fleet.write("a", excluding("scanner"), max_removals=Amount(1))
    await fleet.work()

    def suspend(tx: Tx) -> None:
        for account in fleet.accounts[1:]:
            row = fleet_accounts.get(tx, account)
            assert row is not None
            fleet_accounts.change(tx, replace(row, state=AccountState.SUSPENDED))

    await fleet.db.write(suspend)
    nowhere = Selector("labels.set = nowhere")
    await fleet.write("a", excluding("scanner"), selector=nowhere, max_removals=Amount(1))
    await fleet.work()
    assert set(await fleet.roles("a")) == set(fleet.accounts[1:])
    [newest, _] = await fleet.rollouts("a")
    assert [each.state for each in await fleet.targets(newest)] == [TargetState.SUCCEEDED] + [TargetState.HELD] * 5


async def test_release_does_not_wait_for_another_set_without_end(fleet: StoredFleet) -> None:
    await fleet.add(1, set="a")
    await fleet.write("a", excluding("scanner"))
    await fleet.work()
    [account] = fleet.accounts
    # The other set matches the account, and its rollout does not continue.
    await fleet.write("b", excluding("scanner"))
    await fleet.db.write(lambda tx: control(tx, Caller("CancelRollout"), RolloutName(SetName("b"), 1), "cancel"))
    await fleet.label(account, set="b")
    await fleet.work(5)
    [release, _] = await fleet.rollouts("a")
    [waiting] = await fleet.targets(release)
    assert (waiting.state, waiting.reason) == (TargetState.PENDING, "WAITING_FOR_SET")
    assert "registrySets/b" in waiting.message
    fleet.clock.advance(1800)
    await fleet.work(5)
    [failed] = await fleet.targets(release)
    assert (failed.state, failed.reason) == (TargetState.FAILED, "WAITING_FOR_SET")
    assert "for 30 minutes" in failed.message
    assert list(await fleet.roles("a")) == [account], "nothing was removed"


@pytest.mark.parametrize(
    ("operation", "ended", "state"),
    [
        ("AssumeRole", RolloutState.SUCCEEDED, TargetState.SKIPPED),
        ("ListPullTimeUpdateExclusions", RolloutState.HALTED, TargetState.FAILED),
    ],
)
async def test_release_that_aws_does_not_show_is_not_done(
    fleet: StoredFleet, operation: str, ended: RolloutState, state: TargetState
) -> None:
    await fleet.add(1, set="a")
    strict = {"waves": (Wave(),)}
    await fleet.write("a", excluding("scanner"), **strict)
    await fleet.work()
    unread = {
        "applied": {"pull_time_update_exclusions": {"arn:aws:iam::000000000001:role/scanner": True}},
        "error": {"code": "X", "reason": "AWS_ACCESS_DENIED", "message": "no", "metadata": {"operation": operation}},
        "conditions": [
            {"type": kind, "status": status, "reason": "AWS_ACCESS_DENIED", "message": "no", "since": 1}
            for kind, status in (("Ready", "FALSE"), ("Blocked", "TRUE"))
        ],
    }
    await fleet.write("a", None)
    await fleet.work(5, unread)
    [deletion, _] = await fleet.rollouts("a")
    [target] = await fleet.targets(deletion)
    assert (deletion.state, target.state, target.reason) == (ended, state, "AWS_ACCESS_DENIED")
    if ended == RolloutState.HALTED:
        resume = RolloutName(SetName("a"), deletion.number)
        # A release that is tried again has no declaration to delete, and AWS is asked again.
        await fleet.db.write(lambda tx: control(tx, Caller("ResumeRollout"), resume, "resume"))
        await fleet.work(5, unread)
        assert (await fleet.rollouts("a"))[0].state == RolloutState.HALTED
        await fleet.db.write(lambda tx: control(tx, Caller("ResumeRollout"), resume, "resume"))
        await fleet.work(5)
        assert (await fleet.rollouts("a"))[0].state == RolloutState.SUCCEEDED


async def test_targets_are_rendered_with_the_labels_of_the_begin(fleet: StoredFleet) -> None:
    await fleet.add(2, set="a", team="red")
    await fleet.write("a", excluding("${label:team}"))
    await fleet.work()
    first, second = fleet.accounts
    assert await fleet.roles("a") == {first: ["red"], second: ["red"]}
    await fleet.write("a", excluding("${label:team}", "more"))
    assert await fleet.db.write(_plan) == RolloutState.RUNNING
    await fleet.label(second, set="a", team="blue")
    [newest, *_] = await fleet.rollouts("a")
    await fleet.work(1)
    assert (await fleet.roles("a"))[second] == ["red", "more"], "the rollout has the labels of its begin"
    await fleet.work()
    assert await fleet.roles("a") == {first: ["red", "more"], second: ["blue", "more"]}
    grown, before, *_ = await fleet.rollouts("a")
    assert (grown.cause, before.number) == (Cause.GROWTH, newest.number)
    assert [each.account for each in await fleet.targets(grown)] == [second]
    # It converges: nothing is left to do.
    await fleet.work(1000)
    assert len(await fleet.rollouts("a")) == grown.number


def _plan(tx: Tx) -> RolloutState:
    claimed = rollouts.claim_due(tx)
    assert claimed is not None
    return RolloutState(plan_targets(tx, claimed[0]).state)


async def test_labels_that_remove_elements_meet_the_guard(fleet: StoredFleet) -> None:
    await fleet.add(4, set="a", team="red")
    await fleet.write("a", excluding("${label:team}"), max_removals=Amount(1))
    await fleet.work()
    for account in fleet.accounts[:3]:
        await fleet.label(account, set="a", team="blue")
    await fleet.work()
    assert list((await fleet.roles("a")).values()) == [["red"]] * 4
    assert (await fleet.set("a")).held_removals == 3


async def test_label_that_is_removed_fails_its_target_and_removes_nothing(fleet: StoredFleet) -> None:
    await fleet.add(2, set="a", team="red")
    await fleet.write("a", excluding("${label:team}"))
    await fleet.work()
    await fleet.label(fleet.accounts[0], set="a")
    await fleet.work()
    grown, *_ = await fleet.rollouts("a")
    [target] = await fleet.targets(grown)
    assert (target.state, target.reason) == (TargetState.FAILED, "LABEL_MISSING")
    assert list((await fleet.roles("a")).values()) == [["red"], ["red"]]
    await fleet.work(600)
    assert len(await fleet.rollouts("a")) == grown.number, "it is not tried again at once"


@pytest.mark.parametrize("state", [AccountState.SUSPENDED, AccountState.GONE])
async def test_deletion_forgets_accounts_that_are_gone(fleet: StoredFleet, state: AccountState) -> None:
    await fleet.add(2, set="a")
    await fleet.write("a", excluding("scanner"))
    await fleet.work()
    account = fleet.accounts[0]

    def lose(tx: Tx) -> None:
        row = fleet_accounts.get(tx, account)
        assert row is not None
        fleet_accounts.change(tx, replace(row, state=state))

    await fleet.db.write(lose)
    await fleet.work()
    assert list(await fleet.roles("a")) == fleet.accounts, "it may come back"
    await fleet.write("a", None)
    await fleet.work()
    left = [account] if state is AccountState.SUSPENDED else []
    assert list(await fleet.roles("a")) == left
    assert (await fleet.db.read(lambda tx: registry_sets.get(tx, "a")) is None) == (not left)


async def _change_state(fleet: StoredFleet, account: str, state: AccountState) -> None:
    def change(row: AccountRow) -> AccountRow:
        return replace(row, state=state)

    await fleet.db.write(
        lambda tx: put_account(tx, Caller("UpdateAccount"), account, change, create=False, update=True)
    )


async def _pass_time(fleet: StoredFleet) -> None:
    """Let the set compare its targets until attempts are repeated."""
    for _ in range(4):
        await fleet.work(2)
        fleet.clock.advance(1000)
    await fleet.work(2)


async def _deleted_but_held(fleet: StoredFleet, held: int) -> None:
    """Delete a set of three accounts, so many of which are suspended."""
    await fleet.add(3, set="a")
    await fleet.write("a", excluding("scanner"))
    await fleet.work()
    for account in fleet.accounts[:held]:
        await _change_state(fleet, account, AccountState.SUSPENDED)
    await fleet.write("a", None)
    await _pass_time(fleet)
    assert list(await fleet.roles("a")) == fleet.accounts[:held]
    assert len(await fleet.rollouts("a")) == 2, "nothing begins while the accounts are suspended"


@pytest.mark.parametrize("state", [AccountState.ACTIVE, AccountState.GONE])
async def test_deletion_goes_on_when_suspended_account_changes(fleet: StoredFleet, state: AccountState) -> None:
    await _deleted_but_held(fleet, 2)
    first, second = fleet.accounts[:2]
    await _change_state(fleet, first, state)
    await fleet.work()
    assert list(await fleet.roles("a")) == [second], "the other one is still suspended"
    again = (await fleet.rollouts("a"))[0]
    assert (again.number, again.cause, again.state) == (3, Cause.DELETION, RolloutState.SUCCEEDED)
    assert again.principal == "ann"
    await _pass_time(fleet)
    assert len(await fleet.rollouts("a")) == 3
    await _change_state(fleet, second, state)
    await fleet.work()
    assert await fleet.roles("a") == {}
    assert await fleet.db.read(lambda tx: registry_sets.get(tx, "a")) is None


async def test_deletion_goes_on_when_account_returns_before_its_end(fleet: StoredFleet) -> None:
    await fleet.add(2, set="a")
    await fleet.write("a", excluding("scanner"))
    await fleet.work()
    returning, other = fleet.accounts
    await _change_state(fleet, returning, AccountState.SUSPENDED)
    await fleet.write("a", None)
    # AWS has not followed in the other account, so the deletion is still under way.
    worker = RolloutWorker(fleet.db, Bounds(), lambda: None)
    while await worker.work_once():
        pass
    assert [each.state for each in await fleet.targets((await fleet.rollouts("a"))[0])] == [
        TargetState.HELD,
        TargetState.RUNNING,
    ]
    fleet.clock.advance(0.1)
    await _change_state(fleet, returning, AccountState.ACTIVE)
    await fleet.work()
    assert await fleet.roles("a") == {}
    assert await fleet.db.read(lambda tx: registry_sets.get(tx, "a")) is None


async def test_deletion_that_was_cancelled_does_not_go_on(fleet: StoredFleet) -> None:
    await fleet.add(2, set="a")
    await fleet.write("a", excluding("scanner"))
    await fleet.work()
    await _change_state(fleet, fleet.accounts[0], AccountState.SUSPENDED)
    await fleet.write("a", None)
    await fleet.db.write(lambda tx: control(tx, Caller("CancelRollout"), RolloutName(SetName("a"), 2), "cancel"))
    await _change_state(fleet, fleet.accounts[0], AccountState.ACTIVE)
    await _pass_time(fleet)
    assert list(await fleet.roles("a")) == fleet.accounts
    assert len(await fleet.rollouts("a")) == 2
