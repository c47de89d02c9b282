"""Own calls are known by their request id, or by role and User-Agent together."""

from __future__ import annotations

import pytest
from ecrkeeper_server.aws.user_agent import ATTEMPT, user_agent
from ecrkeeper_server.events.origin import Origin, claims_own, origin_of
from ecrkeeper_server.events.records import parse_record
from ecrkeeper_server.events.targets import is_about, is_about_role, names_of, operations_of, setting_of
from ecrkeeper_server.events.user_agent import Keeper, product
from ecrkeeper_server.settings.table import SETTINGS
from hypothesis import given
from hypothesis import strategies as st

from tests.events.samples import ACCOUNT, INSTALL, OTHER_INSTALL, RECORD, REGION, SESSION_ARN, changed

OWN = f"ecrkeeper/0.2.0 install/{INSTALL} attempt/abc"
REQUEST = RECORD["requestID"]

CASES = [
    ("aws-cli/2.31", {REQUEST}, "", Origin.OWN, "a request id that we recorded"),
    (OWN, set(), SESSION_ARN, Origin.OWN, "our User-Agent and our principal: the answer was lost"),
    (OWN, set(), "arn:aws:sts::111111111111:assumed-role/ecrkeeper/x", Origin.FOREIGN, "a forged User-Agent"),
    (OWN, set(), "", Origin.FOREIGN, "our User-Agent, and our principal is not known"),
    (OWN.replace(INSTALL, OTHER_INSTALL), set(), SESSION_ARN, Origin.OTHER_KEEPER, "another installation"),
    ("aws-cli/2.31", set(), SESSION_ARN, Origin.FOREIGN, "somebody else with our principal"),
    (f"x {OWN}", set(), SESSION_ARN, Origin.FOREIGN, "our User-Agent inside of another"),
]


@pytest.mark.parametrize(("agent", "request_ids", "arn", "expected", "reason"), CASES, ids=[row[4] for row in CASES])
def test_origin_needs_request_id_or_role_and_user_agent(
    agent: str, request_ids: set[str], arn: str, expected: Origin, reason: str
) -> None:
    record = parse_record(changed(RECORD, "userAgent", agent))
    assert origin_of(record, INSTALL, request_ids, arn) is expected
    assert claims_own(record, INSTALL) is (agent == OWN)


def test_role_that_ecr_makes_for_our_write_is_own() -> None:
    service = "replication.ecr.amazonaws.com"
    record = parse_record(changed(changed(RECORD, "userIdentity.invokedBy", service), "userAgent", service))
    assert claims_own(record, INSTALL)
    assert origin_of(record, INSTALL, set(), SESSION_ARN) is Origin.OWN
    assert origin_of(record, INSTALL, set(), "") is Origin.FOREIGN


def test_sent_user_agent_is_recognized() -> None:
    ATTEMPT.set("0123456789ab")
    sent = user_agent(product("0.2.0", INSTALL))
    assert sent == f"ecrkeeper/0.2.0 install/{INSTALL} attempt/0123456789ab"
    assert Keeper.parse(sent) == Keeper("0.2.0", INSTALL)
    assert Keeper.parse(user_agent(product("0.2.0"))) is None


@given(st.text())
def test_any_user_agent_can_be_parsed(text: str) -> None:
    Keeper.parse(text)


def test_every_write_of_a_setting_leads_back_to_it() -> None:
    for name, setting in SETTINGS.items():
        assert operations_of(name) == tuple(sorted(setting.writes))
        for operation in setting.writes:
            assert setting_of(parse_record(changed(RECORD, "eventName", operation))) == name
    assert setting_of(parse_record(changed(RECORD, "eventName", "PutImage"))) == ""


def test_calls_of_iam_concern_all_roles_of_the_account() -> None:
    record = parse_record(
        {**RECORD, "eventSource": "iam.amazonaws.com", "eventName": "TagRole", "awsRegion": "us-east-1"}
    )
    assert setting_of(record) == "tags"
    assert names_of(record) == [
        f"accounts/{ACCOUNT}/serviceLinkedRoles/{role}"
        for role in ("replication", "pull-through-cache", "repository-creation-template")
    ]
    assert names_of(parse_record(RECORD)) == [f"accounts/{ACCOUNT}/registries/{REGION}"]


ABOUT = [
    ("pull_through_cache_rules", "quay", "quay", True, "the rule that the request names"),
    ("pull_through_cache_rules", "quay", "hub", False, "another rule"),
    ("pull_through_cache_rules", "quay", "", True, "a request that names nothing"),
    ("replication_configuration", "2/eu-west-1:a", "x", True, "a document is written as a whole"),
]


@pytest.mark.parametrize(("setting", "key", "hint", "expected", "reason"), ABOUT, ids=[row[4] for row in ABOUT])
def test_hint_excludes_other_elements_of_collections(
    setting: str, key: str, hint: str, expected: bool, reason: str
) -> None:
    assert is_about(setting, key, hint) is expected


def test_hint_excludes_other_roles() -> None:
    assert is_about_role("replication", "AWSServiceRoleForECRReplication")
    assert is_about_role("replication", "replication.ecr.amazonaws.com")
    assert not is_about_role("replication", "Admin")
