"""Work on the largest states pauses after a bounded number of lines of Python.

The tests count lines and not seconds, so that they do not depend on the machine. A line takes some 50 ns: a slice of
2 ms has 40,000 of them.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

import orjson
import pytest
from ecrkeeper.v1 import common_pb2, fleet_pb2, registry_pb2
from ecrkeeper_server.api.messages import fleet as fleet_message
from ecrkeeper_server.api.messages import plan as plan_message
from ecrkeeper_server.api.messages import registry as registry_message
from ecrkeeper_server.api.messages import registry_settings as render
from ecrkeeper_server.api.messages.explanation import explaining_repository
from ecrkeeper_server.api.messages.refreshed import refreshing
from ecrkeeper_server.api.messages.sizes import fitting, fitting_plan
from ecrkeeper_server.api.services.elements import _counting
from ecrkeeper_server.declarations.audit_records import changing_settings
from ecrkeeper_server.declarations.commands import PutDeclaration
from ecrkeeper_server.declarations.costs import counting
from ecrkeeper_server.declarations.deletion import DeleteDeclaration
from ecrkeeper_server.declarations.idempotency import Caller
from ecrkeeper_server.declarations.plan_digest import Basis, PlanDigest
from ecrkeeper_server.declarations.preconditions import checking_size
from ecrkeeper_server.ecr import usage
from ecrkeeper_server.ecr.answer_limit import checking_cost
from ecrkeeper_server.ecr.observe import Observed
from ecrkeeper_server.errors import FailedPrecondition, InvalidArgument, QuotaExceeded
from ecrkeeper_server.fleet import matching
from ecrkeeper_server.fleet.actions import Actions
from ecrkeeper_server.fleet.matching import Place
from ecrkeeper_server.fleet.messages import filling_set, reading_set
from ecrkeeper_server.fleet.names import SetName
from ecrkeeper_server.fleet.plan import FleetPlan
from ecrkeeper_server.fleet.planner import Planner
from ecrkeeper_server.fleet.planner import checking as checking_set
from ecrkeeper_server.fleet.rendering import Renderer
from ecrkeeper_server.fleet.selectors import matcher
from ecrkeeper_server.fleet.targets import FleetAccount, Target
from ecrkeeper_server.fleet.template import Templates
from ecrkeeper_server.fleet.writing import Writer
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.roles.catalogue import ROLES
from ecrkeeper_server.settings import algebra
from ecrkeeper_server.settings.codec import converting, settings_from_aws
from ecrkeeper_server.settings.elements import Change, ChangeKind, parts_of, tally
from ecrkeeper_server.settings.ownership import composing
from ecrkeeper_server.settings.pair_keys import PairKeys
from ecrkeeper_server.settings.pair_products import products
from ecrkeeper_server.settings.replication_access import Destination, checking, explaining_arrival
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.settings.unknown_fields import finding
from ecrkeeper_server.store import audit_stream, large_rows, listing
from ecrkeeper_server.store.declarations import DeclaredSetting, parsing_all
from ecrkeeper_server.store.fleet_rows import AccountRow
from ecrkeeper_server.store.fleet_specs import Override, Selector, SetSpec, Wave
from ecrkeeper_server.store.json_columns import JsonText, json_text, readers
from ecrkeeper_server.store.listing import Read
from ecrkeeper_server.store.rollout_rows import Cause, RolloutRow, TargetRow
from ecrkeeper_server.store.rows import Declaration, Operation, Resource
from ecrkeeper_server.store.specs import DeclarationSpec
from ecrkeeper_server.store.tables import RESOURCE_COLUMNS, audit_events, operations
from ecrkeeper_server.store.unit_of_work import UnitOfWork, text_length
from ecrkeeper_server.store.versions import Versioned
from ecrkeeper_server.store.work import columns_of
from ecrkeeper_server.turns import Steps, finish
from msgspec.structs import replace

from tests.answers.state import pairs_drift
from tests.unit.settings import replication_by_pair
from tests.views import largest

MOST_LINES = 40_000
# Of a message that was just made, which takes 2 ms for each MB to measure.
MOST_BYTES = 800_000
PLACE = RegistryName("222222222222", "eu-west-1")
State = tuple[Resource, list[Declaration]]


def longest(steps: Steps[Any]) -> int:
    """Return the lines of the longest step."""
    lines, maximum = 0, 0

    def count(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal lines
        lines += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        while True:
            lines = 0
            try:
                next(steps)
            except StopIteration:
                return max(maximum, lines)
            maximum = max(maximum, lines)
    finally:
        sys.settrace(before)


def policy(statements: int) -> dict[str, Any]:
    """Return a policy with many statements, far more than AWS accepts."""
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "ecr:*",
        "Condition": {"Null": {"aws:username": "true"}},
    }
    arn = f"arn:aws:ecr:*:{PLACE.account}:repository/team-"
    repeated = [{**statement, "Sid": f"S{at}", "Resource": [f"{arn}{at}*", f"{arn}?{at}*"]} for at in range(statements)]
    return {"policyText": json.dumps({"Version": "2012-10-17", "Statement": repeated})}


def state(owners: int) -> State:
    """Return a registry as this release stores it.

    It has the most of everything that AWS allows, and far more that nobody declares.
    """
    row, declared = largest.registry(owners)
    drift = [*pairs_drift(), *(each for each in row.state["drift"] if each["setting"] != largest.REPLICATION)]
    scanning = {
        "scanType": "ENHANCED",
        "rules": [
            {"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": [{"filter": f"{at:05}*", "filterType": "WILDCARD"}]}
            for at in range(3_000)
        ],
    }
    observed = {**row.state["observed"], "registry_policy": policy(500), "scanning_configuration": scanning}
    text = "AWS rejects it. " * 60
    own = {"conditions": largest.conditions(text), "error": {**largest.error(text), "preconditions": []}}
    stored = {
        **row.state, **own, "drift": drift, "remediation": {"time": 1, "drift": drift}, "observed": observed,
        "owners": {each.owner: own for each in declared},
    }  # fmt: skip
    return replace(row, state=stored, observe_time=1), declared


@pytest.fixture(scope="module")
def large() -> State:
    return state(200)


def many(owners: int = 2_000) -> State:
    """Return a registry of many owners, each with one filter and in error."""

    def shape(numbers: Iterable[int]) -> dict[str, Any]:
        destinations = [{"region": "eu-west-1", "registryId": str(222_222_222_200 + at)} for at in range(3)]
        filters = [{"filter": f"team-{at:04}/", "filterType": "PREFIX_MATCH"} for at in numbers]
        return {largest.REPLICATION: {"rules": [{"destinations": destinations, "repositoryFilters": filters}]}}

    declared = [largest.owner(f"owner-{at:04}", shape([at])) for at in range(owners)]
    text = "AWS rejects it."
    own = {"conditions": largest.conditions(text), "error": {**largest.error(text), "preconditions": []}}
    stored = {**own, "observed": shape(range(owners)), "owners": {each.owner: own for each in declared}}
    return replace(largest.registry(1)[0], state=stored, observe_time=1), declared


@pytest.fixture(scope="module")
def crowded() -> State:
    return many()


def check(statements: int, filters: int) -> Steps[Any]:
    destination = Destination(largest.REGISTRY, PLACE, SETTINGS["registry_policy"].split(policy(statements)), "V2", {})
    return checking(destination, [f"team-{at}" for at in range(filters)])


def arrival() -> Steps[Any]:
    destination = Destination(largest.REGISTRY, PLACE, SETTINGS["registry_policy"].split(policy(500)), "V2", {})
    return explaining_arrival(destination, "team-999-" + "x" * 200)


def answer(large: State) -> Steps[Any]:
    return finish(explaining_repository("00000-" + "x" * 250, *large)).answering([])


def plan_of(large: State) -> Steps[Any]:
    """Plan all settings from nothing, and cut the plan until it fits."""
    row, declared = large
    message = common_pb2.Plan()
    composition = yield from composing(declared)
    for name, elements in composition.desired.items():
        planned = yield from algebra.planning(SETTINGS[name], elements, {}, {})
        yield from plan_message._adding_calls(message, row.registry, planned, Observed({}, {}, []), {})
    yield from fitting_plan(message)


def planned_answer(large: State) -> Steps[Any]:
    """Cut a declaration and a plan of the maximum size until they fit."""
    plan = common_pb2.Plan(calls=[common_pb2.PlannedCall(operation="x" * 100)] * 10_000)
    message = finish(render.settings_steps(large[1][0], large[0]))
    return render.with_plan(message, plan)


def fleet_plan(large: State) -> Steps[Any]:
    """Add two targets whose changes are those of the largest declaration."""
    plan = FleetPlan()
    changes = yield from changing_settings({}, large[1][0].settings)
    for region in ("us-east-1", "eu-west-1"):
        yield from plan.adding(RegistryName("111111111111", region), changes)


def templates_plan(large: State) -> Steps[Any]:
    """Plan a target of the largest set whose settings have placeholders."""
    settings = {largest.REPLICATION: large[1][0].settings[largest.REPLICATION], "registry_policy": policy(20)}
    account = FleetAccount(PLACE.account, labels={"statement": "S1"})
    settings["registry_policy"]["policyText"] = settings["registry_policy"]["policyText"].replace(
        "S1", "${label:statement}"
    )
    planner = Planner(SetName("set"), SetSpec(selector=Selector(), settings=settings, waves=(Wave(),)), lambda _: True)
    yield from planner._adding_all([Place(Target(account, "us-east-1"), True, None)])
    assert planner._planned.plan.changing == 1


def set_in_request(large: State) -> Steps[Any]:
    """Read the largest declaration as a set with an override, which is too large."""
    settings = large[1][0].settings
    spec = SetSpec(selector=Selector(), settings=settings, overrides=(Override(Selector(), settings),))
    message = fleet_pb2.RegistrySet()
    yield from filling_set(spec, message)
    read = yield from reading_set(None, message, set())
    assert len(read.overrides) == 1
    with pytest.raises(InvalidArgument, match="1,048,576 bytes"):
        yield from checking_set(read)


def growth(large: State) -> Steps[Any]:
    """Compare the largest declaration of a set with a template with placeholders."""
    account = FleetAccount(PLACE.account, labels={"statement": "S1"})
    settings = {**large[1][0].settings, "registry_policy": {"policyText": "${label:statement}"}}
    declared = replace(large[1][0], owner="set", managed_by="registrySets/set", set_revision=1)
    actions = Actions(SetName("set"), SetSpec(selector=Selector(), settings=settings), Cause.GROWTH, 1)
    step = yield from actions.deciding(Place(Target(account, "us-east-1"), True, declared))
    assert step is not None


def role_users(large: State) -> Steps[Any]:
    """Find the elements of 50 owners with the largest replication in two Regions."""
    shape = json.dumps(large[1][0].settings[largest.REPLICATION])
    regions = ("eu-west-1", "us-east-1")
    rows = [DeclaredSetting(region, f"owner-{at}", shape) for region in regions for at in range(50)]
    declared = yield from usage.declaring(ROLES["replication"], rows)
    assert {len(of_region.owners) for of_region in declared.values()} == {50}
    assert len(declared["eu-west-1"].keys) > 30_000


def unit_of(crowded: State) -> UnitOfWork:
    """Return a registry as a transaction reads it."""
    row, declared = crowded
    unit = UnitOfWork(1, {row.registry: row}, {row.registry: {each.owner: each for each in declared}})
    unit.characters[row.registry] = {each.owner: text_length(each.settings) for each in declared}
    unit.begin({each.name: each for each in declared})
    return unit


def deciding(crowded: State, *, force: bool = False, settings: Any = None) -> Steps[Any]:
    """Declare another filter for one of many owners, or other settings."""
    _, declared = crowded
    spec = DeclarationSpec(settings or declared[1].settings, "REMOVE", False)
    call = PutDeclaration(
        name=declared[0].name, change=lambda _: spec, caller=Caller("Test"), create=False, update=True, force=force
    )
    return call.deciding(unit_of(crowded))


def deleting(crowded: State) -> Steps[Any]:
    """Delete the declaration of one of many owners."""
    return DeleteDeclaration(name=crowded[1][0].name, caller=Caller("Test")).deciding(unit_of(crowded))


def beginning(crowded: State) -> Steps[Any]:
    """Begin the target of a rollout that declares for one of many owners."""
    row, declared = crowded
    account = FleetAccount(row.registry.account, regions=(row.registry.region,))
    spec = SetSpec(selector=Selector(), settings=declared[1].settings, waves=(Wave(),))
    name = SetName("new")
    rollout = RolloutRow(
        set_id=name.id, number=1, state="RUNNING", cause=Cause.REVISION, principal="", reason="", authority={},
        spec=spec.to_json(), counts=[], revision=1, create_time=0, update_time=0,
    )  # fmt: skip
    unit = unit_of(crowded)
    writer = Writer(
        rollout=rollout, unit=unit, spec=spec, renderer=Renderer(Templates(spec)), reached={row.registry},
        accounts={account.account: account}, taking={}, before={},
    )  # fmt: skip
    target = TargetRow(set_id=name.id, number=1, account=account.account, region=row.registry.region, wave=0)
    written = yield from writer.writing(target)
    assert written.state == "RUNNING"


def scattered() -> State:
    """Return a registry that needs a rule for each filter, far more than AWS allows."""
    row, declared = many(1_000)
    own = []
    for at, each in enumerate(declared):
        places = [
            {"region": "eu-west-1", "registryId": str(222_222_222_200 + place)}
            for place in range(24)
            if at * 1_103_515_245 >> place & 1
        ]
        filters = each.settings[largest.REPLICATION]["rules"][0]["repositoryFilters"]
        rule = {
            "destinations": places or [{"region": "us-west-2", "registryId": "1" * 12}],
            "repositoryFilters": filters,
        }
        own.append(replace(each, settings={largest.REPLICATION: {"rules": [rule]}}))
    return row, own


def rejected(steps: Steps[Any]) -> Steps[Any]:
    """Do something that is rejected, or was before: for example by AWS's quotas."""
    try:
        return (yield from steps)
    except (QuotaExceeded, FailedPrecondition) as error:
        return error


