"""Dictionaries in place of messages, and their rejection before sending."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import ecrkeeper
import pytest
from ecrkeeper import _audit, _backfills, _declarations, _operation, _registries, _revisions, _roles, _server
from ecrkeeper._messages import field_mask, message_of
from ecrkeeper.v1.role_pb2 import ServiceLinkedRole
from google.protobuf import json_format
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from .fake import FakeServer

REGISTRY = "accounts/111111111111/registries/us-east-1"
OWNED = f"{REGISTRY}/settings/team-a"
ROLE = "accounts/111111111111/serviceLinkedRoles/replication"
RULE = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io", "upstreamRegistry": "quay"}
CACHE = {"pullThroughCacheRules": {"rules": [RULE]}}
CACHE_MESSAGE = message_of(ecrkeeper.Settings, CACHE, "settings")

Call = Callable[[Any, Any], Any]


def update_settings(client: Any, value: Any) -> Any:
    return client.update_registry_settings(value, ["settings"])


def update_registry(client: Any, value: Any) -> Any:
    return client.update_registry(value)


def update_role(client: Any, value: Any) -> Any:
    return client.update_service_linked_role(value)


def create_role(client: Any, value: Any) -> Any:
    return client.create_service_linked_role("accounts/111111111111", "replication", service_linked_role=value)


def backfill(client: Any, value: Any) -> Any:
    return client.start_replication_backfill(REGISTRY, value)


def apply(client: Any, value: Any) -> Any:
    return client.apply_registry_settings(OWNED, value)


ACCEPTED = [
    (update_settings, {"name": OWNED, "settings": CACHE}, ecrkeeper.RegistrySettings(name=OWNED, settings=CACHE_MESSAGE),
     "AWS's shape inside of a declaration"),
    (update_settings, {"name": OWNED, "settings": CACHE_MESSAGE},
     ecrkeeper.RegistrySettings(name=OWNED, settings=CACHE_MESSAGE), "a message inside of a dictionary"),
    (update_settings, {"name": OWNED, "settings": {}}, ecrkeeper.RegistrySettings(name=OWNED, settings={}),
     "empty settings are those of the message: present"),
    (update_settings, {"name": OWNED, "settings": None}, ecrkeeper.RegistrySettings(name=OWNED),
     "None is unset, which the server rejects under the mask"),
    (update_settings, {"name": OWNED, "deletionPolicy": "ABANDON", "allowReplacement": True},
     ecrkeeper.RegistrySettings(name=OWNED, deletion_policy="ABANDON", allow_replacement=True),
     "an enum without its prefix"),
    (update_registry, {"name": REGISTRY, "mode": "PAUSED", "unmanaged_elements": "PRUNE"},
     ecrkeeper.Registry(name=REGISTRY, mode="PAUSED", unmanaged_elements="PRUNE"),
     "either name of an enum value"),
    (update_registry, {"name": REGISTRY, "generation": "7", "createTime": "2026-01-02T03:04:05Z"},
     ecrkeeper.Registry(name=REGISTRY, generation=7, create_time={"seconds": 1767323045}),
     "numbers and times as JSON has them"),
    (update_role, {"name": ROLE, "tags": {"team": "a"}, "description": ""},
     ServiceLinkedRole(name=ROLE, tags={"team": "a"}, description=""), "a map, and a text that is empty on purpose"),
    (create_role, {"mode": "OBSERVE"}, ServiceLinkedRole(mode="OBSERVE"), "a role that is created"),
    (backfill, {"region": "eu-west-1", "registryId": "222222222222"},
     ecrkeeper.ReplicationDestination(region="eu-west-1", registry_id="222222222222"), "a destination"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "argument", "message", "reason"), ACCEPTED)
def test_dictionary_becomes_equivalent_message(
    server: FakeServer, client: ecrkeeper.Client, call: Call, argument: Any, message: Message, reason: str
) -> None:
    call(client, argument)
    call(client, message)
    asyncio.run(_async(server, call, argument))
    sent = [_without_id(each.request) for each in server.received]
    assert len(sent) == 3
    assert sent[0] == sent[1] == sent[2], reason
    assert message in [value for _, value in sent[0].ListFields()]


async def _async(server: FakeServer, call: Call, value: Any) -> None:
    async with ecrkeeper.AsyncClient(server.target, insecure=True) as client:
        await call(client, value)


def _without_id(request: Any) -> Any:
    request.ClearField("request_id")
    return request


def test_response_can_be_sent_back_as_dictionary(server: FakeServer, client: ecrkeeper.Client) -> None:
    read = ecrkeeper.Registry(name=REGISTRY, mode="OBSERVE", etag="e", generation=3, owners=["a"])
    read.create_time.GetCurrentTime()
    read.conditions.add(type="Ready", status="TRUE")
    read.drift.add(setting="s").desired.struct_value["a"] = [1, None]
    read.last_error.details.add().Pack(ecrkeeper.Settings())
    for preserving in (False, True):
        client.update_registry(json_format.MessageToDict(read, preserving_proto_field_name=preserving))
    assert [request.registry for request in server.requests("UpdateRegistry")] == [read, read]


REJECTED = [
    (update_settings, {"name": OWNED, "settings": {"scanConfiguration": {}}, "policy": "ABANDON"},
     ["registry_settings.policy", "registry_settings.settings.scanConfiguration"], "members that do not exist"),
    (update_settings, {"name": 7, "settings": {"pullThroughCacheRules": {"rules": [{"upstreamRegistry": 7}, []]}}},
     ["registry_settings.name", "registry_settings.settings.pull_through_cache_rules.rules[0].upstream_registry",
      "registry_settings.settings.pull_through_cache_rules.rules[1]"], "each at its place"),
    (update_settings, {"name": OWNED, "allowReplacement": "yes", "generation": 1.5, "deletionPolicy": True},
     ["registry_settings.allow_replacement", "registry_settings.deletion_policy", "registry_settings.generation"],
     "types of another kind"),
    (update_settings, {"name": OWNED, "settings": ecrkeeper.Registry()}, ["registry_settings.settings"],
     "a message of another kind"),
    (update_settings, {"deletionPolicy": 1, "deletion_policy": 2}, ["registry_settings.deletion_policy"], "given twice"),
    (update_settings, {1: 2}, ["registry_settings.1"], "a key that is no text"),
    (update_settings, {"name": OWNED, "settings": {"registryPolicy": {"policyText": "\ud800"}}},
     ["registry_settings.settings.registry_policy.policy_text"], "text that cannot be sent"),
    (update_registry, {"name": REGISTRY, "mode": "OFF", "createTime": "yesterday", "conditions": {}},
     ["registry.conditions", "registry.create_time", "registry.mode"], "a registry"),
    (update_role, {"tags": [], "mode": []}, ["service_linked_role.mode", "service_linked_role.tags"], "a role"),
    (create_role, {"tags": {"a": 1, 2: "b"}}, ["service_linked_role.tags['a']", "service_linked_role.tags[2]"], "a map"),
    (backfill, {"Region": "eu-west-1"}, ["destination.Region"], "a destination"),
    (apply, {"registryPolicy": {"policyText": {}}}, ["settings.registry_policy.policy_text"], "settings alone"),
    (lambda c, value: c.apply_registry_settings(OWNED, {"a": 1}, deletion_policy=value), "BURN",
     ["deletion_policy", "settings.a"], "all arguments at once"),
    (lambda c, value: c.apply_registry_settings(value, ecrkeeper.Settings(), etag=7), {"name": OWNED},
     ["etag", "name"], "a dictionary for a text, beside a message"),
    (lambda c, value: c.get_registry(value), {"name": REGISTRY}, ["name"], "a request instead of its arguments"),
    (lambda c, value: c.get_registry(REGISTRY, refresh=value), {}, ["refresh"], "a dictionary for a bool"),
    (lambda c, value: c.import_registry_settings(REGISTRY, "a", settings=value), CACHE, ["settings"],
     "its keys are not taken for names"),
    (lambda c, value: c.import_registry_settings(REGISTRY, "a", settings=value), "registry_policy", ["settings"],
     "its letters are not taken for names"),
    (lambda c, value: c.list_audit_events(start_time=value), {"second": 1}, ["start_time"], "a time"),
    (lambda c, value: c.update_registry({}, value), {"mode": "PAUSED"}, ["update_mask"], "a mask that is none"),
    (lambda c, value: c.get_registry(REGISTRY, view=value), "basic", ["view"], "a view in small letters"),
    (lambda c, value: c.list_registries(view=value), 1.5, ["view"], "a view that is no whole number"),
    (lambda c, value: c.watch_registries(view=value), "", ["view"], "a view without a name"),
    (lambda c, value: c.delete_registry(REGISTRY, deletion_policy=value), "BURN", ["deletion_policy"], "a registry"),
    (lambda c, value: c.delete_service_linked_role("r", deletion_policy=value), {}, ["deletion_policy"], "of a role"),
    (lambda c, value: c.update_registry({}, value), ["mode", 1], ["update_mask[1]"], "a path that is no text"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "value", "fields", "reason"), REJECTED)
def test_invalid_dictionary_is_rejected_before_sending(
    server: FakeServer, client: ecrkeeper.Client, call: Call, value: Any, fields: list[str], reason: str
) -> None:
    with pytest.raises(ecrkeeper.InvalidArgument) as caught:
        call(client, value)
    assert sorted(violation.field for violation in caught.value.violations) == fields, reason
    assert caught.value.reason == "INVALID_FIELDS"
    with pytest.raises(ecrkeeper.InvalidArgument):
        asyncio.run(_async(server, call, value))
    assert server.received == []


@pytest.mark.parametrize(
    ("call", "value"),
    [(update_registry, ecrkeeper.RegistrySettings()), (update_settings, [("name", OWNED)]), (update_role, None)],
)
def test_other_type_than_message_or_dictionary_is_a_type_error(
    server: FakeServer, client: ecrkeeper.Client, call: Call, value: Any
) -> None:
    with pytest.raises(TypeError, match=r"must be a mapping or \w+, got"):
        call(client, value)
    assert server.received == []


def test_wrong_arguments_stay_type_errors(client: ecrkeeper.Client) -> None:
    with pytest.raises(TypeError, match="refrsh"):
        client.get_registry(REGISTRY, refrsh={})  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("argument", "paths", "reason"),
    [
        (["settings.registryPolicy", "deletionPolicy"], ["settings.registry_policy", "deletion_policy"], "as in JSON"),
        ("mode,unmanagedElements", ["mode", "unmanaged_elements"], "the JSON form of a mask"),
        ({"paths": ["mode"]}, ["mode"], "the form of grpcurl"),
        (["*"], ["*"], "everything"),
        (FieldMask(paths=["A"]), ["A"], "a message is sent as it is"),
    ],
)
def test_mask_is_accepted_in_all_forms(argument: Any, paths: list[str], reason: str) -> None:
    mask = field_mask(argument)
    assert mask is not None
    assert list(mask.paths) == paths, reason


def test_message_arguments_accept_dictionaries() -> None:
    messages = {name for name in ecrkeeper.__all__ if _is_message(getattr(ecrkeeper, name))}
    taking = [
        (function.__name__, parameter.name, parameter.annotation)
        for module in (_audit, _backfills, _declarations, _operation, _registries, _revisions, _roles, _server)
        for _, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__
        for parameter in inspect.signature(function).parameters.values()
        if any(part in {*messages, "FieldMask"} for part in str(parameter.annotation).split(" | "))
    ]
    assert len(taking) == 11
    assert [each for each in taking if "Mapping[str, Any]" not in each[2]] == []


def _is_message(thing: object) -> bool:
    return isinstance(thing, type) and issubclass(thing, Message)
