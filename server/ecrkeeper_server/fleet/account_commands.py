"""Writes of accounts of the fleet, each in the transaction of its call."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from msgspec.structs import replace

from ecrkeeper_server.declarations.idempotency import Caller, check_etag, find_response, save_response
from ecrkeeper_server.errors import AlreadyExists, FailedPrecondition, NotFound
from ecrkeeper_server.json_object import Json
from ecrkeeper_server.settings.elements import Change, diff
from ecrkeeper_server.store import audit, fleet_accounts, registry_sets, resources
from ecrkeeper_server.store.audit import NewEvent
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.fleet_rows import AccountRow
from ecrkeeper_server.store.fleet_specs import AccountState, Source

_SHOWN_SETS = 5


def new_account(account: str) -> AccountRow:
    """Return an account that is not stored yet."""
    return AccountRow(account=account, uid=str(uuid.uuid4()))


def put_account(
    tx: Tx,
    caller: Caller,
    account: str,
    change: Callable[[AccountRow], AccountRow],
    *,
    create: bool,
    update: bool,
    etag: str = "",
    dry: bool = False,
) -> AccountRow:
    """Create or change an account, and let registry sets compare their targets.

    With `dry`, only check.
    """
    present = fleet_accounts.get(tx, account, lock=not dry)
    if find_response(tx, caller) is not None:
        if present is None:
            raise NotFound("Account", f"accounts/{account}", "the call was answered before; deleted since")
        return present
    _check(account, present, etag, create=create, update=update)
    before = present or new_account(account)
    row = change(before)
    if dry:
        return row
    save_response(tx, caller, f"accounts/{account}")
    if present is not None and row == before:
        return row
    if present is None:
        fleet_accounts.add(tx, row)
    else:
        row = replace(row, generation=before.generation + 1)
        fleet_accounts.change(tx, row)
        reactivate(tx, before, row)
    changes = diff("account", {} if present is None else members(before), members(row))
    _changed(tx, caller, row, changes)
    return fleet_accounts.get(tx, account) or row


def reactivate(tx: Tx, before: AccountRow, after: AccountRow) -> None:
    """Let the engine write again to an account that is not suspended any more."""
    if before.state == AccountState.SUSPENDED != after.state:
        resources.enqueue_suspended(tx, after.account)


def _check(account: str, present: AccountRow | None, etag: str, *, create: bool, update: bool) -> None:
    name = f"accounts/{account}"
    if present is None and not create:
        raise NotFound("Account", name, "create it, or set allow_missing")
    if present is not None and not update:
        raise AlreadyExists(f"{name} exists; update it instead", reason="ALREADY_EXISTS", resource=("Account", name))
    if update:
        check_etag(name, etag, "" if present is None else present.etag)
    if present is not None and present.source == Source.ORGANIZATION:
        raise FailedPrecondition(
            f"{name} is as AWS Organizations has it; change its tags or its organizational unit there",
            reason="ACCOUNT_OF_ORGANIZATION",
        )


def delete_account(tx: Tx, caller: Caller, account: str, *, etag: str, allow_missing: bool, dry: bool = False) -> None:
    """Remove an account from the fleet; with `dry`, only check."""
    name = f"accounts/{account}"
    present = fleet_accounts.get(tx, account, lock=not dry)
    if find_response(tx, caller) is not None:
        return
    if present is None:
        if not allow_missing:
            raise NotFound("Account", name)
    else:
        check_etag(name, etag, present.etag)
        sets = fleet_accounts.managing_sets(tx, account, _SHOWN_SETS)
        if sets:
            raise FailedPrecondition(
                f"{', '.join(sets)} declare settings in {name}; exclude the account from them first",
                reason="ACCOUNT_IN_USE",
                metadata={"registry_sets": ",".join(sets)},
            )
    if dry:
        return
    save_response(tx, caller, name)
    if present is not None:
        fleet_accounts.remove(tx, account)
        _changed(tx, caller, present, diff("account", members(present), {}))


def members(row: AccountRow) -> Json:
    """Return the fields of an account that calls change."""
    return {
        "display_name": row.display_name,
        "labels": dict(row.labels),
        "organizational_unit": row.organizational_unit,
        "state": str(row.state),
        "enabled_regions": list(row.regions),
    }


def _changed(tx: Tx, caller: Caller, row: AccountRow, changes: tuple[Change, ...]) -> None:
    registry_sets.compare_all(tx)
    event = NewEvent(
        kind="CALL",
        method=caller.method,
        resource=f"accounts/{row.account}",
        account=row.account,
        principal=caller.principal,
        request_id=caller.request_id,
        call_id=caller.call_id,
        generation=row.generation,
        reason=caller.reason,
        changes=changes,
    )
    audit.add(tx, [event])
