"""A server with a console, and something to see on every page.

Every text that a caller can store has HTML in it.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import ecrkeeper

from tests import harness
from tests.e2e.live import Live, message
from tests.http.web import port_of
from tests.issuer import AUDIENCE, Issuer, serving

ACCOUNT, OTHER = "111111111111", "222222222222"
REGISTRY = f"accounts/{ACCOUNT}/registries/us-east-1"
ROLE = f"accounts/{ACCOUNT}/serviceLinkedRoles/replication"
HTML = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'"
POLICY = """
rules:
  - {name: all, principals: ["*alice*"], verbs: [read, write, force, delete-role, admin, approve]}
  - {name: other, principals: [bob], verbs: [read], accounts: ["222222222222"]}
"""
POLICY_TEXT = '{"Version": "2012-10-17", "Statement": [%s]}'
STATEMENT = (
    '{"Sid": "Replicate", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::222222222222:root"},'
    ' "Action": ["ecr:ReplicateImage"], "Resource": "arn:aws:ecr:us-east-1:111111111111:repository/*"}'
)
CONDITIONAL = {
    "Sid": "Conditional", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::222222222222:root"},
    "Action": ["ecr:ReplicateImage"], "Resource": "arn:aws:ecr:us-east-1:111111111111:repository/*",
    "Condition": {"StringLike": {"aws:PrincipalTag/team": HTML}},
}  # fmt: skip
TEMPLATED = {
    "Sid": "Pull",
    "Effect": "Allow",
    "Principal": "*",
    "Action": ["ecr:BatchGetImage"],
    "Condition": {"StringLike": {"aws:PrincipalTag/team": HTML}},
}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a browser's request."""

    status: int
    headers: http.client.HTTPMessage
    body: str

    @property
    def cookies(self) -> list[str]:
        return self.headers.get_all("Set-Cookie") or []


