"""`topology` against a real server, and against one with hostile answers."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest
from ecrkeeper.v1.registry_pb2 import ElementCount, Registry, ReplicationCheck
from ecrkeeper.v1.registry_settings_service_pb2 import ListRegistriesResponse
from google.protobuf.json_format import ParseDict

from tests.cli.conftest import Command
from tests.client.fake import FakeServer
from tests.e2e.live import Live

PARTNER = "599999999999"


def replicate(live: Live, account: str, destination: dict[str, str], *prefixes: str) -> None:
    filters = [{"filter": prefix, "filterType": "PREFIX_MATCH"} for prefix in prefixes]
    rules = [{"destinations": [destination], "repositoryFilters": filters}]
    name = f"accounts/{account}/registries/us-east-1/settings/to-{destination['region']}"
    live.client.apply_registry_settings(name, {"replicationConfiguration": {"rules": rules}})
    live.client.wait_until_synced(name, 60)


@pytest.fixture
def replicating(live: Live, account: str) -> str:
    """Return an account that replicates to another Region and to a partner.

    The partner's policy permits `team/one` only.
    """
    resource = f"arn:aws:ecr:sa-east-1:{PARTNER}:repository/team/one"
    statement = {
        "Sid": "One", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": ["ecr:CreateRepository", "ecr:ReplicateImage"], "Resource": resource,
    }  # fmt: skip
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    live.client.apply_registry_settings(
        f"accounts/{PARTNER}/registries/sa-east-1/settings/partner", {"registryPolicy": {"policyText": text}}
    )
    live.client.wait_until_synced(f"accounts/{PARTNER}/registries/sa-east-1", 60)
    replicate(live, account, {"registryId": account, "region": "eu-west-1"}, "app/")
    replicate(live, account, {"registryId": PARTNER, "region": "sa-east-1"}, "team/")
    return account


def test_topology_shows_edges_and_where_one_repository_arrives(cli: Command, replicating: str) -> None:
    source = f"{replicating}/us-east-1"
    shown = cli("topology", "--account", replicating, "-o", "json")
    edges = {each["destination"]: each for each in json.loads(shown.out)}
    assert edges[f"{replicating}/eu-west-1"] == {
        "source": source, "destination": f"{replicating}/eu-west-1", "filters": ["app/"], "images": "working", "reason": "",
    }  # fmt: skip
    assert edges[f"{PARTNER}/sa-east-1"]["images"] == "partial"
    assert len(edges) == 2
    for repository, images in (("team/one", "working"), ("team/two", "one-sided")):
        (line,) = cli("topology", "--account", replicating, "--repository", repository).out.splitlines()[1:]
        assert line.split()[:4] == [source, f"{PARTNER}/sa-east-1", "team/", images]
    nowhere = cli("topology", "--account", replicating, "--repository", "other")
    assert (nowhere.status, nowhere.out, nowhere.err) == (0, "", "No registry replicates other.\n")


def test_topology_draws_pictures(cli: Command, replicating: str) -> None:
    def picture(output: str) -> str:
        ended = cli("topology", "--account", replicating, "-o", output)
        assert (ended.status, ended.err) == (0, "")
        return ended.out

    texts = [
        "".join(each.itertext()) for each in ET.fromstring(picture("svg")).iter("{http://www.w3.org/2000/svg}text")
    ]
    assert {replicating, PARTNER, "us-east-1", "app/", "team/ · partial"} <= set(texts)
    assert picture("dot").count(" -> ") == 2
    assert picture("mermaid").startswith("flowchart LR\n")


def test_topology_survives_hostile_answers(
    command: Command, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECRKEEPER_TARGET", server.target)
    monkeypatch.setenv("ECRKEEPER_PLAINTEXT", "true")
    name = "accounts/111111111111/registries/us-east-1"
    destination = {"registryId": "\x1b[2J", "region": '"]<x>'}
    rules = {"rules": [{"destinations": [destination], "repositoryFilters": [{"filter": "</text>\x00"}]}]}
    registry = ParseDict(
        {
            "name": name,
            "observed": {"replicationConfiguration": rules},
            "replicationChecks": [
                {"destination": destination, "result": "BROKEN", "findings": [{"message": "denied\x1b[2J"}]}
            ],
            "truncatedFields": ["replication_checks"],
        },
        Registry(),
    )
    count = ElementCount(setting="replication_configuration", state=1, count=1)
    server.on("ListRegistries", ListRegistriesResponse(registries=[Registry(name=name, element_counts=[count])]))
    server.on("GetRegistry", registry)
    assert registry.replication_checks[0].result == ReplicationCheck.BROKEN
    for output in ("table", "markdown", "svg", "mermaid", "dot"):
        ended = command("topology", "-o", output)
        assert ended.status == 0
        assert (ended.out + ended.err).replace("\n", "").isprintable()
        assert "warning: the answer for 111111111111/us-east-1 is too long" in ended.err
        if output == "svg":
            assert "denied\\x1b[2J" in "".join(ET.fromstring(ended.out).itertext())
