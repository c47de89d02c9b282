"""The registries of a set, page by page.

They are those that its selector matches, and those that it still declares for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import accumulate

from msgspec import Struct, field

from ecrkeeper_server.fleet.names import SetName
from ecrkeeper_server.fleet.selectors import Matcher
from ecrkeeper_server.fleet.targets import FleetAccount, Target
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import fleet_accounts, registry_sets
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.fleet_rows import AccountRow
from ecrkeeper_server.store.fleet_specs import AccountState, Source
from ecrkeeper_server.store.json_columns import HASHED_AT_ONCE, NARROW_CHARACTERS, Pace
from ecrkeeper_server.store.rows import Declaration
from ecrkeeper_server.turns import Steps

ACCOUNTS = 100
"""The number of accounts that are read at once; each may have some thirty Regions."""
PAGE_CHARACTERS = 2_000_000
"""The size of the declarations of a page, as JSON, unless one account has more."""
# Registries that a step adds to a page.
_AT_ONCE = 200


class Place(Struct, frozen=True):
    """A registry that a set matches or declares for.

    `declared` is the declaration with the set as its owner, whoever made it; `others` are those of other owners.
    """

    target: Target
    matched: bool
    declared: Declaration | None
    others: list[Declaration] = field(default_factory=list)
    # When its account was changed last, in microseconds.
    changed_at: int = 0

    @property
    def registry(self) -> RegistryName:
        """The registry."""
        return self.target.registry

    def managed_by(self, name: SetName) -> Declaration | None:
        """Return the declaration if the set made it."""
        return self.declared if self.declared is not None and self.declared.managed_by == str(name) else None


def fleet_account(row: AccountRow) -> FleetAccount:
    """Return an account as selectors see it."""
    return FleetAccount(
        row.account,
        row.display_name,
        row.labels,
        row.organizational_unit,
        AccountState(row.state),
        Source(row.source),
        row.enabled_regions,
        row.source == Source.DECLARED or row.aws_regions is not None or row.reachable_since is not None,
    )


def reading_page(
    tx: Tx,
    selector: Matcher,
    name: SetName,
    after: str,
    *,
    others: bool = False,
    settings: bool = True,
    registries: int | None = None,
) -> Steps[Steps[tuple[list[Place], str]]]:
    """Read a page of accounts behind `after`, and return the steps that make it.

    They return its registries and its last account, which is empty at the end. A page ends early if its declarations
    are large, or if its accounts have more than so many `registries`. Without `settings`, the declarations have none.
    """
    listed, owner = fleet_accounts.page(tx, after, ACCOUNTS), None if others else name.id
    accounts: Sequence[AccountRow] = listed if registries is None else _few(listed, registries)
    if settings:
        accounts = yield from _first(accounts, registry_sets.declared_sizes(tx, _accounts(accounts), owner))
    declared = yield from registry_sets.reading_declared(tx, _accounts(accounts), owner, settings=settings)
    more = len(listed) == ACCOUNTS or len(accounts) < len(listed)
    return _making(accounts, selector, name, declared, accounts[-1].account if more else "")


def _making(
    accounts: Sequence[AccountRow], selector: Matcher, name: SetName, parsing: Steps[list[Declaration]], last: str
) -> Steps[tuple[list[Place], str]]:
    declared: dict[str, dict[str, list[Declaration]]] = defaultdict(lambda: defaultdict(list))
    for row in (yield from parsing):
        declared[row.account][row.region].append(row)
    places, begin = list[Place](), 0
    for account in accounts:
        if len(places) - begin >= _AT_ONCE:
            yield
            begin = len(places)
        places += _places(account, selector, name, declared[account.account])
    return places, last


def _accounts(rows: Sequence[AccountRow]) -> list[str]:
    return [row.account for row in rows]


def _few(accounts: Sequence[AccountRow], registries: int) -> Sequence[AccountRow]:
    """Return the first accounts with at most so many Regions; at least one."""
    totals = accumulate(len(row.enabled_regions) for row in accounts)
    return accounts[: max(1, sum(total <= registries for total in totals))]


def _first(accounts: Sequence[AccountRow], sizes: Iterator[tuple[str, int]]) -> Steps[Sequence[AccountRow]]:
    """Return the first accounts whose declarations fit into a page; at least one."""
    numbers = {row.account: number for number, row in enumerate(accounts)}
    total, pace = 0, Pace()
    for account, size in sizes:
        total += size
        if numbers[account] and total > PAGE_CHARACTERS:
            return accounts[: numbers[account]]
        pace.count(size // HASHED_AT_ONCE, NARROW_CHARACTERS)
        if pace.is_over():
            yield
    return accounts


def _places(
    row: AccountRow, selector: Matcher, name: SetName, declared: dict[str, list[Declaration]]
) -> Iterator[Place]:
    account = fleet_account(row)
    matched = {target.region: target for target in selector.targets(account)}
    own = {region for region, rows in declared.items() for each in rows if each.managed_by == str(name)}
    for region in sorted({*matched, *own}):
        rows = declared.get(region, [])
        own_row = next((each for each in rows if each.owner == name.id), None)
        yield Place(
            matched.get(region) or Target(account, region),
            region in matched,
            own_row,
            [each for each in rows if each.owner != name.id],
            row.update_time,
        )
