"""Lists of rows with large JSON values: in steps, and few at a time."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ecrkeeper.v1 import fleet_service_pb2 as pb
from ecrkeeper.v1 import registry_settings_service_pb2 as settings_pb2
from ecrkeeper_server.api.services.registry_set_lists import RegistrySetLists
from ecrkeeper_server.api.services.revisions import Revisions
from ecrkeeper_server.api.services.rollouts import Rollouts
from ecrkeeper_server.names import RegistryName, SettingsName
from ecrkeeper_server.store import declarations, large_rows, registry_sets, resources, revision_pages, rollouts
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.fleet_rows import SetRevision, SetRow
from ecrkeeper_server.store.fleet_specs import Selector, SetSpec, Wave
from ecrkeeper_server.store.json_columns import AT_ONCE
from ecrkeeper_server.store.rollout_rows import RolloutRow
from ecrkeeper_server.store.specs import NEW_REGISTRY
from ecrkeeper_server.store.unit_of_work import Origin
from ecrkeeper_server.turns import Steps

from tests import declaring
from tests.dependencies import dependencies

NAME = SettingsName(RegistryName("111111111111", "us-east-1"), "a")
ROWS, CHARACTERS = 12, 300_000
# A row may begin where a step would end, and the row that begins the next step is read before it.
MOST_CHARACTERS = AT_ONCE + 2 * (CHARACTERS + 2_000)
NUMBERS = list(range(1, ROWS + 1))
IDS = [f"set-{at:02}" for at in NUMBERS]
SET = "set-01"


def settings(at: int) -> dict[str, Any]:
    statements = [{"Sid": f"{at}", "Effect": "Allow", "Action": "ecr:*", "Resource": "x" * 900}] * (CHARACTERS // 1_000)
    return {"registry_policy": {"policyText": json.dumps({"Version": "2012-10-17", "Statement": statements})}}


def seed(tx: Tx) -> None:
    resources.ensure(tx, NAME.registry, NEW_REGISTRY)
    for at, name in zip(NUMBERS, IDS, strict=True):
        owner = SettingsName(NAME.registry, f"owner-{at:02}")
        for each in (NAME, owner):
            declaring.put(tx, each, settings(at), registry_generation=1, origin=Origin("Test"))
        spec = SetSpec(selector=Selector(), settings=settings(at), waves=(Wave(bake_seconds=at),)).to_json()
        row = SetRow(id=name, uid="u", spec=spec, authority={}, generation=1, create_time=1, update_time=1)
        registry_sets.add(tx, row)
        registry_sets.add_revision(tx, SetRevision(SET, at, spec, 0, "a", "", "", "Test"))
        rollout = RolloutRow(
            set_id=SET, number=at, state="SUCCEEDED", cause="REVISION", principal="a", reason="", authority={},
            spec=spec, counts=[], revision=at, create_time=1, update_time=1,
        )  # fmt: skip
        rollouts.add(tx, rollout)


@pytest.fixture
async def filled(db: Database) -> Database:
    await db.write(seed)
    return db


READS: list[tuple[str, Callable[[Tx], Steps[Any]]]] = [
    ("sets", lambda tx: registry_sets.reading(tx, IDS)),
    ("revisions of a set", lambda tx: registry_sets.reading_revisions(tx, SET, NUMBERS)),
    ("rollouts", lambda tx: rollouts.reading_shown(tx, SET, NUMBERS)),
    ("revisions of a declaration", lambda tx: revision_pages.reading(tx, NAME, NUMBERS)),
    ("a setting", lambda tx: declarations.reading_setting(tx, NAME.registry.account, "registry_policy")),
]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_large_rows_are_read_in_steps(filled: Database) -> None:
    def steps_of(tx: Tx, read: Callable[[Tx], Steps[Any]]) -> list[int]:
        sizes = [0]

        def taken(rows: Any) -> Iterator[Any]:
            for row in rows:
                sizes[-1] += sum(len(value) for value in row if isinstance(value, str))
                yield row

        def ask(conn: Any, queries: Any) -> list[Any]:
            return [taken(conn.execute(query, values)) for query, values in queries]

        for _ in read(dataclasses.replace(tx, ask=ask)):
            sizes.append(0)
        return sizes

    for what, read in READS:
        sizes = await filled.read(lambda tx, read=read: steps_of(tx, read))  # type: ignore[misc]
        assert sum(sizes) > ROWS * CHARACTERS * 0.9, what
        assert max(sizes) <= MOST_CHARACTERS, what


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_sizes_of_large_rows_are_read_in_steps(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_rows, "MEASURED_AT_ONCE", 1)
    steps = await filled.read(lambda tx: len(list(registry_sets.reading_page(tx, "", 100))))
    assert steps == ROWS - 1


LISTS: list[tuple[Any, str, Any, str]] = [
    (RegistrySetLists, "ListRegistrySets", pb.ListRegistrySetsRequest(), "registry_sets"),
    (RegistrySetLists, "ListRegistrySetRevisions",
     pb.ListRegistrySetRevisionsRequest(parent=f"registrySets/{SET}"), "revisions"),
    (Rollouts, "ListRollouts", pb.ListRolloutsRequest(parent=f"registrySets/{SET}"), "rollouts"),
    (lambda deps: Revisions(deps, None), "ListRegistrySettingsRevisions",  # type: ignore[arg-type]
     settings_pb2.ListRegistrySettingsRevisionsRequest(name=str(NAME)), "revisions"),
]  # fmt: skip


@pytest.mark.parametrize(("service", "method", "request_", "field"), LISTS, ids=[each[1] for each in LISTS])
async def test_pages_of_large_rows_show_all_of_them(
    filled: Database, service: Any, method: str, request_: Any, field: str
) -> None:
    deps = dependencies(filled)
    shown, list_, request = [], getattr(service(deps), method), type(request_)()
    request.CopyFrom(request_)
    while True:
        answer = await list_(request, None)
        shown += list(getattr(answer, field))
        if not answer.next_page_token:
            break
        request.page_token = answer.next_page_token
    assert len(shown) == ROWS
    if field == "rollouts":
        assert [each.strategy.waves[0].bake.seconds for each in shown] == NUMBERS[::-1]
