"""Endpoints, variants and certificates by profile files, as in botocore's clients."""

from __future__ import annotations

from pathlib import Path

import botocore.session
import pytest
import trustme
from ecrkeeper_server.aws.environment import InvalidEnvironment, aws_environment
from ecrkeeper_server.aws.wire import Wire

from tests.conformance.test_endpoints import sent_to

CONFIG = """
[default]
endpoint_url = https://default.example

[profile one]
services = mine
use_fips_endpoint = true

[profile "with space"]
services = mine
endpoint_url = https://all.example

[profile dual]
use_dualstack_endpoint = True

[profile deaf]
services = mine
ignore_configured_endpoint_urls = true

[services mine]
ecr =
  endpoint_url = https://ecr.example:8443
iam =
  endpoint_url = http://iam.example/path
s3 =
  endpoint_url = https://s3.example
"""
CREDENTIALS = """
[default]
aws_access_key_id = hunter2

[of-credentials]
endpoint_url = https://credentials.example

[one]
use_fips_endpoint = false
"""
PROFILES = [
    ({}, "the default profile"),
    ({"AWS_PROFILE": "one"}, "a section of services; the credentials precede"),
    ({"AWS_PROFILE": "with space"}, "a section of services, and a URL for all others"),
    ({"AWS_PROFILE": "dual"}, "dual stack"),
    ({"AWS_PROFILE": "deaf"}, "the URLs are to be ignored"),
    ({"AWS_PROFILE": "of-credentials"}, "a profile of the credentials alone"),
    ({"AWS_PROFILE": "one", "AWS_DEFAULT_PROFILE": "dual"}, "the older variable precedes"),
    ({"AWS_PROFILE": "one", "AWS_ENDPOINT_URL": "https://var.example"}, "a variable for all precedes the section"),
    ({"AWS_PROFILE": "one", "AWS_ENDPOINT_URL_STS": "https://sts.example"}, "a variable for another service"),
    ({"AWS_PROFILE": "dual", "AWS_USE_DUALSTACK_ENDPOINT": "false"}, "a variable precedes the profile"),
    ({"AWS_PROFILE": "deaf", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false"}, "a variable precedes the profile"),
    ({"AWS_PROFILE": "deaf", "AWS_ENDPOINT_URL": "https://var.example"}, "variables are ignored, too"),
]


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "config").write_text(CONFIG)
    (tmp_path / "credentials").write_text(CREDENTIALS)
    return {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
    }


@pytest.mark.parametrize(("variables", "reason"), PROFILES, ids=[row[1] for row in PROFILES])
def test_endpoints_of_a_profile_are_those_of_botocore(
    files: dict[str, str], variables: dict[str, str], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (files | variables).items():
        monkeypatch.setenv(name, value)
    session, wire = botocore.session.Session(), Wire(environment=aws_environment(files | variables))
    for service in ("ecr", "iam", "sts", "account"):
        client = session.create_client(service, "eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
        url, endpoint = sent_to(client, service), wire.endpoint(service, "eu-west-1")
        scheme = "https" if endpoint.address.tls else "http"
        assert f"{scheme}://{endpoint.host}{endpoint.prefix}" == url.removesuffix("/"), (service, reason)


def test_bundle_of_a_profile_is_used_unless_a_variable_names_one(tmp_path: Path) -> None:
    for name in ("profile.pem", "variable.pem"):
        trustme.CA(organization_name=name).cert_pem.write_to_path(tmp_path / name)
    (tmp_path / "config").write_text(f"[default]\nca_bundle = {tmp_path / 'profile.pem'}\n")
    variables = {"AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent"}
    for name, extra in (("profile.pem", {}), ("variable.pem", {"AWS_CA_BUNDLE": str(tmp_path / "variable.pem")})):
        (certificate,) = aws_environment(variables | extra).tls().get_ca_certs()
        assert name in str(certificate["subject"])


def make_bundles(folder: Path) -> None:
    (folder / "text.pem").write_text("no certificate")
    (folder / "broken.pem").write_text("-----BEGIN CERTIFICATE-----\nhunter2\n-----END CERTIFICATE-----\n")
    (folder / "empty").mkdir()
    (folder / "bad-config").write_text("[default]\nhunter2\n")
    (folder / "no-section").write_text("hunter2 = 1\n")
    (folder / "not-text").write_bytes(b"[default]\na = \xff\n")
    (folder / "no-services").write_text("[default]\nservices = other\n")
    (folder / "bad-url").write_text("[default]\nendpoint_url = ftp://x\nca_bundle = /nonexistent\n")


ERRORS = [
    ({"AWS_CA_BUNDLE": "{0}/none.pem"}, ["AWS_CA_BUNDLE: cannot use '{0}/none.pem': No such file or directory"]),
    ({"AWS_CA_BUNDLE": "{0}/text.pem"}, ["AWS_CA_BUNDLE: cannot use '{0}/text.pem': no certificates in PEM"]),
    ({"AWS_CA_BUNDLE": "{0}/broken.pem"}, ["AWS_CA_BUNDLE: cannot use '{0}/broken.pem': no certificates in PEM"]),
    ({"AWS_CA_BUNDLE": "{0}/empty"}, ["AWS_CA_BUNDLE: cannot use '{0}/empty': the directory has no certificate"]),
    ({"AWS_CONFIG_FILE": "{0}/bad-config"}, ["AWS_CONFIG_FILE: cannot read {0}/bad-config: ParsingError in line 2"]),
    ({"AWS_CONFIG_FILE": "{0}/no-section"}, ["AWS_CONFIG_FILE: cannot read {0}/no-section: Missing"]),
    ({"AWS_CONFIG_FILE": "{0}/not-text"}, ["AWS_CONFIG_FILE: cannot read {0}/not-text: UnicodeDecodeError"]),
    ({"AWS_CONFIG_FILE": "{0}/no-services"}, ["services of profile default in {0}/no-services: there is no section"]),
    (
        {"AWS_CONFIG_FILE": "{0}/bad-url"},
        [
            "endpoint_url of profile default in {0}/bad-url: must be an http:// or https:// URL",
            "ca_bundle of profile default in {0}/bad-url: cannot use '/nonexistent': No such file",
        ],
    ),
    ({"AWS_SHARED_CREDENTIALS_FILE": "{0}/bad-config"}, ["AWS_SHARED_CREDENTIALS_FILE: cannot read {0}/bad-config"]),
    ({"AWS_ENDPOINT_URL_ECR": "ecr.example"}, ["AWS_ENDPOINT_URL_ECR: must be an http:// or https:// URL"]),
    ({"AWS_ENDPOINT_URL": "https://"}, ["AWS_ENDPOINT_URL: must be an http:// or https:// URL with a host"]),
    ({"HTTPS_PROXY": "socks5://u:hunter2@proxy"}, ["HTTPS_PROXY: must be the http:// or https:// URL of a proxy"]),
    ({"http_proxy": "http://u:hunter2@proxy:port"}, ["http_proxy: must be the http:// or https:// URL of a proxy"]),
]


@pytest.mark.parametrize(("variables", "errors"), ERRORS, ids=[row[1][0].split(":")[0] for row in ERRORS])
def test_invalid_environment_names_variable_path_and_reason(
    variables: dict[str, str], errors: list[str], tmp_path: Path
) -> None:
    make_bundles(tmp_path)
    nowhere = {"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent"}
    environment = nowhere | {name: value.format(tmp_path) for name, value in variables.items()}
    with pytest.raises(InvalidEnvironment) as caught:
        aws_environment(environment)
    assert len(caught.value.errors) == len(errors)
    for error, expected in zip(caught.value.errors, errors, strict=True):
        assert error.startswith(expected.format(tmp_path))
    assert "hunter2" not in str(caught.value)


def test_endpoints_of_other_services_are_nobodys_concern() -> None:
    environment = aws_environment({"AWS_ENDPOINT_URL_S3": "nonsense", "AWS_CONFIG_FILE": "/nonexistent"})
    assert environment.endpoints == {}
