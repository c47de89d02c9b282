"""Plans, several calls at once, and names."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import ecrkeeper
import pytest
from ecrkeeper import RegistrySettings, _many, _plans, names
from ecrkeeper.v1.common_pb2 import ElementChange, Plan, PlannedCall

from .fake import FakeServer

NAME = "accounts/111111111111/registries/us-east-1/settings/team-a"


def change(kind: int, key: str, before: str = "", after: str = "") -> ElementChange:
    element_change = ElementChange(setting="pull_through_cache_rules", key=key, kind=kind)  # type: ignore[arg-type]
    if before:
        element_change.before.string_value = before
    if after:
        element_change.after.string_value = after
    return element_change


def planned(*changes: ElementChange) -> ecrkeeper.WritePlan:
    return _plans.write_plan(
        RegistrySettings(name=NAME, plan=Plan(calls=[PlannedCall(service="ecr", operation="Put", changes=changes)]))
    )


def test_plan_has_changes_removals_and_text() -> None:
    kind = ElementChange.Kind
    plan = planned(change(kind.ADD, "a", after="x"), change(kind.UPDATE, "b", "x", "y"), change(kind.REMOVE, "c", "x"))
    assert [(each.kind, each.before, each.after) for each in plan.changes] == [
        ("ADD", None, "x"),
        ("UPDATE", "x", "y"),
        ("REMOVE", "x", None),
    ]
    assert [each.key for each in plan.removals] == ["c"]
    assert plan.removal_count == 1
    assert str(plan).splitlines()[1:] == [
        "  + pull_through_cache_rules a",
        "  ~ pull_through_cache_rules b",
        "  - pull_through_cache_rules c",
    ]
    assert plan


def test_plan_counts_pairs_and_shows_a_replacement_once() -> None:
    pairs = change(ElementChange.Kind.REMOVE, "a")
    pairs.pairs.destinations.extend(["1/a", "1/b"])
    pairs.pairs.filters.extend(["x", "y", "z"])
    assert planned(pairs).removal_count == 6
    assert str(planned(pairs).changes[0]).endswith("(and 5 alike)")
    replaced = change(ElementChange.Kind.REPLACE, "a", "x", "y")
    assert len(planned(replaced, replaced).changes) == 1


def test_plan_without_changes_is_false() -> None:
    plan = _plans.write_plan(RegistrySettings(name=NAME))
    assert not plan
    assert str(plan) == f"{NAME}: no changes in AWS"


def test_client_plans_without_writing(server: FakeServer, client: ecrkeeper.Client) -> None:
    assert not client.plan(NAME, {"signingConfiguration": {}}, force=True)
    (request,) = server.requests("UpdateRegistrySettings")
    assert (request.validate_only, request.force, request.allow_missing) == (True, True, True)


def test_several_calls_end_with_the_outcome_of_each(server: FakeServer, client: ecrkeeper.Client) -> None:
    good = {f"{NAME}-{number}": {"signingConfiguration": {}} for number in range(20)}
    outcomes = client.apply_many({**good, NAME: {"nothing": {}}}, reason="all")
    assert [each.name for each in outcomes] == [*good, NAME]
    assert [bool(each) for each in outcomes] == [True] * 20 + [False]
    assert isinstance(outcomes[-1].error, ecrkeeper.InvalidArgument)
    assert {request.reason for request in server.requests("UpdateRegistrySettings")} == {"all"}


async def test_asyncio_has_the_same_outcomes(server: FakeServer) -> None:
    async with ecrkeeper.AsyncClient(server.target, insecure=True) as client:
        outcomes = await client.apply_many({NAME: {"signingConfiguration": {}}, f"{NAME}-b": {"nothing": {}}})
        waited = await client.wait_many(["nobody"])
        assert not await client.plan(NAME, {})
    assert [bool(each) for each in outcomes] == [True, False]
    assert [type(each.error) for each in waited] == [ecrkeeper.InvalidArgument]


def test_calls_at_once_are_bounded() -> None:
    running, peak, lock = 0, 0, threading.Lock()
    met = threading.Barrier(3, timeout=10)

    def call(name: str) -> str:
        nonlocal running, peak
        with lock:
            running += 1
            peak = max(peak, running)
        met.wait()
        with lock:
            running -= 1
        return name

    assert [each.result for each in _many.each("abcdef", call, 3)] == list("abcdef")
    assert peak == 3
    with pytest.raises(ValueError, match="at_once must be 1 or more, got 0"):
        _many.each("a", call, 0)


@pytest.mark.parametrize(
    ("text", "kind", "full"),
    [
        ("111111111111", "Account", "accounts/111111111111"),
        ("111111111111/us-east-1", "Registry", "accounts/111111111111/registries/us-east-1"),
        ("111111111111/us-gov-west-1", "Registry", "accounts/111111111111/registries/us-gov-west-1"),
        ("111111111111/us-east-1/team-a", "RegistrySettings", NAME),
        ("111111111111/replication", "ServiceLinkedRole", "accounts/111111111111/serviceLinkedRoles/replication"),
    ],
)
def test_names_are_taken_apart_and_put_together(text: str, kind: str, full: str) -> None:
    for name in (text, full):
        parsed = names.parse(name)
        assert (parsed.kind, str(parsed), parsed.short) == (kind, full, text)


@pytest.mark.parametrize(
    "text", ["", "1", "111111111111/", "accounts/1", f"{NAME}/x", "111111111111/us-east-1/Team", "a\n"]
)
@pytest.mark.parametrize("parse", [names.parse, names.parse_uri])
def test_text_that_is_no_name_is_rejected(parse: Callable[[str], Any], text: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        parse(text)


def test_names_are_built_of_parts() -> None:
    assert names.settings("111111111111", "us-east-1", "team-a") == NAME
    assert names.role("111111111111", "replication") == "accounts/111111111111/serviceLinkedRoles/replication"
    registry, repository = names.parse_uri("111111111111.dkr.ecr.us-east-1.amazonaws.com/a/b:1@sha256:0")
    assert (registry, repository) == (names.Name("111111111111", "us-east-1"), "a/b")


def test_interrupt_waits_for_no_call_and_begins_no_other() -> None:
    begun, release = threading.Event(), threading.Event()

    def call() -> bool:
        begun.set()
        return release.wait(30)

    with pytest.raises(KeyboardInterrupt), _many.threads(1) as pool:
        first, second = pool.submit(call), pool.submit(call)
        assert begun.wait(30)
        raise KeyboardInterrupt
    assert (first.done(), second.cancelled()) == (False, True)
    release.set()
    assert first.result(30)
