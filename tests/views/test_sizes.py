"""Every response is below 3 MiB, with the largest settings that AWS allows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from ecrkeeper.v1 import common_pb2, registry_pb2
from ecrkeeper_server.api.layers.errors import AnswerTooLongError, bounded_answer
from ecrkeeper_server.api.messages import fleet as fleet_message
from ecrkeeper_server.api.messages import plan as plan_message
from ecrkeeper_server.api.messages import registry as registry_message
from ecrkeeper_server.api.messages import registry_settings as render
from ecrkeeper_server.api.messages.elements import adding_elements, element
from ecrkeeper_server.api.messages.groups import grouping
from ecrkeeper_server.api.messages.sizes import ANSWER_BYTES, PLAN_BYTES, fitting_plan
from ecrkeeper_server.declarations.audit_records import settings_changes
from ecrkeeper_server.ecr.observe import Observed
from ecrkeeper_server.fleet.plan import FleetPlan
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings.algebra import plan
from ecrkeeper_server.settings.element_states import ElementState, element_states
from ecrkeeper_server.settings.elements import Change, ChangeKind
from ecrkeeper_server.settings.ownership import composition_of
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.store.rows import Declaration, Resource, Revision
from ecrkeeper_server.turns import finish
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.views import largest

LARGE = tuple[Resource, list[Declaration]]


def listed(states: Iterable[ElementState]) -> list[registry_pb2.Element]:
    elements: list[registry_pb2.Element] = []
    finish(adding_elements(elements, states))
    return elements


@pytest.fixture(scope="module")
def large() -> LARGE:
    return largest.registry(owners=1_000)


def test_full_view_is_below_3_mib_and_names_omissions(large: LARGE) -> None:
    message = registry_message.registry(*large)
    assert message.ByteSize() < ANSWER_BYTES
    assert message.view == registry_pb2.FULL
    assert {"desired.repository_creation_templates", "observed.repository_creation_templates"} <= set(
        message.truncated_fields
    )
    counts = {(each.setting, each.state): each.count for each in message.element_counts}
    assert counts[largest.REPLICATION, registry_pb2.Element.IN_SYNC] == 30_000
    assert counts[largest.REPLICATION, registry_pb2.Element.OUT_OF_SYNC] == 32_500


def test_full_view_groups_pairs_with_equal_state(large: LARGE) -> None:
    row, declared = large
    states = element_states(row.registry_state, composition_of(declared[:1]))
    pairs = [each for each in listed(states) if each.setting == largest.REPLICATION]
    assert {each.state for each in pairs} == {registry_pb2.Element.IN_SYNC, registry_pb2.Element.OUT_OF_SYNC}
    assert len(pairs) == 2
    assert sum(len(each.pairs.destinations) * len(each.pairs.filters) for each in pairs) == 62_500


@pytest.mark.parametrize("owners", [1, 20, 1_000])
def test_basic_view_is_at_most_64_kib(large: LARGE, owners: int) -> None:
    row, declared = large
    message = registry_message.registry(row, declared[:owners], registry_pb2.BASIC)
    assert message.ByteSize() <= 64 * 1024
    assert message.owner_count == owners
    assert message.worst_problem.reason == "AWS_REJECTED"
    assert not (message.elements or message.drift or message.HasField("desired") or message.HasField("observed"))
    assert ("declarations" in message.truncated_fields) is (len(message.declarations) < owners)


def test_basic_view_shows_declarations_that_are_not_ready_first() -> None:
    row, declared = largest.registry(owners=400, length=8)
    ready = [{**each, "status": "TRUE" if each["type"] in ("Ready", "Synced") else "FALSE"} for each in
             largest.conditions("")]  # fmt: skip
    last = declared[-1].owner
    owners = {each.owner: {"conditions": ready, "error": None} for each in declared}
    row.state["owners"] = {**owners, last: {"conditions": largest.conditions("no"), "error": None}}
    message = registry_message.registry(row, declared, registry_pb2.BASIC)
    shown = [each.owner for each in message.declarations]
    assert last in shown and len(shown) < 400
    assert shown == sorted(shown)


def test_listed_element_has_whole_value(large: LARGE) -> None:
    row, declared = large
    states = [
        each
        for each in element_states(row.registry_state, composition_of(declared))
        if each.setting == largest.TEMPLATES
    ]
    message = element(states[0], states[0].key)
    assert message.ByteSize() > 39_000
    assert not message.value_omitted
    assert len(states) == 100


def test_element_names_a_thousand_owners_and_counts_the_others() -> None:
    owners = tuple(f"team-{at:05}" for at in range(1_234))
    state = ElementState("registry_policy", frozenset(("s",)), "IN_SYNC", owners, {}, {}, "")
    for shown in (element(state, "s"), *listed([state])):
        assert (list(shown.owners), shown.omitted_owners) == (list(owners[:1_000]), 234)


def test_element_of_an_impossible_length_has_no_value() -> None:
    state = ElementState("registry_policy", frozenset(("s",)), "UNMANAGED", (), None, {"Sid": "s" * ANSWER_BYTES}, "")
    shown = element(state, "s")
    assert shown.value_omitted and shown.ByteSize() < 100


def test_declaration_with_plan_is_below_3_mib(large: LARGE) -> None:
    row, declared = large
    own = largest.owner("platform", {
        largest.REPLICATION: largest.replication(256), largest.TEMPLATES: largest.templates(0, 8)
    })  # fmt: skip
    shown_plan = common_pb2.Plan()
    for name, elements in composition_of(declared).desired.items():
        planned = plan(SETTINGS[name], elements, {}, {})
        finish(plan_message._adding_calls(shown_plan, row.registry, planned, Observed({}, {}, []), {}))
    unbounded = shown_plan.ByteSize()
    finish(fitting_plan(shown_plan))
    assert unbounded > ANSWER_BYTES > PLAN_BYTES >= shown_plan.ByteSize()
    assert len(shown_plan.calls) + shown_plan.omitted_calls > 100
    message = finish(render.with_plan(render.settings(own, row), shown_plan))
    assert message.ByteSize() < ANSWER_BYTES
    assert message.HasField("settings")


@pytest.mark.parametrize("length", [60, 126, 130, 17_000])
@pytest.mark.parametrize("field", ["calls", "warnings"])
def test_plan_of_many_items_fits(field: str, length: int) -> None:
    items = [{"operation" if field == "calls" else "message": "é" * length}] * (2_000_000 // length)
    shown_plan = common_pb2.Plan(**{field: items})
    finish(fitting_plan(shown_plan))
    assert 0.9 * PLAN_BYTES < shown_plan.ByteSize() <= PLAN_BYTES


def test_plan_of_a_set_fits() -> None:
    planned = FleetPlan()
    for at in range(60):
        value = {"description": "é" * 500, "number": at}
        changes = [Change(largest.TEMPLATES, f"{at}-{n}/", ChangeKind.ADD, None, value) for n in range(20)]
        finish(planned.adding(RegistryName(f"{at:012}", "us-east-1"), changes))
    message = finish(fleet_message.plan(planned, []))
    assert 0.9 * PLAN_BYTES < message.ByteSize() <= PLAN_BYTES


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ({}, largest.all_settings(), "everything is declared at once"),
        (largest.all_settings(), {}, "everything is removed"),
        ({largest.TEMPLATES: largest.templates(0, 100)}, {largest.TEMPLATES: largest.templates(50, 100)}, "moves"),
    ],
)
def test_revision_is_below_3_mib(before: dict[str, Any], after: dict[str, Any], reason: str) -> None:
    row = Revision("1" * 12, "us-east-1", "o", 2, after, "REMOVE", False, 0, "p", "", "r" * 1000, "Update")
    message = finish(render.revision_steps(row, settings_changes(before, after)))
    assert message.ByteSize() < ANSWER_BYTES, reason


def test_oversized_response_is_an_error() -> None:
    message = common_pb2.Warning(message="x" * ANSWER_BYTES)
    with pytest.raises(AnswerTooLongError):
        bounded_answer(message)
    assert bounded_answer(common_pb2.Warning(message="x")).message.message == "x"


_keys = st.sets(
    st.tuples(st.sampled_from(["1/a", "2/a", "2/b"]), st.sampled_from(["", "a", "b", "c:d", "e"])).map(":".join)
)


@given(_keys)
@settings(max_examples=200)
def test_groups_cover_exactly_their_pairs(keys: set[str]) -> None:
    items = [(largest.REPLICATION, {key}) for key in keys]
    groups = [group for _, group in finish(grouping(items, lambda each: each, lambda _: ()))]
    covered = [f"{d}:{f}" for _, pairs in groups if pairs for d in pairs.destinations for f in pairs.filters]
    assert sorted(covered) == sorted(keys)
    assert all(first in keys for first, _ in groups)


def test_different_elements_are_not_grouped() -> None:
    items = [(largest.REPLICATION, {"1/a:x"}, 1), (largest.REPLICATION, {"1/a:y"}, 2), ("registry_policy", {"s"}, 1)]
    groups = finish(grouping(items, lambda each: each[:2], lambda each: each[2:]))
    assert [(key, pairs is not None) for _, (key, pairs) in groups] == [("1/a:x", True), ("1/a:y", True), ("s", False)]
