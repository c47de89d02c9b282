"""Reconciling a registry policy of which AWS rejects a statement."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ecrkeeper_server.aws.call import Call
from ecrkeeper_server.aws_errors import Temporary
from ecrkeeper_server.names import SettingsName
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.tables import audit_events
from sqlalchemy import select

from tests import declaring
from tests.engine.conftest import REGISTRY, World, holds, reason_of

from .conftest import GONE, own, policy, puts, sids, statement, unresolvable

BAD, GOOD = statement("Bad", [GONE, "444444444444"]), statement("Good")


async def declared(world: World, owner: str) -> tuple[int, int]:
    def read(tx: Tx) -> tuple[int, int]:
        declaration = declaring.get(tx, SettingsName(REGISTRY, owner))
        assert declaration is not None
        return declaration.generation, declaration.observed_generation

    return await world.db.read(read)


@pytest.mark.parametrize("first", ["bad", "good"])
async def test_rejected_statement_blocks_only_its_owner(world: World, first: str) -> None:
    await unresolvable(world, GONE)
    owners = {"bad": BAD, "good": GOOD}
    for owner in sorted(owners, key=lambda each: each != first):
        world.seconds += 1
        await world.declare(policy(owners[owner]), owner=owner)
    row = await world.reconcile()
    assert await sids(world) == {"Good"}
    assert own(row, "good")["Ready"] == own(row, "good")["Synced"] == ("TRUE", "IN_SYNC")
    assert own(row, "bad")["Synced"] == ("FALSE", "PRINCIPAL_NOT_FOUND")
    assert await declared(world, "good") == (1, 1)
    assert await declared(world, "bad") == (1, 0)
    error = row.state["error"]
    assert error["reason"] == "PRINCIPAL_NOT_FOUND"
    facts = {name: error["metadata"][name] for name in ("setting", "sid", "owner", "principal")}
    assert facts == {"setting": "registry_policy", "sid": "Bad", "owner": "bad", "principal": f"444444444444, {GONE}"}
    assert [violation[:2] for violation in error["preconditions"]] == [["PRINCIPAL_NOT_FOUND", "registry_policy/Bad"]]
    for part in ("Bad", "owner bad", GONE):
        assert part in {c["type"]: c["message"] for c in row.state["conditions"]}["Synced"]
    assert "Bad" not in row.state["applied"]["registry_policy"]


async def test_known_suspect_is_excluded_from_next_write(world: World) -> None:
    await unresolvable(world, GONE)
    await world.declare(policy(BAD), owner="bad")
    await world.reconcile()
    before = len(await puts(world))
    await world.declare(policy(GOOD), owner="good")
    row = await world.reconcile()
    assert await sids(world) == {"Good"}
    assert len(await puts(world)) == before + 1
    assert own(row, "good")["Ready"][0] == "TRUE"


async def test_appearing_principal_is_written_within_seconds(world: World) -> None:
    await unresolvable(world, GONE)
    await world.declare(policy(BAD))
    await world.reconcile()
    assert (await world.due_in() or 900) <= 2
    world.seconds += 3
    await unresolvable(world)
    row = await world.reconcile()
    assert await sids(world) == {"Bad"}
    assert holds(row, "Ready")
    assert row.state.get("suspects") is None
    assert row.state["error"] is None


async def test_unknown_principal_blocks_after_two_minutes(world: World) -> None:
    await unresolvable(world, GONE)
    await world.declare(policy(GOOD), owner="good")
    await world.reconcile()
    await world.declare(policy(BAD), owner="bad")
    row = await world.reconcile()
    began, delays = world.seconds, []
    while not holds(row, "Blocked"):
        delays.append(await world.due_in() or 0)
        assert 0 < delays[-1] <= 30
        world.seconds += delays[-1]
        before = len(await puts(world))
        row = await world.reconcile()
        assert len(await puts(world)) == before + 1, "only the suspect is tried, once"
        assert own(row, "good")["Ready"][0] == "TRUE"
    assert world.seconds - began == pytest.approx(120)
    assert delays[:5] == [pytest.approx(each) for each in (2, 4, 8, 16, 30)]
    assert own(row, "bad")["Blocked"] == ("TRUE", "PRINCIPAL_NOT_FOUND")
    assert own(row, "good")["Blocked"][0] == "FALSE"
    assert (await world.due_in() or 0) > 600
    assert row.observed_generation == row.generation


async def blocked(world: World) -> None:
    await unresolvable(world, GONE)
    await world.declare(policy(BAD), owner="bad")
    await world.reconcile()
    world.seconds += 130
    assert holds(await world.reconcile(), "Blocked")


async def test_blocked_statement_is_retried_once_per_resync(world: World) -> None:
    await blocked(world)
    before = len(await puts(world))
    await world.resync()
    assert len(await puts(world)) == before + 1
    await unresolvable(world)
    assert holds(await world.resync(), "Ready")


async def test_blocked_statement_is_retried_on_reconcile_call(world: World) -> None:
    await blocked(world)
    await unresolvable(world)
    await world.begin("ReconcileRegistry")
    assert holds(await world.reconcile(), "Ready")


async def test_blocked_statement_is_not_retried_for_other_owner(world: World) -> None:
    await blocked(world)
    before = len(await puts(world))
    await world.declare(policy(GOOD), owner="good")
    await world.reconcile()
    sent = [json.loads(put["params"]["policyText"]) for put in (await puts(world))[before:]]
    assert [[s["Sid"] for s in each["Statement"]] for each in sent] == [["Good"]]


async def test_redeclared_blocked_statement_is_retried(world: World) -> None:
    await blocked(world)
    await world.declare(policy(statement("Bad", "444444444444")), owner="bad")
    row = await world.reconcile()
    assert await sids(world) == {"Bad"}
    assert holds(row, "Ready")


async def test_rejected_update_keeps_existing_statement(world: World) -> None:
    await unresolvable(world, GONE)
    await world.declare(policy(statement("S", "444444444444")), owner="bad")
    await world.declare(policy(GOOD), owner="good")
    await world.reconcile()
    await world.declare(policy(statement("S", GONE)), owner="bad")
    row = await world.reconcile()
    assert await sids(world) == {"S", "Good"}
    assert "444444444444" in (await world.present())["policyText"]
    assert not holds(row, "Degraded")
    assert own(row, "good")["Ready"][0] == "TRUE"
    assert {d["key"] for d in row.state["drift"]} == {"S"}


async def test_probes_contain_existing_elements(world: World) -> None:
    unmanaged = [statement(f"F{i}") for i in range(3)]
    await world.raw("PutRegistryPolicy", policyText=policy(*unmanaged)["registry_policy"]["policyText"])
    await unresolvable(world, GONE)
    for i in range(12):
        principal = GONE if i in (3, 7) else "444444444444"
        await world.declare(policy(statement(f"S{i}", principal)), owner=f"team-{i}")
    await world.control("DELETE", "requests")
    row = await world.reconcile()
    written = await puts(world)
    assert len(written) <= 12
    has = {f"F{i}" for i in range(3)}
    for put in written:
        sent = {each["Sid"] for each in json.loads(put["params"]["policyText"])["Statement"]}
        assert has <= sent
        has = sent if put["status"] == 200 else has
    for _ in range(5):
        if not [e for e in [row.state["error"]] if e and e["reason"] == "ISOLATING"]:
            break
        world.seconds += 2
        row = await world.reconcile()
    assert await sids(world) == {f"F{i}" for i in range(3)} | {f"S{i}" for i in range(12)} - {"S3", "S7"}
    named = {subject for _, subject, _ in row.state["error"]["preconditions"]}
    assert named == {"registry_policy/S3", "registry_policy/S7"}


async def test_removals_are_written_beside_rejected_statement(world: World) -> None:
    await unresolvable(world, GONE)
    await world.declare(policy(statement("Old"), GOOD), owner="good")
    await world.reconcile()
    await world.declare(policy(BAD), owner="bad")
    await world.declare(policy(GOOD), owner="good")
    row = await world.reconcile()
    assert await sids(world) == {"Good"}
    assert own(row, "good")["Ready"][0] == "TRUE"
    assert await declared(world, "good") == (2, 2)
    assert set(row.state["applied"]["registry_policy"]) == {"Good"}


async def test_rejected_denial_withholds_new_allows_of_its_owner(world: World) -> None:
    await unresolvable(world, GONE)
    deny = statement("NoGone", GONE, Effect="Deny")
    await world.declare(policy(deny, statement("Open", "444444444444")), owner="bad")
    await world.declare(policy(GOOD), owner="good")
    row = await world.reconcile()
    assert await sids(world) == {"Good"}
    reasons = {subject: (reason, text) for reason, subject, text in row.state["error"]["preconditions"]}
    assert reasons["registry_policy/NoGone"][0] == "PRINCIPAL_NOT_FOUND"
    assert reasons["registry_policy/Open"][0] == "DENY_NOT_IN_PLACE"
    assert "NoGone" in reasons["registry_policy/Open"][1]
    assert own(row, "good")["Ready"][0] == "TRUE"
    sent = [json.loads(put["params"]["policyText"])["Statement"] for put in await puts(world) if put["status"] == 200]
    assert not any("Open" in [s["Sid"] for s in each] for each in sent)
    # The pair is written together once the denial is accepted.
    await unresolvable(world)
    world.seconds += 3
    row = await world.reconcile()
    assert await sids(world) == {"Good", "NoGone", "Open"}
    assert holds(row, "Ready")


async def test_denial_stays_while_its_replacement_is_rejected(world: World) -> None:
    await unresolvable(world, GONE)
    await world.declare(policy(statement("Deny1", "444444444444", Effect="Deny"), statement("Old")))
    await world.reconcile()
    await world.declare(policy(statement("Deny2", GONE, Effect="Deny")))
    row = await world.reconcile()
    assert await sids(world) == {"Deny1"}
    subjects = {subject: reason for reason, subject, _ in row.state["error"]["preconditions"]}
    assert subjects["registry_policy/Deny1"] == "DENY_NOT_IN_PLACE"
    await unresolvable(world)
    world.seconds += 3
    await world.reconcile()
    world.seconds += 3
    if await sids(world) != {"Deny2"}:
        await world.reconcile()
    assert await sids(world) == {"Deny2"}


async def test_denial_withdrawn_by_other_owner_is_removed(world: World) -> None:
    await unresolvable(world, GONE)
    await world.declare(policy(statement("Deny1", "444444444444", Effect="Deny"), GOOD), owner="good")
    await world.reconcile()
    await world.declare(policy(statement("Deny2", GONE, Effect="Deny")), owner="bad")
    await world.declare(policy(GOOD), owner="good")
    row = await world.reconcile()
    assert await sids(world) == {"Good"}
    assert own(row, "good")["Ready"][0] == "TRUE"


async def test_interrupted_search_keeps_its_results(world: World) -> None:
    await unresolvable(world, GONE)
    inner, sent = world.aws.client.write, []

    async def write(call: Call) -> Any:
        if call.operation == "PutRegistryPolicy":
            sent.append(call)
            if len(sent) == 3:
                raise Temporary("slow", reason="AWS_UNREACHABLE", operation=call.operation)
        return await inner(call)

    world.aws.client.write = write  # type: ignore[method-assign]
    for at, each in enumerate([GOOD, statement("Good2"), BAD]):
        world.seconds += 1
        await world.declare(policy(each), owner=f"team-{at}")
    await world.reconcile()
    before = len(sent)
    for _ in range(4):
        world.seconds += 1.9
        if await world.due_in() is not None and (await world.due_in() or 0) <= 0:
            await world.reconcile()
    assert await sids(world) == {"Good", "Good2"}
    assert before <= 3
    assert own(await world.row(), "team-2")["Synced"][1] == "PRINCIPAL_NOT_FOUND"


async def test_statement_is_written_after_removal_frees_capacity(world: World) -> None:
    await unresolvable(world, GONE)

    def large(sid: str, first: int) -> dict[str, Any]:
        return statement(sid, [f"{first + n:012}" for n in range(150)])

    await world.declare(policy(large("Large1", 1000)), owner="good")
    await world.reconcile()
    await world.declare(policy(BAD), owner="bad")
    world.seconds += 1
    await world.declare(policy(large("Large2", 5000)), owner="good")
    row = await world.reconcile()
    for _ in range(3):
        if await sids(world) != {"Large2"}:
            world.seconds += 1
            row = await world.reconcile()
    assert await sids(world) == {"Large2"}
    assert own(row, "good")["Ready"][0] == "TRUE"
    assert own(row, "bad")["Synced"][1] == "PRINCIPAL_NOT_FOUND"
    assert all(len(put["params"]["policyText"]) <= 10240 for put in await puts(world))


async def test_audit_records_every_probe_with_outcome(world: World) -> None:
    await unresolvable(world, GONE)
    await world.declare(policy(BAD), owner="bad")
    await world.declare(policy(GOOD), owner="good")
    await world.reconcile()

    def read(tx: Tx) -> list[Any]:
        query = select(audit_events).where(audit_events.c.kind == "AWS_WRITE").order_by(audit_events.c.id)
        return list(tx.conn.execute(query))

    rows = await world.db.read(read)
    sent = await puts(world)
    assert len(rows) == len(sent)
    outcomes = [("SUCCEEDED" if put["status"] == 200 else "FAILED") for put in sent]
    assert [row.outcome for row in rows] == outcomes
    assert all(set(row.owners) <= {"bad", "good"} for row in rows)


async def test_account_error_starts_no_isolation(world: World) -> None:
    await world.declare(policy(BAD), owner="bad")
    await world.declare(policy(GOOD), owner="good")
    fault = {"kind": "error", "operation": "PutRegistryPolicy", "code": "AccessDeniedException", "status": 400}
    await world.control("POST", "faults", fault)
    row = await world.reconcile()
    assert len(await puts(world)) == 1
    assert reason_of(row, "Synced") == "AWS_ACCESS_DENIED"
    assert own(row, "good")["Synced"] == ("FALSE", "AWS_ACCESS_DENIED")
    assert row.state.get("suspects") is None
