"""A running server and its simulated AWS, with helpers for tests."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import ecrkeeper
import grpc
import pytest
from ecrkeeper.v1.registry_pb2 import Registry, RegistrySettings
from ecrkeeper.v1.settings_pb2 import Settings
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from tests import harness

UNKNOWN_ENUM = 99
WAIT_SECONDS = 10.0


def fresh_account() -> str:
    """Return an account that no other test uses."""
    return str(random.randrange(10**11, 10**12))


@dataclass(frozen=True, slots=True)
class Live:
    """A server, its AWS, and a client."""

    server: harness.Server
    aws: harness.Simulator
    client: ecrkeeper.Client

    def registry(self, account: str, region: str = "us-east-1") -> Place:
        """Return one registry of an account."""
        return Place(self, account, region)


@dataclass(frozen=True, slots=True)
class Place:
    """One registry, seen through the API and in the simulated AWS."""

    live: Live
    account: str
    region: str

    @property
    def name(self) -> str:
        """The registry's name in the API."""
        return f"accounts/{self.account}/registries/{self.region}"

    def part(self, owner: str) -> str:
        """The name of what an owner declares."""
        return f"{self.name}/settings/{owner}"

    def seed(self, **state: Any) -> None:
        """Change the registry in AWS out of band."""
        self.live.aws.seed(state, self.region, self.account)

    def aws(self) -> dict[str, Any]:
        """Return what AWS has."""
        registry: dict[str, Any] = self.live.aws.registry(self.region, self.account)
        return registry

    def apply(self, settings: Mapping[str, Any], owner: str = "platform", **more: Any) -> RegistrySettings:
        """Declare settings in AWS's shape."""
        return self.live.client.apply_registry_settings(self.part(owner), message(settings), **more)

    def reconcile(self) -> Registry:
        """Reconcile now, and return the registry afterwards."""
        since = time.time()
        self.live.client.reconcile_registry(self.name)
        registry: Registry = harness.eventually(lambda: self._observed_after(since), WAIT_SECONDS)
        return registry

    def _observed_after(self, since: float) -> Registry | None:
        registry = self.read()
        observed = registry.observe_time.ToNanoseconds() / 1e9
        return registry if observed > since and registry.observed_generation == registry.generation else None

    def converged(self, settings: Mapping[str, Any], owner: str = "platform", **more: Any) -> Registry:
        """Declare settings and wait until AWS has them."""
        self.apply(settings, owner, **more)
        self.live.client.reconcile_registry(self.name).result(timeout=WAIT_SECONDS)
        return self.read()

    def read(self, *, refresh: bool = False) -> Registry:
        """Return the registry as the API shows it."""
        return self.live.client.get_registry(self.name, refresh=refresh)

    def keep(self, **fields: str) -> Registry:
        """Change the mode or the treatment of unmanaged elements."""
        return self.live.client.update_registry(Registry(name=self.name, **fields), list(fields))  # type: ignore[arg-type]

    def writes(self, since: int) -> list[dict[str, Any]]:
        """Return the write calls to this account since a position of the log."""
        return [call for call in self.live.aws.writes(since) if call["account"] == self.account]

    def untouched(self) -> None:
        """Check that the store has nothing of the account."""
        client, parent = self.live.client, f"accounts/{self.account}"
        assert list(client.list_registries(parent)) == []
        assert list(client.list_registry_settings(f"{parent}/registries/-")) == []
        assert list(client.list_service_linked_roles(parent)) == []


def message(settings: Mapping[str, Any]) -> Settings:
    """Return the message for settings in AWS's shape, even with unknown enum values."""
    return json_format.ParseDict(_shaped(settings, Settings.DESCRIPTOR), Settings())


def _shaped(value: Mapping[str, Any], kind: Descriptor) -> dict[str, Any]:
    fields = {name: field for field in kind.fields for name in (field.json_name, field.name)}
    return {name: _member(inner, fields[name]) for name, inner in value.items()}


def _member(value: Any, field: FieldDescriptor) -> Any:
    if isinstance(value, list):
        return [_member(inner, field) for inner in value]
    if field.enum_type is not None:
        named = field.enum_type.values_by_name.get(value)
        return UNKNOWN_ENUM if named is None else named.number
    return _shaped(value, field.message_type) if field.message_type is not None else value


def rejection(
    code: grpc.StatusCode, call: Callable[..., Any], *arguments: Any, **named: Any
) -> ecrkeeper.RegistryError:
    """Return the error of a call that must be rejected with a code."""
    with pytest.raises(ecrkeeper.RegistryError) as caught:
        call(*arguments, **named)
    assert caught.value.code is code, f"{caught.value.code}: {caught.value}"
    return caught.value


def fields_of(error: ecrkeeper.RegistryError) -> list[str]:
    """Return the fields and the quotas that a rejection names."""
    fields = [each.field for each in getattr(error, "violations", ()) if isinstance(each, ecrkeeper.FieldViolation)]
    return fields + [each.subject for each in error.quota_violations]


def rules(*destinations: tuple[str, str], prefix: str = "") -> dict[str, Any]:
    """Return a replication configuration of one rule, in AWS's shape."""
    rule: dict[str, Any] = {
        "destinations": [{"region": region, "registryId": account} for account, region in destinations]
    }
    if prefix:
        rule["repositoryFilters"] = [{"filter": prefix, "filterType": "PREFIX_MATCH"}]
    return {"rules": [rule]}
