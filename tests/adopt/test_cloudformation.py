"""A hand-over from CloudFormation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ecrkeeper_cli.adopt.cloudformation import adopted, retaining
from ecrkeeper_cli.adopt.template import parameters_of, template_of
from ecrkeeper_cli.writing import message_of_document
from ecrkeeper_files.sources import Errors

from tests.cli.conftest import Command
from tests.e2e.live import Live

A = "111111111111"
TEMPLATE = """\
Parameters:
  Prefix: {Type: String, Default: prod}
  Other: {Type: String}
Resources:
  Policy:
    Type: AWS::ECR::RegistryPolicy
    Properties:
      PolicyText:
        Version: 2012-10-17
        Statement:
        - Sid: Replication
          Effect: Allow
          Principal: {AWS: !Sub "arn:${AWS::Partition}:iam::${Other}:root"}
          Action: [ecr:CreateRepository, ecr:ReplicateImage]
          Resource: !Join ["", ["arn:aws:ecr:", !Ref AWS::Region, ":", !Ref "AWS::AccountId", ":repository/*"]]
  Replication:
    Type: AWS::ECR::ReplicationConfiguration
    Properties:
      ReplicationConfiguration:
        Rules:
        - Destinations: [{Region: us-west-2, RegistryId: !Ref AWS::AccountId}]
          RepositoryFilters: [{Filter: !Sub "${Prefix}/", FilterType: PREFIX_MATCH}]
  Quay:
    Type: AWS::ECR::PullThroughCacheRule
    Properties: {EcrRepositoryPrefix: quay, UpstreamRegistryUrl: quay.io}
  Role:
    Type: AWS::IAM::ServiceLinkedRole
    Properties: {AWSServiceName: replication.ecr.amazonaws.com}
  App:
    Type: AWS::ECR::Repository
