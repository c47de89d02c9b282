"""Endpoints from the environment of the SDKs match botocore's clients."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import trustme
from botocore.config import Config
from ecrkeeper_server.aws.environment import aws_environment
from ecrkeeper_server.aws.wire import Wire

NO_FILES = {"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent"}
FIPS, DUAL = {"AWS_USE_FIPS_ENDPOINT": "true"}, {"AWS_USE_DUALSTACK_ENDPOINT": "true"}


PROBES = {"ecr": "describe_registry", "iam": "get_user", "sts": "get_caller_identity", "account": "list_regions"}


def sent_to(client: Any, service: str) -> str:
    """Return a request's URL as a client sends it; `meta.endpoint_url` may differ."""
    sent: list[Any] = []

    def keep(request: Any, **_: Any) -> None:
        sent.append(request)
        raise InterruptedError

    client.meta.events.register("before-send", keep)
    with pytest.raises(InterruptedError):
        getattr(client, PROBES[service])()
    return str(sent[0].url).removesuffix("listRegions")


@pytest.mark.parametrize("variables", [{}, FIPS, DUAL, FIPS | DUAL])
@pytest.mark.parametrize("service", ["ecr", "iam", "sts", "account"])
def test_endpoint_matches_botocore(variables: dict[str, str], service: str) -> None:
    config = Config(
        use_fips_endpoint="AWS_USE_FIPS_ENDPOINT" in variables,
        use_dualstack_endpoint="AWS_USE_DUALSTACK_ENDPOINT" in variables,
    )
    session, wire = botocore.session.Session(), Wire(environment=aws_environment(NO_FILES | variables))
    for region in ("us-east-1", "eu-west-1", "us-gov-west-1", "cn-north-1", "us-isob-east-1", "eu-later-9"):
        client = session.create_client(service, region, aws_access_key_id="a", aws_secret_access_key="b", config=config)
        endpoint = wire.endpoint(service, region)
        assert f"https://{endpoint.host}/" == sent_to(client, service), region
        assert endpoint.address.tls


@pytest.mark.parametrize(
    ("variables", "configured", "host", "reason"),
    [
        ({"AWS_ENDPOINT_URL_ECR": "https://vpce-1.example"}, None, "vpce-1.example", "a variable of the service"),
        ({"AWS_ENDPOINT_URL": "https://all.example"}, None, "all.example", "a variable of all services"),
        (
            {"AWS_ENDPOINT_URL": "https://all.example", "AWS_ENDPOINT_URL_ECR": "https://one.example:444"},
            None, "one.example:444", "the service comes before all",
        ),
        ({"AWS_ENDPOINT_URL_IAM": "https://iam.example"}, None, "api.ecr.eu-west-1.amazonaws.com", "another service"),
        ({"AWS_ENDPOINT_URL": "https://all.example"}, "http://set.example", "set.example", "the setting comes first"),
        (
            {"AWS_ENDPOINT_URL": "https://all.example", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
            None, "api.ecr.eu-west-1.amazonaws.com", "the variables are to be ignored",
        ),
    ],
)  # fmt: skip
def test_endpoint_variables_are_used(variables: dict[str, str], configured: str | None, host: str, reason: str) -> None:
    assert (
        Wire(configured, environment=aws_environment(NO_FILES | variables)).endpoint("ecr", "eu-west-1").host == host
    ), reason


def test_ca_bundle_replaces_system_authorities(tmp_path: Path) -> None:
    authority, bundle = trustme.CA(), tmp_path / "bundle.pem"
    authority.cert_pem.write_to_path(bundle)
    context = aws_environment({"AWS_CA_BUNDLE": str(bundle)}).tls()
    assert len(context.get_ca_certs()) == 1
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
