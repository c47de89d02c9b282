"""The OpenAPI document is valid, complete, and true of real answers."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import jsonschema
import openapi_spec_validator
import pytest
from ecrkeeper_server.api.server import methods

from tests import harness
from tests.e2e.live import fresh_account, rules
from tests.http.conftest import Served
from tests.http.web import GET, LIST, SETTINGS


@pytest.fixture(scope="module")
def document() -> Any:
    command = [harness.program("ecrkeeper-server"), "api", "openapi"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)


def test_document_is_valid(document: Any) -> None:
    openapi_spec_validator.validate(document)


def test_document_has_every_unary_method(document: Any) -> None:
    unary = {path for path, kind in methods().items() if kind == "unary"}
    assert set(document["paths"]) == unary
    assert len(unary) > 45
    for path, item in document["paths"].items():
        assert item["post"]["description"] or path.startswith("/grpc."), path


def answers_of(document: Any, path: str, status: str = "200") -> jsonschema.protocols.Validator:
    """Return the validator of a method's answers, in which nothing is left out."""
    schema = document["paths"][path]["post"]["responses"][status]["content"]["application/json"]["schema"]
    for each in document["components"]["schemas"].values():
        if "properties" in each:
            each.setdefault("additionalProperties", False)
    return jsonschema.Draft202012Validator({**schema, "components": document["components"]})


def test_answers_match_the_document(served: Served, document: Any) -> None:
    place = served.live.registry(fresh_account())
    place.converged({"replicationConfiguration": rules((place.account, "eu-west-1"))})
    parent = f"accounts/{place.account}"
    calls = [
        (GET, {"name": place.name}),
        (LIST, {"parent": parent}),
        (f"{SETTINGS}/ListRegistryElements", {"parent": place.name}),
        (f"{SETTINGS}/GetRegistrySettings", {"name": place.part("platform")}),
        (f"{SETTINGS}/ListRegistrySettingsRevisions", {"name": place.part("platform")}),
        ("/ecrkeeper.v1.AuditService/ListAuditEvents", {}),
        ("/google.longrunning.Operations/ListOperations", {"name": "operations"}),
        ("/ecrkeeper.v1.FleetService/GetFleet", {"name": "fleet"}),
        ("/ecrkeeper.v1.ServerService/GetServerInfo", {}),
    ]
    with served.web() as web:
        for path, request in calls:
            answer = web.call(path, request)
            assert answer.status == 200, answer.body
            assert answer.json, path
            answers_of(document, path).validate(answer.json)
        error = web.call(GET, {"name": "x"})
    answers_of(document, GET, "default").validate(error.json)
    with pytest.raises(jsonschema.ValidationError):
        answers_of(document, GET).validate({"name": 3})
