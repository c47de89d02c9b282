"""A database of 0.1.0 is migrated and read in current words."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ecrkeeper
import grpc
import pytest
from ecrkeeper.v1.audit_pb2 import AuditEvent
from ecrkeeper.v1.common_pb2 import DeletionPolicy, Drift, ElementChange, Mode, UnmanagedElements
from ecrkeeper.v1.registry_pb2 import Element, ReplicationBackfill, ReplicationCheck
from ecrkeeper.v1.registry_settings_service_pb2 import StartReplicationBackfillMetadata
from ecrkeeper.v1.role_pb2 import RegionUsage, ServiceLinkedRole
from ecrkeeper.v1.role_service_pb2 import DeleteServiceLinkedRoleMetadata
from ecrkeeper_server.store import schema
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2
from google.rpc.status_pb2 import Status
from sqlalchemy import create_engine, text

from tests.harness import Server, program
from tests.postgres import new_database
from tests.store.data import dump_0_1_0
from tests.store.data import rows_0_1_0 as rows

TODAY = {
    "AWS_REFUSED": "AWS_REJECTED",
    "FOREIGN_ELEMENTS_IN_THE_WAY": "UNMANAGED_ELEMENTS_EXCEED_QUOTA",
    "REGISTRY_POLICY_REFUSED": "REGISTRY_POLICY_REJECTED",
    "STEP_TIMEOUT": "RECONCILE_TIMEOUT",
}
# The server must not call AWS for this.
NO_AWS = "http://127.0.0.1:9"
FULL = f"accounts/{rows.FULL}/registries/us-east-1"


def today(reason: str) -> str:
    return TODAY.get(reason, reason)


def names(kind: Any, numbers: Any) -> list[str]:
    return [kind.Name(number) for number in numbers]


def reason_of(status: Status) -> str:
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return info.reason


class Migrated:
    """A server on the migrated database."""

    def __init__(self, server: Server, url: str, client: ecrkeeper.Client, channel: grpc.Channel) -> None:
        self.server, self.url, self.client = server, url, client
        self._operations = operations_pb2_grpc.OperationsStub(channel)

    def operations(self) -> dict[str, operations_pb2.Operation]:
        """Return all operations, by id."""
        ids = [row["id"] for row in rows.rows()["operations"]]
        get, request = self._operations.GetOperation, operations_pb2.GetOperationRequest
        return {each: get(request(name=f"operations/{each}"), timeout=10) for each in ids}

    def stored(self, table: str) -> list[Any]:
        """Return the rows of a table."""
        engine = create_engine(self.url.replace("postgresql://", "postgresql+psycopg://"))
        with engine.connect() as conn:
            rows = list(conn.execute(text(f"SELECT * FROM {table} ORDER BY 1")))
        engine.dispose()
        return rows


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def migrated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Migrated]:
    folder = tmp_path_factory.mktemp("release")
    url = f"sqlite:///{folder / 'ecrkeeper.db'}"
    if request.param == "postgres":
        url = new_database(request)
    dump_0_1_0.load(url)
    assert schema.pending_migrations(url)[0] == "0005"
    schema.migrate(url)
    server = Server(folder, url, NO_AWS)
    with ecrkeeper.Client(server.address, insecure=True) as client, grpc.insecure_channel(server.address) as channel:
        yield Migrated(server, url, client, channel)
    assert server.stop() == 0


def test_dumps_match_their_description() -> None:
    for dump in ("0.1.0.sqlite.sql", "0.1.0.postgres.sql"):
        written = (dump_0_1_0.FOLDER / dump).read_text().splitlines()
        inserted = [line for line in written if line.startswith("INSERT") and "alembic_version" not in line]
        expected = [row for of_table in rows.rows().values() for row in of_table]
        assert len([line for line in inserted if "sqlite_sequence" not in line]) == len(expected)


@pytest.mark.parametrize("reason", [*rows.ERRORS, *rows.CONDITIONS])
def test_registry_uses_current_reasons(migrated: Migrated, reason: str) -> None:
    registry = migrated.client.get_registry(f"accounts/{rows.reason_accounts()[reason]}/registries/us-east-1")
    conditions = {condition.type: condition.reason for condition in registry.conditions}
    assert conditions["Ready"] == today(reason)
    if reason in rows.ERRORS:
        assert reason_of(registry.last_error) == today(reason)
        assert registry.last_error.code == code_pb2.Code.Value(rows.ERRORS[reason])
        assert registry.last_error.message == f'"mend": {reason}'


def test_reasons_are_documented() -> None:
    page = Path(__file__).parents[2] / "docs" / "errors.md"
    documented = set(re.findall(r"^\| `([A-Z_0-9]+)`", page.read_text(), re.MULTILINE))
    stored = {*rows.ERRORS, *rows.CONDITIONS, *rows.FINDINGS, *rows.PRECONDITIONS}
    assert {today(reason) for reason in stored} <= documented
    assert not {*TODAY} & documented


def test_registry_with_all_members_is_read_completely(migrated: Migrated) -> None:
    registry = migrated.client.get_registry(FULL)
    assert registry.mode == Mode.OBSERVE
    assert registry.unmanaged_elements == UnmanagedElements.PRUNE
    assert list(registry.owners) == ["team-a", "team-b"]
    assert tuple(names(Drift.Kind, (each.kind for each in registry.drift))) == rows.DRIFT
    assert tuple(names(Drift.Kind, (each.kind for each in registry.last_remediation.drift))) == rows.DRIFT
    checks = registry.replication_checks
    assert [finding.reason for check in checks for finding in check.findings] == [today(r) for r in rows.FINDINGS]
    assert {*names(ReplicationCheck.Result, (check.result for check in checks))} == {"OK", "BROKEN", "UNKNOWN"}
    elements = {element.key: element for element in registry.elements}
    assert elements["theirs"].state == Element.UNMANAGED
    assert elements["quay"].problem == "ECR cannot log in"


def test_modes_are_read_as_they_were(migrated: Migrated) -> None:
    registries = [
        migrated.client.get_registry(f"accounts/{500_000_000_000 + at}/registries/us-east-1") for at in range(3)
    ]
    assert tuple(names(Mode, (registry.mode for registry in registries))) == rows.MODES
    assert {registry.unmanaged_elements for registry in registries} == {UnmanagedElements.PRESERVE}


def test_declarations_and_revisions_are_read_as_they_were(migrated: Migrated) -> None:
    declared = list(migrated.client.list_registry_settings(FULL))
    policies = names(DeletionPolicy, (each.deletion_policy for each in declared))
    assert policies == ["REMOVE", "ABANDON"]
    assert [each.allow_replacement for each in declared] == [False, True]
    assert declared[0].settings.pull_through_cache_rules.rules[0].ecr_repository_prefix == "quay"
    revisions = list(migrated.client.list_registry_settings_revisions(declared[0].name))
    assert [each.HasField("settings") for each in revisions] == [False, True, True, True]
    assert {each.reason for each in revisions} == {"AWS_REFUSED is a word of the caller"}


@pytest.mark.parametrize("provenance", rows.PROVENANCES)
def test_roles_keep_provenance_and_any_tags(migrated: Migrated, provenance: str) -> None:
    account = rows.provenance_accounts()[provenance]
    roles = list(migrated.client.list_service_linked_roles(f"accounts/{account}"))
    assert len(roles) == 3
    for role in roles:
        assert role.provenance == ServiceLinkedRole.Provenance.Value(provenance)
        assert role.state == ServiceLinkedRole.ACTIVE
        assert dict(role.tags) == rows.TAGS
        assert dict(role.observed_tags) == rows.TAGS
        assert reason_of(role.last_error) == "AWS_REJECTED"


def test_stored_state_has_no_old_keys(migrated: Migrated) -> None:
    states = [json.loads(each.state) for each in migrated.stored("resources")]
    assert not [state for state in states if "mend" in state]
    assert len([state for state in states if "remediation" in state]) == 1 + 3 * len(rows.PROVENANCES)


def test_roles_being_deleted_are_read(migrated: Migrated) -> None:
    roles = list(migrated.client.list_service_linked_roles(f"accounts/{rows.DELETING}"))
    assert [role.state for role in roles] == [ServiceLinkedRole.DELETING] * 3
    assert {role.deletion_task_id for role in roles} == {"task/1"}


def unpacked(packed: Any, message: Any) -> Message:
    assert packed.Unpack(message)
    return message  # type: ignore[no-any-return]


def test_operations_use_current_reasons_and_phases(migrated: Migrated) -> None:
    operations = migrated.operations()
    by_number = {int(each.rpartition("-")[2]): operation for each, operation in operations.items()}
    assert [reason_of(by_number[at].error) for at in range(len(rows.ERRORS))] == [today(r) for r in rows.ERRORS]
    assert [by_number[at].done for at in (100, 101)] == [False, True]
    deletions: list[Any] = [
        unpacked(by_number[110 + at].metadata, DeleteServiceLinkedRoleMetadata()) for at in range(5)
    ]
    phases = names(DeleteServiceLinkedRoleMetadata.Phase, (each.phase for each in deletions))
    assert phases == ["PREFLIGHT", "DELETING", "CONFIRMING", "DONE", "REJECTED"]
    assert names(RegionUsage.State, (each.state for each in deletions[0].usage)) == ["IN_USE", "FREE", "UNKNOWN"]
    failure = error_details_pb2.PreconditionFailure()
    assert by_number[114].error.details[1].Unpack(failure)
    assert [each.type for each in failure.violations] == [*rows.PRECONDITIONS]
    begun: list[Any] = [unpacked(by_number[120 + at].metadata, StartReplicationBackfillMetadata()) for at in range(6)]
    statuses = names(ReplicationBackfill.Status, (each.replication_backfill.status for each in begun))
    assert tuple(statuses) == rows.BACKFILLS


def test_audit_events_are_mapped_on_read_and_never_rewritten(migrated: Migrated) -> None:
    before = migrated.stored("audit_events")
    events = {int(e.name.partition("/")[2]): e for e in migrated.client.list_audit_events()}
    assert {*names(AuditEvent.Kind, (each.kind for each in events.values()))} == {"CALL", "AWS_WRITE"}
    assert tuple(names(ElementChange.Kind, (each.kind for each in events[1].changes))) == rows.CHANGES
    assert [change.key for change in events[2].changes] == ["unmanaged_elements", "mode"]
    assert [change.key for change in events[3].changes] == [*rows.TAGS]
    written = [events[number] for number in range(10, 14)]
    assert tuple(names(AuditEvent.Outcome, (each.outcome for each in written))) == rows.OUTCOMES
    # Reasons given by callers, and AWS's answers, are not words of ecrkeeper.
    assert {each.reason for each in events.values()} == {"AWS_REFUSED"}
    assert migrated.stored("audit_events") == before
    of_release = [row["changes"] for row in rows.rows()["audit_events"]]
    assert [row.changes for row in before] == of_release


def test_filters_find_migrated_rows(migrated: Migrated) -> None:
    registries = list(migrated.client.list_registries("accounts/-", filter='mode="OBSERVE"'))
    assert {registry.name for registry in registries} == {FULL, "accounts/500000000001/registries/us-east-1"}


def _exported(url: str) -> str:
    command = [program("ecrkeeper-server"), "export"]
    environment = {**os.environ, "ECRKEEPER_DATABASE_URL": url}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_of_a_release_equals_its_migrated_database(migrated: Migrated, database_url: str) -> None:
    """The program of the release exported the database of the dump."""
    export = dump_0_1_0.FOLDER / "0.1.0.export.yaml"
    command = [program("ecrkeeper-server"), "import", str(export)]
    environment = {**os.environ, "ECRKEEPER_DATABASE_URL": database_url}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    of_release, of_today = export.read_text(), _exported(database_url)
    for word in (*(f"mode: {mode}" for mode in rows.MODES), *(f"provenance: {word}" for word in rows.PROVENANCES)):
        assert word in of_release and word in of_today
    assert of_today == _exported(migrated.url)
