"""The JSON of stored parts is that of released versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ecrkeeper_server.roles.plan import ObservedRole, RememberedRole
from ecrkeeper_server.roles.usage import RegionUsage
from ecrkeeper_server.settings.elements import ChangeKind
from ecrkeeper_server.settings.pair_keys import PairKeys
from ecrkeeper_server.settings.suspects import Suspect
from ecrkeeper_server.store.audit import StoredChange
from ecrkeeper_server.store.contests import Contest, dump_contests, load_contests
from ecrkeeper_server.store.operation_metadata import DeletionMetadata, DeletionPhase, OperationMetadata
from ecrkeeper_server.store.state_parts import RejectedDeletion, StoredError
from ecrkeeper_server.store.states import RegistryState, RoleState

CONTEST = {"count": 3, "first": 1, "last": 9, "actor": "arn:aws:sts::1:x", "installation": "id"}
USAGE = {
    "region": "eu-west-1", "state": "IN_USE", "resources": ["k"], "owners": ["o"], "message": "m",
    "omitted_resources": 1, "omitted_owners": 2,
}  # fmt: skip
ROLE = {"role_id": "AROA1", "arn": "arn", "path": "/x/", "description": "d", "tags": {"k": "v"}, "create_time": 7}
SUSPECT = {
    "values": {"key": "digest"}, "code": "INVALID_ARGUMENT", "reason": "AWS_REJECTED", "message": "no", "aws_code": "A",
    "operation": "Put", "first": 1, "next": 2, "tries": 3, "lasting": True, "degrades": False, "base": "b",
    "aws_request_id": "r",
}  # fmt: skip
CHANGE = {"setting": "registry_policy", "key": "sid", "kind": "UPDATE", "before": {"a": 1}, "after": None}
ERROR = {"code": "c", "reason": "r", "message": "m", "metadata": {}, "preconditions": []}

# the stored form, its class, the value
FORMS: list[tuple[dict[str, Any], Callable[[Any], Any], Any]] = [
    (CONTEST, Contest.from_json, Contest(3, 1, 9, "arn:aws:sts::1:x", "id")),
    (USAGE, RegionUsage.from_json, RegionUsage("eu-west-1", "IN_USE", ("k",), ("o",), "m", 1, 2)),
    (ROLE, ObservedRole.from_json, ObservedRole("AROA1", "arn", "/x/", "d", {"k": "v"}, 7)),
    ({"role_id": "AROA1", "provenance": "CREATED"}, RememberedRole.from_json, RememberedRole("AROA1", "CREATED")),
    (
        SUSPECT,
        Suspect.from_json,
        Suspect(
            {"key": "digest"}, "INVALID_ARGUMENT", "AWS_REJECTED", "no", "A", "Put", 1, 2, 3, lasting=True, base="b",
            aws_request_id="r",
        ),
    ),
    (CHANGE, StoredChange.from_json, StoredChange("registry_policy", "sid", ChangeKind.UPDATE, {"a": 1}, None)),
    (
        {"generation": 3, "error": ERROR},
        RejectedDeletion.from_json,
        RejectedDeletion(3, StoredError(code="c", reason="r", message="m")),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("stored", "parse", "value"), FORMS)
def test_part_has_released_form(stored: dict[str, Any], parse: Callable[[Any], Any], value: Any) -> None:
    assert parse(stored) == value
    assert value.to_json() == stored


@pytest.mark.parametrize(
    ("parse", "stored", "value", "reason"),
    [
        (Contest.from_json, {"count": 1, "first": 2, "last": 3}, Contest(1, 2, 3), "names came later"),
        (RegionUsage.from_json, {"region": "r", "state": "FREE"}, RegionUsage("r", "FREE"), "0.1.0 omitted nothing"),
        (ObservedRole.from_json, {"role_id": "A"}, ObservedRole("A", "", "", "", {}, 0), "of an older program"),
        (
            Suspect.from_json,
            {**{k: v for k, v in SUSPECT.items() if k not in ("base", "degrades", "aws_request_id")}, "newer": 1},
            Suspect(
                {"key": "digest"}, "INVALID_ARGUMENT", "AWS_REJECTED", "no", "A", "Put", 1, 2, 3, lasting=True
            ),
            "members came later, and newer ones are ignored",
        ),
        (
            StoredChange.from_json,
            {**CHANGE, "setting": "registry", "key": "foreign_elements"},
            StoredChange("registry", "unmanaged_elements", ChangeKind.UPDATE, {"a": 1}, None),
            "0.1.0 had another word",
        ),
    ],
)  # fmt: skip
def test_part_of_another_version_is_read(parse: Callable[[Any], Any], stored: Any, value: Any, reason: str) -> None:
    assert parse(stored) == value, reason


def test_change_of_pairs_keeps_its_products() -> None:
    pairs = PairKeys.product([(["222222222222/eu-west-1"], ["a", "b"])])
    change = StoredChange("replication_configuration", "first", ChangeKind.ADD, None, {}, pairs)
    stored = change.to_json()
    assert stored["pairs"] == [[["222222222222/eu-west-1"], ["a", "b"]]]
    assert StoredChange.from_json(stored) == change


def test_contests_are_stored_by_setting_and_key() -> None:
    stored = {"registry_policy": {"a": CONTEST, "b": CONTEST}}
    contests = load_contests(stored)
    assert dump_contests({**contests, "scanning_configuration": {}}) == stored
    state = RegistryState({}).changed(contests=contests)
    assert (state.to_json(), state.contests) == ({"contests": stored}, contests)
    assert state.changed(contests={}).to_json() == {}


def test_suspects_are_stored_by_setting() -> None:
    stored = {"suspects": {"registry_policy": [SUSPECT]}}
    suspects = RegistryState(stored).suspects
    assert RegistryState({}).changed(suspects={**suspects, "signing_configuration": []}).to_json() == stored


def test_role_keeps_its_remembered_provenance() -> None:
    stored = {"remembered": {"role_id": "AROA1", "provenance": "CREATED"}}
    assert RoleState(stored).remembered == RememberedRole("AROA1", "CREATED")
    assert RoleState({}).changed(remembered=RememberedRole("AROA1", "CREATED")).to_json() == stored
    assert RoleState({"remembered": {}}).remembered is None


def test_brief_role_has_no_observed_tags() -> None:
    state = RoleState({"role": ROLE, "drift": [], "applied_tags": {"k": "v"}})
    assert state.brief().to_json() == {"role": ROLE}
    assert state.brief(tags=False).to_json() == {"role": {**ROLE, "tags": {}}}
    assert RoleState({"role": None}).brief(tags=False).to_json() == {"role": None}


def test_deletion_metadata_has_released_form() -> None:
    stored = {"phase": "DELETING", "callers": ["a"], "usage": [USAGE], "deletion_task_id": "task/1"}
    metadata = DeletionMetadata(stored)
    assert (metadata.phase, metadata.task, metadata.callers) == ("DELETING", "task/1", ["a"])
    assert metadata.usage == [RegionUsage.from_json(USAGE)]
    begun = DeletionMetadata.of(DeletionPhase.PREFLIGHT)
    assert (begun.to_json(), begun.task, begun.usage) == ({"phase": "PREFLIGHT"}, "", [])
    checked = begun.with_callers(["a"]).after(DeletionPhase.PREFLIGHT, usage=metadata.usage)
    assert checked.after(DeletionPhase.DELETING, task="task/1").to_json() == stored
    assert DeletionMetadata({}).phase == "PREFLIGHT", "the operation of an older program"


def test_reconcile_metadata_has_released_form() -> None:
    assert OperationMetadata.requested_during("lease").with_callers(["a"]).to_json() == {
        "behind": "lease",
        "callers": ["a"],
    }
    assert OperationMetadata({"behind": "lease"}).lease == "lease"
    assert OperationMetadata.requested_during(None).with_callers([]).to_json() == {}
