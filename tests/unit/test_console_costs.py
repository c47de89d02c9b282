"""Pages of the console take turns in short steps, and their users pay for them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from ecrkeeper.v1 import registry_pb2
from ecrkeeper_server.api.layers.admission import AdmissionLayer
from ecrkeeper_server.api.layers.capacity import Admission
from ecrkeeper_server.api.layers.limits import Limits
from ecrkeeper_server.api.messages import registry as registry_message
from ecrkeeper_server.api.messages import registry_settings
from ecrkeeper_server.console.digests import digest_of
from ecrkeeper_server.console.live import Same
from ecrkeeper_server.console.pages.registries import registry_values
from ecrkeeper_server.console.rendering import Renderer, pretty, pretty_steps
from ecrkeeper_server.console.view import Page
from ecrkeeper_server.errors import ResourceExhausted
from ecrkeeper_server.turns import Turns, Work, finish

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


SETTINGS: list[tuple[Callable[[], dict[str, Any]], str]] = [
    (largest.all_settings, "the largest settings"),
    (dict, "nothing"),
    (lambda: {largest.REPLICATION: {"rules": []}}, "an empty setting"),
]


@pytest.mark.parametrize(("settings", "reason"), SETTINGS, ids=[reason for _, reason in SETTINGS])
def test_declaration_is_shown_in_short_steps(settings: Callable[[], dict[str, Any]], reason: str) -> None:
    row, _ = largest.registry(1)
    message = finish(registry_settings.settings_steps(largest.owner("a", settings()), row)).settings
    assert finish(pretty_steps(message)) == pretty(message), reason
    assert longest(pretty_steps(message)) <= MOST_LINES, reason
