"""The streams that keep each live page up to date."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial

from ecrkeeper.v1 import audit_service_pb2, fleet_service_pb2, registry_pb2, role_service_pb2
from ecrkeeper.v1 import registry_settings_service_pb2 as settings_pb2
from google.longrunning import operations_pb2

from ecrkeeper_server.console.conditions import Cell, cell_of
from ecrkeeper_server.console.digests import digest_of_cells
from ecrkeeper_server.console.live import Same, Update
from ecrkeeper_server.console.pages import registries, trail
from ecrkeeper_server.console.pages.fleet import ACCOUNTS
from ecrkeeper_server.console.pages.roles import role_values
from ecrkeeper_server.console.pages.rollouts import rollout_values
from ecrkeeper_server.console.view import View
from ecrkeeper_server.names import is_account

_CURRENT, _COMPLETE = (
    settings_pb2.WatchRegistriesResponse.CURRENT,
    settings_pb2.WatchRegistriesResponse.SNAPSHOT_COMPLETE,
)


def _accounts(view: View) -> str:
    """Return a filter on the accounts that the page shows."""
    accounts = [each for each in view.text("accounts").split(",") if is_account(each)]
    return " OR ".join(f"account={each}" for each in accounts[:ACCOUNTS]) or "account=-"


async def fleet(view: View) -> AsyncIterator[Update]:
    """Follow the cells of the overview.

    Send the snapshot if it differs from the page.
    """
    request = settings_pb2.WatchRegistriesRequest(parent="accounts/-", filter=_accounts(view))
    snapshot: dict[str, Cell] = {}
    async with aclosing(view.stream("RegistrySettingsService.WatchRegistries", request)) as answers:
        async with view.snapshots:
            async for answer in answers:
                if answer.kind == _COMPLETE:
                    break
                snapshot[answer.registry.name] = cell_of(answer.registry)
        if not view.has(digest_of_cells(snapshot.values())):
            yield Update("cells.html", partial(dict, cells=list(snapshot.values())))
        snapshot.clear()
        async for answer in answers:
            if answer.kind == _CURRENT:
                yield Update("cells.html", partial(dict, cells=[cell_of(answer.registry)]), key=Same(answer))


async def registry(view: View) -> AsyncIterator[Update]:
    """Follow one registry."""
    request = settings_pb2.WatchRegistriesRequest(
        parent=f"accounts/{view.path_params['account']}",
        filter=f'region = "{view.path_params["region"]}"',
        view=registry_pb2.FULL,
    )
    first = True
    async for answer in view.stream("RegistrySettingsService.WatchRegistries", request):
        if answer.kind == _CURRENT and not (first and await view.shows(answer.registry)):
            yield Update("registry_body.html", partial(registries.registry_values, answer.registry), key=Same(answer))
        first = False


async def role_list(view: View) -> AsyncIterator[Update]:
    """Follow the roles of a list after its snapshot, which the page has."""
    request = role_service_pb2.WatchServiceLinkedRolesRequest(parent="accounts/-", filter=_accounts(view))
    async for answer in view.stream("RoleService.WatchServiceLinkedRoles", request):
        if answer.kind == role_service_pb2.WatchServiceLinkedRolesResponse.CURRENT:
            yield Update("role_cells.html", partial(dict, roles=[answer.service_linked_role]), key=Same(answer))


async def role(view: View) -> AsyncIterator[Update]:
    """Follow one role."""
    request = role_service_pb2.WatchServiceLinkedRolesRequest(
        parent=f"accounts/{view.path_params['account']}", filter=f"role = {view.path_params['role']}"
    )
    first = True
    async for answer in view.stream("RoleService.WatchServiceLinkedRoles", request):
        role = answer.service_linked_role
        current = answer.kind == role_service_pb2.WatchServiceLinkedRolesResponse.CURRENT
        if current and not (first and await view.shows(role)):
            yield Update("role_body.html", partial(role_values, role), key=Same(answer))
        first = False


async def rollout(view: View) -> AsyncIterator[Update]:
    """Follow a rollout."""
    name = f"registrySets/{view.path_params['set']}/rollouts/{view.path_params['number']}"
    request = fleet_service_pb2.WatchRolloutRequest(name=name)
    async for answer in view.stream("FleetService.WatchRollout", request):
        yield Update("rollout_body.html", partial(rollout_values, answer.rollout), key=Same(answer))


async def operation(view: View) -> AsyncIterator[Update]:
    """Wait for an operation to end."""
    request = operations_pb2.WaitOperationRequest(name=f"operations/{view.path_params['operation']}")
    request.timeout.FromSeconds(15)
    while True:
        operation = await view.call("Operations.WaitOperation", request)
        if operation.done:
            yield Update("operation_body.html", partial(trail.operation_values, operation))
            return


async def audit(view: View) -> AsyncIterator[Update]:
    """Follow the audit trail."""
    request = audit_service_pb2.WatchAuditEventsRequest(filter=trail.audit_filter(view))
    async for answer in view.stream("AuditService.WatchAuditEvents", request):
        if answer.HasField("audit_event"):
            yield Update(
                "audit_rows.html", partial(dict, events=[answer.audit_event]), event="event", key=answer.resume_token
            )
