"""The printed policies are complete, minimal, small and pass the linter."""

from __future__ import annotations

import ast
import json
import subprocess
from pathlib import Path

import botocore.session
import ecrkeeper_server
import pytest
import yaml
from ecrkeeper_server.__main__ import main
from ecrkeeper_server.iam_policy.policy import Scope, policy
from ecrkeeper_server.iam_policy.stackset import caller, trust
from ecrkeeper_server.roles.catalogue import ROLES
from ecrkeeper_server.settings.table import SETTINGS

from tests.harness import program
from tests.permissions.conftest import actions, deployed

ALL = Scope(settings=tuple(SETTINGS), enforce=True, account="111111111111")
PACKAGES = ("settings", "roles", "ecr", "engine", "api")
# Actions that AWS checks for the caller, without a call by the server.
DEPENDENT = {
    "ecr:CreateRepository",
    "ecr:PutLifecyclePolicy",
    "ecr:SetRepositoryPolicy",
    "iam:PassRole",
    "inspector2:Disable",
    "inspector2:Enable",
    "inspector2:ListAccountPermissions",
    "secretsmanager:GetSecretValue",
}
# Managed policies are limited to 6,144 characters without white space, inline ones to more.
LIMIT = 6144


def operations_in_the_code() -> set[str]:
    """Return every AWS operation in a string of the packages that call AWS."""
    session = botocore.session.Session()
    operations = {s: set(session.get_service_model(s).operation_names) for s in ("ecr", "iam", "account", "cloudtrail")}
    root = Path(ecrkeeper_server.__file__).parent
    texts = {
        node.value
        for package in PACKAGES
        for path in (root / package).rglob("*.py")
        # AWS Organizations is read with a role of its own, which has another policy.
        if path != root / "ecr" / "organization.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {f"{service}:{text}" for service, names in operations.items() for text in texts & names}


def test_allowed_operations_match_code() -> None:
    assert actions(policy(ALL)) - DEPENDENT == operations_in_the_code()


def test_observe_policy_allows_no_mutating_action() -> None:
    observed = actions(policy(Scope(settings=tuple(SETTINGS), enforce=False)))
    assert observed < actions(policy(ALL))
    assert all(action.split(":")[1].startswith(("Get", "List", "Describe", "Lookup")) for action in observed)
    assert not observed & DEPENDENT, "not even to read a secret"


@pytest.mark.parametrize("name", SETTINGS)
def test_setting_requires_its_own_operations_and_role(name: str) -> None:
    document = policy(Scope(settings=(name,), enforce=True))
    setting, allowed = SETTINGS[name], actions(document)
    assert {f"ecr:{read.operation}" for read in setting.reads} | {f"ecr:{op}" for op in setting.writes} <= allowed
    others = {f"ecr:{op}" for other in SETTINGS.values() if other.name != name for op in other.writes}
    assert not allowed & others
    text = json.dumps(document)
    for kind in ROLES.values():
        assert (kind.role_name in text) == (setting.role == kind.id)


def test_role_writes_cover_exactly_ecr_roles() -> None:
    changing = [s for s in policy(ALL)["Statement"] if s["Sid"] in ("CreateRoles", "WriteRoles")]
    assert len(changing) == 2
    for statement in changing:
        assert set(statement["Resource"]) == {kind.arn("aws", "111111111111") for kind in ROLES.values()}


def test_role_is_read_by_name_under_any_path() -> None:
    (reads,) = [s for s in policy(ALL)["Statement"] if "iam:GetRole" in s["Action"]]
    assert "arn:aws:iam::111111111111:role/*AWSServiceRoleForECRTemplate" in reads["Resource"]


@pytest.mark.parametrize(
    ("settings", "read", "reason"),
    [
        (("repository_creation_templates",), True, "templates name roles"),
        (("pull_through_cache_rules",), True, "cache rules name roles"),
        (("replication_configuration",), False, "replication names none"),
    ],
)
def test_custom_roles_are_readable_where_nameable(settings: tuple[str, ...], read: bool, reason: str) -> None:
    document = policy(Scope(settings=settings, enforce=False, custom_roles="ecr-custom/*"))
    (reads,) = [s for s in document["Statement"] if "iam:GetRole" in s["Action"]]
    assert ("arn:aws:iam::*:role/ecr-custom/*" in reads["Resource"]) is read, reason


def test_statement_ids_are_unique_and_ordered() -> None:
    ids = [statement["Sid"] for statement in policy(ALL)["Statement"]]
    assert len(ids) == len(set(ids))
    assert policy(ALL) == policy(ALL)
    assert all(s["Action"] == sorted(s["Action"]) for s in policy(ALL)["Statement"])


@pytest.mark.parametrize("partition", ["aws", "aws-us-gov", "aws-cn"])
def test_arns_are_of_the_partition_and_policy_fits_a_managed_policy(partition: str) -> None:
    document = policy(Scope(settings=tuple(SETTINGS), enforce=True, partition=partition, account="111111111111"))
    text = json.dumps(document, separators=(",", ":"))
    assert len(text) <= LIMIT
    assert text.count("arn:") == text.count(f"arn:{partition}:")


def test_trust_policy_has_one_principal_and_external_id() -> None:
    principal = "arn:aws:iam::999999999999:role/keeper"
    (statement,) = trust(principal, "token")["Statement"]
    assert statement["Principal"] == {"AWS": principal}
    assert statement["Condition"] == {"StringEquals": {"sts:ExternalId": "token"}}
    assert "Condition" not in trust(principal)["Statement"][0]
    assert caller("aws-cn", "keeper")["Statement"][0]["Resource"] == "arn:aws-cn:iam::*:role/keeper"


@pytest.mark.parametrize("options", [[], ["--external-id", "token"], ["--mode", "observe"]], ids=" ".join)
def test_stackset_template_passes_cfn_lint(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["iam-policy", "--format", "stackset", *options]) == 0
    text = capsys.readouterr().out
    file = tmp_path / "role.yaml"
    file.write_text(text)
    linted = subprocess.run(
        [program("cfn-lint"), "--format", "json", str(file)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    # The linter's list of actions is older than the backfills.
    findings = [
        f for f in json.loads(linted.stdout or "[]") if not (f["Rule"]["Id"] == "W3037" and "backfill" in f["Message"])
    ]
    assert findings == []
    template = yaml.safe_load(text)
    assert ("token" in text) is False, "a secret does not belong into a template"
    stack = deployed(template, "111111111111")
    assert stack == policy(Scope(settings=tuple(SETTINGS), enforce="observe" not in options, account="111111111111"))


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--settings", "replication"], "unknown setting 'replication'"),
        (["--account", "1234"], "must be 12 digits"),
        (["--principal", "somebody"], "must be the ARN"),
        (["--custom-roles", "/x"], "must be a role's path"),
        (["--role-name", "a/b"], "--role-name"),
    ],
)
def test_invalid_arguments_are_named(arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["iam-policy", *arguments])
    assert ended.value.code == 2
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--format", "trust"], "needs --principal"),
        (["--partition", "aws-cn", "--principal", "arn:aws:iam::999999999999:root"], "of the partition aws-cn"),
    ],
)
def test_contradicting_arguments_are_rejected(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["iam-policy", *arguments]) == 2
    assert reason in capsys.readouterr().err
