"""Service-linked roles, and the Regions that use them."""

from __future__ import annotations

from typing import Any

from ecrkeeper.v1 import role_pb2
from ecrkeeper.v1 import role_service_pb2 as pb

from ecrkeeper_server.console.digests import digest_of
from ecrkeeper_server.console.elements import drift_rows
from ecrkeeper_server.console.search import filter_of
from ecrkeeper_server.console.view import Page, View, digest_query
from ecrkeeper_server.turns import Steps

# The filter of the page's stream names their accounts, and has at most 20 restrictions.
_ROLES = 20


def name_of(view: View) -> str:
    """Return the name of the role that the path names."""
    return f"accounts/{view.path_params['account']}/serviceLinkedRoles/{view.path_params['role']}"


async def roles(view: View) -> Page:
    """List the roles."""
    request = pb.ListServiceLinkedRolesRequest(
        parent="accounts/-", page_size=_ROLES, page_token=view.text("page"), filter=filter_of(view.text("q"), "role")
    )
    listed, error = await view.listed("RoleService.ListServiceLinkedRoles", request)
    listed_roles = list(listed.service_linked_roles) if listed is not None else []
    values = {
        "roles": listed_roles,
        "next": listed.next_page_token if listed is not None else "",
        "error": error,
        "search": view.text("q"),
        "live": ",".join(sorted({each.name.split("/")[1] for each in listed_roles})),
    }
    return Page("roles.html", "Service-linked roles", values)


async def role(view: View) -> Page:
    """Show one role."""
    role = await view.call("RoleService.GetServiceLinkedRole", pb.GetServiceLinkedRoleRequest(name=name_of(view)))
    values = await view.work.run(role_values(role))
    return Page("role.html", f"{view.path_params['account']} {view.path_params['role']}", values)


def role_values(role: role_pb2.ServiceLinkedRole) -> Steps[dict[str, Any]]:
    """Return what the templates show of a role, in steps."""
    digest = yield from digest_of(role)
    return {"role": role, "live": digest_query(digest), "drift": (yield from drift_rows(role.drift))}


async def usage(view: View) -> Page:
    """Show the Regions that use a role, as AWS tells now."""
    request = pb.CheckServiceLinkedRoleUsageRequest(name=name_of(view))
    usages, error = await view.tried("RoleService.CheckServiceLinkedRoleUsage", request)
    if error is not None and error.code in ("UNAUTHENTICATED", "PERMISSION_DENIED", "NOT_FOUND"):
        raise error
    values = {"name": name_of(view), "usage": usages, "error": error}
    return Page("usage.html", f"Use of {view.path_params['account']} {view.path_params['role']}", values)
