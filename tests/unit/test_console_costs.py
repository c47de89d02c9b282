"""Pages of the console take turns in short steps, and their users pay for them."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from ecrkeeper.v1 import common_pb2, registry_pb2
from ecrkeeper_server.api.layers.admission import AdmissionLayer
from ecrkeeper_server.api.layers.capacity import Admission
from ecrkeeper_server.api.layers.limits import Limits
from ecrkeeper_server.api.messages import registry as registry_message
from ecrkeeper_server.api.messages import registry_settings
from ecrkeeper_server.console.diff import sides
from ecrkeeper_server.console.digests import digest_of
from ecrkeeper_server.console.elements import change_rows
from ecrkeeper_server.console.json_text import pretty
from ecrkeeper_server.console.live import Same, _data, _event
from ecrkeeper_server.console.pages.registries import registry_values, revision_values
from ecrkeeper_server.console.pages.topology import _picture
from ecrkeeper_server.console.rendering import Renderer
from ecrkeeper_server.console.view import Page
from ecrkeeper_server.errors import ResourceExhausted
from ecrkeeper_server.turns import Steps, Turns, Work, finish
from google.protobuf import json_format, struct_pb2

from tests.unit.test_slices import MOST_LINES, longest, state
from tests.views import largest

CELLS = "cells.html"


class Users:
    """Users whose pages share a renderer, and the seconds that each of them paid."""

    def __init__(self) -> None:
        ticks = itertools.count()
        # Each look at the clock takes a millisecond.
        self.turns = Turns(lambda: next(ticks) / 1_000)
        self.renderer = Renderer(self.turns)
        self.paid: dict[str, float] = {}

    def work(self, name: str) -> Work:
        def spend(seconds: float) -> None:
            self.paid[name] = self.paid.get(name, 0.0) + seconds

        return Work(self.turns, name, spent=spend)

    async def part(self, name: str, key: Any) -> bytes:
        return await self.renderer.part(CELLS, self.work(name), lambda: {"cells": []}, str.encode, key)


async def test_users_of_a_live_part_pay_equal_parts() -> None:
    users, message = Users(), registry_pb2.Registry(name="a")
    parts = await asyncio.gather(*(users.part(name, Same(message)) for name in ("a", "b", "b", "b")))
    assert len(set(parts)) == 1
    assert users.paid["a"] == pytest.approx(users.paid["b"])
    assert users.paid["a"] > 0
    before = dict(users.paid)
    await users.part("late", Same(message))
    assert users.paid == before, "a part that is rendered already costs nothing"


async def test_user_pays_for_a_page_and_a_part_of_its_own() -> None:
    users = Users()
    await users.part("a", None)
    values = {"who": None, "signed_in": False, "section": "", "sections": (), "version": "", "live_path": ""}
    page = Page("failed.html", "Error", {**values, "message": "x", "reason": ""})
    await users.renderer.page(page, users.work("b"))
    assert users.paid["a"] > 0
    assert users.paid["b"] > 0


def test_work_of_a_page_counts_as_that_of_calls() -> None:
    clock = itertools.count()
    admission = Admission(Limits(), clock=lambda: next(clock) / 1_000)
    layer = AdmissionLayer(Limits(), admission, Turns())
    layer.work_of("alice").pay(60.0)
    layer.work_of("bob").charge(1_000)
    with pytest.raises(ResourceExhausted) as rejected:
        layer.work_of("alice").charge(1_000)
    assert rejected.value.reason == "WORK_LIMITED"


@pytest.fixture(scope="module")
def registry() -> registry_pb2.Registry:
    return finish(registry_message.registry_steps(*state(200), registry_message.FULL))


def test_steps_on_large_registry_are_short(registry: registry_pb2.Registry) -> None:
    assert longest(registry_values(registry)) <= MOST_LINES
    assert sum(1 for _ in digest_of(registry)) >= registry.ByteSize() // 500_000


def test_digest_is_of_the_content_without_times(registry: registry_pb2.Registry) -> None:
    other = registry_pb2.Registry()
    other.CopyFrom(registry)
    other.observe_time.FromSeconds(5)
    other.ClearField("next_reconcile_time")
    assert finish(digest_of(other)) == finish(digest_of(registry))
    other.elements[0].problem = "changed"
    assert finish(digest_of(other)) != finish(digest_of(registry))
    other.Clear()
    assert finish(digest_of(other)) != finish(digest_of(registry))


def differing() -> registry_pb2.Registry:
    """Return a registry whose elements differ and did before, with long values."""
    desired, observed = (value_of([f"arn:aws:iam::{at}:role/{at % 3}{end}" for at in range(50)]) for end in ("", "x"))
    drift = [
        common_pb2.Drift(setting="s", key=f"{at}", kind="CHANGED", desired=desired, observed=observed)
        for at in range(100)
    ]
    elements = [registry_pb2.Element(setting="s", key=f"{at}", state="OUT_OF_SYNC", value=desired) for at in range(100)]
    message = registry_pb2.Registry(name="accounts/1/registries/r", elements=elements, drift=drift)
    message.last_remediation.drift.extend(drift)
    return message


def value_of(value: Any) -> struct_pb2.Value:
    return json_format.ParseDict(value, struct_pb2.Value())


def test_steps_on_many_differences_are_short() -> None:
    registry = differing()
    assert longest(registry_values(registry)) <= MOST_LINES / 4
    values = finish(registry_values(registry))
    assert [row.values for row in values["elements"]] == [row.values for row in values["drift"]]
    renderer = Renderer(Turns())
    render = partial(renderer._steps, "registry_body.html", lambda: values, _data)
    # The first rendering compiles the template.
    finish(render())
    assert longest(render()) <= MOST_LINES / 4


def test_steps_on_many_revisions_are_short() -> None:
    changes = [
        common_pb2.ElementChange(setting="s", key=each.key, before=each.desired, after=each.observed)
        for each in differing().drift
    ]
    revision = registry_pb2.RegistrySettingsRevision(changes=changes)
    assert longest(revision_values([revision] * 2)) <= MOST_LINES / 4
    ((shown, rows), _) = finish(revision_values([revision] * 2))
    assert (shown, rows) == (revision, finish(change_rows(changes)))


def replicating(accounts: int, regions: int) -> list[registry_pb2.Registry]:
    """Return registries that replicate to 25 Regions each."""
    registries = []
    for at in range(accounts):
        names = [f"r{(at + number) % regions}" for number in range(25)]
        registry = registry_pb2.Registry(name=f"accounts/{at // 4}/registries/r{at % regions}")
        rule = registry.observed.replication_configuration.rules.add()
        for name in names:
            rule.destinations.add(registry_id=f"{at}", region=name)
        registries.append(registry)
    return registries


def test_steps_on_pictures_are_short(registry: registry_pb2.Registry) -> None:
    assert registry.observed.replication_configuration.rules
    assert 1_000 < longest(_picture([registry], "")) <= MOST_LINES / 4
    for regions in (25, 34):
        registries = replicating(100, regions)
        assert 1_000 < longest(_picture(registries, "")) <= MOST_LINES
        assert longest(_picture(registries, "team-a")) <= MOST_LINES


ALIKE = {
    "two lines": ("a\n" * 30 + "b\n" * 170, "b\na\n" * 100),
    "every second line": tuple("".join(f"{side}{at}\n}}\n" for at in range(100)) for side in "ab"),
    "swapped lines": tuple("".join(f"{at ^ swap}\n" for at in range(200)) for swap in (0, 1)),
}


@pytest.mark.parametrize("alike", ALIKE)
def test_comparison_of_similar_values_is_short(alike: str) -> None:
    def steps() -> Steps[Any]:
        yield
        return sides(*ALIKE[alike])

    assert longest(steps()) <= MOST_LINES


VALUES = [
    [], {}, "x", "", 1, 1.5, 1e300, -3, None, True, [[], {}, [None, {"b": 1, "a": [2, "\u00e4\n"]}]],
    {"long": list(range(20_000))}, [[at] * 30 for at in range(500)], {f"{at}": {"a": "b"} for at in range(2_000)},
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:20])
def test_value_is_shown_in_short_steps(value: Any) -> None:
    message = value_of(value)
    assert finish(pretty(message)) == (value if isinstance(value, str) else indented(value))
    assert longest(pretty(message)) <= MOST_LINES


def indented(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)


def test_pieces_of_an_event_are_its_lines() -> None:
    pieces = ["<p>", "a\r\nb", "", "\rc\n", "\n</p>"]
    assert _event("update", b"".join(map(_data, pieces))) == (
        b"id: 1\nevent: update\ndata: <p>a\ndata: b\ndata: c\ndata: \ndata: </p>\n\n"
    )


def one_rule() -> dict[str, Any]:
    return {"repositoryFilters": [{"filter": f"{at}", "filterType": "PREFIX_MATCH"} for at in range(10_000)]}


SETTINGS: list[tuple[Callable[[], dict[str, Any]], str]] = [
    (largest.all_settings, "the largest settings"),
    (dict, "nothing"),
    (lambda: {largest.REPLICATION: {"rules": []}}, "an empty setting"),
    (lambda: {largest.REPLICATION: {"rules": [one_rule()]}}, "a rule with all filters"),
    (lambda: {"pull_time_update_exclusions": largest.exclusions(0, 20_000)}, "many principals"),
]


@pytest.mark.parametrize(("settings", "reason"), SETTINGS, ids=[reason for _, reason in SETTINGS])
def test_declaration_is_shown_in_short_steps(settings: Callable[[], dict[str, Any]], reason: str) -> None:
    row, _ = largest.registry(1)
    message = finish(registry_settings.settings_steps(largest.owner("a", settings()), row)).settings
    assert finish(pretty(message)) == indented(json_format.MessageToDict(message)), reason
    assert longest(pretty(message)) <= MOST_LINES, reason
