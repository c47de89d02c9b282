"""Attempts that recognize their inputs, with attempts that plan as the oracle."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import orjson
import pytest
from ecrkeeper_server.aws_errors import AwsError, Permanent
from ecrkeeper_server.engine import reconcile_registry as reconciling
from ecrkeeper_server.engine import unchanged as unchanged_module
from ecrkeeper_server.engine.attempt import Attempt, AttemptResult
from ecrkeeper_server.engine.reconcile_registry import reconcile_registry
from ecrkeeper_server.engine.unchanged import Unchanged
from ecrkeeper_server.settings.algebra import compose
from ecrkeeper_server.settings.collection import Collection
from ecrkeeper_server.settings.ownership import composing
from ecrkeeper_server.settings.setting import Setting
from ecrkeeper_server.settings.table import SETTINGS, split_all
from ecrkeeper_server.store.rows import Declaration, Resource
from ecrkeeper_server.store.state_parts import StoredError
from ecrkeeper_server.store.sweep import Desired
from ecrkeeper_server.turns import finish
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import astuple, replace

from tests.engine.conftest import World
from tests.unit.settings.shapes import REGISTRY, SHAPES

NOW = 1_800_000_000_000_000
Shapes = dict[str, dict[str, Any]]

some_shapes = st.fixed_dictionaries({}, optional=SHAPES)
owners = st.dictionaries(st.sampled_from(["team-a", "team-b"]), some_shapes, min_size=1, max_size=2)
modes = st.sampled_from(["ENFORCE", "OBSERVE"])
treatments = st.sampled_from(["PRESERVE", "PRUNE"])


class CannedAws:
    """Answers reads with shapes; other registries are empty.

    Nothing can be written.
    """

    def __init__(self, shapes: Shapes) -> None:
        self.shapes = shapes
        self._of = {read.operation: setting for setting in SETTINGS.values() for read in setting.reads}

    async def call(
        self, account: str, region: str, _service: str, operation: str, params: dict[str, Any]
    ) -> dict[str, Any]:
        if operation == "ValidatePullThroughCacheRule":
            return {"isValid": params["ecrRepositoryPrefix"] < "b", "failure": "denied"}
        setting = self._of[operation]
        own = (account, region) == (REGISTRY.account, REGISTRY.region)
        return answer(setting, operation, params, self.shapes.get(setting.name, {}) if own else {})


def answer(setting: Setting, operation: str, params: dict[str, Any], shape: dict[str, Any]) -> dict[str, Any]:
    """Return AWS's answer for a setting with a shape."""
    if operation == "GetAccountSetting":
        return {
            "name": params["name"],
            "value": {e["name"]: e["value"] for e in shape.get("settings", ())}.get(params["name"]),
        }
    if isinstance(setting, Collection):
        return {setting.reads[0].items or "": shape.get(setting.items, [])}
    member = getattr(setting, "member", None)
    return {member: shape} if member else shape


def row_of(spec: dict[str, Any], state: dict[str, Any]) -> Resource:
    return replace(Resource.new(REGISTRY, spec, NOW, uid="u", generation=1), state=state)


def digest_of(unchanged: Unchanged, *inputs: Any) -> bytes | None:
    """Return the digest of inputs at once."""
    return finish(unchanged.digesting(*inputs))


def declarations(declared: dict[str, Shapes]) -> list[Declaration]:
    return [
        Declaration(REGISTRY.account, REGISTRY.region, owner, "u", shapes, "REMOVE", False, 1, 1, 1, NOW, NOW)
        for owner, shapes in sorted(declared.items())
    ]


def attempted(row: Resource, declared: dict[str, Shapes], aws: CannedAws, unchanged: Unchanged) -> AttemptResult | None:
    """Return the result of an attempt; None if it would write."""

    class Writes(Exception):
        pass

    class NoDatabase:
        async def write(self, _change: Any) -> Any:
            raise Writes

    attempt = Attempt(
        row, cast(Any, NoDatabase()), cast(Any, aws), Desired(declarations(declared), []), NOW, "us-east-1", unchanged
    )
    try:
        return asyncio.run(reconcile_registry(attempt))
    except Writes:
        return None


