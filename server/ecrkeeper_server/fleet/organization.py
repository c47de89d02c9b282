"""Bring the accounts of an organization into the fleet; in transactions.

AWS is the source: the fleet changes when AWS shows something else.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Mapping

from msgspec.structs import replace

from ecrkeeper_server.ecr.organization import OrganizationAccount
from ecrkeeper_server.fleet.account_commands import members, reactivate
from ecrkeeper_server.settings.elements import diff
from ecrkeeper_server.store import audit, fleet_accounts, registry_sets
from ecrkeeper_server.store.audit import NewEvent
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.fleet_rows import AccountRow
from ecrkeeper_server.store.fleet_specs import AccountState, Source

# Tags that an account of the fleet cannot have as labels are left out: AWS allows no others for accounts.
_LABEL = re.compile(r"[\w\s_.:/=+\-@]*")
_STATES = {
    "ACTIVE": AccountState.ACTIVE,
    "PENDING_ACTIVATION": AccountState.SUSPENDED,
    "SUSPENDED": AccountState.SUSPENDED,
    "PENDING_CLOSURE": AccountState.SUSPENDED,
    "CLOSED": AccountState.GONE,
}
_MAX_LABELS, _LONGEST_KEY, _LONGEST_VALUE, _LONGEST_NAME = 50, 128, 256, 256
_METHOD = "OrganizationSync"


def account_state(state: str) -> AccountState:
    """Return the state of an account for a state of AWS.

    Nothing is written to accounts in an unknown one.
    """
    return _STATES.get(state, AccountState.SUSPENDED)


def labels_of(tags: Mapping[str, str]) -> dict[str, str]:
    """Return tags as labels."""
    good = {
        key: value
        for key, value in sorted(tags.items())
        if 0 < len(key) <= _LONGEST_KEY
        and len(value) <= _LONGEST_VALUE
        and _LABEL.fullmatch(key)
        and _LABEL.fullmatch(value)
    }
    return dict(list(good.items())[:_MAX_LABELS])


def merged(present: AccountRow | None, account: OrganizationAccount) -> AccountRow:
    """Return an account as the organization has it."""
    row = present or AccountRow(account=account.account, uid=str(uuid.uuid4()), source=Source.ORGANIZATION)
    return replace(
        row,
        display_name=account.name[:_LONGEST_NAME],
        labels=labels_of(account.tags),
        organizational_unit=account.unit,
        state=account_state(account.state),
    )


def store_account(tx: Tx, account: OrganizationAccount) -> bool:
    """Store an account of the organization; return whether it has changed.

    An account that somebody declared stays as declared.
    """
    present = fleet_accounts.get(tx, account.account, lock=True)
    if present is not None and present.source != Source.ORGANIZATION:
        return False
    row = merged(present, account)
    if row == present:
        return False
    _store(tx, present, row)
    registry_sets.compare_all(tx)
    return True


def store_gone(tx: Tx, listed: Collection[str], after: str, limit: int) -> tuple[int, str]:
    """Mark accounts of a page that the organization does not list any more.

    Return how many they are, and the last account.
    """
    page = fleet_accounts.page(tx, after, limit)
    gone = [
        row
        for row in page
        if row.source == Source.ORGANIZATION and row.state != AccountState.GONE and row.account not in listed
    ]
    for row in gone:
        _store(tx, row, replace(row, state=AccountState.GONE))
    if gone:
        registry_sets.compare_all(tx)
    return len(gone), page[-1].account if len(page) == limit else ""


def _store(tx: Tx, present: AccountRow | None, row: AccountRow) -> None:
    if present is None:
        fleet_accounts.add(tx, row)
    else:
        row = replace(row, generation=present.generation + 1)
        fleet_accounts.change(tx, row)
        reactivate(tx, present, row)
    event = NewEvent(
        kind="CALL",
        method=_METHOD,
        resource=f"accounts/{row.account}",
        account=row.account,
        generation=row.generation,
        changes=diff("account", {} if present is None else members(present), members(row)),
    )
    audit.add(tx, [event])
