"""The overview: counts, problems, and registries by account and Region."""

from __future__ import annotations

from typing import Any

from ecrkeeper.v1 import fleet_service_pb2 as pb_fleet
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from msgspec import Struct

from ecrkeeper_server.console.conditions import Cell, cell_of
from ecrkeeper_server.console.digests import digest_of_cells
from ecrkeeper_server.console.search import conjunction, filter_of
from ecrkeeper_server.console.view import Page, View, digest_query

# A page has so many registries, of so many accounts: the filter of its stream names them all, and a
# filter has at most 20 restrictions.
_REGISTRIES, ACCOUNTS = 300, 20
STATES = {
    "": ("All", ""),
    "not-ready": ("Not ready", "conditions.Ready = FALSE"),
    "blocked": ("Blocked", "conditions.Blocked = TRUE"),
    "degraded": ("Degraded", "conditions.Degraded = TRUE"),
    "drift": ("Drift", "drift = TRUE"),
    "paused": ("Paused", "mode = PAUSED"),
}


class Row(Struct, frozen=True):
    """The registries of an account, by Region."""

    account: str
    cells: dict[str, Cell]


async def fleet(view: View) -> Page:
    """Show the fleet."""
    search, state = view.text("q"), view.text("state")
    chosen = conjunction(STATES.get(state, STATES[""])[1], filter_of(search, "owner"))
    request = pb.ListRegistriesRequest(
        parent="accounts/-",
        page_size=ACCOUNTS if "region" in chosen else _REGISTRIES,
        page_token=view.text("page"),
        filter=chosen,
    )
    listed, error = await view.listed("RegistrySettingsService.ListRegistries", request)
    first = not view.text("page")
    rows = _rows(listed.registries) if listed is not None else []
    if len(rows) > ACCOUNTS:
        request.page_size = sum(len(row.cells) for row in rows[:ACCOUNTS])
        listed = await view.call("RegistrySettingsService.ListRegistries", request)
        rows = _rows(listed.registries)
    values = {
        "fleet": await view.call("FleetService.GetFleet", pb_fleet.GetFleetRequest(name="fleet")) if first else None,
        "rows": rows,
        "regions": sorted({region for row in rows for region in row.cells}),
        "next": listed.next_page_token if listed is not None else "",
        "error": error,
        "search": search,
        "state": state if state in STATES else "",
        "states": STATES,
        "shown": sum(len(row.cells) for row in rows),
        "live": live_address(rows),
    }
    return Page("fleet.html", "Fleet", values)


def _rows(registries: Any) -> list[Row]:
    rows: dict[str, Row] = {}
    for each in registries:
        _, account, _, region = each.name.split("/")
        rows.setdefault(account, Row(account, {})).cells[region] = cell_of(each)
    return list(rows.values())


def live_address(rows: list[Row]) -> str:
    """Return the query of the stream that follows these registries; empty without any."""
    if not rows:
        return ""
    cells = [each for row in rows for each in row.cells.values()]
    return f"accounts={','.join(row.account for row in rows)}&{digest_query(digest_of_cells(cells))}"
