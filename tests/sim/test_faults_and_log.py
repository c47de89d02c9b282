"""Configured faults, the request log, unknown members and the control plane."""

from __future__ import annotations

import json
import time
import urllib.error
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from .conftest import ACCOUNT, Aws, rejection


def order(aws: Aws, **rule: object) -> None:
    """Configure one fault."""
    aws.control("POST", "faults", [rule])


def test_throttle_applies_configured_times(aws: Aws) -> None:
    order(aws, kind="throttle", service="ecr", operation="DescribeRegistry", count=2)
    ecr = aws.client("ecr")
    for _ in range(2):
        assert rejection(ecr.describe_registry) == ("ThrottlingException", "Rate exceeded")
    assert ecr.describe_registry()
    assert aws.control("GET", "faults")["faults"][0]["count"] == 0


def test_iam_throttles_in_its_format(aws: Aws) -> None:
    order(aws, kind="throttle", service="iam")
    assert rejection(aws.client("iam").list_roles) == ("Throttling", "Rate exceeded")


def test_boto3_retries_a_throttled_call(aws: Aws) -> None:
    order(aws, kind="throttle", count=1)
    patient = aws.client("ecr", retries={"total_max_attempts": 3, "mode": "standard"})
    assert patient.describe_registry()["ResponseMetadata"]["RetryAttempts"] == 1


def test_error_has_configured_code_message_and_status(aws: Aws) -> None:
    order(aws, kind="error", code="KmsException", message="no key", status=503)
    with pytest.raises(ClientError) as caught:
        aws.client("ecr").describe_registry()
    assert caught.value.response["Error"] == {"Code": "KmsException", "Message": "no key"}
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503


def test_faults_apply_only_to_matching_calls(aws: Aws) -> None:
    order(aws, kind="error", account="222222222222")
    order(aws, kind="error", region="eu-west-1")
    assert aws.client("ecr").describe_registry()
    assert rejection(aws.client("ecr", key="222222222222").describe_registry)[0] == "ServerException"
    assert rejection(aws.client("ecr", "eu-west-1").describe_registry)[0] == "ServerException"
    aws.control("DELETE", "faults")
    assert aws.client("ecr", "eu-west-1").describe_registry()


def test_probability_follows_the_seed(aws: Aws) -> None:
    def outcomes() -> list[bool]:
        aws.control("DELETE", "faults")
        aws.settings(seed=7)
        order(aws, kind="throttle", probability=0.5)
        answers = []
        for _ in range(20):
            try:
                aws.client("ecr").describe_registry()
                answers.append(True)
            except ClientError:
                answers.append(False)
        return answers

    first = outcomes()
    assert len(set(first)) == 2
    assert outcomes() == first


