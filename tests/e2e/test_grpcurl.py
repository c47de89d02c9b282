"""The real grpcurl calls a running server through reflection."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from tests import harness
from tests.e2e.live import Live, fresh_account, rules

SETTINGS = "ecrkeeper.v1.RegistrySettingsService"
ROLES = "ecrkeeper.v1.RoleService"
# grpcurl exits with 64 plus the gRPC code.
INVALID_ARGUMENT, NOT_FOUND, ABORTED = 64 + 3, 64 + 5, 64 + 10


def grpcurl(live: Live, *arguments: str, data: Any = None) -> subprocess.CompletedProcess[str]:
    """Run grpcurl as a user would."""
    sent = [] if data is None else ["-d", json.dumps(data)]
    command = [harness.program("grpcurl"), "-plaintext", "-emit-defaults", *sent, live.server.address, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


def answer(live: Live, method: str, data: Any) -> Any:
    """Return the response to a call that must succeed."""
    done = grpcurl(live, method, data=data)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_reflection_lists_services(live: Live) -> None:
    done = grpcurl(live, "list")
    assert done.returncode == 0, done.stderr
    assert {SETTINGS, ROLES, "google.longrunning.Operations", "grpc.health.v1.Health"} <= set(done.stdout.split())


@pytest.mark.parametrize(
    ("symbol", "shown"),
    [
        (SETTINGS, "rpc CreateRegistrySettings ( .ecrkeeper.v1.CreateRegistrySettingsRequest )"),
        (ROLES, "rpc DeleteServiceLinkedRole ( .ecrkeeper.v1.DeleteServiceLinkedRoleRequest )"),
        ("ecrkeeper.v1.RegistrySettings", "string etag = 3"),
        ("google.longrunning.Operations", "rpc WaitOperation"),
    ],
)
def test_service_or_message_can_be_described(live: Live, symbol: str, shown: str) -> None:
    done = grpcurl(live, "describe", symbol)
    assert done.returncode == 0, done.stderr
    assert shown in done.stdout


@pytest.mark.parametrize(
    ("symbol", "shown"),
    [
        (ROLES, "// The service-linked roles of Amazon ECR: `replication`, `pull-through-cache`"),
        (
            f"{ROLES}.GetServiceLinkedRole",
            "// Errors: `NOT_FOUND` if ecrkeeper does not know the role, unless `refresh` is set.\n",
        ),
        ("ecrkeeper.v1.Registry", "// The ECR private registry of one account in one Region:"),
        ("ecrkeeper.v1.Registry", "  // Optional. How ecrkeeper treats the resource.\n"),
        ("ecrkeeper.v1.Registry.mode", "// Optional. How ecrkeeper treats the resource.\n"),
        ("ecrkeeper.v1.Mode", "  // Observe AWS and report drift; never write.\n"),
        ("ecrkeeper.v1.Mode.OBSERVE", "// Observe AWS and report drift; never write.\n"),
        ("ecrkeeper.v1.Tag.key", '[json_name = "Key",'),
        ("google.longrunning.Operations.WaitOperation", "// Waits until the specified long-running operation is done"),
        ("grpc.health.v1.Health.Check", "// Check gets the health of the specified service."),
        ("grpc.reflection.v1.ServerReflection", "  // The reflection service is structured as a bidirectional stream,"),
        ("grpc.reflection.v1alpha.ServerReflection", "  // The reflection service is structured as a bidirectional"),
        ("google.rpc.ErrorInfo", "// Describes the cause of the error with structured details."),
        ("buf.validate.field", "extend .google.protobuf.FieldOptions {"),
    ],
)
def test_describe_shows_comments_and_json_names(live: Live, symbol: str, shown: str) -> None:
    done = grpcurl(live, "describe", symbol)
    assert done.returncode == 0, done.stderr
    assert shown in done.stdout


def test_listed_symbols_can_be_described(live: Live) -> None:
    services = grpcurl(live, "list").stdout.split()
    assert {"grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"} < set(services)
    assert grpcurl(live, "describe").stdout.count(" is a service:\n") == len(services)


def test_describe_of_an_unknown_symbol_fails(live: Live) -> None:
    done = grpcurl(live, "describe", "ecrkeeper.v1.Registry.nothing")
    assert done.returncode != 0
    assert "Symbol not found: ecrkeeper.v1.Registry.nothing" in done.stderr


def test_services_are_described_with_all_methods(live: Live) -> None:
    for service in (SETTINGS, ROLES):
        methods = [name.rpartition(".")[2] for name in grpcurl(live, "list", service).stdout.split()]
        assert len(methods) > 8
        described = grpcurl(live, "describe", service).stdout
        assert all(f"rpc {method} (" in described for method in methods)


def test_health_check_reports_serving(live: Live) -> None:
    assert answer(live, "grpc.health.v1.Health/Check", {}) == {"status": "SERVING"}


def test_declaration_can_be_created_updated_and_deleted(live: Live) -> None:
    place = live.registry(fresh_account())
    first = message(place.account, "eu-west-1")
    request = {"parent": place.name, "registry_settings_id": "platform", "registry_settings": {"settings": first}}
    created = answer(live, f"{SETTINGS}/CreateRegistrySettings", request)
    assert created["name"] == place.part("platform")
    assert created["reconciling"] is True
    operation = answer(live, f"{SETTINGS}/ReconcileRegistry", {"name": place.name})
    wait = {"name": operation["name"], "timeout": "10s"}
    assert answer(live, "google.longrunning.Operations/WaitOperation", wait)["done"] is True
    assert place.aws()["replicationConfiguration"] == rules((place.account, "eu-west-1"))

    declaration = answer(live, f"{SETTINGS}/GetRegistrySettings", {"name": place.part("platform")})
    assert declaration["settings"] == created["settings"]
    listed = answer(live, f"{SETTINGS}/ListRegistrySettings", {"parent": place.name})
    assert [each["name"] for each in listed["registrySettings"]] == [place.part("platform")]
    assert listed["nextPageToken"] == "", "the names of all fields are those of JSON"

    change = {"name": place.part("platform"), "settings": message(place.account, "eu-west-2")}
    update = {"registry_settings": {**change, "etag": created["etag"]}}
    updated = answer(live, f"{SETTINGS}/UpdateRegistrySettings", update)
    assert updated["etag"] != created["etag"]
    stale = grpcurl(live, f"{SETTINGS}/UpdateRegistrySettings", data=update)
    assert stale.returncode == ABORTED
    assert "Code: Aborted" in stale.stderr
    assert "etag" in stale.stderr

    answer(live, f"{SETTINGS}/DeleteRegistrySettings", {"name": place.part("platform"), "etag": updated["etag"]})
    missing = grpcurl(live, f"{SETTINGS}/GetRegistrySettings", data={"name": place.part("platform")})
    assert missing.returncode == NOT_FOUND
    assert "Code: NotFound" in missing.stderr
    assert place.part("platform") in missing.stderr
    harness.eventually(lambda: place.aws()["replicationConfiguration"]["rules"] == [])


def message(account: str, region: str) -> dict[str, Any]:
    """Return a replication configuration in the JSON form of the message."""
    return {"replicationConfiguration": rules((account, region))}


def test_invalid_input_is_rejected_with_all_violations(live: Live) -> None:
    place = live.registry(fresh_account())
    bad = {
        "replication_configuration": {
            "rules": [
                {"destinations": [{"region": "eu-west-1", "registry_id": "123"}]},
                {
                    "destinations": [{"region": "EU", "registry_id": place.account}],
                    "repository_filters": [{"filter": "a", "filter_type": "PREFIX_MATCH"}],
                },
            ]
        },
        "pull_through_cache_rules": {"rules": [{"ecr_repository_prefix": "UPPER", "upstream_registry_url": "quay.io"}]},
    }
    request = {"parent": place.name, "registry_settings_id": "platform", "registry_settings": {"settings": bad}}
    done = grpcurl(live, f"{SETTINGS}/CreateRegistrySettings", data=request)
    assert done.returncode == INVALID_ARGUMENT
    assert done.stdout == ""
    assert "Code: InvalidArgument" in done.stderr
    at = "registry_settings.settings."
    for field in (
        "replication_configuration.rules[0].destinations[0].registry_id",
        "replication_configuration.rules[1].destinations[0].region",
        "replication_configuration.rules[1].repository_filters[0].filter",
        "pull_through_cache_rules.rules[0].ecr_repository_prefix",
    ):
        assert f'"field":"{at}{field}"' in done.stderr.replace('": "', '":"'), field
    place.untouched()


def test_role_can_be_declared_and_deleted(live: Live) -> None:
    account = fresh_account()
    name = f"accounts/{account}/serviceLinkedRoles/replication"
    request = {"parent": f"accounts/{account}", "service_linked_role_id": "replication"}
    assert answer(live, f"{ROLES}/CreateServiceLinkedRole", request)["name"] == name

    def active() -> bool:
        return bool(answer(live, f"{ROLES}/GetServiceLinkedRole", {"name": name})["state"] == "ACTIVE")

    harness.eventually(active)
    operation = answer(live, f"{ROLES}/DeleteServiceLinkedRole", {"name": name})
    wait = {"name": operation["name"], "timeout": "15s"}
    ended = answer(live, "google.longrunning.Operations/WaitOperation", wait)
    assert ended["done"] is True
    assert "error" not in ended
    assert not live.aws.control("GET", f"accounts/{account}")["roles"]


def test_unknown_method_is_rejected_before_sending(live: Live) -> None:
    done = grpcurl(live, f"{SETTINGS}/DropRegistry", data={})
    assert done.returncode != 0
    assert "DropRegistry" in done.stderr
