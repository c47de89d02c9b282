"""Registry policies that name a deleted principal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.harness import Simulator

ROLE, UNIQUE = "arn:aws:iam::333333333333:role/r", "AROAEXAMPLE123456789A"


@pytest.fixture
def ecr(aws: Simulator) -> Iterator[Any]:
    client = boto3.client(
        "ecr", endpoint_url=aws.url, region_name="us-east-1", aws_access_key_id="111111111111",
        aws_secret_access_key="any",
    )  # fmt: skip
    yield client
    client.close()


def text(principal: str) -> str:
    statement = {"Sid": "A", "Effect": "Allow", "Principal": {"AWS": principal}, "Action": "ecr:ReplicateImage"}
    return json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Resource": "*"}]})


@pytest.mark.parametrize("writable", [True, False], ids=["unique id is taken", "unique id is rejected"])
def test_deleted_principal_has_unique_id(aws: Simulator, ecr: Any, writable: bool) -> None:
    ecr.put_registry_policy(policyText=text(ROLE))
    aws.control("PUT", "settings", {"deleted_principals": {ROLE: UNIQUE}, "unique_ids_writable": writable})
    (shown,) = json.loads(ecr.get_registry_policy()["policyText"])["Statement"]
    assert shown["Principal"] == {"AWS": UNIQUE}
    with pytest.raises(ClientError, match="Principal not found"):
        ecr.put_registry_policy(policyText=text(ROLE))
    if writable:
        ecr.put_registry_policy(policyText=text(UNIQUE))
    else:
        with pytest.raises(ClientError, match="Principal not found"):
            ecr.put_registry_policy(policyText=text(UNIQUE))
