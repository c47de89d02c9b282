"""FleetService: the calls on accounts."""

from __future__ import annotations

from collections.abc import Sequence

from ecrkeeper.v1 import fleet_pb2
from ecrkeeper.v1 import fleet_service_pb2 as pb
from google.protobuf import empty_pb2

from ecrkeeper_server.access.policy import Target
from ecrkeeper_server.api.layers.layer import Context
from ecrkeeper_server.api.layers.telemetry import caller_of
from ecrkeeper_server.api.messages import fleet as render
from ecrkeeper_server.api.services.context import Dependencies
from ecrkeeper_server.api.services.pages import scan
from ecrkeeper_server.errors import InvalidArgument, NotFound, Violation
from ecrkeeper_server.fleet.account_commands import delete_account, put_account
from ecrkeeper_server.fleet.matching import fleet_account
from ecrkeeper_server.fleet.messages import ACCOUNT_PATHS, changed_account
from ecrkeeper_server.fleet.selectors import matcher
from ecrkeeper_server.names import parse_account
from ecrkeeper_server.settings.codec import masked_paths
from ecrkeeper_server.store import fleet_accounts
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.fleet_rows import AccountRow
from ecrkeeper_server.store.fleet_specs import Selector


class FleetAccounts:
    """Create, update, get, list and delete accounts."""

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps

    async def CreateAccount(self, request: pb.CreateAccountRequest, context: Context) -> fleet_pb2.Account:
        """Add an account to the fleet."""
        return await self._put(request, request.account_id, set(ACCOUNT_PATHS), create=True, update=False)

    async def UpdateAccount(self, request: pb.UpdateAccountRequest, context: Context) -> fleet_pb2.Account:
        """Change an account."""
        account = parse_account(request.account.name, "account.name")
        paths = masked_paths(request.update_mask, request.account, ACCOUNT_PATHS)
        return await self._put(request, account, paths, create=request.allow_missing, update=True)

    async def _put(
        self,
        request: pb.CreateAccountRequest | pb.UpdateAccountRequest,
        account: str,
        paths: set[str],
        *,
        create: bool,
        update: bool,
    ) -> fleet_pb2.Account:
        caller, message = caller_of(request), request.account

        def change(tx: Tx) -> AccountRow:
            return put_account(
                tx, caller, account, lambda row: changed_account(row, message, paths),
                create=create, update=update, etag=message.etag if update else "", dry=request.validate_only,
            )  # fmt: skip

        row = await (self._deps.db.read(change) if request.validate_only else self._deps.db.write(change))
        self._deps.wake_rollouts()
        return render.account(row)

    async def GetAccount(self, request: pb.GetAccountRequest, context: Context) -> fleet_pb2.Account:
        """Return one account."""
        account = parse_account(request.name, "name")
        row = await self._deps.db.read(lambda tx: fleet_accounts.get(tx, account))
        if row is None:
            raise NotFound("Account", request.name)
        return render.account(row)

    async def ListAccounts(self, request: pb.ListAccountsRequest, context: Context) -> pb.ListAccountsResponse:
        """List accounts."""
        try:
            selector = matcher(Selector(request.filter))
        except InvalidArgument as error:
            raise InvalidArgument([Violation("filter", each.description) for each in error.violations]) from error
        page = await self._deps.page(request, "")

        async def fetch(after: str, limit: int) -> list[AccountRow]:
            return await self._deps.db.read_then_parse(lambda tx: fleet_accounts.reading_page(tx, after, limit))

        async def show(rows: Sequence[AccountRow]) -> list[fleet_pb2.Account]:
            return list(map(render.account, rows))

        accounts, token = await scan(
            fetch, page, lambda row: not request.filter or selector.selects(fleet_account(row)),
            lambda row: row.account, self._deps.access.readable(_target), show,
        )  # fmt: skip
        return pb.ListAccountsResponse(accounts=accounts, next_page_token=token)

    async def DeleteAccount(self, request: pb.DeleteAccountRequest, context: Context) -> empty_pb2.Empty:
        """Remove an account from the fleet."""
        account, caller = parse_account(request.name, "name"), caller_of(request)

        def change(tx: Tx) -> None:
            delete_account(
                tx, caller, account, etag=request.etag, allow_missing=request.allow_missing, dry=request.validate_only
            )

        await (self._deps.db.read(change) if request.validate_only else self._deps.db.write(change))
        return empty_pb2.Empty()


def _target(row: AccountRow) -> Target:
    return Target(row.account)
