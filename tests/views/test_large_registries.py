"""Calls on large registries read them in turn, and others do not wait."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from ecrkeeper_server.api.layers.capacity import Admission, CallCosts
from ecrkeeper_server.api.layers.data_limit import CAPACITY, SMALL, DataLimit
from ecrkeeper_server.api.layers.limits import Limits
from ecrkeeper_server.api.messages.registry import FULL
from ecrkeeper_server.api.services.elements import Elements
from ecrkeeper_server.api.services.registries import Registries
from ecrkeeper_server.errors import NotFound
from ecrkeeper_server.names import RegistryName, SettingsName
from ecrkeeper_server.store import declarations, registry_texts, resources
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.unit_of_work import Origin
from ecrkeeper_server.turns import WORK, Turns

from tests import declaring
from tests.dependencies import dependencies
from tests.views.largest import REPLICATION, replication

LARGE, SHORT, MISSING = (RegistryName("111111111111", region) for region in ("eu-west-1", "us-east-1", "us-west-2"))
VIEWS = 16


def seed(tx: Tx) -> None:
    for name, settings in ((LARGE, {REPLICATION: replication(200)}), (SHORT, {})):
        resources.ensure(tx, name, {"mode": "ENFORCE"}, due=True)
        declaring.put(tx, SettingsName(name, "a"), settings, registry_generation=1, origin=Origin("Test"))
        resources.patch(tx, str(name), state={"observed": settings})


class Callers:
    """Callers whose calls run as in the server, with the large rows that they hold."""

    def __init__(self, db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self.limit = DataLimit()
        self.parsed = self.most = 0
        deps = dependencies(db)
        self._registries, self._elements, self._turns = Registries(deps), Elements(deps), Turns()
        parse = resources.parsed_row

        def counted(row: Any) -> Any:
            resource = parse(row)
            self.parsed += resource.name == str(LARGE)
            self.most = max(self.most, self.parsed)
            return resource

        monkeypatch.setattr(resources, "parsed_row", counted)

    def view(self, principal: str, name: RegistryName = LARGE) -> asyncio.Task[Any]:
        request = pb.GetRegistryRequest(name=str(name), view=FULL)
        return asyncio.create_task(self._call(principal, name, self._registries.GetRegistry, request))

    def elements(self, principal: str, name: RegistryName = LARGE) -> asyncio.Task[Any]:
        request = pb.ListRegistryElementsRequest(parent=str(name), page_size=1)
        return asyncio.create_task(self._call(principal, name, self._elements.ListRegistryElements, request))

    async def _call(self, principal: str, name: RegistryName, method: Any, request: Any) -> Any:
        costs = CallCosts(Admission(Limits()), self._turns, principal, time.thread_time, self.limit)
        WORK.set(costs.work)
        try:
            return await method(request, None)
        finally:
            self.parsed -= name == LARGE
            costs.end()


async def test_views_of_one_principal_hold_one_large_registry(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    callers = Callers(db, monkeypatch)
    await callers.limit.acquire("many", CAPACITY)
    views = [callers.view("many") for _ in range(VIEWS)]
    short, other, elements = callers.view("many", SHORT), callers.view("other"), callers.elements("third")
    assert (await asyncio.wait_for(short, 30)).name == str(SHORT)
    shown, page = await asyncio.wait_for(asyncio.gather(other, elements), 30)
    assert page.elements
    assert not any(view.done() for view in views)
    assert callers.parsed == 0
    callers.most = 0
    callers.limit.release("many", CAPACITY)
    answers = await asyncio.wait_for(asyncio.gather(*views), 60)
    assert callers.most == 1
    assert all(answer == shown for answer in answers)
    assert not len(callers.limit)


async def test_missing_registry_is_not_found(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    callers = Callers(db, monkeypatch)
    for call in (callers.view("a", MISSING), callers.elements("a", MISSING)):
        with pytest.raises(NotFound):
            await call


async def test_read_returns_the_row_or_its_size(db: Database) -> None:
    for name in (LARGE, SHORT):
        texts = await db.read_in_turns(lambda tx, name=name: registry_texts.reading(tx, name))  # type: ignore[misc]
        row, declared = await db.read(
            lambda tx, name=name: (resources.get(tx, str(name)), declarations.of_registry(tx, name))  # type: ignore[misc]
        )
        assert texts.row is not None
        assert resources.parsed_row(texts.row) == row
        assert list(map(declarations.parsed, texts.declared)) == declared
        limited = await db.read_in_turns(lambda tx, name=name: registry_texts.reading(tx, name, SMALL))  # type: ignore[misc]
        assert limited.size == texts.size
        assert limited.too_large == (name == LARGE) == (texts.size > SMALL)
        assert limited.row == (None if name == LARGE else texts.row)
    assert (await db.read_in_turns(lambda tx: registry_texts.reading(tx, MISSING))).row is None


async def test_large_declarations_count_like_a_large_state(db: Database) -> None:
    await db.write(lambda tx: resources.patch(tx, str(LARGE), state={}))
    assert (await db.read_in_turns(lambda tx: registry_texts.reading(tx, LARGE, SMALL))).too_large