def other_value(crowded: State) -> Any:
    """Return settings with the filters of all owners and another value."""
    rule = {**crowded[0].state["observed"][largest.REPLICATION]["rules"][0], "deleteReplication": {"enabled": True}}
    return {largest.REPLICATION: {"rules": [rule]}}


def taking_over(crowded: State) -> Steps[Any]:
    """Declare the filters of all owners with another value."""
    result = yield from deciding(crowded, force=True, settings=other_value(crowded))
    assert len(result.takeovers) > 1_000


def conflicting(crowded: State) -> Steps[Any]:
    """Declare the same without force."""
    error = yield from rejected(deciding(crowded, settings=other_value(crowded)))
    assert len(error.preconditions) > 1_000


def unrelated() -> PairKeys:
    """Return pairs where most filters have other destinations than the rest."""
    numbers = ((at, place) for at in range(2_500) for place in range(25) if at * 7_919 >> place % 12 & 1)
    return PairKeys.of([f"{222_222_222_200 + place}/eu-west-1:team-{at:04}/" for at, place in numbers])


def plan_of_pairs(pairs: PairKeys) -> Steps[Any]:
    """Plan the change of all pairs for two targets, and render the plan."""
    changes = [Change(largest.REPLICATION, "", ChangeKind.ADD, None, {"deleteReplication": False}, pairs)]
    plan = FleetPlan()
    for region in ("us-east-1", "eu-west-1"):
        yield from plan.adding(RegistryName("111111111111", region), changes)
    return (yield from fleet_message.plan(plan, []))