def comparable(value: Any) -> Any:
    """Return a value whose errors are in their stored form, which can be equal."""
    if isinstance(value, AwsError):
        return StoredError.of(value)
    if isinstance(value, Mapping):
        return {key: comparable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [comparable(each) for each in value]
    return [comparable(each) for each in astuple(value)] if isinstance(value, Struct) else value


def settled(row: Resource, declared: dict[str, Shapes], aws: CannedAws, unchanged: Unchanged) -> Resource | None:
    """Return the row after some attempts, of which the last ones find nothing new.

    Return None if one would write.
    """
    for _ in range(3):
        result = attempted(row, declared, aws, unchanged)
        if result is None:
            return None
        row = replace(row, state=result.state.stored)
    return row


def in_place(declared: dict[str, Shapes], others: Shapes) -> Shapes:
    """Return shapes that have the composed declarations, and elements of others."""
    desired = compose({owner: split_all(shapes) for owner, shapes in declared.items()}).desired
    elements = {name: {**observed, **desired.get(name, {})} for name, observed in split_all(others).items()}
    return {name: SETTINGS[name].join(observed) for name, observed in ({**desired, **elements}).items()}


def drawn_change(data: st.DataObject, spec: Any, declared: Any, shapes: Any) -> tuple[Any, Any, Any]:
    """Change one of the inputs, or none."""
    change = data.draw(st.sampled_from(["nothing", "spec", "declared", "shapes", "one shape"]))
    if change == "spec":
        return {"mode": data.draw(modes), "unmanaged_elements": data.draw(treatments)}, declared, shapes
    if change == "declared":
        return spec, data.draw(owners), shapes
    if change == "shapes":
        return spec, declared, data.draw(some_shapes)
    if change == "one shape":
        name = data.draw(st.sampled_from(sorted(SHAPES)))
        return spec, declared, {**shapes, name: data.draw(SHAPES[name])}
    return spec, declared, shapes


ROOT_RULE = {"ecrRepositoryPrefix": "ROOT", "upstreamRegistryUrl": "quay.io"}


def test_rejected_replacement_ends_like_a_planned_one() -> None:
    declared: dict[str, Shapes] = {"team-a": {"pull_through_cache_rules": {"rules": [ROOT_RULE]}}}
    row, unchanged = row_of({"mode": "ENFORCE"}, {}), Unchanged(slots=16)
    aws = CannedAws({"pull_through_cache_rules": {"rules": [{**ROOT_RULE, "credentialArn": "arn"}]}})
    for _ in range(3):
        result = attempted(row, declared, aws, unchanged)
        assert result is not None
        assert result.status.error is not None
        assert comparable(result) == comparable(attempted(row, declared, aws, Unchanged(slots=16)))
        row = replace(row, state=result.state.stored)


@settings(max_examples=60)
@given(declared=owners, others=some_shapes, mode=modes, treatment=treatments, data=st.data())
def test_recognized_attempt_ends_like_a_planned_one(
    declared: dict[str, Shapes], others: Shapes, mode: str, treatment: str, data: st.DataObject
) -> None:
    spec = {"mode": mode, "unmanaged_elements": treatment}
    shapes = in_place(declared, others)
    unchanged = Unchanged(slots=16)
    row = settled(row_of(spec, {}), declared, CannedAws(shapes), unchanged)
    assume(row is not None)
    assert row is not None
    for _ in range(3):
        spec, declared, shapes = drawn_change(data, spec, declared, shapes)
        row, aws = replace(row, spec=spec), CannedAws(shapes)
        result = attempted(row, declared, aws, unchanged)
        assert comparable(result) == comparable(attempted(row, declared, aws, Unchanged(slots=16)))
        if result is not None:
            row = replace(row, state=result.state.stored)


def count_compositions(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    calls: list[int] = []
    original = composing

    def counted(declared: Any) -> Any:
        calls.append(1)
        return original(declared)

    monkeypatch.setattr(reconciling, "composing", counted)
    return calls


REPLICATED: dict[str, Any] = {"rules": [{"destinations": [{"region": "us-west-2", "registryId": "111111111111"}]}]}


@pytest.mark.parametrize("mode", ["ENFORCE", "OBSERVE"])
def test_unchanged_registry_is_not_composed_again(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    declared = {"team-a": {"replication_configuration": REPLICATED}}
    unchanged, aws = Unchanged(slots=16), CannedAws(declared["team-a"])
    row = settled(row_of({"mode": mode}, {}), declared, aws, unchanged)
    assert row is not None
    compositions = count_compositions(monkeypatch)
    result = attempted(row, declared, aws, unchanged)
    assert not compositions
    assert result is not None
    assert result.state.stored["checks"], "replication is checked in any case"


def deleting(value: Any) -> dict[str, Any]:
    return {"rules": [{**REPLICATED["rules"][0], "deleteReplication": {"enabled": value}}]}


CHANGED = [
    (REPLICATED, deleting(True), "AWS has another value"),
    (deleting(True), deleting(1), "AWS has a number in place of a truth value, and Python takes them for equal"),
    (REPLICATED, {"rules": [{**REPLICATED["rules"][0], "newThing": True}]}, "AWS has a member that is not known"),
    (REPLICATED, {"rules": []}, "AWS has nothing"),
]


@pytest.mark.parametrize(("declared_shape", "shape", "reason"), CHANGED)
def test_other_answer_is_composed(
    declared_shape: dict[str, Any], shape: dict[str, Any], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared = {"team-a": {"replication_configuration": declared_shape}}
    unchanged = Unchanged(slots=16)
    row = settled(row_of({"mode": "OBSERVE"}, {}), declared, CannedAws(declared["team-a"]), unchanged)
    assert row is not None
    compositions = count_compositions(monkeypatch)
    aws = CannedAws({"replication_configuration": shape})
    result = attempted(row, declared, aws, unchanged)
    assert compositions, reason
    assert comparable(result) == comparable(attempted(row, declared, aws, Unchanged(slots=16))), reason
    assert result is not None
    assert not result.status.ready, reason


def test_failed_read_is_no_unchanged_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    declared: dict[str, Shapes] = {
        "team-a": {"replication_configuration": REPLICATED, "scanning_configuration": {"scanType": "BASIC"}}
    }
    unchanged, aws = Unchanged(slots=16), CannedAws(declared["team-a"])
    row = settled(row_of({"mode": "OBSERVE"}, {}), declared, aws, unchanged)
    assert row is not None

    class Failing(CannedAws):
        async def call(self, *args: Any) -> dict[str, Any]:
            if args[3] == "DescribeRegistry":
                raise Permanent("denied", reason="AWS_ACCESS_DENIED", operation="DescribeRegistry")
            return await super().call(*args)

    result = attempted(row, declared, Failing(declared["team-a"]), unchanged)
    assert result is not None
    assert not result.status.synced


def test_bucket_forgets_its_oldest_digest() -> None:
    unchanged = Unchanged(slots=8)
    digests = [digest_of(unchanged, row_of({}, {"observed": {"n": n}}), [], {}) or b"" for n in range(9)]
    assert len(set(digests)) == 9
    assert not any(map(unchanged.knows, digests))
    for at, digest in enumerate(digests):
        unchanged.remember(digest)
        assert list(map(unchanged.knows, digests[: at + 1])) == [each > at - 8 for each in range(at + 1)]


def test_table_half_full_knows_nearly_all() -> None:
    unchanged = Unchanged(slots=2048)
    digests = [digest_of(unchanged, row_of({}, {"observed": {"n": n}}), [], {}) or b"" for n in range(1024)]
    for digest in digests * 2:
        if not unchanged.knows(digest):
            unchanged.remember(digest)
    assert sum(map(unchanged.knows, digests)) > 0.9 * len(digests)


LARGE = 2**70


@pytest.mark.parametrize("state", [{"observed": {"n": LARGE}}, {"observed": {"n": "\ud800"}}, {"n": "x" * 1_000_000}])
def test_inputs_without_one_short_form_have_no_digest(state: dict[str, Any]) -> None:
    assert digest_of(Unchanged(slots=1), row_of({}, state), [], {}) is None


async def test_change_after_quiet_sweeps_is_remediated(world: World) -> None:
    await world.declare({"pull_through_cache_rules": {"rules": [
        {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}
    ]}})  # fmt: skip
    await world.reconcile()
    for _ in range(3):
        for _ in range(3):
            await world.resync()
            assert world.aws.writes == []
        await world.raw("DeletePullThroughCacheRule", ecrRepositoryPrefix="quay")
        row = await world.resync()
        assert row.state["remediation"]["time"] == int(world.seconds * 1_000_000)
        assert (await world.present())["pullThroughCacheRules"]


def test_digest_of_long_inputs_pauses() -> None:
    state = {"observed": {f"{at}": "x" * 20_000 for at in range(45)}}
    digesting = Unchanged(slots=1).digesting(row_of({}, state), [], {})
    assert sum(1 for _ in digesting) == 45 * 20_000 // 100_000
    assert not list(Unchanged(slots=1).digesting(row_of({}, {"observed": {"n": 1}}), [], {}))


def test_digest_writes_little_more_than_it_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []

    class Counted:
        """Counts the bytes that orjson writes."""

        @staticmethod
        def dumps(value: Any, option: int) -> bytes:
            content = orjson.dumps(value, option=option)
            written.append(len(content))
            return content

    monkeypatch.setattr(unchanged_module, "orjson", Counted)
    long = {"observed": {f"setting-{at}": {"policyText": "x" * 100_000} for at in range(50)}}
    assert digest_of(Unchanged(slots=1), row_of({}, long), [], {}) is None
    assert 1_000_000 < sum(written) < 1_200_000


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": {"b": 1}}, {"a": {}, "b": 1}),
        ({"a": None}, {"a": {}}),
        ({"a": {"b": {"c": 1}}}, {"a": {"b": {}, "c": 1}}),
        ({"a": {}}, {"a": []}),
    ],
)
def test_digests_of_other_inputs_differ(one: dict[str, Any], other: dict[str, Any]) -> None:
    unchanged = Unchanged(slots=1)
    assert digest_of(unchanged, row_of({}, one), [], {}) != digest_of(unchanged, row_of({}, other), [], {})
    assert digest_of(unchanged, row_of({}, {}), [], one) != digest_of(unchanged, row_of({}, {}), [], other)
