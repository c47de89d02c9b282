"""Every peer case, through gRPC, against the simulated AWS."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import ecrkeeper
import grpc
import pytest
from ecrkeeper.v1.common_pb2 import Condition, Drift, Mode
from ecrkeeper.v1.registry_pb2 import Registry, RegistrySettings, ReplicationCheck
from ecrkeeper.v1.role_pb2 import RegionUsage, ServiceLinkedRole
from ecrkeeper.v1.settings_pb2 import RegistryScanningRule, ReplicationDestination, Settings
from google.rpc import code_pb2, error_details_pb2

from tests.e2e.live import WAIT_SECONDS, Live, Place, fields_of, fresh_account, message, refused, rules
from tests.harness import eventually

CASES_FILE = Path(__file__).resolve().parents[1] / "cases" / "peer-cases.json"
REFUSED = grpc.StatusCode.INVALID_ARGUMENT

# A used-up quota is no fault of the request, although the cases suggest that for what one owner declares.
EXHAUSTED = {"repl-26-unique-destinations-rejected", "policy-too-long", "sign-11-rules-rejected"}

LEFT_OUT = {
    "backfill-status-kept-locally": "tested with the backfills, over the life of one; the case names neither input nor state",
}


def load_cases() -> list[dict[str, Any]]:
    """The cases that are tested here."""
    cases: list[dict[str, Any]] = json.loads(CASES_FILE.read_text())
    return [case for case in cases if case["id"] not in LEFT_OUT]


CASES = load_cases()


@pytest.mark.parametrize("given_case", CASES, ids=[case["id"] for case in CASES])
def test_a_peer_case_has_the_outcome_it_must_have(live: Live, given_case: dict[str, Any]) -> None:
    account, other = fresh_account(), fresh_account()
    text = json.dumps(given_case).replace("111111111111", account).replace("222222222222", other)
    case = json.loads(text)
    place = live.registry(account, case["input"]["region"])
    flow = FLOWS.get(case["id"]) or OUTCOMES[case["expected"]["outcome"]]
    flow(place, case)


def test_every_case_left_out_is_a_case() -> None:
    assert set(LEFT_OUT) <= {case["id"] for case in json.loads(CASES_FILE.read_text())}


# The case's AWS shape as settings of the API.

WRAPPED: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "replication": lambda desired: {"replication_configuration": desired["replicationConfiguration"]},
    "registry-policy": lambda desired: {"registry_policy": desired},
    "scanning": lambda desired: {"scanning_configuration": desired},
    "pull-through-cache": lambda desired: {"pull_through_cache_rules": {"rules": [desired]}},
    "creation-template": lambda desired: {"repository_creation_templates": {"templates": [desired]}},
    "pull-time-exclusion": lambda desired: {
        "pull_time_update_exclusions": {"principalArns": [desired["principalArn"]]}
    },
    "signing": lambda desired: {"signing_configuration": desired["signingConfiguration"]},
}
WRAPPED["replication+registry-policy"] = WRAPPED["replication"]


def wanted(case: dict[str, Any]) -> dict[str, Any]:
    """What the case wants, as settings; what AWS takes only with a role gets one."""
    desired = dict(case["input"]["desired"])
    if desired.get("resourceTags"):
        desired.setdefault("customRoleArn", f"arn:aws:iam::{case['input']['account']}:role/ecr-template")
    return WRAPPED[case["setting"]](desired)


def seeded(setting: str, shape: Any) -> dict[str, Any]:
    """What the case says AWS has, as state of the simulated AWS."""
    if setting == "registry-policy":
        return {"policyText": shape}
    if setting == "scanning":
        return {"scanning": shape}
    if setting == "creation-template":
        return {"templates": [] if shape is None else [shape]}
    if setting == "pull-time-exclusion":
        return {"exclusions": shape}
    if setting == "signing":
        return {"signing": None if shape is None else shape["signingConfiguration"]}
    return {"replicationConfiguration": shape["replicationConfiguration"]}


def prepare(place: Place, case: dict[str, Any]) -> None:
    """Bring about what the case takes as given in AWS."""
    given = case["input"].get("given", {})
    if "account_settings" in given:
        place.seed(scope=given["account_settings"]["REGISTRY_POLICY_SCOPE"])
    if "aws" in given:
        place.seed(**seeded(case["setting"], given["aws"]))
    if "replicationConfiguration" in given:
        place.seed(replicationConfiguration=given["replicationConfiguration"])


def snake(path: str) -> str:
    """The path of a member in the API: AWS's names in snake case."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", path).lower()


