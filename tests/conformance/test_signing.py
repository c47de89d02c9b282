"""The server's own AWS transport sends the same requests as boto3."""

from __future__ import annotations

import datetime
import socket
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.config import Config
from botocore.credentials import ReadOnlyCredentials
from ecrkeeper_server.aws.client import AwsClient, AwsOptions
from ecrkeeper_server.aws.signer import sign
from ecrkeeper_server.aws.wire import Credentials, Prepared, Wire
from ecrkeeper_server.aws_errors import Temporary
from hypothesis import given, settings
from hypothesis import strategies as st

MOMENT = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC).timestamp()
KEYS = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI", "a-session-token")
ROLE = "AWSServiceRoleForECRReplication"
DESTINATION = {"region": "us-west-2", "registryId": "111111111111"}
FILTERS = [{"filter": "prod*", "filterType": "WILDCARD"}]

# service, operation, parameters
CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("ecr", "DescribeRegistry", {}),
    ("ecr", "GetRegistryPolicy", {}),
    ("ecr", "PutRegistryPolicy", {"policyText": '{"Statement": [], "Id": "é\\u0000"}'}),
    ("ecr", "DeleteRegistryPolicy", {}),
    ("ecr", "PutReplicationConfiguration", {"replicationConfiguration": {"rules": [{"destinations": [DESTINATION]}]}}),
    ("ecr", "DescribePullThroughCacheRules", {"maxResults": 1000}),
    ("ecr", "CreatePullThroughCacheRule", {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}),
    ("ecr", "UpdatePullThroughCacheRule", {"ecrRepositoryPrefix": "quay", "credentialArn": "arn:aws:secretsmanager:us-east-1:111111111111:secret:ecr-pullthroughcache/a"}),
    ("ecr", "DeletePullThroughCacheRule", {"ecrRepositoryPrefix": "quay"}),
    ("ecr", "ValidatePullThroughCacheRule", {"ecrRepositoryPrefix": "quay"}),
    ("ecr", "GetRegistryScanningConfiguration", {}),
    ("ecr", "PutRegistryScanningConfiguration", {"scanType": "BASIC", "rules": [{"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": FILTERS}]}),
    ("ecr", "DescribeRepositoryCreationTemplates", {"maxResults": 1000}),
    ("ecr", "CreateRepositoryCreationTemplate", {"prefix": "ROOT", "appliedFor": ["REPLICATION"], "resourceTags": [{"Key": "a", "Value": "b"}]}),
    ("ecr", "DeleteRepositoryCreationTemplate", {"prefix": "ROOT"}),
    ("ecr", "GetAccountSetting", {"name": "BLOB_MOUNTING"}),
    ("ecr", "PutAccountSetting", {"name": "BLOB_MOUNTING", "value": "ENABLED"}),
    ("ecr", "ListReplicationBackfills", {"maxResults": 50}),
    ("ecr", "StartReplicationBackfill", {"destination": DESTINATION}),
    ("iam", "GetRole", {"RoleName": ROLE}),
    ("iam", "CreateServiceLinkedRole", {"AWSServiceName": "replication.ecr.amazonaws.com", "Description": "a b+c&d=é"}),
    ("iam", "DeleteServiceLinkedRole", {"RoleName": ROLE}),
    ("iam", "GetServiceLinkedRoleDeletionStatus", {"DeletionTaskId": "task/aws-service-role/x/y"}),
    ("iam", "UpdateRole", {"RoleName": ROLE, "Description": ""}),
    ("iam", "TagRole", {"RoleName": ROLE, "Tags": [{"Key": "a", "Value": "b"}, {"Key": "c", "Value": ""}]}),
    ("iam", "UntagRole", {"RoleName": ROLE, "TagKeys": ["a", "b"]}),
    ("sts", "AssumeRole", {"RoleArn": "arn:aws:iam::111111111111:role/ecrkeeper", "RoleSessionName": "ecrkeeper", "ExternalId": "an-id"}),
    ("account", "ListRegions", {"RegionOptStatusContains": ["ENABLED", "ENABLING"]}),
]  # fmt: skip


class _Frozen(datetime.datetime):
    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> _Frozen:
        return cls(2026, 1, 2, 3, 4, 5, tzinfo=tz)

    @classmethod
    def utcnow(cls) -> _Frozen:
        return cls(2026, 1, 2, 3, 4, 5)


@pytest.fixture(autouse=True)
def _frozen_time(monkeypatch: pytest.MonkeyPatch) -> None:
    import botocore.auth

    if hasattr(botocore.auth, "get_current_datetime"):
        monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_, **__: _Frozen(2026, 1, 2, 3, 4, 5))
    else:
        monkeypatch.setattr(botocore.auth.datetime, "datetime", _Frozen)


