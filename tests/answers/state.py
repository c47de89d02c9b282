"""A database with as much of everything as AWS and the server's limits allow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ecrkeeper_server.declarations.audit_records import settings_changes
from ecrkeeper_server.names import RegistryName, RoleName, SettingsName
from ecrkeeper_server.roles.usage import RegionUsage
from ecrkeeper_server.settings.elements import alike
from ecrkeeper_server.settings.pair_keys import PairKeys
from ecrkeeper_server.settings.plan import Drift, DriftKind
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.store import (
    audit,
    fleet_accounts,
    operations,
    registry_sets,
    resources,
    rollout_targets,
    rollouts,
)
from ecrkeeper_server.store.audit import NewEvent
from ecrkeeper_server.store.backfills import BackfillMetadata
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.drift_rows import storing_drift
from ecrkeeper_server.store.fleet_rows import AccountRow, SetRevision, SetRow
from ecrkeeper_server.store.fleet_specs import Gate, Selector, SetSpec, Wave
from ecrkeeper_server.store.operation_metadata import DeletionMetadata, DeletionPhase, OperationMetadata
from ecrkeeper_server.store.rollout_rows import RolloutRow, TargetRow
from ecrkeeper_server.store.rows import Declaration, Method, Operation
from ecrkeeper_server.store.tables import declarations
from ecrkeeper_server.store.unit_of_work import Origin
from ecrkeeper_server.store.work import columns_of
from ecrkeeper_server.turns import finish
from msgspec.structs import replace
from sqlalchemy import insert, update

from tests import declaring
from tests.answers.large_aws import BACKFILL
from tests.summaries import final_response
from tests.views import largest

OWNERS, ROLES, ACCOUNTS, MANAGED, TARGETS = 1_200, 20, 70, 4, 500
SET, WIDE_SET = "large", "wide"
# Of the wide set, as many as a page has: accounts, and Regions of each.
WIDE, PLACES = 40, tuple(f"ap-southeast-{number}" for number in range(10, 35))
OPEN = ("RUNNING", "AWAITING_APPROVAL", "PAUSED", "ROLLING_BACK", "HALTED")
TAGS = {f"{i:03}".ljust(128, "k"): "v" * 256 for i in range(50)}
_CALLERS = [f"principal-{i:04}".ljust(200, "p") for i in range(20_000)]
WAITED_FOR = OperationMetadata({"callers": _CALLERS})


def store(tx: Tx) -> dict[str, str]:
    """Fill a database; return the ids of operations by method."""
    operation_list = _registry(tx)
    _roles(tx)
    operation_list |= _role_operation(tx)
    _fleet(tx)
    return operation_list


def _registry(tx: Tx) -> dict[str, str]:
    row, (platform, *teams) = largest.registry(owners=OWNERS)
    text = "AWS refuses the element. " * 4
    short = {"conditions": largest.conditions(text), "error": {**largest.error(text), "preconditions": []}}
    own = {**row.state["owners"], **{each.owner: short for each in teams}}
    drift = [*pairs_drift(), *(each for each in row.state["drift"] if each["setting"] != largest.REPLICATION)]
    row = replace(row, state={**row.state, "owners": own, "drift": drift, "remediation": {"time": 1, "drift": drift}})
    stored = resources.ensure(tx, largest.REGISTRY, row.spec)
    resources.patch(tx, stored.name, state=row.state)
    for settings in ({}, {largest.REPLICATION: largest.replication(256)}, platform.settings):
        declaring.put(tx, platform.name, settings, registry_generation=1, origin=Origin("Test", reason="r" * 1_000))
    _declare(tx, teams, {"pull_time_update_exclusions": largest.exclusions(0, 60)})
    changes = list(settings_changes({}, platform.settings))
    event = NewEvent(
        kind="CALL", method="UpdateRegistrySettings", resource=stored.name, account="1" * 12, changes=changes,
        principal=_CALLERS[0], owners=[each.owner for each in teams],
    )  # fmt: skip
    audit.add(tx, [event] * 30)
    _operation_per_method(tx, stored.name)
    ended = operations.create(tx, Method.RECONCILE_REGISTRY, stored, WAITED_FOR)
    operations.end(tx, ended, response=final_response(tx, replace(stored, state=row.state)))
    return {"registry": ended.id}


def _operation_per_method(tx: Tx, name: str) -> None:
    """Store a backfill that ECR does not know any more."""
    row = resources.get(tx, name)
    assert row is not None
    destination = {"region": "eu-west-1", "registryId": "222222222298"}
    codes = [f"FailureCode{i}" for i in range(50_000)]
    backfill = {
        "replicationBackfillId": BACKFILL.format(2**40), "destination": destination, "status": "FAILED",
        "startedAt": 1.0, "progress": {"failureCodes": codes},
    }  # fmt: skip
    metadata = BackfillMetadata({"destination": destination, "backfill": backfill, "callers": _CALLERS})
    for _ in range(3):
        operation = operations.create(tx, Method.START_BACKFILL, row, metadata)
        operations.end(tx, operation, response=backfill)


def pairs_drift() -> list[dict[str, Any]]:
    """Return half of the pairs as missing, in groups as this release stores them."""
    elements = SETTINGS[largest.REPLICATION].split({"rules": largest.replication(256)["rules"][12:]})
    drifts = (Drift(largest.REPLICATION, "", DriftKind.MISSING, value, None, PairKeys.of(keys)) for keys, (value, _) in
             alike(elements, {}))  # fmt: skip
    return [each.to_json() for each in finish(storing_drift((drift, None) for drift in drifts))]


def _declare(tx: Tx, rows: list[Declaration], settings: dict[str, Any]) -> None:
    values = [{**columns_of(replace(each, settings=settings)), "create_time": 1, "update_time": 1} for each in rows]
    tx.conn.execute(insert(declarations), values)


def _roles(tx: Tx) -> None:
    text = "IAM refuses the role. " * 400
    drift = [
        {
            "setting": "tags",
            "key": key,
            "kind": "CHANGED",
            "desired": value,
            "observed": "o" * 256,
            "since": largest.NOW,
        }
        for key, value in TAGS.items()
    ]
    for number in range(ROLES):
        name = RoleName(f"{111111111111 + number:012}", "replication")
        role = {
            "role_id": "AROA", "arn": "a" * 500, "path": "/", "description": "d" * 1_000,
            "tags": dict.fromkeys(TAGS, "o" * 256), "create_time": largest.NOW,
        }  # fmt: skip
        state = {
            "role": role, "provenance": "CREATED", "drift": drift, "conditions": largest.conditions(text),
            "error": largest.error(text),
        }  # fmt: skip
        row = resources.ensure(tx, name, {"description": "e" * 1_000, "tags": TAGS, "managed": True})
        resources.patch(tx, row.name, state=state)
        operations.create(tx, Method.RECONCILE_ROLE, row, WAITED_FOR)


def _role_operation(tx: Tx) -> dict[str, str]:
    usage = [
        RegionUsage(f"xx-region-{at}", "IN_USE", ("k" * 290,) * 50, ("o" * 63,) * 50, "m" * 1_000, 62_450, 1_150)
        for at in range(40)
    ]
    name = RoleName(f"{111111111111 + 1:012}", "replication")
    row = resources.get(tx, str(name))
    assert row is not None
    metadata = DeletionMetadata.of(DeletionPhase.PREFLIGHT).with_callers(_CALLERS)
    metadata = metadata.after(DeletionPhase.PREFLIGHT, usage=usage)
    operation_list: list[Operation] = [operations.create(tx, Method.DELETE_ROLE, row, metadata) for _ in range(4)]
    operations.end(tx, operation_list[0], response={})
    return {"deletion": operation_list[0].id, "running": operation_list[1].id}


def spec(**other: Any) -> SetSpec:
    """Return a set of nearly 1 MiB, almost all of it settings."""
    return SetSpec(**{"selector": Selector("labels.of = large"), "settings": {largest.REPLICATION: largest.replication(256)},
                      **other})  # fmt: skip


def _waves() -> Iterator[Wave]:
    """Yield waves that exclude so many registries that their set has nearly 1 MiB."""
    excluded = tuple(f"accounts/{i:012}/registries/us-east-1".ljust(256, "x") for i in range(500))
    for _ in range(7):
        yield Wave(selector=Selector("labels.of = large", exclude=excluded), gate=Gate.APPROVAL)
    yield Wave()


def _fleet(tx: Tx) -> None:
    labels = {f"k{i:03}".ljust(128, "k"): "v" * 256 for i in range(49)}
    for number in range(ACCOUNTS):
        row = AccountRow(
            account=f"{300000000000 + number:012}", uid="u" * 36, display_name="d" * 256,
            labels={**labels, "of": "large" if number < MANAGED else "none"}, organizational_unit="o" * 1_024,
            regions=["us-east-1"], caller_identity="c" * 2_000, unreachable="AWS_ACCESS_DENIED",
            unreachable_message="m" * 1_000, reachable_since=largest.NOW,
        )  # fmt: skip
        fleet_accounts.add(tx, row)
        if number < MANAGED:
            _managed(tx, RegistryName(row.account, "us-east-1"), number)
    for set_id in (SET, "large-2", "large-3", *(state.lower().replace("_", "-") for state in OPEN)):
        stored = SetRow(
            id=set_id, uid="u" * 36, spec=spec().to_json(), authority={}, generation=1, create_time=1, update_time=1
        )
        registry_sets.add(tx, stored)
        for revision in range(1, 4):
            registry_sets.add_revision(
                tx, SetRevision(set_id, revision, spec().to_json(), 1, "p" * 256, "", "r" * 1_000, "UpdateRegistrySet")
            )
    _rollouts(tx)
    _wide(tx)


def _wide(tx: Tx) -> None:
    """Store a set that declares for as many registries as a page has; all are ready."""
    content = SetSpec(selector=Selector("labels.of = wide"), settings={}, waves=(Wave(),)).to_json()
    revision = 2**62
    registry_sets.add(
        tx, SetRow(id=WIDE_SET, uid="u" * 36, spec=content, authority={}, generation=1, create_time=1, update_time=1)
    )
    accounts = [f"{500000000000 + number:012}" for number in range(WIDE)]
    for account in accounts:
        fleet_accounts.add(tx, AccountRow(account=account, uid="u", labels={"of": "wide"}, regions=PLACES))
        for region in PLACES:
            resources.ensure(tx, RegistryName(account, region), {})
    ready = {"conditions": [{"type": "Ready", "status": "TRUE", "reason": "IN_SYNC", "message": "", "since": 1}]}
    row = resources.get(tx, str(RegistryName(accounts[0], PLACES[0])))
    assert row is not None
    operations.create(tx, Method.RECONCILE_REGISTRY, row, WAITED_FOR)
    tx.conn.execute(update(resources.resources).where(resources.resources.c.account.in_(accounts)).values(state=ready))
    rows = [
        Declaration(
            account=account, region=region, owner=WIDE_SET, uid="u", settings={}, deletion_policy="REMOVE",
            allow_replacement=False, generation=1, observed_generation=1, registry_generation=1, create_time=1,
            update_time=1, managed_by=f"registrySets/{WIDE_SET}", set_revision=revision,
        )
        for account in accounts for region in PLACES
    ]  # fmt: skip
    _declare(tx, rows, {})


def _managed(tx: Tx, name: RegistryName, number: int) -> None:
    resources.ensure(tx, name, {})
    settings = {largest.REPLICATION: largest.replication(200 + number)}
    rows = declaring.put(tx, SettingsName(name, SET), settings, registry_generation=1, origin=Origin("Test"))
    condition = (declarations.c.account == rows.account, declarations.c.owner == SET)
    tx.conn.execute(update(declarations).where(*condition).values(managed_by=f"registrySets/{SET}", set_revision=1))


def _rollouts(tx: Tx) -> None:
    """Store ended rollouts of one set, and one in each open state of other sets."""
    content = spec(settings={}, waves=tuple(_waves())).to_json()
    for number in range(1, 4):
        ended = _rollout(SET, number, "SUCCEEDED", content)
        rollouts.add(tx, ended)
    rollout_targets.add(tx, [_target(ended, at) for at in range(TARGETS)])
    for state in OPEN:
        rollouts.add(tx, _rollout(state.lower().replace("_", "-"), 1, state, content))


def _rollout(set_id: str, number: int, state: str, content: dict[str, Any]) -> RolloutRow:
    return RolloutRow(
        set_id=set_id, number=number, state=state, cause="REVISION", principal="p" * 256, reason="r" * 1_000,
        authority={}, spec=content, counts=[{"PENDING": 1}] * 9, revision=1, create_time=1, update_time=1,
        message="m" * 10_000,
    )  # fmt: skip


def _target(rollout: RolloutRow, at: int) -> TargetRow:
    return TargetRow(
        set_id=rollout.set_id, number=rollout.number, account=f"{400000000000 + at:012}", region="us-east-1", wave=0,
        state="FAILED", reason="AWS_REJECTED", message="AWS refuses the element. " * 200,
    )  # fmt: skip