# One check for each outcome.


def rejected(place: Place, case: dict[str, Any]) -> None:
    expected = case["expected"]["error"]
    prepare(place, case)
    since = place.live.aws.position()
    code = "RESOURCE_EXHAUSTED" if case["id"] in EXHAUSTED else expected["suggested_grpc_code"]
    error = refused(grpc.StatusCode[code], place.apply, wanted(case))
    if "field" in expected:
        path = snake(expected["field"]).removesuffix(".statement")
        whole = path.rpartition(".")[0] or path  # what all owners want together is named as a whole
        assert any(path in field or field.endswith(whole) for field in fields_of(error)), fields_of(error)
    assert all(field.startswith("registry_settings.settings.") for field in fields_of(error))
    assert fields_of(error)
    assert place.writes(since) == []
    place.untouched()


def applied(place: Place, case: dict[str, Any]) -> None:
    prepare(place, case)
    registry = place.settled(wanted(case))
    assert not registry.drift
    assert not registry.HasField("last_error")
    state = observed(place, case["setting"])
    for key, value in case["expected"].items():
        if key == "aws_state":
            check_members(state, value)
        elif key in CHECKS:
            assert CHECKS[key](state, value), (key, state)
        else:
            assert key in ("outcome", "filter_order_preserved", "replaced"), f"unchecked: {key}"


def unchanged(place: Place, case: dict[str, Any]) -> None:
    prepare(place, case)
    given = case["input"].get("given", {})
    settings = WRAPPED[case["setting"]](given["desired_in_store"]) if "desired_in_store" in given else wanted(case)
    since = place.live.aws.position()
    registry = place.settled(settings)
    assert not registry.drift
    assert place.writes(since) == []


def drifted(place: Place, case: dict[str, Any]) -> None:
    given, setting = case["input"]["given"], case["setting"]
    stored = given["desired_in_store"]
    stored = {"principalArn": stored[0]} if isinstance(stored, list) else stored
    place.settled(WRAPPED[setting](stored))
    before = observed(place, setting)
    place.keep(mode="OBSERVE")
    place.seed(**seeded(setting, given["aws"]))
    since = place.live.aws.position()
    registry = place.reconcile()
    assert {Drift.Kind.Name(drift.kind) for drift in registry.drift} == {f"KIND_{case['expected']['drift']}"}
    assert place.writes(since) == []
    place.keep(mode="ENFORCE")
    place.live.client.reconcile_registry(place.name).result(timeout=WAIT_SECONDS)
    assert not place.read().drift
    after = observed(place, setting)
    assert without_times(after) == without_times(before)
    if "after_reconcile" in case["expected"]:
        check_members(after, case["expected"]["after_reconcile"])


OUTCOMES = {"REJECT": rejected, "APPLIED": applied, "NO_CHANGE": unchanged, "DRIFT": drifted}


def observed(place: Place, setting: str) -> dict[str, Any]:
    """AWS's state of the setting that the case is about."""
    state = place.aws()
    if setting == "registry-policy":
        return dict(state["policyText"] if isinstance(state["policyText"], dict) else json.loads(state["policyText"]))
    if setting == "pull-through-cache":
        return dict(state["pullThroughCacheRules"][0])
    if setting == "creation-template":
        return dict(state["templates"][0])
    if setting == "signing":
        return {"signingConfiguration": state["signing"]}
    return state


