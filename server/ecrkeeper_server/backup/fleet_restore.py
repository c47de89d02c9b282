"""Read accounts and registry sets from a store, and restore them into one.

A set that is restored starts no rollout.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

from msgspec.structs import replace

from ecrkeeper_server.backup.fleet_documents import AccountDocument, SetDocument
from ecrkeeper_server.errors import InvalidArgument, Violation
from ecrkeeper_server.fleet.account_commands import members
from ecrkeeper_server.fleet.names import AccountName, SetName
from ecrkeeper_server.settings.elements import diff
from ecrkeeper_server.store import audit, fleet_accounts, registry_sets, rollouts
from ecrkeeper_server.store.audit import NewEvent
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.fleet_rows import AccountRow, Authority, SetRevision, SetRow
from ecrkeeper_server.store.fleet_specs import Source
from ecrkeeper_server.store.unit_of_work import Origin

_PAGE = 200


async def exported_accounts(db: Database) -> AsyncIterator[AccountDocument]:
    """Yield the accounts that somebody declared, by name.

    Accounts of an organization are left out, because they come from it again.
    """
    after = ""
    while True:
        rows = await db.read(lambda tx, after=after: fleet_accounts.page(tx, after, _PAGE))  # type: ignore[misc]
        for row in rows:
            if row.source == Source.DECLARED:
                yield AccountDocument(AccountName(row.account), row)
        if len(rows) < _PAGE:
            return
        after = rows[-1].account


async def exported_sets(db: Database) -> AsyncIterator[SetDocument]:
    """Yield the sets that are not being deleted, by name."""
    after = ""
    while True:
        ids = await db.read(lambda tx, after=after: registry_sets.page(tx, after, _PAGE))  # type: ignore[misc]
        for set_id in ids:
            row = await db.read(lambda tx, set_id=set_id: registry_sets.get(tx, set_id))  # type: ignore[misc]
            if row is not None and not row.deleting:
                yield SetDocument(
                    SetName(row.id), row.set_spec, row.generation, row.current_revision,
                    Authority.from_json(row.authority),
                )  # fmt: skip
        if len(ids) < _PAGE:
            return
        after = ids[-1]


def account_differs(present: AccountRow | None, document: AccountDocument) -> bool:
    """Return whether the store has another account.

    An account of an organization cannot be declared.
    """
    if present is not None and present.source != Source.DECLARED:
        text = f"{document.name} is as AWS Organizations has it"
        raise InvalidArgument([Violation("name", text, "ACCOUNT_OF_ORGANIZATION")])
    return present is None or members(present) != members(document.row)


def restore_account(tx: Tx, document: AccountDocument, origin: Origin) -> None:
    """Store an account."""
    present, row = fleet_accounts.get(tx, document.name.account, lock=True), document.row
    before = {} if present is None else members(present)
    if present is None:
        row = replace(row, uid=str(uuid.uuid4()))
        fleet_accounts.add(tx, row)
    else:
        row = replace(
            row, uid=present.uid, create_time=present.create_time, aws_regions=present.aws_regions,
            generation=present.generation + 1,
        )  # fmt: skip
        fleet_accounts.change(tx, row)
    registry_sets.compare_all(tx)
    _record(tx, origin, str(document.name), row.generation, diff("account", before, members(row)), row.account)


def set_differs(tx: Tx | None, document: SetDocument) -> bool:
    """Return whether the store has another set.

    A set that a rollout is under way for cannot be replaced.
    """
    present = None if tx is None else registry_sets.get(tx, document.name.id)
    if present is None or tx is None:
        return True
    if present.spec == document.spec.to_json():
        return False
    if rollouts.open_of(tx, present.id):
        raise InvalidArgument([Violation("name", f"a rollout of {document.name} is under way", "ROLLOUT_STATE")])
    return True


def restore_set(tx: Tx, document: SetDocument, origin: Origin) -> None:
    """Store a set without a rollout: the declarations of the file are its targets."""
    name, spec = document.name, document.spec.to_json()
    present = registry_sets.get(tx, name.id, lock=True)
    revision = max(registry_sets.next_revision(tx, name.id), document.revision)
    # A set whose newest revision all targets had starts where it was; any other one waits for its next write.
    current = revision if document.current_revision == document.revision else 0
    registry_sets.add_revision(
        tx, SetRevision(name.id, revision, spec, 0, origin.principal, "", origin.reason, "Import")
    )
    if present is None:
        row = SetRow(
            id=name.id, uid=str(uuid.uuid4()), spec=spec, authority=document.author.to_json(),
            generation=revision, current_revision=current, create_time=0, update_time=0,
        )  # fmt: skip
        registry_sets.add(tx, row)
    else:
        values = {"spec": spec, "generation": revision, "authority": document.author.to_json()}
        registry_sets.change(tx, name.id, update_time=tx.now(), **values)
    before = {} if present is None else present.spec
    _record(tx, origin, str(name), revision, diff("registry_set", before, spec))


def _record(tx: Tx, origin: Origin, name: str, generation: int, changes: tuple, account: str = "") -> None:  # type: ignore[type-arg]
    event = NewEvent(
        kind="CALL", method=origin.method, resource=name, account=account, principal=origin.principal,
        generation=generation, reason=origin.reason, changes=changes,
    )  # fmt: skip
    audit.add(tx, [event])
