"""The parts of rows as values, through each database."""

from __future__ import annotations

from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings.setting import Warning
from ecrkeeper_server.store import findings, operations, resources
from ecrkeeper_server.store.backfills import Backfill, BackfillMetadata
from ecrkeeper_server.store.causes import StoredCause, StoredDelivery
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.findings import Findings
from ecrkeeper_server.store.replication_checks import StoredArrival, StoredCheck
from ecrkeeper_server.store.rows import Method, Resource
from ecrkeeper_server.store.states import RegistryState
from ecrkeeper_server.store.tables import resources as table
from sqlalchemy import update

HERE = RegistryName("111111111111", "us-east-1")
WEST = {"region": "us-west-2", "registryId": HERE.account}
CHECK = StoredCheck(HERE, "CONDITIONAL", (Warning("X", "é", "why"),), (StoredArrival("ARRIVES", ("dev-",)),), 7)
CAUSE = StoredCause(principal="arn:aws:iam::111111111111:root", event_id="e1", event_time=5, confidence="LIKELY")


async def row_of(db: Database) -> Resource:
    row = await db.read(lambda tx: resources.get(tx, str(HERE)))
    assert row is not None
    return row


async def test_checks_are_read_as_written(db: Database) -> None:
    state = RegistryState({}).changed(checks=[CHECK])

    def write(tx: Tx) -> None:
        resources.ensure(tx, HERE, {})
        tx.conn.execute(update(table).where(table.c.name == str(HERE)).values(state=state.to_json()))

    await db.write(write)
    loaded = (await row_of(db)).registry_state
    assert loaded.checks == [CHECK]
    assert (loaded.to_json(), loaded.worst_check) == (state.to_json(), "UNKNOWN")


async def test_findings_are_read_as_written(db: Database) -> None:
    def edit(findings: Findings) -> Findings:
        return findings.with_cause("pull_through_cache_rules", ["a"], 3, CAUSE).with_delivery("x", "there", 4, "denied")

    await db.write(lambda tx: resources.ensure(tx, HERE, {}))
    await db.write(lambda tx: findings.change(tx, str(HERE), edit))
    loaded = Findings.from_json((await row_of(db)).events)
    assert loaded.cause("pull_through_cache_rules", "a", 3) == CAUSE
    assert loaded.cause("pull_through_cache_rules", "b", 3) is None
    assert loaded.deliveries("x") == {"there": StoredDelivery(None, 4, "denied", 4)}


async def test_backfill_metadata_keeps_other_members(db: Database) -> None:
    begun = BackfillMetadata.of(WEST)
    backfill = Backfill({"replicationBackfillId": "b-1", "destination": WEST, "status": "STOPPING", "newer": [1]})

    def create(tx: Tx) -> str:
        row = resources.ensure(tx, HERE, {})
        return operations.create(tx, Method.START_BACKFILL, row, begun, caller="alice").id

    id = await db.write(create)
    operation = await db.read(lambda tx: operations.get(tx, id))
    assert operation is not None
    changed = BackfillMetadata(operation.metadata).with_others(["b-0"]).with_backfill(backfill)
    await db.write(lambda tx: operations.progress(tx, operation, changed))
    stored = await db.read(lambda tx: operations.get(tx, id))
    assert stored is not None
    assert operations.callers(stored) == ["alice"]
    metadata = BackfillMetadata(stored.metadata)
    assert (metadata.destination, metadata.others, metadata.backfill) == (WEST, ["b-0"], backfill)