def without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_times(inner) for key, inner in value.items() if key not in ("createdAt", "updatedAt")}
    return [without_times(inner) for inner in value] if isinstance(value, list) else value


def check_members(state: dict[str, Any], expected: dict[str, Any]) -> None:
    """Member by member; AWS leaves out empty texts, and `_set` marks lists without order."""
    for name, value in expected.items():
        if name == "customRoleArn" and state.get("resourceTags"):
            continue  # tags need a role, which the request was given
        if name.endswith("_set"):
            assert sorted(state[name.removesuffix("_set")]) == sorted(value)
        elif value == "":
            assert not state.get(name)
        else:
            assert state[name] == value, name


def wide(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def same_policy(state: dict[str, Any], expected: dict[str, Any]) -> bool:
    def spread(document: dict[str, Any]) -> list[Any]:
        return [
            {**s, "Action": wide(s["Action"]), "Resource": wide(s["Resource"])} for s in wide(document["Statement"])
        ]

    return spread(state) == spread(expected)


CHECKS: dict[str, Callable[[Any, Any], bool]] = {
    "aws_state_policy": same_policy,
    "aws_state_filter_count": lambda state, value: (
        len(state["replicationConfiguration"]["rules"][0]["repositoryFilters"]) == value
    ),
    "aws_state_kmsKey": lambda state, value: state["encryptionConfiguration"]["kmsKey"] == value,
    "appliedFor_set": lambda state, value: sorted(state["appliedFor"]) == sorted(value),
    "repositoryPolicy_contains": lambda state, value: value in state["repositoryPolicy"],
    "ListPullTimeUpdateExclusions": lambda state, value: [wide(e)[0] for e in state["exclusions"]] == value,
    "rule_count": lambda state, value: len(state["signingConfiguration"]["rules"]) == value,
}


# Cases with a flow of their own.


def _nothing_is_an_empty_configuration(place: Place, case: dict[str, Any]) -> None:
    registry = place.read(refresh=True)
    assert registry.observed.HasField("replication_configuration")
    assert not registry.observed.replication_configuration.rules
    place.untouched()


def _foreign_rules_stay(place: Place, case: dict[str, Any]) -> None:
    prepare(place, case)
    planned = place.apply(wanted(case), validate_only=True)
    assert not [c for call in planned.plan.calls for c in call.changes if c.kind == c.REMOVE]
    registry = place.settled(wanted(case))
    found = place.aws()["replicationConfiguration"]["rules"]
    assert case["expected"]["aws_state"]["replicationConfiguration"]["rules"][0] in found
    assert case["input"]["desired"]["replicationConfiguration"]["rules"][0] in found
    unmanaged = [e for e in registry.elements if e.state == e.FOREIGN]
    assert len(unmanaged) == 1
    assert not unmanaged[0].owners


def _replication_is_checked(place: Place, case: dict[str, Any]) -> None:
    destination = case["input"]["desired"]["replicationConfiguration"]["rules"][0]["destinations"][0]
    policy = case["input"]["given"]["dest_policy"]
    place.live.registry(destination["registryId"], destination["region"]).seed(policyText=policy)
    planned = place.apply(wanted(case), validate_only=True)
    place.untouched()
    place.settled(wanted(case))
    (check,) = place.live.client.check_replication(place.name).checks
    assert check.result == ReplicationCheck.BROKEN
    assert (check.destination.registry_id, check.destination.region) == (
        destination["registryId"],
        destination["region"],
    )
    text = " ".join(f"{each.reason} {each.message}" for each in check.findings)
    assert ("us-east-1" in text and "us-west-2" in text) if policy else "policy" in text.lower(), text
    assert planned.plan.warnings, "the plan warns of it too"


def _backfill_refused(place: Place, case: dict[str, Any]) -> None:
    given, destination = case["input"]["given"], case["input"]["desired"]["destination"]
    busy = [given["in_progress_to"]] if "in_progress_to" in given else ["eu-west-1"] * given["in_progress_count"]
    account = place.account
    place.seed(
        replicationConfiguration={"rules": [{"destinations": [destination]}]},
        backfills=[{"destination": {"region": region, "registryId": account}} for region in busy],
    )
    to = ReplicationDestination(region=destination["region"], registry_id=destination["registryId"])
    code = case["expected"]["error"]["suggested_grpc_code"]
    try:
        operation = place.live.client.start_replication_backfill(place.name, to)
        operation.result(timeout=WAIT_SECONDS)
    except ecrkeeper.RegistryError as error:
        status = error.code if error.code is not grpc.StatusCode.UNKNOWN else None
        assert status is grpc.StatusCode[code], error
    else:
        pytest.fail("the backfill was accepted")


def _scope_must_be_set_first(place: Place, case: dict[str, Any]) -> None:
    prepare(place, case)
    place.apply(wanted(case))
    registry = place.reconcile()
    assert registry.last_error.code == code_pb2.Code.Value(case["expected"]["error"]["suggested_grpc_code"]), (
        registry.last_error
    )
    assert "REGISTRY_POLICY_SCOPE" in registry.last_error.message
    assert blocked(registry)
    assert place.aws()["policyText"] is None


def blocked(registry: Registry) -> bool:
    return any(c.type == "Blocked" and c.status == Condition.TRUE for c in registry.conditions)


def _scope_goes_before_the_policy(place: Place, case: dict[str, Any]) -> None:
    prepare(place, case)
    (step,) = case["input"]["steps"]
    since = place.live.aws.position()
    place.settled(
        {
            "registry_policy": {"policyText": json.dumps(step["apply"]["registry_policy"])},
            "account_settings": {
                "settings": [{"name": name, "value": v} for name, v in step["apply"]["account_setting"].items()]
            },
        }
    )
    order = [call["operation"] for call in place.writes(since)]
    assert order == [entry.split()[0] for entry in case["expected"]["aws_call_order"]]
    assert place.aws()["scope"] == "V2"


def _scanning_of_repositories(place: Place, case: dict[str, Any]) -> None:
    place.settled({"scanning_configuration": case["input"]["given"]["aws"]})
    for key, value in case["expected"].items():
        if key.startswith("repo "):
            found = place.live.client.explain_repository(place.name, key.removeprefix("repo "))
            frequency = RegistryScanningRule.ScanFrequency.Name(found.scan_frequency)
            assert frequency == "SCAN_FREQUENCY_" + value.split(",")[0]
            assert len(found.scanning_rules) == value.count("prod*")


def _templates_of_repositories(place: Place, case: dict[str, Any]) -> None:
    templates = [{"prefix": prefix, "appliedFor": ["CREATE_ON_PUSH"]} for prefix in case["input"]["given"]["templates"]]
    place.settled({"repository_creation_templates": {"templates": templates}})
    for key, value in case["expected"].items():
        if key.startswith("repo "):
            found = place.live.client.explain_repository(place.name, key.removeprefix("repo "))
            assert found.repository_creation_template.key == value.removeprefix("template ")


def _cross_account_rule(place: Place, role: str, prefix: str) -> dict[str, Any]:
    return {
        "ecrRepositoryPrefix": prefix,
        "upstreamRegistryUrl": f"{OTHER}.dkr.ecr.us-east-1.amazonaws.com",
        "upstreamRegistry": "ecr",
        "customRoleArn": role,
    }


OTHER = "333333333333"


def _custom_role_changes_in_place(place: Place, case: dict[str, Any]) -> None:
    prefix, arn = case["input"]["desired"]["ecrRepositoryPrefix"], case["input"]["desired"]["customRoleArn"]
    first = _cross_account_rule(place, case["input"]["given"]["aws_customRoleArn"], prefix)
    place.settled({"pull_through_cache_rules": {"rules": [first]}})
    since = place.live.aws.position()
    place.settled({"pull_through_cache_rules": {"rules": [{**first, "customRoleArn": arn}]}})
    assert [call["operation"] for call in place.writes(since)] == ["UpdatePullThroughCacheRule"]
    assert observed(place, "pull-through-cache")["customRoleArn"] == case["expected"]["aws_state_customRoleArn"]


def _credentials_cannot_be_taken_away(place: Place, case: dict[str, Any]) -> None:
    """ECR has no call for it: without the permission to replace, the server says so instead of calling in vain."""
    prefix = case["input"]["desired"]["ecrRepositoryPrefix"]
    secret = f"arn:aws:secretsmanager:us-east-1:{place.account}:secret:ecr-pullthroughcache/public-AbCdEf"
    rule = {"ecrRepositoryPrefix": prefix, "upstreamRegistryUrl": "public.ecr.aws", "upstreamRegistry": "ecr-public"}
    place.seed(pullThroughCacheRules=[{**rule, "credentialArn": secret}])
    since = place.live.aws.position()
    place.apply({"pull_through_cache_rules": {"rules": [rule]}})
    registry = place.reconcile()
    assert "UpdatePullThroughCacheRule" not in [call["operation"] for call in place.writes(since)]
    assert registry.last_error.message or not registry.drift, registry
    assert [d.kind for d in registry.drift] == [Drift.CHANGED]
    place.settled({"pull_through_cache_rules": {"rules": [rule]}}, allow_replacement=True)
    assert not observed(place, "pull-through-cache").get("credentialArn")


def _aws_error_is_shown(place: Place, case: dict[str, Any]) -> None:
    place.apply(wanted(case))
    registry = eventually(lambda: with_error(place))
    expected = case["expected"]["error"]
    assert registry.last_error.code == code_pb2.Code.Value(expected["suggested_grpc_code"]), registry.last_error
    assert "secret" in registry.last_error.message.lower()
    (synced,) = [condition for condition in registry.conditions if condition.type == "Synced"]
    assert (synced.status, synced.reason) == (Condition.FALSE, "SECRET_UNUSABLE")
    assert place.aws()["pullThroughCacheRules"] == []


def with_error(place: Place) -> Registry | None:
    registry = place.read()
    return registry if registry.HasField("last_error") else None


def _deleting_what_is_gone_succeeds(place: Place, case: dict[str, Any]) -> None:
    prefix = case["input"]["desired"]["ecrRepositoryPrefix"]
    rule = {"ecrRepositoryPrefix": prefix, "upstreamRegistryUrl": "public.ecr.aws"}
    place.settled({"pull_through_cache_rules": {"rules": [rule]}})
    place.seed(pullThroughCacheRules=[])
    place.live.client.delete_registry_settings(place.part("platform"))
    place.live.client.reconcile_registry(place.name).result(timeout=WAIT_SECONDS)
    registry = place.read()
    assert not registry.HasField("last_error")
    assert not registry.drift


def _template_is_adopted(place: Place, case: dict[str, Any]) -> None:
    """ECR refuses to create what exists; the server takes it over, and its own second create is refused."""
    prepare(place, case)
    since = place.live.aws.position()
    settings = message(wanted(case))
    place.live.client.create_registry_settings(place.name, "platform", settings=settings)
    place.live.client.reconcile_registry(place.name).result(timeout=WAIT_SECONDS)
    assert place.writes(since) == []
    code = grpc.StatusCode[case["expected"]["error"]["suggested_grpc_code"]]
    refused(code, place.live.client.create_registry_settings, place.name, "platform", settings=settings)


def _template_is_updated(place: Place, case: dict[str, Any]) -> None:
    desired = case["input"]["desired"]
    first = {**desired, "description": "before", "appliedFor": ["REPLICATION"], "imageTagMutability": "IMMUTABLE"}
    place.settled({"repository_creation_templates": {"templates": [first]}})
    before = observed(place, case["setting"])
    since = place.live.aws.position()
    place.settled({"repository_creation_templates": {"templates": [{**first, "description": desired["description"]}]}})
    assert [call["operation"] for call in place.writes(since)] == ["UpdateRepositoryCreationTemplate"]
    after = observed(place, case["setting"])
    assert after["description"] == case["expected"]["description"]
    assert without_times({**after, "description": "before"}) == without_times(before)


# Roles.

ROLE_OF = {
    "replication.ecr.amazonaws.com": "replication",
    "pullthroughcache.ecr.amazonaws.com": "pull-through-cache",
    "ecr.amazonaws.com": "repository-creation-template",
}


def role_name(place: Place, role: str = "replication") -> str:
    return f"accounts/{place.account}/serviceLinkedRoles/{role}"


def reconciled_role(place: Place, name: str) -> ServiceLinkedRole:
    operation = place.live.client.reconcile_service_linked_role(name)
    with contextlib.suppress(ecrkeeper.OperationFailed):
        operation.result(timeout=WAIT_SECONDS)
    return place.live.client.get_service_linked_role(name)


def roles_in_iam(place: Place) -> Any:
    return place.live.aws.control("GET", f"accounts/{place.account}")["roles"]


def _role_is_created(place: Place, case: dict[str, Any]) -> None:
    desired = case["input"]["desired"]
    role = ROLE_OF[desired["AWSServiceName"]]
    given = ServiceLinkedRole(description=desired.get("Description"))
    place.live.client.create_service_linked_role(f"accounts/{place.account}", role, service_linked_role=given)
    found = reconciled_role(place, role_name(place, role))
    expected = case["expected"]["aws_state"]
    assert found.state == ServiceLinkedRole.ACTIVE
    assert found.provenance == ServiceLinkedRole.CREATED
    if "Arn" in expected:
        assert found.arn == expected["Arn"]
        assert found.role_name == expected["RoleName"]
        assert f":role{expected['Path']}" in found.arn
        assert found.aws_service_name == expected["AssumeRolePrincipal"]["Service"]
    if "Description" in expected:
        assert found.observed_description == expected["Description"]


def _role_is_adopted(place: Place, case: dict[str, Any]) -> None:
    place.settled({"replication_configuration": rules((place.account, "us-west-2"))}, owner="first")
    wish = ServiceLinkedRole(description=case["input"]["desired"]["Description"], mode=Mode.OBSERVE)
    client = place.live.client
    client.create_service_linked_role(f"accounts/{place.account}", "replication", service_linked_role=wish)
    since = place.live.aws.position()

    def differing() -> ServiceLinkedRole | None:
        role = client.get_service_linked_role(role_name(place))
        return role if role.drift else None

    found = eventually(differing)
    assert [drift.setting for drift in found.drift] == ["description"]
    assert found.state == ServiceLinkedRole.ACTIVE
    assert place.writes(since) == []
    wish.name, wish.mode = role_name(place), Mode.ENFORCE
    client.update_service_linked_role(wish)
    found = reconciled_role(place, role_name(place))
    assert found.observed_description == wish.description
    assert not found.drift


def _role_is_tagged(place: Place, case: dict[str, Any]) -> None:
    tags = {tag["Key"]: tag["Value"] for tag in case["input"]["desired"]["Tags"]}
    wish = ServiceLinkedRole(tags=tags)
    place.live.client.create_service_linked_role(f"accounts/{place.account}", "replication", service_linked_role=wish)
    found = reconciled_role(place, role_name(place))
    assert dict(found.observed_tags) == case["expected"]["aws_state_tags"]


def _role_description_is_refused(place: Place, case: dict[str, Any]) -> None:
    wish = ServiceLinkedRole(description=case["input"]["desired"]["Description"])
    error = refused(
        REFUSED,
        place.live.client.create_service_linked_role,
        f"accounts/{place.account}",
        "replication",
        service_linked_role=wish,
    )
    assert fields_of(error) == ["service_linked_role.description"]
    place.untouched()


def _only_known_roles_have_names(place: Place, case: dict[str, Any]) -> None:
    role = case["input"]["desired"]["id"].rpartition("/")[2]
    error = refused(REFUSED, place.live.client.get_service_linked_role, role_name(place, role), refresh=True)
    assert fields_of(error) == ["name"]


def _unused_role_is_deleted(place: Place, case: dict[str, Any]) -> None:
    client = place.live.client
    client.create_service_linked_role(f"accounts/{place.account}", "replication")
    reconciled_role(place, role_name(place))
    since = place.live.aws.position()
    client.delete_service_linked_role(role_name(place)).result(timeout=WAIT_SECONDS)
    assert [call["operation"] for call in place.writes(since)] == ["DeleteServiceLinkedRole"]
    assert not roles_in_iam(place)
    found = client.get_service_linked_role(role_name(place), refresh=True)
    assert found.state == ServiceLinkedRole.ABSENT


def _unknown_is_not_unused(place: Place, case: dict[str, Any]) -> None:
    client, (region,) = place.live.client, case["input"]["given"]["unreadable"]
    client.create_service_linked_role(f"accounts/{place.account}", "replication")
    reconciled_role(place, role_name(place))
    place.live.aws.control("PUT", f"accounts/{place.account}", {"enabled_regions": ["us-east-1", region]})
    fault = {
        "kind": "error",
        "service": "ecr",
        "account": place.account,
        "region": region,
        "code": "AccessDeniedException",
    }
    place.live.aws.control("POST", "faults", {**fault, "message": "no", "status": 400})
    try:
        usage = client.check_service_linked_role_usage(role_name(place))
        states = {each.region: each.state for each in usage.usage}
        assert states == {"us-east-1": RegionUsage.FREE, region: RegionUsage.UNKNOWN}
        assert not usage.deletable
        with pytest.raises(ecrkeeper.OperationFailed) as caught:
            client.delete_service_linked_role(role_name(place)).result(timeout=WAIT_SECONDS)
        assert any(region in violation.subject + violation.description for violation in caught.value.violations)
    finally:
        place.live.aws.control("DELETE", "faults")
    assert len(roles_in_iam(place)) == 1


def _a_lost_race_is_success(place: Place, case: dict[str, Any]) -> None:
    """A declaration of the role and a setting that lets ECR create it, at the same moment."""
    parent = f"accounts/{place.account}"
    with ThreadPoolExecutor(2) as pool:
        created = pool.submit(place.live.client.create_service_linked_role, parent, "replication")
        declared = pool.submit(place.settled, {"replication_configuration": rules((place.account, "us-west-2"))})
        created.result()
        declared.result()
    found = reconciled_role(place, role_name(place))
    assert found.state == ServiceLinkedRole.ACTIVE
    assert not found.HasField("last_error")
    assert len(roles_in_iam(place)) == 1


def unpacked(status: Any) -> error_details_pb2.ErrorInfo:
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in status.details)
    return info


