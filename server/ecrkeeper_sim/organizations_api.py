"""AWS Organizations: accounts, their units and their tags.

The management account of `PUT /_sim/organization` may call it.
"""

from __future__ import annotations

from ecrkeeper_sim.calls import Call, handles
from ecrkeeper_sim.errors import AwsError
from ecrkeeper_sim.organization import ROOT, Member, Organization, unit_id
from ecrkeeper_sim.paging import page
from ecrkeeper_sim.state import Json

_PAGE = 20
# The deprecated member `Status` for each `State`.
_STATUS = {"ACTIVE": "ACTIVE", "PENDING_CLOSURE": "PENDING_CLOSURE"}


def _organization(call: Call) -> Organization:
    """Return the organization, of which only the management account learns anything."""
    organization = call.world.organization
    call.authorize(f"organizations:{call.operation}", "*")
    if not organization.management:
        raise AwsError("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
    if call.identity.account != organization.management:
        raise AwsError("AccessDeniedException", "You don't have permissions to access this resource.")
    return organization


def _member(call: Call, account: str, code: str) -> Member:
    member = _organization(call).members.get(account)
    if member is None:
        raise AwsError(code, f"You specified an account that doesn't exist: {account}")
    return member


def _page(items: list[tuple[str, Json]], params: Json, name: str, size: int = _PAGE) -> Json:
    shown, token = page(sorted(items, key=lambda pair: pair[0]), params, size, ("MaxResults", "NextToken"))
    return {name: shown, **({"NextToken": token} if token else {})}


@handles("organizations", "ListAccounts")
def list_accounts(call: Call, params: Json) -> Json:
    """Return all accounts, page by page."""
    organization = _organization(call)
    items = [
        (each.account, {
            "Id": each.account, "Name": each.name, "State": each.state,
            "Status": _STATUS.get(each.state, "SUSPENDED"), "Email": f"{each.account}@example.com",
            "Arn": f"arn:aws:organizations::{organization.management}:account/o-sim0000000/{each.account}",
        })
        for each in organization.members.values()
    ]  # fmt: skip
    return _page(items, params, "Accounts")


@handles("organizations", "ListParents")
def list_parents(call: Call, params: Json) -> Json:
    """Return the root or the unit that an account or a unit is in."""
    organization, child = _organization(call), params["ChildId"]
    if child.startswith("ou-"):
        path = organization.units().get(child)
        if path is None:
            raise AwsError("ChildNotFoundException", f"You specified a unit that doesn't exist: {child}")
        parent = path.rpartition("/")[0] or "/"
    else:
        parent = _member(call, child, "ChildNotFoundException").unit
    kind = "ROOT" if parent == "/" else "ORGANIZATIONAL_UNIT"
    return {"Parents": [{"Id": unit_id(parent), "Type": kind}]}


@handles("organizations", "ListOrganizationalUnitsForParent")
def list_units(call: Call, params: Json) -> Json:
    """Return the units directly within the root or a unit."""
    units = _organization(call).units()
    parent = "/" if params["ParentId"] == ROOT else units.get(params["ParentId"])
    if parent is None:
        raise AwsError("ParentNotFoundException", f"You specified a parent that doesn't exist: {params['ParentId']}")
    within = [
        (unit_id, _unit(unit_id, path)) for unit_id, path in units.items() if (path.rpartition("/")[0] or "/") == parent
    ]
    return _page(within, params, "OrganizationalUnits")


@handles("organizations", "DescribeOrganizationalUnit")
def describe_unit(call: Call, params: Json) -> Json:
    """Return one unit."""
    unit_id = params["OrganizationalUnitId"]
    path = _organization(call).units().get(unit_id)
    if path is None:
        raise AwsError("OrganizationalUnitNotFoundException", f"You specified a unit that doesn't exist: {unit_id}")
    return {"OrganizationalUnit": _unit(unit_id, path)}


def _unit(unit_id: str, path: str) -> Json:
    return {"Id": unit_id, "Name": path.rpartition("/")[2]}


@handles("organizations", "ListTagsForResource")
def list_tags(call: Call, params: Json) -> Json:
    """Return the tags of an account."""
    member = _member(call, params["ResourceId"], "TargetNotFoundException")
    return _page([(key, {"Key": key, "Value": value}) for key, value in member.tags.items()], params, "Tags", 50)
