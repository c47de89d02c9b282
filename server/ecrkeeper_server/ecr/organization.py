"""The accounts of an organization, as AWS Organizations describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from ecrkeeper_server.aws.client import Aws
from ecrkeeper_server.aws_errors import Temporary
from ecrkeeper_server.ecr.paging import PAGES, SECONDS, read_list
from ecrkeeper_server.names import is_account

# An organization can have more than 10,000 accounts, and a page has 20 of them, at five pages per second.
_PAGES, _SECONDS, _MAX_DEPTH = 5_000, 1_800.0, 10


class OrganizationAccount(Struct, frozen=True):
    """One account; `state` is AWS's, `unit` the path of its organizational unit."""

    account: str
    name: str
    state: str
    unit: str = "/"
    tags: Mapping[str, str] = field(default_factory=dict)


def listed_state(listed: Mapping[str, Any]) -> str:
    """Return the state of an account as AWS lists it; `Status` is the older member."""
    return str(listed.get("State") or listed.get("Status") or "ACTIVE")


class Organization:
    """Reads an organization through a role in one of its accounts.

    Each unit is read once.
    """

    def __init__(self, aws: Aws, account: str, region: str) -> None:
        self._aws = aws
        self._account = account
        self._region = region
        self._paths: dict[str, str] = {}

    async def accounts(self) -> list[dict[str, Any]]:
        """Return the accounts as AWS lists them.

        Accounts that were closed less than 90 days ago are included.
        """
        listed = await self._list("ListAccounts", {}, "Accounts", pages=_PAGES, seconds=_SECONDS)
        return [each for each in listed if is_account(each["Id"])]

    async def describe(self, listed: Mapping[str, Any]) -> OrganizationAccount:
        """Return an account with its unit and its tags."""
        account = listed["Id"]
        tags = await self._list("ListTagsForResource", {"ResourceId": account}, "Tags")
        return OrganizationAccount(
            account,
            str(listed.get("Name") or ""),
            listed_state(listed),
            await self._path(account),
            {str(tag["Key"]): str(tag["Value"]) for tag in tags},
        )

    async def _path(self, child: str, depth: int = 0) -> str:
        """Return the path of the unit that a child is in; `/` for the root."""
        parents = await self._list("ListParents", {"ChildId": child}, "Parents")
        if not parents or depth > _MAX_DEPTH:
            text = f"organizations:ListParents: unusable answer: {child} is in no unit and no root"
            raise Temporary(text, reason="AWS_ANSWER_INVALID", operation="ListParents")
        if parents[0]["Type"] == "ROOT":
            return "/"
        unit = parents[0]["Id"]
        if unit not in self._paths:
            above = await self._path(unit, depth + 1)
            self._paths[unit] = f"{above.rstrip('/')}/{await self._name(unit)}"
        return self._paths[unit]

    async def _name(self, unit: str) -> str:
        params = {"OrganizationalUnitId": unit}
        answer = await self._aws.call(
            self._account, self._region, "organizations", "DescribeOrganizationalUnit", params
        )
        return str(answer["OrganizationalUnit"]["Name"])

    async def _list(
        self, operation: str, params: dict[str, Any], items: str, *, pages: int = PAGES, seconds: float = SECONDS
    ) -> list[Any]:
        return await read_list(
            self._aws, self._account, self._region, "organizations", operation, params,
            items=items, cursor="NextToken", pages=pages, seconds=seconds,
        )  # fmt: skip
