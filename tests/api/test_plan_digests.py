"""Writes that carry out a plan, and writes whose plan is stale."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ecrkeeper
import pytest
from ecrkeeper.v1.registry_pb2 import RegistrySettings

from tests.e2e.live import WAIT_SECONDS, Live, Place, fresh_account

ONE = {"pull_through_cache_rules": {"rules": [{"ecrRepositoryPrefix": "one", "upstreamRegistryUrl": "quay.io"}]}}
TWO = {"pull_through_cache_rules": {"rules": [{"ecrRepositoryPrefix": "two", "upstreamRegistryUrl": "quay.io"}]}}
SEEDED = [{"ecrRepositoryPrefix": "seeded", "upstreamRegistryUrl": "public.ecr.aws"}]


@pytest.fixture
def place(either: Live) -> Place:
    """A registry that nobody has declared, on each database."""
    return either.registry(fresh_account())


def planned(place: Place, **options: Any) -> str:
    """Return the digest of the plan of the first declaration."""
    answer = place.apply(ONE, "a", validate_only=True, **options)
    assert len(answer.plan.digest) > 50
    return answer.plan.digest


def test_plan_is_carried_out_while_nothing_moves(place: Place) -> None:
    digest = planned(place)
    assert planned(place) == digest, "the digest is that of the same plan"
    assert place.apply(ONE, "a", plan_digest=digest, validate_only=True).plan.digest == digest
    assert place.apply(ONE, "a", plan_digest=digest).generation == 1


@dataclass(frozen=True)
class Move:
    move: Callable[[Place], object]
    moved: str
    message: str
    reason: str


MOVES = [
    Move(lambda p: p.seed(pullThroughCacheRules=SEEDED), "pull_through_cache_rules",
         "AWS has another pull_through_cache_rules", "somebody changed AWS"),
    Move(lambda p: p.apply({}, "b"), "registry", "the registry was declared", "another owner declared"),
    Move(lambda p: p.keep(mode="OBSERVE"), "registry", "the registry was declared", "another mode"),
    Move(lambda p: p.live.server.address, "request", "the request is not the planned one", "another request"),
]  # fmt: skip


@pytest.mark.parametrize("case", MOVES, ids=lambda case: case.reason)
def test_stale_plan_is_rejected_with_the_changed_part(place: Place, case: Move) -> None:
    digest = planned(place)
    case.move(place)
    declared = TWO if case.moved == "request" else ONE
    for validate_only in (True, False):
        with pytest.raises(ecrkeeper.Conflict) as caught:
            place.apply(declared, "a", plan_digest=digest, validate_only=validate_only)
        assert (caught.value.reason, caught.value.metadata["moved"]) == ("PLAN_STALE", case.moved)
        assert case.message in caught.value.message
    with pytest.raises(ecrkeeper.NotFound):
        place.live.client.get_registry_settings(place.part("a"))


def test_generation_is_named_where_the_registry_moved(place: Place) -> None:
    place.converged(TWO, "b")
    digest = planned(place)
    place.apply({}, "c")
    with pytest.raises(ecrkeeper.Conflict, match="the registry has generation 3, and the plan is for 2"):
        place.apply(ONE, "a", plan_digest=digest)


def test_repeated_call_keeps_its_answer_after_its_plan_was_carried_out(place: Place) -> None:
    digest, request_id = planned(place), str(uuid.uuid4())
    first = place.apply(ONE, "a", plan_digest=digest, request_id=request_id)
    repeated = place.apply(ONE, "a", plan_digest=digest, request_id=request_id)
    assert repeated.generation == first.generation == 1


def test_deletion_rollback_creation_and_registry_take_plans(place: Place) -> None:
    client = place.live.client
    place.converged(ONE, "a")
    place.converged(TWO, "a")

    digests = [_write(at, place, validate_only=True).plan.digest for at in range(5)]
    assert len(set(digests)) == len(digests), "each write has another digest"
    place.apply({}, "c")
    for at, digest in enumerate(digests):
        with pytest.raises(ecrkeeper.Conflict, match="the plan is stale: the registry has generation"):
            _write(at, place, plan_digest=digest)
    for at in range(len(digests)):
        # Each write moves the registry and AWS, so the plan of the next one is made after it.
        if at <= 3:
            client.reconcile_registry(place.name).result(WAIT_SECONDS)
        fresh = _write(at, place, validate_only=True).plan.digest
        _write(at, place, plan_digest=fresh)
    assert [each.name for each in client.list_registry_settings(place.name)] == [place.part("b"), place.part("c")]


def _write(at: int, place: Place, **options: Any) -> RegistrySettings | ecrkeeper.Registry:
    client = place.live.client
    if at == 0:
        return client.create_registry_settings(place.name, "b", settings={}, **options)
    if at == 1:
        return client.update_registry_settings({"name": place.part("a"), "deletion_policy": "ABANDON"}, **options)
    if at == 2:
        return client.rollback_registry_settings(place.part("a"), 1, **options)
    if at == 3:
        return client.update_registry({"name": place.name, "mode": "PAUSED"}, **options)
    return client.delete_registry_settings(place.part("a"), **options)


@pytest.mark.parametrize("text", ["x", "e30=", "WzIsIiIsIiIse31d", "WzEsIiIsIiIsWzFdXQ==", "ä", "A" * 900])
def test_text_that_is_no_digest_is_rejected(place: Place, text: str) -> None:
    with pytest.raises(ecrkeeper.InvalidArgument) as caught:
        place.apply(ONE, "a", plan_digest=text)
    assert [each.field for each in caught.value.violations] == ["plan_digest"]


def test_force_returns_elements_and_their_former_owners(place: Place) -> None:
    place.converged(ONE, "a")
    other = {"rules": [{"ecrRepositoryPrefix": "one", "upstreamRegistryUrl": "public.ecr.aws"}]}
    for validate_only in (True, False):
        answer = place.apply(
            {"pull_through_cache_rules": other}, "b", force=True, allow_replacement=True, validate_only=validate_only
        )
        (takeover,) = answer.takeovers
        assert (takeover.owner, takeover.setting, takeover.key) == ("a", "pull_through_cache_rules", "one")
        assert takeover.value.struct_value["upstreamRegistryUrl"] == "quay.io"
    assert not place.apply({"pull_through_cache_rules": other}, "b", force=True, allow_replacement=True).takeovers
    assert not place.live.client.get_registry_settings(place.part("b")).takeovers


def test_plan_of_a_role_is_carried_out_or_stale(either: Live) -> None:
    client, name = either.client, f"accounts/{fresh_account()}/serviceLinkedRoles/replication"

    def write(text: str = "first", **options: Any) -> ecrkeeper.ServiceLinkedRole:
        return client.update_service_linked_role({"name": name, "description": text}, allow_missing=True, **options)

    digest = write(validate_only=True).plan.digest
    with pytest.raises(ecrkeeper.Conflict, match="the request is not the planned one"):
        write("other", plan_digest=digest)
    request_id = str(uuid.uuid4())
    assert write(plan_digest=digest, request_id=request_id).generation == 1
    assert write(plan_digest=digest, request_id=request_id).generation == 1
    with pytest.raises(ecrkeeper.Conflict) as caught:
        write(plan_digest=digest)
    assert "the role was declared" in caught.value.message
    client.reconcile_service_linked_role(name).result(WAIT_SECONDS)
    digest = write("second", validate_only=True).plan.digest
    assert write("second", plan_digest=digest).generation == 2
