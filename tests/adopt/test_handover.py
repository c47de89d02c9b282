"""A hand-over from Terraform: a server, a simulated AWS, and the command line."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import ecrkeeper
import pytest
from ecrkeeper_cli.adopt import confirm
from ecrkeeper_cli.writing import result_or_none

from tests import harness
from tests.adopt import states
from tests.cli.conftest import Command
from tests.e2e.live import Live, Place, rules

UNMANAGED = [
    {"ecrRepositoryPrefix": prefix, "upstreamRegistryUrl": "public.ecr.aws", "upstreamRepositoryPrefix": "ROOT"}
    for prefix in ("by-hand", "other-team")
]


@pytest.fixture
def place(live: Live, account: str) -> Place:
    """A registry as Terraform made it, with two rules that it does not know."""
    registry = live.registry(account)
    rules = [
        {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io", "upstreamRepositoryPrefix": "ROOT"},
        {"ecrRepositoryPrefix": "k8s", "upstreamRegistryUrl": "registry.k8s.io", "upstreamRepositoryPrefix": "ROOT"},
        *UNMANAGED,
    ]
    destination = {"region": "us-west-2", "registryId": account}
    filters = [{"filter": prefix, "filterType": "PREFIX_MATCH"} for prefix in ("prod/", "base/")]
    registry.seed(
        policyText=states.policy_of(account),
        replicationConfiguration={"rules": [{"destinations": [destination], "repositoryFilters": filters}]},
        scanning={"scanType": "BASIC", "rules": []},
        pullThroughCacheRules=rules,
    )
    session_options = {"aws_access_key_id": account, "aws_secret_access_key": "secret", "region_name": "us-east-1"}
    iam = boto3.client("iam", endpoint_url=live.aws.url, **session_options)
    iam.create_service_linked_role(AWSServiceName="replication.ecr.amazonaws.com")
    return registry


def state_of(account: str, region: str = "us-east-1", **quay: Any) -> str:
    """Return the state of version 6 of the provider for the place."""
    rules = {"quay": "quay.io", "k8s": "registry.k8s.io"}
    return states.shown(
        states.resource(
            "aws_ecr_registry_policy.this", policy=states.policy_of(account), registry_id=account, region=region
        ),
        states.resource(
            "aws_ecr_registry_scanning_configuration.this",
            scan_type="BASIC",
            rule=[],
            registry_id=account,
            region=region,
        ),
        *(
            states.resource(
                f'aws_ecr_pull_through_cache_rule.upstream["{prefix}"]',
                **{**states.rule(prefix, upstream, account, region=region), **(quay if prefix == "quay" else {})},
            )
            for prefix, upstream in rules.items()
        ),
        states.resource("aws_iam_service_linked_role.replication", **states.role(account)),
        states.resource("aws_ecr_repository.app", name="app", registry_id=account),
        modules={
            "module.replication[0]": [
                states.resource(
                    "module.replication[0].aws_ecr_replication_configuration.this",
                    **states.replication(account, "prod/", "base/"),
                    region=region,
                )
            ]
        },
    )


def test_hand_over_writes_nothing_to_aws(cli: Command, live: Live, place: Place, tmp_path: Path) -> None:
    before, since = place.aws(), live.aws.position()
    (tmp_path / "state.json").write_text(state_of(place.account))
    out = tmp_path / "adopted"
    adopted = cli("adopt", "terraform", str(tmp_path / "state.json"), "--owner", "platform", "--out", str(out))
    assert adopted.status == 0, adopted.err
    assert (
        f"{place.account}/us-east-1/platform: AWS has 6 of 6 declared elements; unmanaged elements that stay: "
        in adopted.out
    )
    assert "pull_through_cache_rules 2\n" in adopted.out
    assert "OBSERVE" in cli("get", f"{place.account}/us-east-1").out
    assert (out / "removed.tf").read_text().count("destroy = false") == 5
    assert "  from = aws_ecr_pull_through_cache_rule.upstream\n" in (out / "removed.tf").read_text()
    assert "  from = module.replication.aws_ecr_replication_configuration.this\n" in (out / "removed.tf").read_text()
    repeated = cli("adopt", "terraform", str(tmp_path / "state.json"), "--owner", "platform", "--out", str(out))
    assert (repeated.status, repeated.out) == (0, adopted.out), repeated.err

    confirmed = cli("adopt", "--confirm", str(out))
    assert confirmed.status == 0, confirmed.err
    assert f"{place.account}/us-east-1: enforced, in sync; 0 writes to AWS since 2" in confirmed.out
    assert f"{place.account}/replication: enforced, in sync; 0 writes to AWS since 2" in confirmed.out
    assert "ENFORCE" in cli("get", f"{place.account}/us-east-1").out
    assert cli("diff", f"{place.account}/us-east-1").status == 0
    assert cli("plan", "-f", str(out / "declarations.yaml")).status == 0
    assert place.writes(since) == []
    assert place.aws() == before
    assert live.client.get_service_linked_role(f"accounts/{place.account}/serviceLinkedRoles/replication").mode == 1


def looked_up(live: Live, place: Place, output: str) -> list[str]:
    """Run the command that a confirmation prints, and return the names of the calls."""
    (command,) = re.findall(r"^aws cloudtrail .*\\\n.*$", output, re.MULTILINE)
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "AWS_ENDPOINT_URL": live.aws.url,
        "AWS_ACCESS_KEY_ID": place.account,
        "AWS_SECRET_ACCESS_KEY": "any",
    }
    done = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    result_or_none: list[str] = json.loads(done.stdout)
    return result_or_none


def test_commands_of_a_confirmation_find_writes_of_ecrkeeper_only(
    cli: Command, live: Live, place: Place, tmp_path: Path
) -> None:
    (tmp_path / "state.json").write_text(state_of(place.account))
    out = ("--out", str(tmp_path / "out"))
    assert cli("adopt", "terraform", str(tmp_path / "state.json"), "--owner", "platform", *out).status == 0
    confirmed = cli("adopt", "--confirm", str(tmp_path / "out"))
    session_options = {
        "aws_access_key_id": place.account,
        "aws_secret_access_key": "secret",
        "region_name": "us-east-1",
    }
    ecr = boto3.client("ecr", endpoint_url=live.aws.url, **session_options)
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="new", upstreamRegistryUrl="quay.io")
    assert looked_up(live, place, confirmed.out) == []
    ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="quay")
    place.reconcile()
    assert looked_up(live, place, confirmed.out) == ["CreatePullThroughCacheRule"]
    assert cli("adopt", "--confirm", str(tmp_path / "out")).status == 0, "what is enforced may have been written before"


def test_write_during_the_confirmation_is_an_error(
    cli: Command, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "state.json").write_text(state_of(place.account))
    out = ("--out", str(tmp_path / "out"))
    assert cli("adopt", "terraform", str(tmp_path / "state.json"), "--owner", "platform", *out).status == 0
    enforce = confirm._enforce

    def after_drift(*arguments: Any) -> None:
        place.seed(pullThroughCacheRules=UNMANAGED)
        enforce(*arguments)

    monkeypatch.setattr(confirm, "_enforce", after_drift)
    ended = cli("adopt", "--confirm", str(tmp_path / "out"))
    assert ended.status == 1
    assert f"error: {place.account}/us-east-1: ecr:CreatePullThroughCacheRule SUCCEEDED at 2" in ended.err
    assert ended.err.endswith("ecrkeeper sent 2 writes to AWS during the hand-over\n")
    assert "enforced" not in ended.out


def test_adopted_elements_are_enforced_and_unmanaged_ones_stay(cli: Command, place: Place, tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text(state_of(place.account))
    arguments = ("--owner", "platform", "--out", str(tmp_path / "out"))
    assert cli("adopt", "terraform", str(tmp_path / "state.json"), *arguments).status == 0
    assert cli("adopt", "--confirm", str(tmp_path / "out")).status == 0
    rules = [each for each in place.aws()["pullThroughCacheRules"] if each["ecrRepositoryPrefix"] != "quay"]
    place.seed(pullThroughCacheRules=rules)
    place.reconcile()
    result_or_none = {each["ecrRepositoryPrefix"] for each in place.aws()["pullThroughCacheRules"]}
    assert result_or_none == {"quay", "k8s", "by-hand", "other-team"}


def test_state_that_differs_is_rejected_by_path(cli: Command, live: Live, place: Place, tmp_path: Path) -> None:
    since = live.aws.position()
    text = state_of(place.account, upstream_registry_url="public.ecr.aws")
    (tmp_path / "state.json").write_text(text.replace('"prod/"', '"stage/"'))
    out = tmp_path / "out"
    ended = cli("adopt", "terraform", str(tmp_path / "state.json"), "--owner", "platform", "--out", str(out))
    assert ended.status == 1
    assert (
        'aws_ecr_pull_through_cache_rule.upstream["quay"]: pull_through_cache_rules quay upstreamRegistryUrl: '
        "declared: public.ecr.aws, AWS: quay.io\n"
    ) in ended.err
    pair = f"{place.account}/us-west-2:stage/"
    assert f"aws_ecr_replication_configuration.this: replication_configuration {pair}: declared: " in ended.err
    assert "AWS: (absent)\n" in ended.err
    assert ended.err.endswith("nothing was written\n")
    assert not out.exists()
    place.untouched()
    assert place.writes(since) == []


def test_drift_before_the_confirmation_is_not_enforced(cli: Command, live: Live, place: Place, tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text(state_of(place.account))
    out = ("--out", str(tmp_path / "out"))
    assert cli("adopt", "terraform", str(tmp_path / "state.json"), "--owner", "platform", *out).status == 0
    place.seed(pullThroughCacheRules=UNMANAGED)
    since = live.aws.position()
    ended = cli("adopt", "--confirm", str(tmp_path / "out"))
    assert ended.status == 1
    assert f"{place.account}/us-east-1: pull_through_cache_rules quay: declared: " in ended.err
    assert ended.err.endswith("nothing was enforced\n")
    assert "OBSERVE" in cli("get", f"{place.account}/us-east-1").out
    assert place.writes(since) == []


def test_role_that_ecr_created_is_adopted(cli: Command, live: Live, account: str, tmp_path: Path) -> None:
    live.registry(account, "eu-west-1").converged({"replicationConfiguration": rules((account, "eu-west-2"))})
    name = f"accounts/{account}/serviceLinkedRoles/replication"
    harness.eventually(lambda: result_or_none(lambda: live.client.get_service_linked_role(name)))
    (tmp_path / "state.json").write_text(
        states.shown(states.resource("aws_iam_service_linked_role.replication", **states.role(account)))
    )
    since = live.aws.position()
    out = ("--out", str(tmp_path / "out"))
    assert cli("adopt", "terraform", str(tmp_path / "state.json"), "--owner", "platform", *out).status == 0
    assert live.client.get_service_linked_role(name).mode == ecrkeeper.Mode.OBSERVE
    confirmed = cli("adopt", "--confirm", str(tmp_path / "out"))
    assert (confirmed.status, confirmed.err) == (0, ""), confirmed
    assert live.registry(account).writes(since) == []


def test_other_declaration_of_the_owner_is_kept(cli: Command, place: Place, tmp_path: Path) -> None:
    place.converged(
        {"pullThroughCacheRules": {"rules": [{"ecrRepositoryPrefix": "mine", "upstreamRegistryUrl": "quay.io"}]}}
    )
    (tmp_path / "state.json").write_text(state_of(place.account))
    out = ("--out", str(tmp_path / "out"))
    ended = cli("adopt", "terraform", str(tmp_path / "state.json"), "--owner", "platform", *out)
    assert ended.status == 1
    assert f"{place.account}/us-east-1/platform: this owner declares something else already; give another" in ended.err
    assert cli("adopt", "terraform", str(tmp_path / "state.json"), "--owner", "terraform", *out).status == 0


def test_hand_over_with_programs(live: Live, place: Place, tmp_path: Path) -> None:
    since = live.aws.position()
    environment = {"ECRKEEPER_TARGET": live.server.address, "ECRKEEPER_PLAINTEXT": "true", "PATH": "/usr/bin:/bin"}

    def run(*arguments: str, standard_input: str = "") -> str:
        done = subprocess.run(
            [sys.executable, "-m", "ecrkeeper_cli", "adopt", *arguments],
            input=standard_input, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "pull_through_cache_rules 2" in run(
        "terraform", "-", "--owner", "platform", "--out", "out", standard_input=state_of(place.account)
    )
    assert "0 writes to AWS" in run("--confirm", "out")
    assert place.writes(since) == []
