"""A server whose roles have the permissions of the StackSet template."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import ecrkeeper
import pytest
import yaml

from tests import harness
from tests.e2e.live import Live, Place, fresh_account


def deployed(template: dict[str, Any], account: str, partition: str = "aws") -> dict[str, Any]:
    """Return the policy as CloudFormation attaches it, with resolved `Fn::Sub`."""

    def resolve(value: Any) -> Any:
        if isinstance(value, dict) and set(value) == {"Fn::Sub"}:
            return value["Fn::Sub"].replace("${AWS::AccountId}", account).replace("${AWS::Partition}", partition)
        if isinstance(value, dict):
            return {key: resolve(inner) for key, inner in value.items()}
        return [resolve(inner) for inner in value] if isinstance(value, list) else value

    (attached,) = template["Resources"]["Role"]["Properties"]["Policies"]
    document: dict[str, Any] = resolve(attached["PolicyDocument"])
    assert "${" not in json.dumps(document)
    return document


def actions(document: dict[str, Any]) -> set[str]:
    """Return every action that a policy allows."""
    return {action for statement in document["Statement"] for action in statement["Action"]}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A separate server and simulated AWS."""
    folder = tmp_path_factory.mktemp("permissions")
    aws = harness.Simulator(folder)
    url = f"sqlite:///{folder / 'ecrkeeper.db'}"
    server = harness.Server(folder, url, aws.url)
    with ecrkeeper.Client(server.address, insecure=True) as client:
        yield Live(server, aws, client)
    assert server.stop() == 0
    aws.stop()


class Rights:
    """An account with the permissions that `iam-policy` prints for some options."""

    def __init__(self, live: Live, *options: str) -> None:
        self.place = Place(live, fresh_account(), "us-east-1")
        template = yaml.safe_load(harness.iam_policy("--format", "stackset", *options))
        self.policy = deployed(template, self.place.account)
        live.aws.control("PUT", f"accounts/{self.place.account}", {"iam_policy": self.policy})
        self._since = live.aws.position()

    @property
    def allowed(self) -> set[str]:
        """Return every action of the policy."""
        return actions(self.policy)

    def actions(self) -> dict[str, bool]:
        """Return every requested action, and whether all its requests were allowed."""
        actions: dict[str, bool] = {}
        for request in self.place.live.aws.requests(self._since):
            if request["account"] == self.place.account:
                for action, allowed in request["actions"].items():
                    actions[action] = actions.get(action, True) and allowed
        return actions
