"""Client certificates and a policy with a running server."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import ecrkeeper
import grpc
import pytest
import trustme
from ecrkeeper.v1.registry_pb2 import Registry, RegistrySettings

from tests import harness
from tests.e2e.live import rejection
from tests.e2e.secured import Secured, secured

DENIED = grpc.StatusCode.PERMISSION_DENIED
MINE, OTHER = "111111111111", "222222222222"
POLICY = f"""
rules:
  - {{name: platform, principals: [platform.example], verbs: ["*"]}}
  - {{name: web, principals: [web.example], verbs: [read, write], accounts: ["{MINE}"], owners: [web]}}
  - {{name: web-reads, principals: [web.example], verbs: [read], accounts: ["{MINE}"], regions: [eu-*]}}
  - {{name: cleaner, principals: [cleaner.example, sweeper.example], verbs: [delete-role]}}
  - {{name: writer, principals: [writer.example], verbs: [write], owners: [tools]}}
"""
SCAN = {"scanningConfiguration": {"scanType": "ENHANCED"}}
HERE, AWAY, THERE = (
    f"accounts/{MINE}/registries/eu-west-1",
    f"accounts/{MINE}/registries/us-east-1",
    f"accounts/{OTHER}/registries/eu-west-1",
)
ROLE = f"accounts/{MINE}/serviceLinkedRoles/replication"


@pytest.fixture(scope="module")
def live(simulated_aws: harness.Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder, authority = tmp_path_factory.mktemp("server"), trustme.CA()
    (folder / "policy.yaml").write_text(POLICY)
    authority.cert_pem.write_to_path(folder / "clients.pem")
    simulated_aws.control("POST", "reset")
    with secured(
        folder, simulated_aws, authority,
        tls_client_ca_file=folder / "clients.pem", policy_file=folder / "policy.yaml", reflection="false",
    ) as server:  # fmt: skip
        yield server


def as_(live: Secured, name: str) -> ecrkeeper.Client:
    return live.client(certificate=live.authority.issue_cert(f"{name}.example"))


@pytest.fixture(scope="module")
def platform(live: Secured) -> Iterator[ecrkeeper.Client]:
    """A principal with all permissions, with declarations everywhere."""
    with as_(live, "platform") as client:
        for registry in (HERE, AWAY, THERE):
            for owner in ("web", "pay"):
                client.apply_registry_settings(f"{registry}/settings/{owner}", SCAN)
        yield client


@pytest.fixture(scope="module")
def web(live: Secured, platform: ecrkeeper.Client) -> Iterator[ecrkeeper.Client]:
    with as_(live, "web") as client:
        yield client


def test_client_without_valid_certificate_is_rejected(live: Secured) -> None:
    untrusted = trustme.CA().issue_cert("platform.example")
    for certificate in (None, untrusted):
        with live.client(certificate=certificate) as client, pytest.raises(ecrkeeper.Unavailable):
            client.list_supported_regions(timeout=5)


def test_owner_can_write_only_its_declaration(web: ecrkeeper.Client, platform: ecrkeeper.Client) -> None:
    web.apply_registry_settings(f"{HERE}/settings/web", SCAN, allow_replacement=True, reason="ours")
    newest = next(iter(platform.list_registry_settings_revisions(f"{HERE}/settings/web")))
    assert newest.principal == "web.example"
    before = platform.get_registry_settings(f"{HERE}/settings/pay").etag
    for call in (
        lambda: web.apply_registry_settings(f"{HERE}/settings/pay", SCAN),
        lambda: web.delete_registry_settings(f"{HERE}/settings/pay"),
        lambda: web.apply_registry_settings(f"{THERE}/settings/web", SCAN),
        lambda: web.apply_registry_settings(f"{HERE}/settings/web", SCAN, force=True),
        lambda: web.import_registry_settings(HERE, "pay"),
        lambda: web.rollback_registry_settings(f"{HERE}/settings/pay", 1),
        lambda: web.update_registry(Registry(name=HERE, mode="PAUSED"), ["mode"]),
        lambda: web.start_replication_backfill(
            HERE, ecrkeeper.ReplicationDestination(registry_id=OTHER, region="eu-west-1")
        ),
        lambda: web.create_service_linked_role(f"accounts/{MINE}", "replication"),
    ):
        assert rejection(DENIED, call).reason == "ACCESS_DENIED"
    assert platform.get_registry_settings(f"{HERE}/settings/pay").etag == before
    web.reconcile_registry(HERE)


def test_denial_names_permission_and_hides_existence(web: ecrkeeper.Client) -> None:
    errors = [rejection(DENIED, web.get_registry_settings, f"{r}/settings/pay") for r in (AWAY, f"{AWAY[:-1]}2")]
    assert [error.metadata["verb"] for error in errors] == ["read", "read"]
    assert errors[0].metadata["principal"] == "web.example"
    assert errors[0].metadata["resource"] == f"{AWAY}/settings/pay"
    assert errors[0].message.replace("us-east-1", "us-east-2") == errors[1].message


def test_lists_show_readable_resources_only(web: ecrkeeper.Client, platform: ecrkeeper.Client) -> None:
    assert {row.name for row in platform.list_registries("accounts/-")} == {HERE, AWAY, THERE}
    assert [row.name for row in web.list_registries("accounts/-")] == [HERE]
    # An owner's rule covers its parts in every Region, but no other owner's in unreadable registries.
    parts = [row.name for row in web.list_registry_settings("accounts/-/registries/-", page_size=1)]
    assert parts == [f"{HERE}/settings/pay", f"{HERE}/settings/web", f"{AWAY}/settings/web"]
    rejection(DENIED, lambda: list(web.list_registries(f"accounts/{OTHER}")))
    with pytest.raises(ecrkeeper.PermissionDenied):
        list(web.list_service_linked_roles("accounts/-"))


def test_watch_shows_readable_resources_only(web: ecrkeeper.Client, platform: ecrkeeper.Client) -> None:
    resources = []
    with web.watch_registries("accounts/-", timeout=20) as watch:
        for step in watch:
            resources.append(step.registry.name)
            if step.kind == 2:
                platform.apply_registry_settings(f"{THERE}/settings/new", SCAN)
                platform.apply_registry_settings(f"{HERE}/settings/new", SCAN)
                break
        for step in watch:
            resources.append(step.registry.name)
            if step.registry.name == HERE and "new" in step.registry.owners:
                break
    assert set(resources) == {HERE, ""}


def test_operations_are_visible_to_readers_of_target(web: ecrkeeper.Client, platform: ecrkeeper.Client) -> None:
    readable, unreadable = platform.reconcile_registry(HERE).name, platform.reconcile_registry(THERE).name
    assert web.operation(readable).result(timeout=20) is not None
    invented = f"{unreadable[:-12]}{'0' * 12}"
    errors = [rejection(DENIED, web.operation(name).result, timeout=10) for name in (unreadable, invented)]
    assert errors[0].message.replace(unreadable, invented) == errors[1].message
    assert {operation.name for operation in web.list_operations()} <= {o.name for o in platform.list_operations()}
    listed = {operation.name for operation in web.list_operations()}
    assert readable in listed
    assert unreadable not in listed
    rejection(DENIED, web.delete_operation, readable)
    rejection(grpc.StatusCode.NOT_FOUND, platform.operation(invented).result, timeout=10)


def test_operation_requester_can_wait_without_more_access(
    live: Secured, web: ecrkeeper.Client, platform: ecrkeeper.Client
) -> None:
    request_id = str(uuid.uuid4())
    started = web.reconcile_registry(AWAY, request_id=request_id)
    rejection(DENIED, web.get_registry, AWAY)
    assert web.operation(started.name).result(timeout=20) == started.result(timeout=20) == Registry(name=AWAY)
    repeated = web.reconcile_registry(AWAY, request_id=request_id)
    assert repeated.name == started.name
    assert repeated.done() and repeated.result() == Registry(name=AWAY), (
        "a repetition is answered at once, with no more"
    )
    assert len(platform.operation(started.name, Registry).result().element_counts) > 0
    with as_(live, "cleaner") as cleaner:
        rejection(DENIED, cleaner.operation(started.name).result, timeout=10)
    assert started.name not in {operation.name for operation in web.list_operations()}
    rejection(DENIED, web.delete_operation, started.name)


def test_concurrent_role_deletions_share_the_wait(live: Secured, platform: ecrkeeper.Client) -> None:
    role = f"accounts/{OTHER}/serviceLinkedRoles/replication"
    platform.create_service_linked_role(f"accounts/{OTHER}", "replication")
    with as_(live, "cleaner") as cleaner, as_(live, "sweeper") as sweeper:
        first, second = cleaner.delete_service_linked_role(role), sweeper.delete_service_linked_role(role)
        assert first.name == second.name
        first.result(timeout=30)
        sweeper.operation(second.name).result(timeout=10)
        rejection(DENIED, cleaner.get_service_linked_role, role)


def test_write_response_shows_written_resource(live: Secured, platform: ecrkeeper.Client) -> None:
    name = f"{HERE}/settings/tools"
    platform.apply_registry_settings(name, SCAN)
    with as_(live, "writer") as writer:
        rejection(DENIED, writer.get_registry_settings, name)
        written = writer.update_registry_settings(
            RegistrySettings(name=name, deletion_policy="ABANDON"), ["deletion_policy"]
        )
        assert written.settings == platform.get_registry_settings(name).settings
        assert writer.delete_registry_settings(name).settings == written.settings
        rejection(DENIED, lambda: writer.update_registry_settings(written, validate_only=True))
        rejection(DENIED, lambda: list(writer.list_registry_settings_revisions(name)))


def test_role_deletion_has_its_own_permission(live: Secured, web: ecrkeeper.Client, platform: ecrkeeper.Client) -> None:
    with as_(live, "cleaner") as cleaner:
        rejection(DENIED, cleaner.get_service_linked_role, ROLE)
        rejection(DENIED, lambda: web.delete_service_linked_role(ROLE))
        error = rejection(DENIED, lambda: cleaner.delete_service_linked_role(ROLE, force_delete_adopted=True))
        assert error.metadata["verb"] == "force"
        rejection(grpc.StatusCode.NOT_FOUND, lambda: cleaner.delete_service_linked_role(ROLE))


def test_principal_without_rules_can_only_list_regions(live: Secured) -> None:
    with as_(live, "nobody") as client:
        assert client.list_supported_regions().regions
        rejection(DENIED, client.get_registry, HERE)
        rejection(DENIED, lambda: list(client.list_registries("accounts/-")))
        with pytest.raises(ecrkeeper.PermissionDenied), client.watch_registries("accounts/-") as watch:
            next(iter(watch))


def test_reflection_can_be_closed(live: Secured, web: ecrkeeper.Client) -> None:
    certificate = live.authority.issue_cert("platform.example")
    with grpc.secure_channel(live.server.address, live.credentials(certificate)) as channel:
        call = channel.stream_stream("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")
        with pytest.raises(grpc.RpcError) as caught:
            list(call(iter([b""]), timeout=10))
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
