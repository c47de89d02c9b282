"""Store as whom an account is reached, and which Regions it has enabled."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from ecrkeeper_server.settings.elements import diff
from ecrkeeper_server.store import audit, fleet_accounts, registry_sets, rollouts
from ecrkeeper_server.store.audit import NewEvent
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.fleet_rows import AccountRow
from ecrkeeper_server.store.fleet_specs import Source

_METHOD = "AccountCheck"


class AccountCheck(Struct, frozen=True):
    """The answers of AWS in an account.

    `reason` and `message` say why it cannot be reached. Without `regions`, those that were known stay.
    """

    identity: str = ""
    regions: tuple[str, ...] | None = None
    reason: str = ""
    message: str = ""


def store_check(tx: Tx, claimed: AccountRow, check: AccountCheck, seconds: float) -> bool:
    """Store a check, and make the next one due in `seconds`.

    Return whether sets have to compare their targets. An account that somebody removed meanwhile stays removed.
    """
    present = fleet_accounts.get(tx, claimed.account, lock=True)
    if present is None:
        return False
    flips = present.reachable_since is None or bool(present.unreachable) != bool(check.reason)
    # An account that was never asked is not one that came back; growth waits for the first check of others.
    first = present.reachable_since is None
    returns = flips and not check.reason and not first
    waited = first and present.source == Source.ORGANIZATION
    row = replace(
        present,
        caller_identity=check.identity or present.caller_identity,
        unreachable=check.reason,
        unreachable_message=check.message,
        reachable_since=rollouts.now(tx) if flips else present.reachable_since,
        aws_regions=present.aws_regions if check.regions is None else sorted(check.regions),
    )
    fleet_accounts.save_check(tx, row, claimed.check_at, seconds)
    grown = row.enabled_regions != present.enabled_regions
    if list(row.aws_regions or ()) != list(present.aws_regions or ()):
        _store_regions(tx, present, row)
    elif returns:
        fleet_accounts.change(tx, row)
    compares = grown or returns or waited
    if compares:
        registry_sets.compare_all(tx)
    return compares


def _store_regions(tx: Tx, present: AccountRow, row: AccountRow) -> None:
    row = replace(row, generation=present.generation + 1)
    fleet_accounts.change(tx, row)
    before, after = ({"aws_regions": list(each.aws_regions or ())} for each in (present, row))
    event = NewEvent(
        kind="CALL",
        method=_METHOD,
        resource=f"accounts/{row.account}",
        account=row.account,
        generation=row.generation,
        changes=diff("account", before, after),
    )
    audit.add(tx, [event])