def texts_of(declared: Iterable[Declaration]) -> list[tuple[Any, ...]]:
    """Return declarations as a transaction reads them."""
    return [(*columns_of(replace(each, settings=json_text(each.settings))).values(),) for each in declared]


def row_of(crowded: State) -> tuple[Any, ...]:
    """Return a registry as a watch reads it, with its digest but no declarations."""
    values = ((column.type, getattr(crowded[0], column.name)) for column in RESOURCE_COLUMNS)
    return (*(json_text(value) if isinstance(kind, JsonText) else value for kind, value in values), 0)


def watched(crowded: State) -> Steps[Any]:
    """Parse a registry whose declarations are one text, and one where each is a text."""
    row, texts = row_of(crowded), texts_of(crowded[1])
    return listing._parsing([(*row, json_text(texts)), (*row, None)], {crowded[0].name: texts})


def targets(crowded: State) -> Steps[Any]:
    """Make the registries of a page of a set's accounts, and their declarations."""
    regions = [f"eu-west-{at}" for at in range(30)]
    accounts = [AccountRow(account=f"{at:012}", uid="u", regions=regions) for at in range(matching.ACCOUNTS)]
    declared = [
        replace(each, account=accounts[at % matching.ACCOUNTS].account, region=regions[at % 30])
        for at, each in enumerate(crowded[1])
    ]
    parsing = parsing_all(texts_of(declared))
    return matching._making(accounts, matcher(Selector()), SetName("set"), parsing, "")


