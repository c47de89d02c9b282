"""The organization that a server reads is the one that moto has."""

from __future__ import annotations

from pathlib import Path

import boto3
import ecrkeeper
import pytest

from tests import databases, harness

MANAGEMENT = "123456789012"


@pytest.mark.timeout(300)
def test_accounts_are_those_of_moto(moto_url: str, tmp_path: Path) -> None:
    keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any"}
    aws = boto3.client("organizations", region_name="us-east-1", endpoint_url=moto_url, **keys)
    aws.create_organization(FeatureSet="ALL")
    root = aws.list_roots()["Roots"][0]["Id"]
    outer = aws.create_organizational_unit(ParentId=root, Name="workloads")["OrganizationalUnit"]["Id"]
    inner = aws.create_organizational_unit(ParentId=outer, Name="prod")["OrganizationalUnit"]["Id"]
    created = []
    for number in range(22):
        status = aws.create_account(
            Email=f"a{number}@example.com", AccountName=f"name {number}", Tags=[{"Key": "team", "Value": f"t {number}"}]
        )["CreateAccountStatus"]
        created.append(status["AccountId"])
    aws.move_account(AccountId=created[0], SourceParentId=root, DestinationParentId=inner)
    url = databases.new_sqlite(tmp_path / "ecrkeeper.db")
    role = f"arn:aws:iam::{MANAGEMENT}:role/ecrkeeper-organization"
    server = harness.Server(
        tmp_path, url, moto_url, organization_role_arn=role, organization_seconds="2", account_check_seconds="2"
    )
    with ecrkeeper.Client(server.address, insecure=True) as client:
        listed = harness.eventually(
            lambda: by_name if len(by_name := {each.name: each for each in client.list_accounts()}) == 23 else None, 120
        )
    assert server.stop() == 0
    first, second = listed[f"accounts/{created[0]}"], listed[f"accounts/{created[1]}"]
    assert (first.organizational_unit, second.organizational_unit) == ("/workloads/prod", "/")
    assert (second.display_name, dict(second.labels)) == ("name 1", {"team": "t 1"})
    assert {each.state for each in listed.values()} == {first.ACTIVE}
    assert f"accounts/{MANAGEMENT}" in listed
