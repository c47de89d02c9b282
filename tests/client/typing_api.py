"""The public API in typed user code; checked by mypy --strict, never run."""

from __future__ import annotations

from typing import assert_type

import ecrkeeper
from ecrkeeper import types
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message

NAME = "accounts/111111111111/registries/us-east-1"


def typed_settings(client: ecrkeeper.Client) -> None:
    settings: types.Settings = {
        "scanningConfiguration": {"scanType": "ENHANCED", "rules": [{"scanFrequency": "SCAN_ON_PUSH"}]},
        "pullThroughCacheRules": [{"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}],
    }
    assert_type(client.apply_registry_settings(NAME, settings), ecrkeeper.RegistrySettings)
    assert_type(client.plan(NAME, settings).removals, tuple[ecrkeeper.Change, ...])


def sync(client: ecrkeeper.Client, to: ecrkeeper.ReplicationDestination) -> None:
    assert_type(client.get_registry(NAME, refresh=True, timeout=3), ecrkeeper.Registry)
    assert_type(client.explain_repository(NAME, "app"), ecrkeeper.ExplainRepositoryResponse)
    assert_type(client.apply_registry_settings(NAME, {}, deletion_policy="ABANDON"), ecrkeeper.RegistrySettings)
    assert_type(client.apply_registry_settings(NAME, ecrkeeper.Settings()), ecrkeeper.RegistrySettings)
    registries = client.list_registries(parent="accounts/-", filter="")
    assert_type(registries, ecrkeeper.Pager[ecrkeeper.Registry, ecrkeeper.ListRegistriesResponse])
    assert_type(list(registries), list[ecrkeeper.Registry])
    assert_type([page.next_page_token for page in registries.pages], list[str])
    with client.watch_registries() as steps:
        assert_type(next(steps), ecrkeeper.WatchRegistriesResponse)
    operation = client.reconcile_registry(NAME)
    assert_type(operation, ecrkeeper.Operation[ecrkeeper.Registry])
    assert_type(operation.result(60), ecrkeeper.Registry)
    assert_type(operation.metadata, Message | None)
    assert_type(client.start_replication_backfill(NAME, to).result(), ecrkeeper.ReplicationBackfill)
    assert_type(client.delete_service_linked_role(NAME).result(), Empty)
    assert_type(client.operation("operations/1").result(), Message)
    assert_type(client.operation("operations/1", ecrkeeper.Registry).result(), ecrkeeper.Registry)
    assert_type(client.wait_until_synced(NAME, 60, generation=2), ecrkeeper.Registry)


async def aio(client: ecrkeeper.AsyncClient) -> None:
    assert_type(await client.get_registry(NAME, refresh=True), ecrkeeper.Registry)
    assert_type([registry async for registry in client.list_registries()], list[ecrkeeper.Registry])
    operation = await client.reconcile_registry(NAME)
    assert_type(operation, ecrkeeper.AsyncOperation[ecrkeeper.Registry])
    assert_type(await operation, ecrkeeper.Registry)
    async with client.watch_registries() as steps:
        async for step in steps:
            assert_type(step, ecrkeeper.WatchRegistriesResponse)
    assert_type(await client.operation("operations/1", ecrkeeper.Registry).result(60), ecrkeeper.Registry)
    assert_type(await client.wait_until_synced(NAME, 60), ecrkeeper.Registry)


def errors(
    failed: ecrkeeper.OperationFailed, invalid: ecrkeeper.InvalidArgument, exhausted: ecrkeeper.ResourceExhausted
) -> None:
    assert_type(failed.violations, tuple[ecrkeeper.PreconditionViolation, ...])
    assert_type(invalid.violations, tuple[ecrkeeper.FieldViolation, ...])
    assert_type(failed.retry_after, float | None)
    assert_type(exhausted.violations, tuple[ecrkeeper.QuotaViolation, ...])


def rejection(client: ecrkeeper.Client) -> None:
    client.get_registry(7)  # type: ignore[arg-type]
    client.get_registry(NAME, True)  # type: ignore[call-arg]
    client.get_registry(NAME, refrsh=True)  # type: ignore[call-arg]
    client.no_such_method()  # type: ignore[attr-defined]


def dictionaries(client: ecrkeeper.Client) -> None:
    assert_type(client.update_registry({"name": NAME, "mode": "PAUSED"}, {"paths": ["mode"]}), ecrkeeper.Registry)
    assert_type(client.update_registry_settings({"name": NAME}, "settings"), ecrkeeper.RegistrySettings)
    assert_type(client.create_service_linked_role(NAME, "a", service_linked_role={}), ecrkeeper.ServiceLinkedRole)
    client.start_replication_backfill(NAME, {"region": "eu-west-1"})
