"""Requests that a page of any site can make a browser send reach no handler."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.http.conftest import Served
from tests.http.web import GET, INFO, LIST, STREAM, UNARY, WATCH, wrapped

ALLOWED, OTHER = "https://ecr.example.com", "https://evil.example"
VERSION = {"Connect-Protocol-Version": "1"}


@pytest.mark.parametrize(
    ("headers", "status", "reason"),
    [
        ({**VERSION, "Content-Type": "text/plain"}, 415, "a form sends it"),
        ({**VERSION, "Content-Type": "application/x-www-form-urlencoded"}, 415, "a form sends it"),
        ({**VERSION, "Content-Type": "multipart/form-data; boundary=x"}, 415, "a form sends it"),
        ({**VERSION, "Content-Type": "text/plain; application/json"}, 415, "the parameter is no type"),
        ({**VERSION, "Content-Type": "application/json; charset=latin-1"}, 415, "JSON is UTF-8"),
        ({**VERSION, "Content-Type": "application/connect+json"}, 415, "the method is unary"),
        ({**VERSION, "Content-Type": "application/grpc-web"}, 415, "another protocol"),
        (VERSION, 415, "a beacon without a type"),
        ({"Content-Type": "application/json"}, 400, "some browsers have sent this type without a preflight"),
        ({**UNARY, "Connect-Protocol-Version": "2"}, 400, "no such version"),
        ({**UNARY, "Origin": OTHER}, 403, "a page of another site"),
        ({**UNARY, "Origin": "null"}, 403, "a page in a sandbox"),
        ({**UNARY, "Origin": ALLOWED + ".evil.example"}, 403, "the beginning is not the whole"),
        ({**UNARY, "Cookie": "session=1"}, 200, "cookies mean nothing"),
        (UNARY, 200, "no page"),
        ({**UNARY, "Content-Type": 'Application/JSON; charset="UTF-8"'}, 200, "types have no case"),
        ({**UNARY, "Origin": ALLOWED}, 200, "the configured page"),
    ],
)
def test_request_of_a_page_is_rejected(served: Served, headers: Mapping[str, str], status: int, reason: str) -> None:
    with served.web() as web:
        answer = web.call(INFO, {}, headers)
    assert answer.status == status, reason
    assert ("version" in answer.json) is (status == 200), "a rejection shows nothing"


def test_page_of_the_server_itself_is_rejected(served: Served) -> None:
    """After DNS rebinding, a page of another site has the origin of the server."""
    with served.web() as web:
        assert web.call(INFO, {}, UNARY, Origin=served.url).status == 403
        assert web.call(INFO, {}, UNARY, Origin="http://evil.example:80", Host="evil.example:80").status == 403


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_other_http_method_is_rejected(served: Served, method: str) -> None:
    with served.web() as web:
        answer = web.call(INFO, b"", UNARY, method)
    assert answer.status == 405
    assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize("path", ["/", "/metrics", INFO + "/", INFO.lower(), "/" + INFO, "/" + INFO[1:].replace("/", "%2F"),
                                  "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", INFO + "%00"])  # fmt: skip
def test_unknown_path_is_not_found(served: Served, path: str) -> None:
    with served.web() as web:
        answer = web.call(path)
    assert (answer.status, answer.code) == (404, "unimplemented")


def test_preflight_is_answered_for_configured_origins_only(served: Served) -> None:
    headers = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    with served.web() as web:
        allowed = web.call(LIST, b"", {**headers, "Origin": ALLOWED}, "OPTIONS")
        other = web.call(LIST, b"", {**headers, "Origin": OTHER}, "OPTIONS")
    assert allowed.status == 204
    assert allowed.headers["Access-Control-Allow-Origin"] == ALLOWED
    assert "Connect-Protocol-Version" in allowed.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in allowed.headers
    assert other.status == 403
    assert not [name for name in other.headers if name.startswith("Access-Control")]


def test_answers_name_the_allowed_origin(served: Served) -> None:
    with served.web() as web:
        for request in ({}, {"name": "x"}):
            answer = web.call(GET, request, UNARY, Origin=ALLOWED)
            assert answer.headers["Access-Control-Allow-Origin"] == ALLOWED
            assert answer.headers["Vary"] == "Origin"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("path", "headers", "status", "reason"),
    [
        (WATCH, UNARY, 415, "a stream takes envelopes"),
        (WATCH, {**STREAM, "Connect-Content-Encoding": "gzip"}, 501, "compressed messages could expand"),
        (LIST, {**UNARY, "Content-Encoding": "gzip"}, 501, "a compressed body could expand"),
        (LIST, {**UNARY, "Connect-Timeout-Ms": "-1"}, 400, "not a time"),
        (LIST, {**UNARY, "Connect-Timeout-Ms": "12345678901"}, 400, "eleven digits"),
    ],
)
def test_unsupported_form_is_rejected(
    served: Served, path: str, headers: Mapping[str, str], status: int, reason: str
) -> None:
    with served.web() as web:
        answer = web.call(path, wrapped(b"{}"), headers)
    assert answer.status == status, reason
    assert answer.json["message"]
