"""The private and the public codec of botocore agree, and versions choose between."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import ecrkeeper_server
import pytest
import structlog
from botocore.exceptions import ParamValidationError
from ecrkeeper_server.aws import models
from ecrkeeper_server.aws.botocore_private import PrivateCodec
from ecrkeeper_server.aws.botocore_public import PublicCodec
from ecrkeeper_server.aws.codec import SERVICES, Codec
from ecrkeeper_server.aws.wire import Wire
from ecrkeeper_server.private_interfaces import SWITCH, PrivateInterface

from tests.conformance.test_signing import CALLS
from tests.hostile.bodies import XML_ANSWERS

PRIVATE, PUBLIC = PrivateCodec(), PublicCodec()
BOTH: list[Codec] = [PRIVATE, PUBLIC]


def comparable(codec: Codec, service: str, operation: str, params: dict[str, Any]) -> Any:
    """Return a request independent of the order of members and the case of headers."""
    method, path, headers, body = codec.serialize(service, operation, params)
    form = service in ("iam", "sts")
    content = sorted(parse_qsl(body.decode(), keep_blank_values=True)) if form else json.loads(body)
    kinds = {name.lower(): value.split(";")[0] for name, value in headers.items()}
    return method, path, kinds, content


@pytest.mark.parametrize(("service", "operation", "params"), CALLS, ids=[row[1] for row in CALLS])
def test_both_codecs_serialize_the_same_request(service: str, operation: str, params: dict[str, Any]) -> None:
    assert comparable(PUBLIC, service, operation, params) == comparable(PRIVATE, service, operation, params)


@pytest.mark.parametrize(
    ("service", "operation", "params", "reason"),
    [
        ("ecr", "CreatePullThroughCacheRule", {}, "a member is missing"),
        ("ecr", "PutAccountSetting", {"name": 5, "value": "ENABLED"}, "a member of another type"),
        ("iam", "GetRole", {"RoleName": "a", "Other": "b"}, "an unknown member"),
    ],
)
@pytest.mark.parametrize("codec", BOTH)
def test_codec_rejects_parameters_that_the_model_does_not_allow(
    codec: Codec, service: str, operation: str, params: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ParamValidationError):
        codec.serialize(service, operation, params)
        pytest.fail(reason)


ERROR = '<ErrorResponse><Error><Code>NoSuchEntity</Code><Message>no "role"</Message></Error></ErrorResponse>'
ANSWERS = [
    *[(service, operation, 200, answer) for (service, operation), (answer, _) in XML_ANSWERS.items()],
    ("iam", "GetRole", 404, ERROR),
    ("sts", "AssumeRole", 403, ERROR),
    ("iam", "GetRole", 404, "<html>busy</html>"),
    ("iam", "GetRole", 503, ""),
    ("iam", "GetRole", 200, "<GetRoleResponse>"),
    ("iam", "GetRole", 200, ""),
    ("iam", "GetRole", 200, "<other/>"),
]


def parsed(codec: Codec, service: str, operation: str, status: int, body: str) -> Any:
    """Return a codec's result for an answer: None if it raises."""
    try:
        return codec.parse(service, operation, status, {"x-amzn-requestid": "r"}, body.encode())
    except Exception:
        return None


@pytest.mark.parametrize(("service", "operation", "status", "body"), ANSWERS)
def test_both_codecs_parse_the_same_answer(service: str, operation: str, status: int, body: str) -> None:
    private, public = (parsed(codec, service, operation, status, body) for codec in BOTH)
    for answer in (private, public):
        # boto3 counts its retries.
        ((answer or {}).get("ResponseMetadata") or {}).pop("RetryAttempts", None)
    if status < 300:
        assert public == private
    else:
        assert (public or {}).get("Error") == (private or {}).get("Error")


def test_a_policy_document_stays_the_text_that_it_is() -> None:
    document = "%7B%22Version%22%3A%222012-10-17%22%7D"
    body = (
        "<GetRoleResponse><GetRoleResult><Role><RoleName>r</RoleName><AssumeRolePolicyDocument>"
        f"{document}</AssumeRolePolicyDocument></Role></GetRoleResult></GetRoleResponse>"
    )
    for codec in BOTH:
        role = codec.parse("iam", "GetRole", 200, {}, body.encode())["Role"]
        assert role["AssumeRolePolicyDocument"] == document


@pytest.mark.parametrize(("fips", "dual_stack"), [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.parametrize("service", SERVICES)
def test_both_codecs_locate_a_service_alike(service: str, fips: bool, dual_stack: bool) -> None:
    for region in ("us-east-1", "eu-west-1", "us-gov-west-1", "cn-north-1", "us-isob-east-1", "eu-later-9"):
        endpoints = [codec.locate(service, region, fips=fips, dual_stack=dual_stack) for codec in BOTH]
        assert endpoints[0] == endpoints[1], region


def test_both_codecs_know_the_same_partitions_regions_and_models() -> None:
    assert PUBLIC.partitions() == PRIVATE.partitions()
    for partition in PRIVATE.partitions():
        assert sorted(PUBLIC.regions(partition)) == sorted(PRIVATE.regions(partition))
    for service in SERVICES:
        assert PUBLIC.protocol(service) == PRIVATE.protocol(service)
        assert PUBLIC.model(service).signing_name == PRIVATE.model(service).signing_name
        assert PUBLIC.model(service).operation_names == PRIVATE.model(service).operation_names
    for codec in BOTH:
        with pytest.raises(ValueError, match="s3"):
            codec.model("s3")


def test_public_codec_obeys_no_profile_and_no_endpoint_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\nendpoint_url = https://elsewhere.example\nuse_fips_endpoint = true\n")
    for name, value in {
        "AWS_PROFILE": "missing",
        "AWS_CONFIG_FILE": str(config),
        "AWS_ENDPOINT_URL": "https://elsewhere.example",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_CA_BUNDLE": "/nonexistent",
        "AWS_MAX_ATTEMPTS": "9",
    }.items():
        monkeypatch.setenv(name, value)
    codec = PublicCodec()
    endpoint = codec.locate("ecr", "eu-west-1", fips=False, dual_stack=False)
    assert endpoint == ("api.ecr.eu-west-1.amazonaws.com", "eu-west-1")
    assert codec.serialize("ecr", "DescribeRegistry", {}).path == "/"


@pytest.mark.parametrize(
    ("version", "switch", "codec", "reason"),
    [
        ("1.44.5", "", PrivateCodec, "a version that was tested"),
        ("1.45.0", "", PublicCodec, "a version that was not"),
        ("1.44.5", "1", PublicCodec, "the switch of the tests"),
    ],
)
def test_codec_depends_on_the_version_of_botocore(
    version: str, switch: str, codec: type, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SWITCH, switch)
    monkeypatch.setattr(models, "BOTOCORE", PrivateInterface("botocore", version, ("1.44",), "slow"))
    with structlog.testing.capture_logs() as logs:
        chosen = Wire(codec=models.choose())._codec
    assert type(chosen) is codec, reason
    assert len(logs) == (1 if version == "1.45.0" else 0)


PUBLIC_MODULES = {"botocore", "botocore.session", "botocore.config", "botocore.exceptions", "botocore.awsrequest"}


def test_internals_of_botocore_are_imported_by_one_module_alone() -> None:
    root = Path(ecrkeeper_server.__file__).parent
    importing = set()
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            if any(name.split(".")[0] == "botocore" and name not in PUBLIC_MODULES for name in names):
                importing.add(str(path.relative_to(root)))
    assert importing == {"aws/botocore_private.py"}
