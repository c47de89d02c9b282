"""Account management: which Regions an account can use."""

from __future__ import annotations

from ecrkeeper_sim.calls import Call, handles
from ecrkeeper_sim.paging import page
from ecrkeeper_sim.state import Json


@handles("account", "ListRegions")
def list_regions(call: Call, params: Json) -> Json:
    """Return the Regions of the partition with their opt-in status, page by page."""
    account = params.get("AccountId") or call.identity.account
    wanted = params.get("RegionOptStatusContains")
    regions = [
        (region, {"RegionName": region, "RegionOptStatus": status})
        for region, status in call.world.listed_regions(account, call.partition)
        if not wanted or status in wanted
    ]
    shown, token = page(regions, params, 50, ("MaxResults", "NextToken"))
    return {"Regions": shown, **({"NextToken": token} if token else {})}