def _denied_creation_says_what_is_missing(place: Place, case: dict[str, Any]) -> None:
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": ["iam:GetRole", "iam:List*"], "Resource": "*"}],
    }
    place.live.aws.control("PUT", f"accounts/{place.account}", {"iam_policy": policy})
    place.live.client.create_service_linked_role(f"accounts/{place.account}", "replication")

    def failed() -> Any:
        role = place.live.client.get_service_linked_role(role_name(place))
        return role if role.HasField("last_error") else None

    role = eventually(failed)
    # The case proposes PERMISSION_DENIED; that is kept for callers of ecrkeeper who may not do something.
    assert role.last_error.code == code_pb2.FAILED_PRECONDITION
    assert unpacked(role.last_error).reason == "AWS_ACCESS_DENIED"
    assert "iam:CreateServiceLinkedRole" in role.last_error.message
    assert "iam:AWSServiceName" in role.last_error.message


# What holds for every setting.


def _existing_is_adopted_and_can_be_kept(place: Place, case: dict[str, Any]) -> None:
    place.seed(replicationConfiguration=rules((place.account, "us-west-2"), prefix="prod-"))
    shape = rules((place.account, "us-west-2"), prefix="prod-")
    shape["rules"][0]["repositoryFilters"].append({"filter": "test-", "filterType": "PREFIX_MATCH"})
    place.settled({"replication_configuration": shape}, deletion_policy="ABANDON")
    assert place.aws()["replicationConfiguration"] == shape
    since = place.live.aws.position()
    place.live.client.delete_registry_settings(place.part("platform"))
    place.live.client.reconcile_registry(place.name).result(timeout=WAIT_SECONDS)
    assert place.aws()["replicationConfiguration"] == shape
    assert place.writes(since) == []


