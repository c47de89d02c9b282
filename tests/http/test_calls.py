"""Calls over HTTP by curl, buf and plain HTTP, on a running server."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from ecrkeeper_server.api.services import reflection

from tests import harness
from tests.e2e.live import fresh_account, rules
from tests.http.conftest import Served
from tests.http.web import CHECK, GET, INFO, LIST, SETTINGS, UNARY, WATCH, reason_of, wrapped

DESCRIPTORS = Path(reflection.__file__).parents[1] / "descriptors.binpb"


def curl(served: Served, path: str, request: Any, *options: str) -> Any:
    """Run curl as a user would."""
    headers = [part for name, value in UNARY.items() for part in ("-H", f"{name}: {value}")]
    data = [] if request is None else ["-d", json.dumps(request)]
    command = ["curl", "-sS", "-m", "20", *headers, *data, *options, served.url + path]
    return json.loads(subprocess.run(command, check=True, capture_output=True, timeout=30).stdout)


def buf_curl(served: Served, path: str, request: Any, *options: str) -> subprocess.CompletedProcess[str]:
    """Run `buf curl` with the shipped descriptor set."""
    command = [harness.program("buf"), "curl", "--schema", str(DESCRIPTORS), "-d", json.dumps(request), *options]
    return subprocess.run([*command, served.url + path], capture_output=True, text=True, timeout=60, check=False)


def test_curl_declares_and_reads_settings(served: Served) -> None:
    place = served.live.registry(fresh_account())
    settings = {"replicationConfiguration": rules((place.account, "eu-west-1"))}
    request = {"parent": place.name, "registrySettingsId": "web", "registrySettings": {"settings": settings}}
    created = curl(served, f"{SETTINGS}/CreateRegistrySettings", request)
    assert created["name"] == place.part("web")
    operation = curl(served, f"{SETTINGS}/ReconcileRegistry", {"name": place.name})
    ended = curl(served, "/google.longrunning.Operations/WaitOperation", {"name": operation["name"], "timeout": "10s"})
    assert ended["done"] is True
    assert ended["response"]["@type"] == "type.googleapis.com/ecrkeeper.v1.Registry"
    assert place.aws()["replicationConfiguration"] == settings["replicationConfiguration"]
    assert curl(served, GET, {"name": place.name})["name"] == place.name


def test_curl_shows_errors_in_plain_text(served: Served) -> None:
    error = curl(served, GET, {"name": "x"})
    assert error["code"] == "invalid_argument"
    assert "name: must look like `accounts/…/registries/…`" in error["message"]
    assert reason_of(error) == "INVALID_FIELDS"


def test_curl_sends_a_large_request_with_expect(served: Served, tmp_path: Path) -> None:
    """Curl waits for `100 Continue` before it sends more than a megabyte."""
    file = tmp_path / "request.json"
    file.write_text(json.dumps({"name": "a" * 1_200_000}))
    began = time.monotonic()
    error = curl(
        served, GET, None, "--data-binary", f"@{file}", "-H", "Expect: 100-continue", "--expect100-timeout", "15"
    )
    assert error["code"] == "invalid_argument"
    assert time.monotonic() - began < 10


def test_buf_curl_calls_with_the_shipped_descriptors(served: Served) -> None:
    place = served.live.registry(fresh_account())
    place.apply({"replicationConfiguration": rules((place.account, "eu-west-1"))})
    done = buf_curl(served, GET, {"name": place.name})
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["name"] == place.name
    failed = buf_curl(served, GET, {"name": place.name.replace("us-east-1", "eu-west-3")})
    assert failed.returncode != 0
    assert json.loads(failed.stderr)["code"] == "not_found"


def test_buf_curl_reads_a_stream(served: Served) -> None:
    place = served.live.registry(fresh_account())
    place.apply({"replicationConfiguration": rules((place.account, "eu-west-1"))})
    request = json.dumps({"parent": f"accounts/{place.account}"})
    command = [harness.program("buf"), "curl", "--schema", str(DESCRIPTORS), "-d", request, served.url + WATCH]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        try:
            assert any(f'"{place.name}"' in line for line in running.stdout)
        finally:
            running.kill()


def test_stream_sends_changes_and_ends_with_the_reason(served: Served) -> None:
    place = served.live.registry(fresh_account())
    with served.web() as web:
        stream = web.stream(WATCH, {"parent": f"accounts/{place.account}"})
        assert stream.status == 200
        assert stream.headers["Content-Type"] == "application/connect+json"
        assert stream.next()["kind"] == "SNAPSHOT_COMPLETE"
        place.apply({"replicationConfiguration": rules((place.account, "eu-west-1"))})
        assert stream.next()["registry"]["name"] == place.name
    with served.web() as web:
        rejected = web.stream(WATCH, {"parent": "nothing"})
        assert rejected.status == 200, "the error of a stream is in its last message"
        assert rejected.next() is None
        assert rejected.end["error"]["code"] == "invalid_argument"
        assert reason_of(rejected.end["error"]) == "INVALID_FIELDS"
        assert len(rejected.end["metadata"]["x-request-id"][0]) == 32


def test_disconnect_ends_the_stream(served: Served) -> None:
    account = fresh_account()
    with served.web() as web:
        web.stream(WATCH, {"parent": f"accounts/{account}"}, **{"X-Request-Id": account}).next()

    def logged() -> Any:
        lines = (served.folder / "server.log").read_text().splitlines()
        return [json.loads(line) for line in lines if f'"call_id": "{account}"' in line and '"event": "rpc"' in line]

    ended = harness.eventually(logged)
    assert ended[0]["code"] == "CANCELLED"
    assert ended[0]["peer"].startswith("ipv4:127.0.0.1:")


def test_health_is_watched_over_http(served: Served) -> None:
    with served.web() as web:
        assert web.call(CHECK).json == {"status": "SERVING"}
        stream = web.stream("/grpc.health.v1.Health/Watch", {})
        assert stream.next() == {"status": "SERVING"}


def test_deadline_of_a_call_is_kept(served: Served) -> None:
    served.live.aws.inject({"kind": "latency", "operation": "DescribeRegistry", "seconds": 5})
    try:
        with served.web() as web:
            name = served.live.registry(fresh_account()).name
            answer = web.call(GET, {"name": name, "refresh": True}, UNARY, **{"Connect-Timeout-Ms": "300"})
    finally:
        served.live.aws.clear_faults()
    assert (answer.status, answer.code) == (504, "deadline_exceeded")


def test_call_id_is_taken_and_returned(served: Served) -> None:
    with served.web() as web:
        assert web.call(INFO, {}, UNARY, **{"X-Request-Id": "mine"}).headers["Trailer-x-request-id"] == "mine"
        for bad in ("é", "a b"):
            answer = web.call(INFO, {}, UNARY, **{"X-Request-Id": bad.encode().decode("latin-1")})
            assert len(answer.headers["Trailer-x-request-id"]) == 32


@pytest.mark.parametrize(
    ("body", "message", "reason"),
    [
        (b"", "must be a JSON object", "no body"),
        (b"[]", "must be a JSON object", "a list"),
        (b"null", "must be a JSON object", "null"),
        (b'{"name"', "Failed to load JSON", "cut off"),
        (b'{"name": "a", "name": "b"}', "duplicate key name", "names one field twice"),
        (b'{"name": "\xff"}', "must be UTF-8", "not UTF-8"),
        (b'{"nam": "x"}', "has no field 'nam'; its fields are name, refresh, view", "misspelled"),
        (b'{"name": 3}', "name: must be text", "a number"),
        (b'{"refresh": "yes"}', "refresh: Expected true or false", "text"),
        (b'{"view": "ALL"}', "view: Invalid enum value ALL", "no such value"),
        (b"{" * 100_000, "Failed to load JSON", "deep and cut off"),
        (b'{"name":' * 5000 + b"1" + b"}" * 5000, "", "deep"),
        (b'{"name": "\\ud800"}', "Unpaired surrogate", "not text"),
        (b'{"name": [' + b"{}," * 50_001 + b"{}]}", "no more than 100000 commas", "would take much memory"),
    ],
)
def test_malformed_json_is_rejected_with_the_field(served: Served, body: bytes, message: str, reason: str) -> None:
    with served.web() as web:
        answer = web.call(GET, body)
        assert (answer.status, answer.code) == (400, "invalid_argument"), reason
        assert message in answer.json["message"], reason
        assert web.call(CHECK).status == 200, "the connection goes on"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "no envelope"),
        (b"\0\0\0", "half a head"),
        (wrapped(b"{}")[:-1], "half a message"),
        (wrapped(b"{}") + wrapped(b"{}"), "two messages"),
        (wrapped(b"{}", 1), "compressed"),
        (wrapped(b"{}", 2), "the end of a stream"),
    ],
)
def test_malformed_envelope_is_rejected(served: Served, body: bytes, reason: str) -> None:
    with served.web() as web:
        web.connection.request("POST", WATCH, body, {**UNARY, "Content-Type": "application/connect+json"})
        answer = web.connection.getresponse().read()
    assert json.loads(answer[5:])["error"]["code"] == "invalid_argument", reason


def test_output_only_fields_of_an_answer_can_be_sent_back(served: Served) -> None:
    place = served.live.registry(fresh_account())
    place.apply({"replicationConfiguration": rules((place.account, "eu-west-1"))})
    with served.web() as web:
        declaration = web.call(f"{SETTINGS}/GetRegistrySettings", {"name": place.part("platform")}).json
        answer = web.call(f"{SETTINGS}/UpdateRegistrySettings", {"registrySettings": declaration})
        assert answer.status == 200, answer.body
        assert web.call(LIST, {"parent": f"accounts/{place.account}"}).json["registries"][0]["name"] == place.name
