"""The permissions that each call of `RegistrySettingsService` needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ecrkeeper.v1 import common_pb2

from ecrkeeper_server.access.policy import Target, Verb
from ecrkeeper_server.api.layers.needs import Need, Needs, on
from ecrkeeper_server.names import (
    WILDCARD,
    BackfillName,
    RegistryName,
    SettingsName,
    parse_account,
    parse_registry_pattern,
)


def _registry(verb: Verb, field: str = "name") -> Needs:
    return lambda request: [on(RegistryName.parse(getattr(request, field), field), verb)]


def _any_owner(request: Any) -> Sequence[Need]:
    """Need to write any one declaration of the registry."""
    name = RegistryName.parse(request.name)
    return [Need(Verb.WRITE, str(name), Target(name.account, name.region, WILDCARD))]


def _backfill(verb: Verb) -> Needs:
    return lambda request: [Need(verb, request.name, on(BackfillName.parse(request.name).registry, verb).target)]


def _registries(request: Any) -> Sequence[Need]:
    return [Need(Verb.READ, request.parent, Target(parse_account(request.parent, wildcard=True), WILDCARD))]


def _update_registry(request: Any) -> Sequence[Need]:
    """Need `admin`, because all owners are affected, and `force` to prune."""
    name = RegistryName.parse(request.registry.name, "registry.name")
    paths = list(request.update_mask.paths)
    prunes = request.registry.unmanaged_elements == common_pb2.PRUNE and (
        paths in ([], ["*"]) or "unmanaged_elements" in paths
    )
    return [on(name, Verb.ADMIN), *([on(name, Verb.FORCE)] if prunes else []), *_plan(name, request)]


def _plan(registry: RegistryName, request: Any) -> Sequence[Need]:
    """Need to read the registry for a plan: it shows the elements of all owners."""
    return [on(registry, Verb.READ)] if request.validate_only else []


def _write(name: SettingsName, request: Any) -> Sequence[Need]:
    forced = [on(name, Verb.FORCE)] if getattr(request, "force", False) else []
    return [on(name, Verb.WRITE), *forced, *_plan(name.registry, request)]


def _settings(request: Any) -> Sequence[Need]:
    return _write(SettingsName.parse(request.name), request)


def _create_settings(request: Any) -> Sequence[Need]:
    registry = RegistryName.parse(request.parent, "parent")
    return _write(SettingsName.of(registry, request.registry_settings_id, "registry_settings_id"), request)


def _update_settings(request: Any) -> Sequence[Need]:
    return _write(SettingsName.parse(request.registry_settings.name, "registry_settings.name"), request)


def _import_settings(request: Any) -> Sequence[Need]:
    """Need to read the registry too: the response shows elements of the registry."""
    registry = RegistryName.parse(request.name)
    name = SettingsName.of(registry, request.registry_settings_id, "registry_settings_id")
    return [on(name, Verb.WRITE), on(registry, Verb.READ)]


def _read_settings(request: Any) -> Sequence[Need]:
    return [on(SettingsName.parse(request.name), Verb.READ)]


def _list_settings(request: Any) -> Sequence[Need]:
    account, region = parse_registry_pattern(request.parent)
    return [Need(Verb.READ, f"{request.parent}/settings/-", Target(account, region, WILDCARD))]


REGISTRY_SETTINGS_SERVICE: Mapping[str, Needs] = {
    "GetRegistry": _registry(Verb.READ),
    "ListRegistryElements": _registry(Verb.READ, "parent"),
    "ListRegistries": _registries,
    "UpdateRegistry": _update_registry,
    "DeleteRegistry": _registry(Verb.ADMIN),
    "WatchRegistries": _registries,
    "ReconcileRegistry": _any_owner,
    "ImportRegistrySettings": _import_settings,
    "GetRegistrySettings": _read_settings,
    "ListRegistrySettings": _list_settings,
    "CreateRegistrySettings": _create_settings,
    "UpdateRegistrySettings": _update_settings,
    "DeleteRegistrySettings": _settings,
    "ListRegistrySettingsRevisions": _read_settings,
    "RollbackRegistrySettings": _settings,
    "ValidatePullThroughCacheRule": _registry(Verb.READ),
    "CheckReplication": _registry(Verb.READ),
    "ExplainRepository": _registry(Verb.READ),
    "StartReplicationBackfill": _registry(Verb.WRITE, "parent"),
    "StopReplicationBackfill": _backfill(Verb.WRITE),
    "GetReplicationBackfill": _backfill(Verb.READ),
    "ListReplicationBackfills": _registry(Verb.READ, "parent"),
    "ListReplicationBackfillResults": _backfill(Verb.READ),
    "ListImageReplicationStatuses": _registry(Verb.READ, "parent"),
}