@dataclass(slots=True)
class Browser:
    """A client that keeps cookies, as a browser does."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> Answer:
        return self.send("GET", path, "", headers)

    def post(self, path: str, form: Mapping[str, str], **headers: str) -> Answer:
        all_headers = {**FORM, "Origin": f"http://127.0.0.1:{self.port}", **headers}
        return self.send("POST", path, urlencode(form), all_headers)

    def send(self, method: str, path: str, body: str, headers: Mapping[str, str]) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        cookie = {"Cookie": "; ".join(f"{n}={v}" for n, v in self.cookies.items())} if self.cookies else {}
        connection.request(
            method, path, body or None, {**cookie, **{k.replace("_", "-"): v for k, v in headers.items()}}
        )
        response = connection.getresponse()
        answer = Answer(response.status, response.headers, response.read().decode())
        connection.close()
        for each in answer.cookies:
            name, _, value = each.partition(";")[0].partition("=")
            self.cookies.pop(name, None)
            if "Max-Age=0" not in each:
                self.cookies[name] = value
        return answer

    def sign_in(self, token: str) -> Answer:
        return self.post("/console/login", {"token": token, "next": "/console/"})


@dataclass(frozen=True, slots=True)
class World:
    """The server, its issuer, and the names of what it has."""

    live: Live
    issuer: Issuer
    folder: Path
    port: int
    names: dict[str, str] = field(default_factory=dict)

    def browser(self, subject: str = "alice", lasts: float = 600) -> Browser:
        """A browser whose user signed in."""
        browser = Browser(self.port)
        if subject:
            assert browser.sign_in(self.issuer.token(subject, lasts=lasts)).status == 303
        return browser

    def pages(self) -> dict[str, str]:
        """Return the path of every page, by its name."""
        names = self.names
        return {
            "fleet": "/console/",
            "registry": f"/console/{REGISTRY}",
            "elements": f"/console/{REGISTRY}/elements",
            "explain": f"/console/{REGISTRY}/explain?repository=prod-team/app",
            "declaration": f"/console/{REGISTRY}/settings/team-a",
            "roles": "/console/roles",
            "role": f"/console/{ROLE}",
            "usage": f"/console/{ROLE}/usage",
            "topology": "/console/topology",
            "rollouts": "/console/rollouts",
            "set": "/console/registrySets/baseline",
            "rollout": f"/console/{names['rollout']}",
            "operations": "/console/operations",
            "operation": f"/console/{names['operation']}",
            "audit": "/console/audit",
            "event": f"/console/{names['event']}",
            "failed": "/console/accounts/333333333333/registries/us-east-1",
        }


@contextmanager
def world(aws: harness.Simulator, folder: Path, *, filled: bool = True, **settings: Any) -> Iterator[World]:
    """Run a server with tokens, a policy and something to see."""
    if filled:
        aws.control("POST", "reset")
    (folder / "policy.yaml").write_text(POLICY)
    with serving() as issuer:
        issuer.add_key("first")
        server = harness.Server(
            folder, f"sqlite:///{folder / 'ecrkeeper.db'}", aws.url, http_listen="127.0.0.1:0", console="true",
            jwt_issuer=issuer.url, jwt_audience=AUDIENCE, jwt_leeway_seconds=0, policy_file=folder / "policy.yaml",
            **settings,
        )  # fmt: skip
        token = issuer.token("alice" + HTML.replace(" ", ""), lasts=3600)
        with ecrkeeper.Client(server.address, insecure=True, token=token) as client:
            served = World(Live(server, aws, client), issuer, folder, port_of(folder / "server.log"))
            if filled:
                fill(served)
            yield served
        assert server.stop() == 0


def fill(served: World) -> None:
    """Declare something for every page."""
    client, place = served.live.client, served.live.registry(ACCOUNT)
    settings = {
        "registryPolicy": {"policyText": POLICY_TEXT % STATEMENT},
        "replicationConfiguration": {
            "rules": [
                {
                    "destinations": [{"region": "eu-west-1", "registryId": OTHER}],
                    "repositoryFilters": [{"filter": "prod-", "filterType": "PREFIX_MATCH"}],
                }
            ]
        },
        "scanningConfiguration": {"scanType": "BASIC", "rules": []},
    }
    client.apply_registry_settings(place.part("team-a"), message({}), reason=HTML)
    client.apply_registry_settings(place.part("team-a"), message(settings), reason=HTML)
    client.apply_registry_settings(
        place.part("team-b"),
        message(
            {"pullThroughCacheRules": {"rules": [{"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}]}}
        ),
    )
    # Free text of AWS, which others may write as well.
    client.apply_registry_settings(
        place.part("team-c"),
        message(
            {
                "registryPolicy": {"policyText": POLICY_TEXT % json.dumps(CONDITIONAL)},
                "repositoryCreationTemplates": {
                    "templates": [
                        {
                            "prefix": "prod-team", "description": HTML, "appliedFor": ["REPLICATION"],
                            "repositoryPolicy": json.dumps({"Version": "2012-10-17", "Statement": [TEMPLATED]}),
                        }
                    ]
                },
            }
        ),
    )  # fmt: skip
    for region in ("eu-west-1", "eu-central-1"):
        client.apply_registry_settings(
            served.live.registry(OTHER, region).part("team-a"), message({"pullThroughCacheRules": {"rules": []}})
        )
    operation = client.reconcile_registry(place.name)
    operation.result(timeout=20)
    served.names["operation"] = operation.name
    client.update_service_linked_role(
        {"name": ROLE, "description": HTML, "tags": {"team": "platform"}}, ["description", "tags"], allow_missing=True
    )
    client.create_account(ACCOUNT, {"displayName": HTML, "labels": {"stage": "prod"}, "enabledRegions": ["us-east-1"]})
    client.create_registry_set(
        "baseline",
        {"selector": {"accounts": "labels.stage = prod"}, "settings": {"scanningConfiguration": {"scanType": "BASIC"}}},
        reason=HTML,
    )
    served.names["rollout"] = harness.eventually(
        lambda: next((each.name for each in client.list_rollouts("registrySets/baseline")), "")
    )
    _drift(served)
    served.names["event"] = next(each.name for each in client.list_audit_events() if each.reason)


def _drift(served: World) -> None:
    """Change a registry that is only observed out of band."""
    place = served.live.registry(ACCOUNT)
    harness.eventually(lambda: not place.read().reconciling)
    place.keep(mode="OBSERVE")
    foreign = STATEMENT.replace("ecr:ReplicateImage", "ecr:CreateRepository").replace(OTHER, "444444444444")
    place.seed(policyText=POLICY_TEXT % foreign)
    served.live.client.reconcile_registry(place.name)
    harness.eventually(lambda: place.read().drift)
