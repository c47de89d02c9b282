"""Every unary RPC of every service answers the same over gRPC and over HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from ecrkeeper_server.api.server import SERVICES, methods
from google.protobuf import descriptor_pool, json_format, message_factory
from google.rpc import status_pb2
from grpc_status import rpc_status

from tests import databases, harness
from tests.access.test_permissions import ROWS
from tests.http.web import UNARY, Web, port_of
from tests.issuer import AUDIENCE, Issuer, serving

HEALTH = "grpc.health.v1.Health"
POLICY = """
rules:
  - {name: all, groups: [everything], verbs: ["*"]}
  - {name: readers, groups: [readers], verbs: [read]}
"""
# Requests that change something, so that the later ones find it. ROWS has one for each method.
FIRST: list[tuple[str, dict[str, Any]]] = [
    ("CreateAccount", {"accountId": "111111111111", "account": {"displayName": "é\u2028"}}),
    (
        "CreateRegistrySettings",
        {
            "parent": "accounts/111111111111/registries/eu-west-1",
            "registrySettingsId": "web",
            "registrySettings": {
                "settings": {"pullThroughCacheRules": {"rules": [
                    {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}
                ]}}
            },
            "reason": "first",
        },
    ),
    ("CreateServiceLinkedRole", {"parent": "accounts/111111111111", "serviceLinkedRoleId": "replication"}),
]  # fmt: skip
VIEWS_OF_EVERYTHING = {
    "ListAuditEvents",
    "GetAuditEvent",
    "ListOperations",
    "ListAccounts",
    "ListRegistrySets",
    "GetFleet",
}
Caller = Callable[[str, dict[str, Any]], Any]


def unary_methods() -> dict[str, str]:
    """Return the paths of all unary methods by their names."""
    return {path.rpartition("/")[2]: path for path, kind in methods().items() if kind == "unary"}


@dataclass(frozen=True, slots=True)
class Both:
    """A server without an engine, so that only calls change anything."""

    address: str
    port: int
    issuer: Issuer

    def metadata(self, caller: str) -> dict[str, str]:
        """Return the credentials of a caller."""
        if caller == "nobody":
            return {}
        return {"authorization": f"Bearer {self.issuer.token(caller, groups=(caller,))}"}


@pytest.fixture(scope="module")
def both(
    request: pytest.FixtureRequest, simulated_aws: harness.Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Both]:
    folder = tmp_path_factory.mktemp("server")
    (folder / "policy.yaml").write_text(POLICY)
    url = databases.new_postgres(request)
    with serving() as issuer:
        issuer.add_key("first")
        server = harness.Server(
            folder, url, simulated_aws.url, http_listen="127.0.0.1:0", role="api",
            jwt_issuer=issuer.url, jwt_audience=AUDIENCE, policy_file=folder / "policy.yaml",
        )  # fmt: skip
        yield Both(server.address, port_of(folder / "server.log"), issuer)
        assert server.stop() == 0


def over_grpc(both: Both, caller: str) -> Iterator[Caller]:
    """Yield a function that returns the answer or the status of a call over gRPC."""
    credentials = tuple(both.metadata(caller).items())
    with grpc.insecure_channel(both.address, options=(("grpc.enable_retries", 0),)) as channel:

        def call(path: str, request: dict[str, Any]) -> Any:
            question, kind = types(path)
            sent = json_format.ParseDict(request, question()).SerializeToString()
            try:
                answer = channel.unary_unary(path)(sent, timeout=20, metadata=credentials)
            except grpc.RpcError as error:
                return rpc_status.from_call(error)  # type: ignore[arg-type]
            return kind.FromString(answer)

        yield call


def over_json(both: Both, caller: str) -> Iterator[Caller]:
    """Yield the same over HTTP with JSON."""
    with Web(both.port) as web:

        def call(path: str, request: dict[str, Any]) -> Any:
            answer = web.call(path, request, {**UNARY, **both.metadata(caller)})
            assert answer.headers["Content-Type"] == "application/json"
            return json_format.Parse(answer.body, types(path)[1]()) if answer.status == 200 else status(answer.json)

        yield call


def over_proto(both: Both, caller: str) -> Iterator[Caller]:
    """Yield the same over HTTP with the wire format."""
    with Web(both.port) as web:

        def call(path: str, request: dict[str, Any]) -> Any:
            question, kind = types(path)
            sent = json_format.ParseDict(request, question()).SerializeToString()
            headers = {**UNARY, "Content-Type": "application/proto", **both.metadata(caller)}
            answer = web.call(path, sent, headers)
            return kind.FromString(answer.body) if answer.status == 200 else status(answer.json)

        yield call


def types(path: str) -> Any:
    """Return the types of a method's requests and answers."""
    service, _, name = path[1:].partition("/")
    method = descriptor_pool.Default().FindServiceByName(service).methods_by_name[name]
    return message_factory.GetMessageClass(method.input_type), message_factory.GetMessageClass(method.output_type)


