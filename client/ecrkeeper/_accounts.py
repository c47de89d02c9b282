"""The calls of `FleetService` that concern accounts and the fleet as a whole.

Each RPC has one function.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf.empty_pb2 import Empty
from google.protobuf.field_mask_pb2 import FieldMask

from ecrkeeper._base import Paged, Unary
from ecrkeeper._messages import field_mask, message_of
from ecrkeeper.v1 import fleet_service_pb2 as pb
from ecrkeeper.v1.fleet_pb2 import Account, Fleet


def create_account(
    account_id: str,
    account: Account | Mapping[str, Any] | None = None,
    *,
    validate_only: bool = False,
    reason: str = "",
    request_id: str = "",
    timeout: float | None = None,
) -> Unary[Account]:
    """Add an account to the fleet. InvalidArgument; AlreadyExists."""
    request = pb.CreateAccountRequest(
        account_id=account_id,
        account=None if account is None else message_of(Account, account, "account"),
        validate_only=validate_only,
        reason=reason,
        request_id=request_id,
    )
    return Unary(Account, request, timeout)


def update_account(
    account: Account | Mapping[str, Any],
    update_mask: FieldMask | Mapping[str, Any] | Iterable[str] | None = None,
    *,
    allow_missing: bool = False,
    validate_only: bool = False,
    reason: str = "",
    request_id: str = "",
    timeout: float | None = None,
) -> Unary[Account]:
    """Update an account; without a mask, the fields that are set.

    InvalidArgument; NotFound unless `allow_missing`; Conflict if the etag is stale; FailedPrecondition if AWS
    Organizations determines the account.
    """
    request = pb.UpdateAccountRequest(
        account=message_of(Account, account, "account"),
        update_mask=field_mask(update_mask),
        allow_missing=allow_missing,
        validate_only=validate_only,
        reason=reason,
        request_id=request_id,
    )
    return Unary(Account, request, timeout)


def get_account(name: str, *, timeout: float | None = None) -> Unary[Account]:
    """Return one account of the fleet, `accounts/{account}`. NotFound."""
    return Unary(Account, pb.GetAccountRequest(name=name), timeout)


def list_accounts(
    filter: str = "", *, page_size: int = 0, page_token: str = "", timeout: float | None = None
) -> Paged[Account, pb.ListAccountsResponse]:
    """List the accounts of the fleet, ordered by name.

    InvalidArgument for a filter with faults.
    """
    request = pb.ListAccountsRequest(filter=filter, page_size=page_size, page_token=page_token)
    return Paged(Unary(pb.ListAccountsResponse, request, timeout), lambda page: page.accounts)


def delete_account(
    name: str,
    *,
    etag: str = "",
    allow_missing: bool = False,
    validate_only: bool = False,
    reason: str = "",
    request_id: str = "",
    timeout: float | None = None,
) -> Unary[Empty]:
    """Remove an account from the fleet.

    NotFound unless `allow_missing`; Conflict; FailedPrecondition if the account is in use.
    """
    request = pb.DeleteAccountRequest(
        name=name,
        etag=etag,
        allow_missing=allow_missing,
        validate_only=validate_only,
        reason=reason,
        request_id=request_id,
    )
    return Unary(Empty, request, timeout)


def get_fleet(name: str = "fleet", *, timeout: float | None = None) -> Unary[Fleet]:
    """Return the problems and the open rollouts of the fleet."""
    return Unary(Fleet, pb.GetFleetRequest(name=name), timeout)
