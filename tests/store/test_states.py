"""The observed state survives the store as values, also from an older program."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ecrkeeper_server.aws_errors import Permanent
from ecrkeeper_server.declarations.summaries import DeclarationStatus, Problem, RegistrySummary
from ecrkeeper_server.errors import PreconditionViolation, QuotaViolation
from ecrkeeper_server.roles.plan import ObservedRole
from ecrkeeper_server.store.drift_rows import drift_count
from ecrkeeper_server.store.state_parts import Condition, RoleDeletion, StoredError
from ecrkeeper_server.store.states import RegistryState, RoleState, State
from ecrkeeper_server.store.stored_drift import MANY, Remediation, StoredDrift
from ecrkeeper_server.turns import finish
from hypothesis import given
from hypothesis import strategies as st

from tests.answers.state import pairs_drift

TEXTS, TIMES = st.text(max_size=8), st.integers(0, 2**53)
VALUES = st.none() | st.booleans() | st.integers() | TEXTS | st.lists(TEXTS, max_size=2)
CONDITIONS = st.builds(Condition, TEXTS, st.sampled_from(["TRUE", "FALSE"]), TEXTS, TEXTS, TIMES)
ERRORS = st.builds(
    StoredError,
    code=TEXTS,
    reason=TEXTS,
    message=TEXTS,
    metadata=st.dictionaries(TEXTS, TEXTS, max_size=3),
    preconditions=st.lists(st.builds(PreconditionViolation, TEXTS, TEXTS, TEXTS), max_size=2).map(tuple),
    quotas=st.lists(st.builds(QuotaViolation, TEXTS, TEXTS), max_size=2).map(tuple),
    since=st.none() | TIMES,
)
DRIFT = st.builds(
    StoredDrift, TEXTS, TEXTS, TEXTS, VALUES, VALUES, st.none() | st.lists(TEXTS, max_size=2), st.none() | TIMES
)
REMEDIATIONS = st.builds(Remediation, TIMES, st.lists(DRIFT, max_size=2))
DELETIONS = st.builds(
    RoleDeletion, role_id=st.none() | TEXTS, task=st.none() | TEXTS, started=st.none() | TIMES, polls=st.integers(0, 99)
)
DECLARATIONS = st.builds(
    DeclarationStatus,
    owner=TEXTS,
    generation=TIMES,
    observed_generation=TIMES,
    conditions=st.lists(CONDITIONS, max_size=2),
    error=st.none() | ERRORS,
)
SUMMARIES = st.builds(
    RegistrySummary,
    name=TEXTS,
    uid=TEXTS,
    etag=TEXTS,
    generation=TIMES,
    observed_generation=TIMES,
    create_time=TIMES,
    update_time=TIMES,
    observe_time=st.none() | TIMES,
    due_at=st.none() | TIMES,
    mode=TEXTS,
    unmanaged_elements=TEXTS,
    conditions=st.lists(CONDITIONS, max_size=2),
    error=st.none() | ERRORS,
    owners=st.lists(TEXTS, max_size=2),
    owner_count=TIMES,
    declarations=st.lists(DECLARATIONS, max_size=2),
    element_counts=st.lists(st.tuples(TEXTS, TEXTS, TIMES), max_size=2),
    worst_problem=st.none() | st.builds(Problem, TEXTS, TEXTS, TEXTS, TEXTS),
    truncated=st.lists(TEXTS, max_size=2),
)


@given(st.one_of(CONDITIONS, ERRORS, DRIFT, REMEDIATIONS, DELETIONS, DECLARATIONS, SUMMARIES))
def test_part_of_a_state_is_read_as_it_was_written(part: Any) -> None:
    assert type(part).from_json(part.to_json()) == part


@given(st.lists(CONDITIONS, max_size=2), st.none() | ERRORS, st.lists(DRIFT, max_size=2), REMEDIATIONS)
def test_state_is_read_as_it_was_changed(
    conditions: list[Condition], error: StoredError | None, drift: list[StoredDrift], remediation: Remediation
) -> None:
    before = RegistryState({"applied": {"x": {}}, "of_a_newer_program": 1})
    state = before.changed(conditions=conditions, error=error, drift=drift, remediation=remediation)
    assert (state.conditions, state.error, state.drift, state.remediation) == (conditions, error, drift, remediation)
    assert state.drifted is bool(drift)
    assert state.to_json()["applied"] == {"x": {}}, "the other members stay"
    assert state.to_json()["of_a_newer_program"] == 1, "members of newer programs stay"
    assert before.to_json() == {"applied": {"x": {}}, "of_a_newer_program": 1}, "a change leaves the original as it is"


def test_role_is_read_as_it_was_changed() -> None:
    role = ObservedRole("AROA1", "arn:aws:iam::1:role/x", "/x/", "d", {"k": "v"}, 7)
    state = RoleState({}).changed(role=role, deletion=RoleDeletion(task="t", started=1))
    assert (state.role, state.role_id, state.observed) == (role, "AROA1", True)
    assert state.deletion == RoleDeletion(task="t", started=1)
    deleted = state.changed(role=None, deletion=None)
    assert (deleted.role, deleted.role_id, deleted.observed, deleted.deletion) == (None, None, True, None)


def test_members_that_are_seldom_there_take_no_space() -> None:
    state = RegistryState({}).changed(unconfirmed={}, suspects={}, denials={}, owners={}, marked=None)
    assert state.to_json() == {}
    assert RoleState({"deletion": {}}).changed(deletion=None).to_json() == {}


def test_rejected_deletion_is_shown_until_the_spec_changes() -> None:
    error = StoredError.of(Permanent("in use", reason="ROLE_IN_USE"))
    state = RoleState({}).with_rejected_deletion(3, error)
    assert state.rejected_deletion(3) == error
    assert state.rejected_deletion(4) is None
    assert RoleState({}).rejected_deletion(3) is None


STORED: list[tuple[dict[str, Any], StoredError, str]] = [
    (
        {"code": "ABORTED", "reason": "ABANDONED", "message": "m"},
        StoredError(code="ABORTED", reason="ABANDONED", message="m"),
        "releases before this one stored no details for their own errors",
    ),
    (
        {"code": "c", "reason": "r", "message": "m", "metadata": {}, "preconditions": [["t", "s", "d"]]},
        StoredError(code="c", reason="r", message="m", preconditions=(PreconditionViolation("t", "s", "d"),)),
        "an error without quotas",
    ),
]


@pytest.mark.parametrize(("stored", "error", "reason"), STORED)
def test_error_has_defaults_for_missing_members(stored: dict[str, Any], error: StoredError, reason: str) -> None:
    assert StoredError.from_json(stored) == error, reason


# owners that are stored, the reasons of the conditions of owner `a`, reason
OF_OWNER: list[tuple[dict[str, Any] | None, list[str], str]] = [
    (None, ["ALL"], "without owners, all stand as the registry does"),
    ({"a": {"conditions": [Condition("Ready", "TRUE", "OWN", "", 1).to_json()]}}, ["OWN"], "the owner's own"),
    ({"b": {}}, [], "the declaration is newer than the last attempt"),
]


@pytest.mark.parametrize(("owners", "reasons", "reason"), OF_OWNER)
def test_declaration_stands_as_its_owner_or_registry(
    owners: dict[str, Any] | None, reasons: list[str], reason: str
) -> None:
    stored = {"conditions": [Condition("Ready", "TRUE", "ALL", "", 1).to_json()]}
    state = State(stored if owners is None else {**stored, "owners": owners})
    assert [each.reason for each in state.of_owner("a").conditions] == reasons, reason


MEMBERS: Any = st.fixed_dictionaries(
    {},
    optional={
        "conditions": st.lists(CONDITIONS, max_size=2),
        "error": st.none() | ERRORS,
        "owners": st.dictionaries(TEXTS, st.builds(State, st.dictionaries(TEXTS, TEXTS, max_size=1)), max_size=2),
        "marked": st.none() | TIMES,
        "problems": st.dictionaries(TEXTS, st.dictionaries(TEXTS, TEXTS, max_size=1), max_size=2),
        "observed": st.dictionaries(TEXTS, st.dictionaries(TEXTS, st.booleans() | st.sampled_from([0, 1, 1.0]))),
    },
)


@given(first=MEMBERS, second=MEMBERS, third=MEMBERS)
def test_state_with_equal_members_is_stored_as_if_they_were_set(first: Any, second: Any, third: Any) -> None:
    before = RegistryState({}).changed(**first).changed(**second)
    # Nothing is skipped where the state has no members yet.
    by_name = {name: RegistryState({}).changed(**{name: value}).stored for name, value in third.items()}
    expected = {name: value for name, value in before.stored.items() if name not in third}
    for stored in by_name.values():
        expected |= stored
    assert json.dumps(before.changed(**third).stored, sort_keys=True) == json.dumps(expected, sort_keys=True)
    assert before.changed(**{name: value for name, value in second.items() if name != "observed"}) == before


def test_state_with_equal_conditions_is_the_same_object() -> None:
    conditions = [Condition("Ready", "TRUE", "IN_SYNC", "", 1)]
    state = RegistryState({}).changed(conditions=conditions, error=None)
    assert state.changed(conditions=conditions, error=None, owners={}, marked=None).stored is state.stored


def test_known_drift_is_counted_and_compared_without_parsing(monkeypatch: pytest.MonkeyPatch) -> None:
    one = {"setting": "registry_policy", "key": "s", "kind": "MISSING"}
    state = RegistryState({"drift": [*pairs_drift(), one]})
    parsed = state.drift
    indexed = {(each.setting, each.key if each.pairs is None else MANY) for each in parsed}
    assert finish(state.finding_drift_elements()) == indexed
    assert state.drift_settings == {each.setting for each in parsed}
    assert state.drift_count == drift_count(parsed) > 1_000
    before = RegistryState({"drift": pairs_drift()})
    assert finish(state.finding_new_drift(before)) == parsed[-1:]
    removed = RegistryState({"remediation": {"time": 1, "drift": [one]}})
    assert list(removed.removed_at(1)) == finish(removed.finding_new_removals(before, 1)) == parsed[-1:]
    monkeypatch.setattr(StoredDrift, "from_json", None)
    assert (state.drift_count, list(removed.removed_at(2))) == (drift_count(parsed), [])
    for nothing in (state.finding_new_drift(state), *(removed.finding_new_removals(state, time) for time in (1, 2))):
        assert finish(nothing) == []