@pytest.fixture(scope="module")
def wire() -> Wire:
    return Wire(clock=lambda: MOMENT)


def by_boto3(service: str, region: str, operation: str, params: dict[str, Any]) -> Any:
    """Return the request that boto3 would send."""
    session = boto3.Session(KEYS.access_key, KEYS.secret_key, KEYS.token, region_name=region)
    client = session.client(service, config=Config(retries={"max_attempts": 0}, parameter_validation=True))
    sent: list[Any] = []

    def keep(request: Any, **_: Any) -> AWSResponse:
        sent.append(request)
        return AWSResponse(request.url, 500, {}, None)

    client.meta.events.register("before-send", keep)
    method = next(name for name, api in client.meta.method_to_api_mapping.items() if api == operation)
    try:
        getattr(client, method)(**params)
    except Exception:
        # There is no answer; only the request matters.
        assert sent
    return sent[0]


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _headers(headers: Any) -> dict[str, str]:
    return {key.lower(): _text(value) for key, value in headers.items()}


def _body(body: Any, form: bool) -> Any:
    text = _text(body or b"")
    return sorted(parse_qsl(text, keep_blank_values=True)) if form else text


@pytest.mark.parametrize(("service", "operation", "params"), CALLS, ids=[row[1] for row in CALLS])
@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_signed_request_matches_botocore(
    wire: Wire, region: str, service: str, operation: str, params: dict[str, Any]
) -> None:
    own: Prepared = wire.prepare(service, region, operation, params, KEYS)
    expected = by_boto3(service, region, operation, params)
    own_headers, boto = _headers(own.headers), _headers(expected.headers)
    assert own.method == expected.method
    assert own.target == urlsplit(expected.url).path
    assert _body(own.body, service in ("iam", "sts")) == _body(expected.body, service in ("iam", "sts"))
    for header in ("x-amz-target", "x-amz-security-token"):
        assert own_headers.get(header) == boto.get(header), header
    assert own_headers.get("content-type", "").split(";")[0] == boto.get("content-type", "").split(";")[0]
    assert own_headers["x-amz-date"] == boto["x-amz-date"]
    scope = boto["authorization"].split(",")[0]
    assert own_headers["authorization"].split(",")[0] == scope, (
        "the key, the date, the Region and the service signed for"
    )
    if (
        f"https://{own_headers['host']}{own.target}" == expected.url
        and own_headers.get("content-type") == boto.get("content-type")
        and own.body == expected.body
    ):
        assert own_headers["authorization"] == boto["authorization"]


_TEXT = st.text(st.characters(codec="ascii", exclude_categories=("Cc",)), min_size=1, max_size=40).filter(str.strip)


@settings(max_examples=200)
@given(
    method=st.sampled_from(["POST", "GET"]),
    host=st.sampled_from(["api.ecr.eu-central-1.amazonaws.com", "127.0.0.1:4566", "[::1]:4566"]),
    path=st.sampled_from(["/", "/listRegions", "/a b/ü~", "/a%20b"]),
    headers=st.dictionaries(st.sampled_from(["Content-Type", "X-Amz-Target", "x-amz-other"]), _TEXT),
    body=st.binary(max_size=200),
    token=st.none() | _TEXT,
    secret=_TEXT,
)
def test_signature_matches_botocore(
    method: str, host: str, path: str, headers: dict[str, str], body: bytes, token: str | None, secret: str
) -> None:
    request = AWSRequest(method, f"http://{host}{path}", {**headers, "User-Agent": "not signed"}, body)
    SigV4Auth(ReadOnlyCredentials("AKIDEXAMPLE", secret, token), "ecr", "eu-central-1").add_auth(request)
    own = sign(
        method,
        host,
        path,
        headers,
        body,
        access_key="AKIDEXAMPLE",
        secret_key=secret,
        token=token,
        region="eu-central-1",
        service="ecr",
        now=MOMENT,
    )
    assert own["Authorization"] == request.headers["Authorization"]
    assert own["X-Amz-Date"] == request.headers["X-Amz-Date"]


async def test_call_without_credentials_fails_before_sending(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(0.2)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        for template in (None, "arn:aws:iam::{account}:role/ecrkeeper"):
            client = AwsClient(AwsOptions(endpoint_url=url, role_template=template))
            with pytest.raises(Temporary) as caught:
                await client.call("111111111111", "us-east-1", "ecr", "DescribeRegistry", {})
            assert caught.value.reason == "AWS_NO_CREDENTIALS"
            await client.close()
        with pytest.raises(TimeoutError):
            listener.accept()
