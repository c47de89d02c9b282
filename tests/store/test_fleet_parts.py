"""GetFleet for callers who may read a part of the fleet.

A count of all rows in Python has the expected numbers.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from ecrkeeper.v1 import fleet_pb2
from ecrkeeper_server.access.account_ranges import AccountRanges
from ecrkeeper_server.access.patterns import Pattern
from ecrkeeper_server.access.policy import Policy, Principal, Rule, Verb
from ecrkeeper_server.api.layers.access import CALLER, Access
from ecrkeeper_server.api.services.fleet import FleetView
from ecrkeeper_server.fleet.account_commands import new_account
from ecrkeeper_server.names import RegistryName, RoleName
from ecrkeeper_server.store import fleet_accounts, resources
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.tables import resources as table
from ecrkeeper_server.store.tables import schedule
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Row, delete, select, update

ACCOUNTS = ("000000000000", "099999999999", "100000000000", "123000000000", "123456789012", "123456789013",
            "199999999999", "200000000000", "555555555555", "999999999999")  # fmt: skip
REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "sa-east-1")
REASONS = (None, None, "UNMANAGED", "AWS_REJECTED", "AWS_ACCESS_DENIED")
ROLES = ("replication", "scanning")

CASES: list[tuple[str, list[dict[str, tuple[str, ...]]]]] = [
    ("everything", [{}]),
    ("a prefix", [{"accounts": ("1*",)}]),
    ("prefixes of each other, and neighbours", [{"accounts": ("1*", "123*", "123456789012", "0*")}]),
    ("the first and the last account", [{"accounts": ("000000000000", "999999999999")}]),
    ("a prefix of all digits", [{"accounts": ("123456789012*",)}]),
    ("an account that nobody has", [{"accounts": ("777777777777",)}]),
    ("the end of an account", [{"accounts": ("*9",)}]),
    ("the middle of an account, and a prefix", [{"accounts": ("1*9", "2*", "*5*")}]),
    ("all accounts, as two stars", [{"accounts": ("**",)}]),
    ("a Region", [{"regions": ("us-east-1",)}]),
    ("Regions of a prefix", [{"regions": ("us-*", "sa-east-1")}]),
    ("the end of a Region", [{"regions": ("*-1",), "accounts": ("1*", "5*")}]),
    ("a Region that nobody has", [{"regions": ("me-south-1",)}]),
    ("rules that overlap", [{"accounts": ("1*",)}, {"regions": ("us-east-1",)}, {"accounts": ("123*", "5*")}]),
    ("Regions of other accounts each", [
        {"accounts": ("1*",), "regions": ("us-*",)},
        {"accounts": ("*9",), "regions": ("eu-west-1", "us-west-2")},
        {"accounts": ("0*", "2*"), "regions": ("*",)},
    ]),
    ("many ranges", [{"accounts": tuple(f"{number:03}*" for number in range(0, 1000, 3))}]),
    ("owners only", [{"owners": ("team",)}]),
]  # fmt: skip


def policy_of(rules: list[dict[str, tuple[str, ...]]]) -> Policy:
    def patterns(parts: dict[str, tuple[str, ...]]) -> dict[str, Any]:
        return {name: tuple(map(Pattern, texts)) for name, texts in parts.items()}

    reads = frozenset({Verb.READ})
    return Policy(tuple(Rule(f"r{at}", (Pattern("team"),), (), reads, **patterns(p)) for at, p in enumerate(rules)))


async def get_fleet(db: Database, policy: Policy) -> fleet_pb2.Fleet:
    CALLER.set(Principal("team"))
    view = FleetView(cast(Any, SimpleNamespace(db=db, access=Access(lambda: policy))))
    return await view.GetFleet(cast(Any, None), cast(Any, None))


def expected(rows: list[Row[Any]], accounts: list[Row[Any]], policy: Policy) -> dict[str, Any]:
    """Count in Python, row by row, what the rules cover."""
    rules = [rule for rule in policy.rules if any(each.is_every for each in rule.owners)]

    def covers(rule: Rule, account: str, place: str, kind: str) -> bool:
        everywhere = any(each.is_every for each in rule.regions)
        placed = any(each.matches(place) for each in rule.regions) if kind == RegistryName.kind else everywhere
        return placed and any(each.matches(account) for each in rule.accounts)

    readable = [row for row in rows if any(covers(rule, row.account, row.place, row.kind) for rule in rules)]
    registries = [row for row in readable if row.kind == RegistryName.kind]
    roles = [row for row in readable if row.kind == RoleName.kind]
    covered = [row for row in accounts if any(covers(rule, row.account, "", RoleName.kind) for rule in rules)]
    problems = [row for row in registries if row.reason not in (None, "UNMANAGED")]
    pending = [row for row in registries if row.reason is None and row.urgent]
    return {
        "account_count": len(covered),
        "unreachable_account_count": sum(row.unreachable != "" for row in covered),
        "registry_count": len(registries),
        "ready_registry_count": len(registries) - len(problems) - len(pending),
        "drifted_registry_count": sum(row.drifted for row in registries),
        "silent_registry_count": sum(row.silent for row in registries),
        "broken_replication_registry_count": sum(row.replication == "BROKEN" for row in registries),
        "unknown_replication_registry_count": sum(row.replication == "UNKNOWN" for row in registries),
        "registry_reasons": Counter(row.reason for row in problems),
        "role_count": len(roles),
        "role_reasons": Counter(row.reason for row in roles if row.reason not in (None, "UNMANAGED")),
        "problems": {row.name for row in readable},
    }


def store(tx: Tx) -> None:
    for at, account in enumerate(ACCOUNTS):
        fleet_accounts.add(tx, new_account(account))
        names = [RegistryName(account, region) for region in REGIONS]
        for name in [*names, *(RoleName(account, role) for role in ROLES[: at % 3])]:
            resources.ensure(tx, name, {})
    tx.conn.execute(
        update(fleet_accounts.table).where(fleet_accounts.table.c.account.in_(ACCOUNTS[::3])).values(unreachable="X")
    )


def change(tx: Tx, chance: random.Random) -> None:
    """Give every resource other conditions, and remove one."""
    names = sorted(tx.conn.execute(select(table.c.name)).scalars())
    for name in names:
        values = {
            "reason": chance.choice(REASONS),
            "drifted": chance.random() < 0.3,
            "silent": chance.random() < 0.2,
            "replication": chance.choice((None, None, "BROKEN", "UNKNOWN")),
        }
        tx.conn.execute(update(table).where(table.c.name == name).values(values))
        urgent = {"urgent": chance.random() < 0.2, "due_at": 1}
        tx.conn.execute(update(schedule).where(schedule.c.name == name).values(urgent))
    deleted = chance.choice(names)
    for each in (table, schedule):
        tx.conn.execute(delete(each).where(each.c.name == deleted))


def read_all(tx: Tx) -> tuple[list[Row[Any]], list[Row[Any]]]:
    query = select(table, schedule.c.urgent).join_from(table, schedule, table.c.name == schedule.c.name)
    return list(tx.conn.execute(query)), list(tx.conn.execute(select(fleet_accounts.table)))


async def test_restricted_callers_get_the_numbers_of_their_part(db: Database) -> None:
    await db.write(store)
    chance = random.Random(16)
    policies = [(reason, policy_of(rules)) for reason, rules in CASES]
    for _ in range(3):
        await db.write(lambda tx: change(tx, chance))
        rows, accounts = await db.read(read_all)
        for reason, policy in policies:
            observed, part = await get_fleet(db, policy), expected(rows, accounts, policy)
            shown = {each.resource for each in observed.worst_problems}
            assert shown <= part.pop("problems"), reason
            for name in ("registry_reasons", "role_reasons"):
                counted = {each.reason: each.resource_count for each in getattr(observed, name)}
                assert counted == part.pop(name), (reason, name)
            assert {name: getattr(observed, name) for name in part} == part, reason


@pytest.mark.parametrize("extra", [[], [{"accounts": ("777777777777",)}]])
async def test_caller_without_resources_gets_zeros(db: Database, extra: list[dict[str, tuple[str, ...]]]) -> None:
    observed = await get_fleet(db, policy_of([{"accounts": ("1*",), "regions": ("us-*",)}, *extra]))
    assert (observed.registry_count, observed.role_count, observed.account_count, len(observed.worst_problems)) == (
        0,
        0,
        0,
        0,
    )


def _patterns() -> st.SearchStrategy[str]:
    digits = st.text("019", max_size=12)
    return st.one_of(
        st.text("019", min_size=12, max_size=12),
        digits.map(lambda text: f"{text}*"),
        st.lists(digits, min_size=2, max_size=4).map("*".join),
    )


def _values(ranges: AccountRanges) -> Iterator[int]:
    for each in ranges.ranges:
        yield from (int(each.first), int(each.last))


@given(st.lists(_patterns(), max_size=8), st.lists(st.text("019", min_size=12, max_size=12), max_size=8))
def test_account_ranges_match_the_accounts_of_their_patterns(texts: list[str], accounts: list[str]) -> None:
    patterns = [Pattern(text) for text in texts]
    ranges = AccountRanges.of(patterns)
    edges = sorted(_values(ranges))
    assert list(_values(ranges)) == edges, "ranges are in order and do not overlap"
    near = {f"{number:012}" for edge in edges for number in (edge - 1, edge, edge + 1) if 0 <= number < 10**12}
    for account in (*accounts, *near):
        in_ranges = any(each.first <= account <= each.last for each in ranges.ranges)
        assert (in_ranges or any(each.matches(account) for each in ranges.others)) == any(
            each.matches(account) for each in patterns
        )