def status(error: Any) -> status_pb2.Status:
    """Return the status of an error in Connect's JSON."""
    details = [{"@type": f"type.googleapis.com/{each['type']}", **each["debug"]} for each in error.get("details", [])]
    code = grpc.StatusCode[error["code"].upper()].value[0]
    content = {"code": code, "message": error.get("message", ""), "details": details}
    return json_format.ParseDict(content, status_pb2.Status())


def plain(answer: Any, account: str, owner: str) -> Any:
    """Return an answer without the ids, times and names that differ from run to run."""
    text = json.dumps(json_format.MessageToDict(answer), sort_keys=True)
    text = text.replace(account, "111111111111").replace(owner, "web")
    for volatile, instead in (
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
        (r'("call_id"|"callId"): "[0-9a-f]{32}"', r'\1: "ID"'),
        (r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z", "TIME"),
        (r'"(digest|etag|nextPageToken|signature)": "[^"]*"', r'"\1": "OPAQUE"'),
        (r"auditEvents/[0-9]+", "auditEvents/N"),
        (r"AROA[A-Z0-9]+", "ROLE_ID"),
        (r"after [0-9.]+ s", "after N s"),
        (r'"retryDelay": "[0-9.]+s"', '"retryDelay": "N"'),
    ):
        text = re.sub(volatile, instead, text)
    return type(answer).__name__, text


def walk(call: Caller, account: str, owner: str) -> Iterator[tuple[str, Any]]:
    """Call every unary method in the table's order, for an account and an owner."""
    paths = unary_methods()
    for method, request in [*FIRST, *[(row[0], row[1]) for row in ROWS if row[0] in paths]]:
        own = json.loads(
            json.dumps(request)
            .replace("accounts/-", f"accounts/{account}")
            .replace("111111111111", account)
            .replace('"web"', f'"{owner}"')
            .replace("registrySets/web", f"registrySets/{owner}")
            .replace("settings/web", f"settings/{owner}")
        )
        answer = plain(call(paths[method], own), account, owner)
        # A view of everything shows what the walks over the other transports left.
        is_shared = method in VIEWS_OF_EVERYTHING and answer[0] != "Status"
        yield f"{method} {json.dumps(request)}", (answer[0], "...") if is_shared else answer
    yield "Health.Check", plain(call(f"/{HEALTH}/Check", {}), account, owner)
    yield "Health.List", plain(call(f"/{HEALTH}/List", {}), account, owner)


def test_table_has_every_unary_method() -> None:
    walked = {row[0] for row in ROWS} | {"Check", "List"}
    assert set(unary_methods()) <= walked
    assert len(unary_methods()) > 45
    assert {path.split("/")[1] for path in unary_methods().values()} == {*SERVICES, HEALTH}


@pytest.mark.parametrize("caller", ["everything", "readers", "others", "nobody"])
def test_unary_calls_answer_the_same_over_both_ports(both: Both, caller: str) -> None:
    transports = {"grpc": over_grpc, "json": over_json, "proto": over_proto}
    if caller == "nobody":
        # Both ports share the limit of failed authentications, which three walks exceed.
        del transports["proto"]
    answers = {}
    for at, (name, transport) in enumerate(transports.items()):
        # Names of equal length, so that sizes are equal too.
        account, owner = f"{at + 1}0000000{len(caller):04}", f"web{at}"
        for call in transport(both, caller):
            answers[name] = dict(walk(call, account, owner))
    assert len(answers["grpc"]) > 60
    for name in list(transports)[1:]:
        for case, answer in answers["grpc"].items():
            assert answers[name][case] == answer, f"{case} over {name}"
    outcomes = {kind for kind, _ in answers["grpc"].values()}
    assert ("Registry" in outcomes) is (caller == "everything"), "the others may not declare what they read"
    assert outcomes >= {"Status", "HealthCheckResponse", "HealthListResponse"}
    codes = {json.loads(text).get("code") for kind, text in answers["grpc"].values() if kind == "Status"}
    expected = {"everything": {3, 5}, "readers": {3, 5, 7}, "others": {3, 7}, "nobody": {16}}
    assert expected[caller] <= codes, "the table reaches the errors that it is meant to"