"""


def errors_of(text: str, *parameters: str) -> list[str]:
    with pytest.raises(Errors) as caught:
        template = template_of(text, "t")
        adopted(template, parameters_of(template, parameters, A, "us-east-1", "aws"), "team", A, "us-east-1")
    return caught.value.errors


def test_hand_over_writes_nothing_to_aws(cli: Command, live: Live, account: str, tmp_path: Path) -> None:
    place = live.registry(account)
    text = TEMPLATE.replace(
        "  Role:\n    Type: AWS::IAM::ServiceLinkedRole\n    Properties: {AWSServiceName: replication.ecr.amazonaws.com}\n",
        "",
    )
    (tmp_path / "t.yaml").write_text(text)
    options = ("--account", account, "--region", "us-east-1", "--parameter", "Other=333333333333", "--owner", "team")
    template = template_of(text, "t")
    values = parameters_of(template, ["Other=333333333333"], account, "us-east-1", "aws")
    declaration = adopted(template, values, "seed", account, "us-east-1")[0].declarations[0]
    live.client.apply_registry_settings(declaration.name, declaration.settings, deletion_policy="ABANDON")
    live.client.wait_until_synced(declaration.name)
    live.client.delete_registry_settings(declaration.name)
    live.client.reconcile_registry(place.name).result(30)
    since, before = live.aws.position(), place.aws()
    ended = cli("adopt", "cloudformation", str(tmp_path / "t.yaml"), *options, "--out", str(tmp_path / "out"))
    assert ended.status == 0, ended.err
    assert "AWS has 3 of 3 declared elements" in ended.out
    assert cli("adopt", "--confirm", str(tmp_path / "out")).status == 0
    assert place.writes(since) == []
    assert place.aws() == before
    retained = json.loads((tmp_path / "out/1-retain.json").read_text())["Resources"]
    assert {name: each.get("DeletionPolicy") for name, each in retained.items()} == {
        "Policy": "Retain", "Replication": "Retain", "Quay": "Retain", "App": None,
    }  # fmt: skip
    assert list(json.loads((tmp_path / "out/2-without.json").read_text())["Resources"]) == ["App"]
    changed = text.replace("quay.io", "registry.k8s.io")
    (tmp_path / "t.yaml").write_text(changed)
    options = (*options[:-1], "other")
    ended = cli("adopt", "cloudformation", str(tmp_path / "t.yaml"), *options, "--out", str(tmp_path / "no"))
    assert ended.status == 1
    assert "team" in ended.err, "the first owner is named"


def test_template_becomes_declarations() -> None:
    template = template_of(TEMPLATE, "t")
    values = parameters_of(template, ["Other=222222222222", "Prefix=base"], A, "us-east-1", "aws")
    documents, retained = adopted(template, values, "team", A, "us-east-1")
    settings = documents.readable[1]["settings"]
    statement = settings["registryPolicy"]["policyText"]["Statement"][0]
    assert statement["Principal"] == {"AWS": "arn:aws:iam::222222222222:root"}
    assert statement["Resource"] == f"arn:aws:ecr:us-east-1:{A}:repository/*"
    assert settings["registryPolicy"]["policyText"]["Version"] == "2012-10-17"
    filters = settings["replicationConfiguration"]["rules"][0]["repositoryFilters"]
    assert filters == [{"filter": "base/", "filterType": "PREFIX_MATCH"}]
    assert documents.readable[0]["name"] == f"accounts/{A}/serviceLinkedRoles/replication"
    assert retained == ["Policy", "Replication", "Quay", "Role"]
    message_of_document(documents.declarations[0])
    assert "2-without.json" not in retaining({"Resources": {"Quay": {}}}, ["Quay"]), "a stack needs a resource"


QUAY = "Resources:\n  Q:\n    Type: AWS::ECR::PullThroughCacheRule\n    Properties: {EcrRepositoryPrefix: quay, UpstreamRegistryUrl: %s}\n"
PATH = "Resources.Q.Properties.UpstreamRegistryUrl"
REJECTED = [
    (QUAY % "!GetAtt X.Y", [f"{PATH}: Fn::GetAtt is not resolved; write its value, got 'X.Y'"], "a function"),
    (QUAY % "!Ref X", [f"{PATH}: 'X' has no value; give --parameter X=VALUE if it is a parameter"], "no parameter"),
    (QUAY % '!Sub "${X}"', [f"{PATH}: 'X' has no value; give --parameter X=VALUE if it is a parameter"], "in text"),
    (QUAY % "!Join [x]", [f"{PATH}: Fn::Join takes a delimiter and a list, got ['x']"], "a wrong join"),
    (QUAY % "quay.io, New: 1", ["Resources.Q.Properties.New: this version does not know the attribute, which is '1'"], "new"),
    (QUAY % "quay.io" + "    Condition: C\n", ["Resources.Q.Condition: conditions are not resolved, got 'C'"], "condition"),
    ("Resources: {}", ["the template has no registry settings of ECR and none of its service-linked roles"], "empty"),
    ("[]", ["t: must be a template with Resources"], "a list"),
    ("a: [\n", ["t:2: did not find expected node content"], "no YAML"),
    ("Resources:\n  A: &a {}\n  B: *a\n", ["t:3: aliases are not supported"], "an alias, which CloudFormation rejects, too"),
    ("a: 1\na: 2\nb: !!set {}\n", ["t:2: the key 'a' is repeated", "t:3: b: the tag 'tag:yaml.org,2002:set' is not supported"], "all errors"),
    ("Resources: {A: !Sub {a: !!binary x}}", ["t:1: Resources.A.a: the tag 'tag:yaml.org,2002:binary' is not supported"], "in a function"),
    ("Resources: {A: {Type: AWS::ECR::New}}", ["Resources.A.Type: ecrkeeper does not manage resources of the type AWS::ECR::New"], "type"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected", "reason"), REJECTED, ids=[each[-1] for each in REJECTED])
def test_template_that_cannot_be_taken_over_is_rejected(text: str, expected: list[str], reason: str) -> None:
    assert errors_of(text) == expected


@pytest.mark.parametrize(
    ("text", "expected", "reason"),
    [
        ("!Ref X", {"Ref": "X"}, "a function of text"),
        ("!Condition X", {"Condition": "X"}, "a condition"),
        ("!GetAtt X.Y", {"Fn::GetAtt": "X.Y"}, "a function whose long form has a prefix"),
        ("!Join ['-', [a, !Ref B]]", {"Fn::Join": ["-", ["a", {"Ref": "B"}]]}, "a function in a list"),
        ("!Sub ['${a}', {a: !Ref B}]", {"Fn::Sub": ["${a}", {"a": {"Ref": "B"}}]}, "a function in a mapping"),
        ("!Sub 12", {"Fn::Sub": "12"}, "an argument that looks like a number is text"),
        ("2012-10-17", "2012-10-17", "a date is text"),
        ("{111111111111: a, on: b}", {"111111111111": "a", "on": "b"}, "keys are text, such as accounts of a mapping"),
    ],
)
def test_template_value_is_read_as_cloudformation_reads_it(text: str, expected: object, reason: str) -> None:
    assert template_of(f"Resources: {{}}\nValue: {text}\n", "t")["Value"] == expected, reason


def test_unknown_parameter_is_rejected() -> None:
    assert errors_of(TEMPLATE, "X=1") == ["--parameter: must be NAME=VALUE with one of Prefix, Other, got 'X=1'"]
