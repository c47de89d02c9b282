"""The client with a running server: waiting and dictionaries."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import ecrkeeper
import pytest
from ecrkeeper._synced import Synced
from google.protobuf import json_format

from tests import harness
from tests.e2e.live import Live, Place, fresh_account

QUAY = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io", "upstreamRegistry": "quay"}
K8S = {"ecrRepositoryPrefix": "k8s", "upstreamRegistryUrl": "registry.k8s.io", "upstreamRegistry": "k8s"}
CACHE = {"pullThroughCacheRules": {"rules": [QUAY]}}
AT_ONCE = 15.0


@pytest.fixture
def place(live: Live) -> Place:
    return live.registry(fresh_account())


def free_port() -> int:
    """Return a port that no outgoing connection takes meanwhile."""
    for port in random.sample(range(20000, 30000), 50):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError


def allow_only(place: Place, *actions: str) -> None:
    statements = [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}] if actions else []
    policy = {"Version": "2012-10-17", "Statement": statements}
    place.live.aws.control("PUT", f"accounts/{place.account}", {"iam_policy": policy})


def deny_writes(place: Place) -> None:
    allow_only(place, "ecr:Describe*", "ecr:Get*")
    place.live.client.apply_registry_settings(place.part("team"), CACHE)


def deny_everything(place: Place) -> None:
    place.live.aws.control("PUT", f"accounts/{place.account}", {"denied": True})
    place.live.client.apply_registry_settings(place.part("team"), CACHE)


def lose_access(place: Place) -> None:
    place.live.client.apply_registry_settings(place.part("team"), CACHE)
    place.live.client.wait_until_synced(place.part("team"), 30)
    allow_only(place)
    place.live.client.apply_registry_settings(place.part("team"), {"pullThroughCacheRules": {"rules": [QUAY, K8S]}})


def replace(place: Place) -> None:
    place.live.client.apply_registry_settings(place.part("team"), CACHE)
    place.live.client.wait_until_synced(place.part("team"), 30)
    other = {**K8S, "ecrRepositoryPrefix": "quay"}
    place.live.client.apply_registry_settings(place.part("team"), {"pullThroughCacheRules": {"rules": [other]}})


def refuse(place: Place) -> None:
    limit = {"kind": "error", "account": place.account, "operation": "CreatePullThroughCacheRule", "status": 400,
             "code": "LimitExceededException"}  # fmt: skip
    place.live.aws.control("POST", "faults", limit)
    place.live.client.apply_registry_settings(place.part("team"), CACHE)


TERMINAL = [
    (deny_writes, "AWS_ACCESS_DENIED"),
    (deny_everything, "AWS_ACCESS_DENIED"),
    (lose_access, "AWS_ACCESS_DENIED"),
    (replace, "REPLACEMENT_NOT_ALLOWED"),
    (refuse, "AWS_QUOTA_EXCEEDED"),
]


@pytest.mark.parametrize(("harm", "reason"), TERMINAL)
@pytest.mark.parametrize("of", ["registry", "declaration"])
def test_wait_ends_on_terminal_error(place: Place, harm: Callable[[Place], None], reason: str, of: str) -> None:
    harm(place)
    began = time.monotonic()
    with pytest.raises(ecrkeeper.OperationFailed) as caught:
        place.live.client.wait_until_synced(place.name if of == "registry" else place.part("team"), 60)
    assert caught.value.reason == reason
    assert time.monotonic() - began < AT_ONCE


def test_wait_ends_on_unknown_aws_members(place: Place) -> None:
    rule = {"destinations": [{"region": "eu-west-1", "registryId": place.account}]}
    place.seed(
        replicationConfiguration={"rules": [rule]},
        unknown_members={"DescribeRegistry": {"replicationConfiguration.rules[0].newThing": {"on": True}}},
    )
    other = {"destinations": [{"region": "us-west-2", "registryId": place.account}]}
    place.live.client.apply_registry_settings(place.part("team"), {"replicationConfiguration": {"rules": [other]}})
    with pytest.raises(ecrkeeper.FailedPrecondition) as caught:
        place.live.client.wait_until_synced(place.name, 60)
    assert caught.value.reason == "UNKNOWN_MEMBERS"


def test_wait_for_deleted_declaration_ends_immediately(place: Place) -> None:
    client = place.live.client
    client.apply_registry_settings(place.part("team"), CACHE)
    client.wait_until_synced(place.part("team"), 30)
    client.delete_registry_settings(place.part("team"))
    with pytest.raises(ecrkeeper.NotFound):
        client.wait_until_synced(place.part("team"), 60)
    client.wait_until_synced(place.name, 30)
    assert place.aws()["pullThroughCacheRules"] == []


def test_empty_settings_dictionary_matches_message(place: Place) -> None:
    client, name = place.live.client, place.part("team")
    client.apply_registry_settings(name, CACHE)
    for declaration in ({"name": name, "settings": {}}, ecrkeeper.RegistrySettings(name=name, settings={})):
        tried = client.update_registry_settings(declaration, ["settings"], validate_only=True)
        assert not tried.settings.ListFields()
    for declaration in ({"name": name}, {"name": name, "settings": None}, ecrkeeper.RegistrySettings(name=name)):
        with pytest.raises(ecrkeeper.InvalidArgument, match="settings: {}"):
            client.update_registry_settings(declaration, ["settings"])
    assert client.update_registry_settings({"name": name, "deletionPolicy": "ABANDON"}).settings.ListFields()


def test_json_response_can_be_changed_and_sent_back(place: Place) -> None:
    client, name = place.live.client, place.part("team")
    place.converged({"pull_through_cache_rules": CACHE["pullThroughCacheRules"]}, "team")
    read = json_format.MessageToDict(client.get_registry_settings(name))
    read["settings"]["pullThroughCacheRules"]["rules"].append(K8S)
    client.update_registry_settings(read, "settings.pullThroughCacheRules")
    client.update_registry({**json_format.MessageToDict(place.read()), "unmanagedElements": "PRUNE"})
    client.wait_until_synced(place.name, 30)
    harness.eventually(lambda: len(place.aws()["pullThroughCacheRules"]) == 2)
    assert place.read().unmanaged_elements == ecrkeeper.UnmanagedElements.PRUNE


def test_wait_goes_on_over_a_restart_of_the_server(
    simulated_aws: harness.Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, reached = threading.Event(), Synced.reached
    monkeypatch.setattr(Synced, "reached", lambda wait, step: (begun.set(), reached(wait, step))[1])
    url, account = f"sqlite:///{tmp_path / 'ecrkeeper.db'}", fresh_account()
    settings = {"listen": f"127.0.0.1:{free_port()}"}
    name = f"accounts/{account}/registries/us-east-1/settings/team"
    fault = {"kind": "error", "operation": "CreatePullThroughCacheRule", "account": account}
    simulated_aws.inject({**fault, "status": 500, "code": "ServerException"})
    server = harness.Server(tmp_path, url, simulated_aws.url, **settings)
    with ecrkeeper.Client(server.address, insecure=True) as client, ThreadPoolExecutor(1) as pool:
        client.apply_registry_settings(name, CACHE)
        waiting = pool.submit(client.wait_until_synced, name, 60)
        assert begun.wait(20)
        assert server.stop() == 0
        simulated_aws.clear_faults()
        server = harness.Server(tmp_path, url, simulated_aws.url, **settings)
        assert waiting.result(60).name == name.partition("/settings/")[0]
        assert server.stop() == 0