def operations_page() -> Steps[Any]:
    """Parse a page of many short operations."""
    row = ("id", "ReconcileRegistry", "name", 1, 1, "{}", True, None, '{"name":"name"}', 1, 1)
    return large_rows._parsing([row] * 1_000, list(operations.c.keys()), Operation, readers(operations.c))


def events_page() -> Steps[Any]:
    """Parse a page of many short events."""
    values = {column.name: "[]" if column.name in ("owners", "changes") else 1 for column in audit_events.c}
    row = (*{**values, "cause": None}.values(), 2)
    return audit_stream._parsing([row] * 1_000, (0, 0), held_back=False, more=False)


def large_answer() -> dict[str, Any]:
    """Return far more rules than AWS accepts, each with 100 filters."""
    return {"rules": largest.replication(20)["rules"] * 8}


def deep_answer() -> dict[str, Any]:
    """Return 19,000 items, most of them in one rule, and the others in many."""
    rule = {"repositoryFilters": [{"filter": f"{at}", "filterType": "PREFIX_MATCH"} for at in range(9_000)]}
    some = {**rule, "repositoryFilters": rule["repositoryFilters"][:9]}
    return {"rules": [rule, *[some] * 990]}


def digest(large: State) -> Steps[Any]:
    return PlanDigest.making(Basis(["x", large[1][0].settings], "etag"), large[0].state["observed"])


