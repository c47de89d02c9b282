"""The stacks of the events pass the linter and pin their sources."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ecrkeeper_server.__main__ import main
from ecrkeeper_server.settings.table import SETTINGS

from tests.harness import program

QUEUE = "arn:aws:sqs:us-east-1:999999999999:ecrkeeper-events"
KEY = "arn:aws:kms:us-east-1:999999999999:key/5d9b7d1e-0000-4000-8000-000000000004"

TEMPLATES = [
    (["--format", "events-stackset"], "us-east-1"),
    (["--format", "events-stackset", "--settings", "account_settings"], "eu-west-1"),
    (["--format", "events-stackset", "--partition", "aws-cn"], "cn-north-1"),
    (["--format", "events-stackset", "--partition", "aws-us-gov"], "us-gov-west-1"),
    (["--format", "events-central"], "us-east-1"),
    (["--format", "events-central", "--partition", "aws-cn"], "cn-north-1"),
    (["--format", "events-central", "--partition", "aws-us-gov"], "us-gov-west-1"),
]


def printed(options: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["iam-policy", *options]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(("options", "region"), TEMPLATES, ids=[" ".join(row[0]) for row in TEMPLATES])
def test_templates_pass_cfn_lint(
    options: list[str], region: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "stack.yaml"
    file.write_text(printed(options, capsys))
    linted = subprocess.run(
        [program("cfn-lint"), "--format", "json", "--regions", region, "--", str(file)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert json.loads(linted.stdout or "[]") == [], linted.stderr


def rules(options: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    template = yaml.safe_load(printed(["--format", "events-stackset", *options], capsys))
    return {name: each for name, each in template["Resources"].items() if each["Type"] == "AWS::Events::Rule"}


def test_rules_pin_source_and_account_and_name_every_write(capsys: pytest.CaptureFixture[str]) -> None:
    stack_rules = rules([], capsys)
    patterns = {name: each["Properties"]["EventPattern"] for name, each in stack_rules.items()}
    assert {name: each["source"] for name, each in patterns.items()} == {
        "EcrCalls": ["aws.ecr"],
        "EcrDeliveries": ["aws.ecr"],
        "IamCalls": ["aws.iam"],
        "RegionChanges": ["aws.account"],
        "OrganizationChanges": ["aws.organizations"],
    }
    assert all(each["account"] == [{"Ref": "AWS::AccountId"}] for each in patterns.values())
    assert set(patterns["EcrCalls"]["detail"]["eventName"]) == {op for each in SETTINGS.values() for op in each.writes}
    assert "TagRole" in patterns["IamCalls"]["detail"]["eventName"]
    assert stack_rules["IamCalls"]["Condition"] == "HasIamEvents"


@pytest.mark.parametrize(
    ("partition", "region", "reason"),
    [
        ("aws", "${CentralRegion}", "one bus for all Regions"),
        ("aws-cn", "${AWS::Region}", "a bus is reached from its own Region only"),
        ("aws-us-gov", "${AWS::Region}", "a bus is reached from its own Region only"),
    ],
)
def test_rules_reach_the_bus_in_one_hop(
    partition: str, region: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for rule in rules(["--partition", partition], capsys).values():
        [target] = rule["Properties"]["Targets"]
        assert f":events:{region}:${{CentralAccountId}}:event-bus/" in target["Arn"]["Fn::Sub"], reason


def test_central_bus_admits_the_organization_only(capsys: pytest.CaptureFixture[str]) -> None:
    resources = yaml.safe_load(printed(["--format", "events-central"], capsys))["Resources"]
    statement = resources["BusPolicy"]["Properties"]["Statement"]
    assert statement["Condition"] == {"StringEquals": {"aws:PrincipalOrgID": {"Ref": "OrganizationId"}}}
    assert resources["Forward"]["Properties"]["EventPattern"]["source"] == [
        "aws.ecr",
        "aws.iam",
        "aws.account",
        "aws.organizations",
    ]
    assert resources["Queue"]["Properties"]["KmsMasterKeyId"] == {"Ref": "Key"}
    assert resources["Queue"]["Properties"]["RedrivePolicy"]["deadLetterTargetArn"] == {
        "Fn::GetAtt": ["DeadLetters", "Arn"]
    }


def test_caller_may_read_its_queues_and_no_others(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(printed(["--format", "caller", "--event-queue", QUEUE, "--event-key", KEY], capsys))
    statements = {each["Sid"]: (each["Action"], each["Resource"]) for each in document["Statement"]}
    assert statements["ReceiveEvents"] == (["sqs:DeleteMessage", "sqs:ReceiveMessage"], [QUEUE])
    assert statements["DecryptEvents"] == ("kms:Decrypt", [KEY])
    plain = json.loads(printed(["--format", "caller"], capsys))
    assert [each["Sid"] for each in plain["Statement"]] == ["AssumeRoles"]


@pytest.mark.parametrize("arn", ["queue", "arn:aws:s3:::bucket", QUEUE + "*"])
def test_arns_of_queues_are_checked(arn: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["iam-policy", "--format", "caller", "--event-queue", arn])
    assert "must be the ARN of a queue or a key" in capsys.readouterr().err
