"""A real server and client with moto's server, an independent AWS.

moto has no cache rules, templates, account settings, exclusions, signing and
backfills, takes one replication rule, and gives service-linked roles wrong
names, so only what it does as AWS does is tested against it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions
import ecrkeeper
import pytest
from ecrkeeper.v1.registry_pb2 import Registry

from tests import databases, harness
from tests.e2e.live import WAIT_SECONDS, fresh_account, message

# The account of credentials that moto did not issue.
AMBIENT = "123456789012"
# The roles that the server assumes; moto does not check that they exist.
ROLE = "arn:aws:iam::{account}:role/ecrkeeper"


@dataclass(frozen=True, slots=True)
class Moto:
    """moto's server, and a client of the ecrkeeper server that uses it."""

    url: str
    client: ecrkeeper.Client

    def place(self, account: str, region: str = "us-east-1") -> Place:
        """Return one registry of an account."""
        return Place(self, account, region)


@dataclass(frozen=True, slots=True)
class Place:
    """One registry, seen through the API and, with its account's credentials, in moto."""

    moto: Moto
    account: str
    region: str

    @property
    def name(self) -> str:
        """The registry's name in the API."""
        return f"accounts/{self.account}/registries/{self.region}"

    def part(self, owner: str = "platform") -> str:
        """The name of what an owner declares."""
        return f"{self.name}/settings/{owner}"

    def converged(self, settings: Mapping[str, Any], owner: str = "platform") -> Registry:
        """Declare settings in AWS's shape and wait until AWS has them."""
        self.moto.client.apply_registry_settings(self.part(owner), message(settings))
        return self.reconciled()

    def removed(self, owner: str = "platform") -> None:
        """Delete a declaration and wait until AWS no longer has its elements."""
        self.moto.client.delete_registry_settings(self.part(owner))
        self.reconciled()

    def reconciled(self) -> Registry:
        """Return the registry after a successful reconcile."""
        self.moto.client.reconcile_registry(self.name).result(timeout=WAIT_SECONDS)
        return self.moto.client.get_registry(self.name)

    def ecr(self) -> Any:
        """Return an ECR client with credentials of the account."""
        if self.account == AMBIENT:
            keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any"}
        else:
            assumed = _sts(self.moto.url).assume_role(
                RoleArn=ROLE.format(account=self.account), RoleSessionName="test"
            )["Credentials"]
            keys = {
                "aws_access_key_id": assumed["AccessKeyId"],
                "aws_secret_access_key": assumed["SecretAccessKey"],
                "aws_session_token": assumed["SessionToken"],
            }
        return boto3.client("ecr", region_name=self.region, endpoint_url=self.moto.url, **keys)

    def rules(self) -> list[dict[str, Any]]:
        """Return the replication rules that moto has."""
        current: list[dict[str, Any]] = self.ecr().describe_registry()["replicationConfiguration"]["rules"]
        return current

    def statements(self) -> dict[str, dict[str, Any]]:
        """Return the statements of the registry policy in moto, by Sid."""
        try:
            text = self.ecr().get_registry_policy()["policyText"]
        except botocore.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "RegistryPolicyNotFoundException"
            return {}
        return {statement["Sid"]: statement for statement in json.loads(text)["Statement"]}


def _sts(url: str) -> Any:
    return boto3.client(
        "sts", region_name="us-east-1", endpoint_url=url, aws_access_key_id="any", aws_secret_access_key="any"
    )


@pytest.fixture(scope="module")
def moto_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running moto server."""
    script = Path(__file__).with_name("serve.py")
    process = harness.Process([sys.executable, str(script)], {}, tmp_path_factory.mktemp("moto") / "moto.log")
    yield process.address
    assert process.stop() == 0


def _served(folder: Path, moto_url: str, **settings: str) -> Iterator[Moto]:
    url = databases.new_sqlite(folder / "ecrkeeper.db")
    server = harness.Server(folder, url, moto_url, **settings)
    with ecrkeeper.Client(server.address, insecure=True) as client:
        yield Moto(moto_url, client)
    assert server.stop() == 0


@pytest.fixture(scope="module")
def moto(moto_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moto]:
    """A server that assumes a role in each account."""
    yield from _served(tmp_path_factory.mktemp("server"), moto_url)


@pytest.fixture(scope="module")
def ambient(moto_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moto]:
    """A server that uses its own credentials."""
    yield from _served(tmp_path_factory.mktemp("ambient"), moto_url, aws_role_template="")


@pytest.fixture
def place(moto: Moto) -> Place:
    """A registry of an account that no other test uses."""
    return moto.place(fresh_account())