def _stale_etag_is_refused(place: Place, case: dict[str, Any]) -> None:
    declared = place.apply({"replication_configuration": {"rules": []}})
    place.settled({"replication_configuration": rules((place.account, "us-west-2"))})
    since = place.live.aws.position()
    code = grpc.StatusCode[case["expected"]["error"]["suggested_grpc_code"]]
    refused(code, place.apply, {"replication_configuration": {"rules": []}}, etag=declared.etag)
    assert place.writes(since) == []
    assert place.read().desired.replication_configuration.rules


def _only_masked_fields_change(place: Place, case: dict[str, Any]) -> None:
    first = {
        "replication_configuration": rules((place.account, "us-west-2")),
        "pull_through_cache_rules": {"rules": [{"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}]},
    }
    place.apply(first)
    change = message({"replication_configuration": rules((place.account, "eu-west-1"))})
    given = RegistrySettings(name=place.part("platform"), settings=change)
    update = place.live.client.update_registry_settings
    changed = update(given, ["settings.replication_configuration"])
    assert changed.settings == Settings(
        replication_configuration=change.replication_configuration,
        pull_through_cache_rules=message(first).pull_through_cache_rules,
    )
    error = refused(REFUSED, update, given, ["settings.replication"])
    assert fields_of(error) == ["update_mask"]
    replaced = update(given, ["*"])
    assert replaced.settings == change


FLOWS: dict[str, Callable[[Place, dict[str, Any]], None]] = {
    "repl-default-empty": _nothing_is_an_empty_configuration,
    "repl-unmanaged-rule-on-first-apply": _foreign_rules_stay,
    "xacct-no-destination-policy": _replication_is_checked,
    "xacct-policy-wrong-region": _replication_is_checked,
    "backfill-already-in-progress": _backfill_refused,
    "backfill-limit-10": _backfill_refused,
    "policy-v2-action-under-v1": _scope_must_be_set_first,
    "policy-and-scope-in-one-apply": _scope_goes_before_the_policy,
    "scan-effective-per-repo": _scanning_of_repositories,
    "ptc-update-custom-role": _custom_role_changes_in_place,
    "ptc-update-neither": _credentials_cannot_be_taken_away,
    "ptc-secret-not-found": _aws_error_is_shown,
    "ptc-delete-absent": _deleting_what_is_gone_succeeds,
    "tpl-duplicate": _template_is_adopted,
    "tpl-ack-description-update": _template_is_updated,
    "tpl-most-specific-wins": _templates_of_repositories,
    "slr-create-replication": _role_is_created,
    "slr-create-pullthroughcache": _role_is_created,
    "slr-create-template": _role_is_created,
    "slr-description-create": _role_is_created,
    "slr-exists-other-description": _role_is_adopted,
    "slr-tags": _role_is_tagged,
    "slr-description-1001-rejected": _role_description_is_refused,
    "slr-decode-plain-role": _only_known_roles_have_names,
    "slr-delete-unused": _unused_role_is_deleted,
    "slr-delete-preflight-region-unreadable": _unknown_is_not_unused,
    "slr-concurrent-create": _a_lost_race_is_success,
    "slr-access-denied": _denied_creation_says_what_is_missing,
    "cc-adopt-or-create-existing": _existing_is_adopted_and_can_be_kept,
    "cc-etag-stale": _stale_etag_is_refused,
    "cc-field-mask-partial": _only_masked_fields_change,
}