CROWDED: list[tuple[str, Callable[[State], Steps[Any]]]] = [
    ("GetRegistry", lambda crowded: registry_message.registry_steps(*crowded, registry_message.FULL)),
    ("ListRegistries", lambda crowded: registry_message.registry_steps(*crowded, registry_message.BASIC)),
    ("the composition", lambda crowded: composing(crowded[1])),
    ("validate_only", deciding),
    ("a write that needs too many rules", lambda _: rejected(deciding(scattered()))),
    ("a write that takes over elements of all owners", taking_over),
    ("a write that conflicts with all owners", conflicting),
    ("a deletion", deleting),
    ("the target of a rollout", beginning),
    ("a deletion where rules are too many", lambda _: rejected(deleting(scattered()))),
    ("the cost", lambda crowded: counting([each.settings for each in crowded[1]])),
    ("the rows of a watch", watched),
    ("the targets of a set", targets),
    ("a page of operations", lambda _: operations_page()),
    ("a page of events", lambda _: events_page()),
    ("the marks of a list", lambda crowded: Read(Versioned(crowded[0], 0, 0), crowded[1]).listing()),
]


WORK: list[tuple[str, Callable[[State], Steps[Any]]]] = [
    ("GetRegistry", lambda large: registry_message.registry_steps(*large, registry_message.FULL)),
    ("ListRegistries", lambda large: registry_message.registry_steps(*large, registry_message.BASIC)),
    ("GetRegistry with refresh", lambda large: refreshing(*large, registry_message.FULL)),
    ("the elements of ExplainRepository", lambda large: explaining_repository("00000-" + "x" * 250, *large)),
    ("the answer of ExplainRepository", answer),
    ("the arrival of a repository", lambda _: arrival()),
    ("CheckReplication of the longest policy that AWS accepts", lambda _: check(40, 2_500)),
    ("CheckReplication of a policy beyond AWS's limits", lambda _: check(500, 2_500)),
    ("the composition of all owners", lambda large: composing(large[1])),
    ("a declaration", lambda large: render.settings_steps(large[1][0], large[0])),
    ("the settings of a request", lambda large: converting(settings_from_aws(large[1][0].settings))),
    ("the plan of a declaration", plan_of),
    ("the plan of a set", fleet_plan),
    ("the template of a set", templates_plan),
    ("the growth of a set", growth),
    ("a set of a request", set_in_request),
    ("unrelated pairs", lambda _: plan_of_pairs(unrelated())),
    ("the answer of validate_only", planned_answer),
    ("CheckServiceLinkedRoleUsage", role_users),
    ("the cost of an answer beyond AWS's quotas", lambda _: checking_cost(largest.REPLICATION, deep_answer())),
    ("unknown members of an answer", lambda _: finding(largest.REPLICATION, large_answer())),
    ("the size of a declaration", lambda _: checking_size(None, {largest.REPLICATION: large_answer()})),
    ("the digest of a plan", digest),
    ("the items of all settings", lambda large: _counting([large[0].state["observed"]] * 20)),
]