def test_dropped_connection_has_no_effect_unlike_lost_response(aws: Aws) -> None:
    ecr = aws.client("ecr")
    for kind, effect in (("drop", 0), ("drop_after", 1)):
        order(aws, kind=kind, operation="CreatePullThroughCacheRule", count=1)
        with pytest.raises(ConnectionClosedError):
            ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        assert len(ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"]) == effect
    dropped = [r for r in aws.requests() if r["operation"] == "CreatePullThroughCacheRule"]
    assert [(r["status"], r["code"]) for r in dropped] == [(0, "ConnectionDropped")] * 2


def test_response_fault_sends_configured_bytes(aws: Aws) -> None:
    order(aws, kind="answer", operation="GetAccountSetting", count=1, body='{"name":"X","value":"Y"}')
    ecr = aws.client("ecr")
    assert ecr.get_account_setting(name="BLOB_MOUNTING")["value"] == "Y"
    assert ecr.get_account_setting(name="BLOB_MOUNTING")["value"] == "DISABLED"
    order(aws, kind="answer", status=418, headers={"x-amzn-RequestId": "mine"}, body="no", repeat=3)
    with pytest.raises(ClientError) as caught:
        ecr.describe_registry()
    metadata = caught.value.response["ResponseMetadata"]
    assert (metadata["HTTPStatusCode"], metadata["RequestId"]) == (418, "mine")
    assert metadata["HTTPHeaders"]["content-length"] == "6"


def test_response_fault_precedes_or_follows_effect(aws: Aws) -> None:
    ecr = aws.client("ecr")
    for kind, effect in (("answer", 0), ("answer_after", 1)):
        order(aws, kind=kind, operation="CreatePullThroughCacheRule", count=1, body="{}")
        created = ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        assert "ecrRepositoryPrefix" not in created
        assert len(ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"]) == effect


def test_latency_delays_response(aws: Aws) -> None:
    order(aws, kind="latency", seconds=0.15)
    begun = time.perf_counter()
    aws.client("ecr").describe_registry()
    assert time.perf_counter() - begun >= 0.15


def prefixes(aws: Aws) -> list[str]:
    """Return the prefixes of the cache rules that a read returns."""
    rules = aws.client("ecr").describe_pull_through_cache_rules()["pullThroughCacheRules"]
    return [rule["ecrRepositoryPrefix"] for rule in rules]


def test_reads_lag_for_configured_time(aws: Aws) -> None:
    aws.settings(ecr_read_lag_seconds=5)
    ecr = aws.client("ecr")
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    aws.advance(3)
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="k8s", upstreamRegistryUrl="registry.k8s.io")
    assert prefixes(aws) == []
    aws.advance(3)
    assert prefixes(aws) == ["quay"]
    aws.advance(3)
    assert prefixes(aws) == ["k8s", "quay"]


def test_writes_and_control_plane_ignore_read_lag(aws: Aws) -> None:
    aws.settings(ecr_read_lag_seconds=5)
    create = aws.client("ecr").create_pull_through_cache_rule
    create(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    code, _ = rejection(create, ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    assert code == "PullThroughCacheRuleAlreadyExistsException"
    assert len(aws.control("GET", f"accounts/{ACCOUNT}/registries/us-east-1")["pullThroughCacheRules"]) == 1
    aws.seed(pullThroughCacheRules=[])
    assert prefixes(aws) == []


def test_configured_share_of_reads_lags(aws: Aws) -> None:
    aws.settings(ecr_read_lag_seconds=5, ecr_stale_reads=0.5, seed=1)
    aws.client("ecr").create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    assert {len(prefixes(aws)) for _ in range(20)} == {0, 1}


def test_number_in_a_raw_answer_makes_tokens_differ(aws: Aws) -> None:
    body = json.dumps({"pullTimeUpdateExclusions": [], "nextToken": "t{number}"})
    order(aws, kind="answer", operation="ListPullTimeUpdateExclusions", body=body)
    ecr = aws.client("ecr")
    assert [ecr.list_pull_time_update_exclusions()["nextToken"] for _ in range(3)] == ["t1", "t2", "t3"]


def test_malformed_fault_is_rejected(aws: Aws) -> None:
    huge = {"kind": "answer", "body": "x" * 1024, "repeat": 1 << 20}
    for rule in ({"kind": "explode"}, {"kind": "drop", "when": "now"}, huge):
        with pytest.raises(urllib.error.HTTPError) as caught:
            order(aws, **rule)
        assert caught.value.code == 400


def test_log_lists_calls_in_order_with_outcome(aws: Aws) -> None:
    aws.client("ecr").describe_registry()
    rejection(aws.client("ecr", "eu-west-1").get_registry_policy)
    first, second = aws.requests()
    assert (first["account"], first["region"], first["service"]) == (ACCOUNT, "us-east-1", "ecr")
    assert (first["operation"], first["params"], first["status"], first["code"]) == ("DescribeRegistry", {}, 200, "")
    assert (second["region"], second["status"]) == ("eu-west-1", 400)
    assert second["code"] == "RegistryPolicyNotFoundException"
    newer = aws.control("GET", f"requests?since={second['seq']}")
    assert [r["seq"] for r in newer["requests"]] == [second["seq"]]
    assert newer["next"] == second["seq"] + 1


def test_violated_constraints_are_logged_despite_faults(aws: Aws) -> None:
    order(aws, kind="throttle")
    rule = {"destinations": [{"region": "X", "registryId": "1"}], "repositoryFilters": []}
    put = aws.client("ecr").put_replication_configuration
    assert rejection(put, replicationConfiguration={"rules": [rule]})[0] == "ThrottlingException"
    violations = aws.requests()[-1]["model_violations"]
    root = "replicationConfiguration.rules[0]"
    assert {(v["path"].removeprefix(root + "."), v["kind"]) for v in violations} == {
        ("destinations[0].region", "min"),
        ("destinations[0].region", "pattern"),
        ("destinations[0].registryId", "pattern"),
        ("repositoryFilters", "min"),
    }


def test_log_distinguishes_callers(aws: Aws) -> None:
    aws.client("ecr").describe_registry()
    aws.client("ecr", **aws.assume()).describe_registry()
    principals = [r["principal"] for r in aws.requests() if r["service"] == "ecr"]
    assert principals == [f"arn:aws:iam::{ACCOUNT}:root", f"arn:aws:sts::{ACCOUNT}:assumed-role/keeper/test"]


def test_query_parameters_are_logged_as_structures(aws: Aws) -> None:
    rejection(aws.client("iam").tag_role, RoleName="x" * 65, Tags=[{"Key": "a", "Value": "b"}])
    entry = aws.requests()[-1]
    assert entry["params"]["Tags"] == [{"Key": "a", "Value": "b"}]
    assert [(v["path"], v["kind"]) for v in entry["model_violations"]] == [("RoleName", "max")]


def test_log_excludes_secrets(aws: Aws) -> None:
    aws.client("secretsmanager").create_secret(Name="ecr-pullthroughcache/x", SecretString="hush")
    assert aws.requests()[-1]["params"]["SecretString"] == "***"


def test_log_is_bounded_and_can_be_disabled(aws: Aws) -> None:
    aws.settings(max_log=2)
    for _ in range(4):
        aws.client("ecr").describe_registry()
    assert len(aws.requests()) == 2
    aws.settings(recording=False)
    before = aws.requests()
    aws.client("ecr").describe_registry()
    assert aws.requests() == before


def test_unknown_members_are_merged_into_responses(aws: Aws) -> None:
    aws.seed(
        replicationConfiguration={"rules": [{"destinations": [{"region": "us-west-2", "registryId": ACCOUNT}]}]},
        unknown_members={
            "DescribeRegistry": {"replicationConfiguration.rules[0].newThing": {"on": True}, "nowhere.to.go": 1}
        },
    )
    raw: list[bytes] = []
    ecr = aws.client("ecr", user_agent_extra="raw")
    ecr.meta.events.register("before-parse.ecr.*", lambda response_dict, **_: raw.append(response_dict["body"]))
    ecr.describe_registry()
    assert b'"newThing": {"on": true}' in raw[0]
    assert b"nowhere" not in raw[0]


def test_seeded_state_is_read_back_completely(aws: Aws) -> None:
    parts: dict[str, Any] = {
        "scope": "V1",
        "scanning": {"scanType": "ENHANCED", "rules": []},
        "pullThroughCacheRules": [{"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}],
        "templates": [{"prefix": "ROOT", "appliedFor": ["CREATE_ON_PUSH"]}],
        "exclusions": [f"arn:aws:iam::{ACCOUNT}:role/a"],
        "repositories": ["app"],
        "signing": {"rules": []},
    }
    shown = aws.seed(**parts)
    assert shown == aws.control("GET", f"accounts/{ACCOUNT}/registries/us-east-1")
    assert shown["scope"] == "V1"
    assert shown["pullThroughCacheRules"][0]["upstreamRegistryUrl"] == "quay.io"
    assert shown["templates"][0]["imageTagMutability"] == "MUTABLE"
    repeated = {k: v for k, v in shown.items() if k not in ("registryId", "region")}
    assert aws.seed(**repeated) == shown


def test_control_plane_rejects_unknown_input(aws: Aws) -> None:
    for method, path, body in (
        ("PUT", "settings", {"no_such": 1}),
        ("PUT", f"accounts/{ACCOUNT}", {"no_such": 1}),
        ("PUT", f"accounts/{ACCOUNT}/registries/us-east-1", {"no_such": 1}),
        ("GET", "no-such-resource", None),
    ):
        with pytest.raises(urllib.error.HTTPError) as caught:
            aws.control(method, path, body)
        assert caught.value.code in (400, 404)
    assert aws.control("GET", "health") == {"status": "ok"}