@pytest.mark.parametrize(("label", "steps"), WORK, ids=[label for label, _ in WORK])
def test_steps_are_short(label: str, steps: Callable[[State], Steps[Any]], large: State) -> None:
    lines = longest(steps(large))
    assert 10 < lines <= MOST_LINES, label


@pytest.mark.parametrize(("label", "steps"), CROWDED, ids=[label for label, _ in CROWDED])
def test_steps_of_many_owners_are_short(label: str, steps: Callable[[State], Steps[Any]], crowded: State) -> None:
    lines = longest(steps(crowded))
    assert 10 < lines <= MOST_LINES, label


def test_lines_of_composing_follow_the_number_of_owners() -> None:
    few, more = (all_lines(composing(many(owners)[1])) for owners in (500, 2_000))
    assert more < 6 * few


def all_lines(steps: Steps[Any]) -> int:
    """Return the lines of all steps together."""

    def joined() -> Steps[Any]:
        yield
        return finish(steps)

    return longest(joined())


def test_bytes_of_a_hashing_step_are_few(large: State) -> None:
    observed = large[0].state["observed"]
    steps = sum(1 for _ in digest(large))
    assert steps >= sum(len(json.dumps(shape)) for shape in observed.values()) // 300_000
    assert finish(digest(large)).observed == {
        name: hashlib.sha256(orjson.dumps(shape, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
        for name, shape in observed.items()
    }


def most_bytes(steps: Steps[Any]) -> int:
    """Return the bytes of the messages that the longest step measures."""
    measured = maximum = 0

    def count(_frame: FrameType, event: str, function: Any) -> None:
        nonlocal measured, maximum
        if event == "c_call" and function.__name__ == "ByteSize":
            measured += function()
            maximum = max(maximum, measured)

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        for _ in steps:
            measured = 0
    finally:
        sys.setprofile(before)
    return maximum


def test_bytes_of_a_measuring_step_are_few(large: State) -> None:
    row, declared = large
    # Several lists, each of which is short enough for one step.
    few = [{"message": "x" * 100_000}] * 3
    plan = common_pb2.Plan(warnings=few, calls=[{"operation": "x" * 100_000}] * 3)
    message = registry_pb2.RegistrySettings(plan=plan, drift=[{"key": "x" * 100_000}] * 3)
    assert 100_000 < most_bytes(render.settings_steps(declared[0], row)) <= MOST_BYTES
    assert 100_000 < most_bytes(fitting(message, 2_000_000, ("drift",))) <= MOST_BYTES


@pytest.mark.parametrize("places", [25, 3, 1])
def test_products_of_many_pairs_are_those_of_single_ones(places: int) -> None:
    pairs = PairKeys({right: frozenset(sorted(lefts)[:places]) for right, lefts in unrelated().rows.items() if lefts})
    assert products(pairs) == replication_by_pair.cover(pairs)


@pytest.mark.parametrize(("limit", "times"), [(10**9, 1), (1, 3)], ids=["measured", "measured twice, and cut"])
def test_bytes_of_a_fitting_step_are_few(limit: int, times: int) -> None:
    owners = [f"{at:04}{'x' * 3_000}" for at in range(1_000)]
    message = registry_pb2.Registry(owners=owners)
    expected = times * message.ByteSize() // 110_000
    assert sum(1 for _ in fitting(message, limit, ["owners"])) >= expected


@pytest.mark.parametrize(
    "value", [{}, [], {"b": [], "a": {}}, {"\u00e4": 1, "z": [None, {"y": True, "x": "\n"}]}, "x", None]
)
def test_hash_is_of_sorted_json(value: Any) -> None:
    expected = hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
    assert PlanDigest.of(Basis(value, ""), {}).request == expected


def test_items_in_steps_are_those_of_the_tally(large: State) -> None:
    shapes = [large[0].state["observed"], large[1][0].settings, {}]
    assert finish(_counting(shapes)) == sum(tally(shape)[0] for shape in shapes)
    for shape in [*shapes, deep_answer()]:
        parts = [tally(part) for part in parts_of(shape, 500)]
        assert (sum(items for items, _ in parts), sum(texts for _, texts in parts)) == tally(shape)
