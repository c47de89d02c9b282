"""Registry sets and their rollouts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ecrkeeper.v1 import fleet_pb2, fleet_service_pb2

from ecrkeeper_server.console.json_text import pretty
from ecrkeeper_server.console.search import filter_of
from ecrkeeper_server.console.view import Page, View
from ecrkeeper_server.turns import Steps

pb: Any = fleet_service_pb2
_SETS, _TARGETS = 100, 100
_COUNTS = ("succeeded", "baking", "running", "pending", "skipped", "held", "failed")


async def rollouts(view: View) -> Page:
    """List the registry sets and the rollouts that have not ended."""
    fleet, listed = await view.together(
        ("FleetService.GetFleet", pb.GetFleetRequest(name="fleet")),
        ("FleetService.ListRegistrySets", pb.ListRegistrySetsRequest(page_size=_SETS, page_token=view.text("page"))),
    )
    values = {
        "rollouts": await view.work.run(_with_totals(fleet.rollouts)),
        "sets": listed.registry_sets,
        "next": listed.next_page_token,
    }
    return Page("rollouts.html", "Rollouts", values)


def _with_totals(rollouts: Iterable[fleet_pb2.Rollout]) -> Steps[list[tuple[fleet_pb2.Rollout, dict[str, int]]]]:
    """Return rollouts, each with its totals, in steps."""
    values = []
    for each in rollouts:
        yield
        values.append((each, totals(each)))
    return values


async def registry_set(view: View) -> Page:
    """Show a registry set with its rollouts and targets."""
    name = f"registrySets/{view.path_params['set']}"
    registry_set, listed, targets = await view.together(
        ("FleetService.GetRegistrySet", pb.GetRegistrySetRequest(name=name)),
        ("FleetService.ListRollouts", pb.ListRolloutsRequest(parent=name, page_size=20)),
        (
            "FleetService.ListRegistrySetTargets",
            pb.ListRegistrySetTargetsRequest(parent=name, page_size=_TARGETS, page_token=view.text("page")),
        ),
    )
    values = {
        "set": registry_set,
        "selector": await view.work.run(pretty(registry_set.selector)),
        "settings": await view.work.run(pretty(registry_set.settings)),
        "rollouts": await view.work.run(_with_totals(listed.rollouts)),
        "targets": targets.targets,
        "next": targets.next_page_token,
    }
    return Page("registry_set.html", f"Registry set {view.path_params['set']}", values)


async def rollout(view: View) -> Page:
    """Show a rollout and its targets."""
    name = f"registrySets/{view.path_params['set']}/rollouts/{view.path_params['number']}"
    request = pb.ListRolloutTargetsRequest(
        parent=name, page_size=_TARGETS, page_token=view.text("page"), filter=filter_of(view.text("q"), "reason")
    )
    rollout = await view.call("FleetService.GetRollout", pb.GetRolloutRequest(name=name))
    listed, error = await view.listed("FleetService.ListRolloutTargets", request)
    values = {
        **rollout_values(rollout),
        "targets": listed.targets if listed is not None else [],
        "next": listed.next_page_token if listed is not None else "",
        "error": error,
        "search": view.text("q"),
    }
    return Page("rollout.html", f"Rollout {view.path_params['number']} of {view.path_params['set']}", values)


def rollout_values(rollout: fleet_pb2.Rollout) -> dict[str, Any]:
    """Return what the template shows of a rollout."""
    waves = [(number, wave, counts(wave)) for number, wave in enumerate(rollout.waves)]
    return {"rollout": rollout, "waves": waves, "totals": totals(rollout)}


def counts(wave: Any) -> dict[str, int]:
    """Return how many targets of a wave are in each state; none that is empty."""
    by_state = {word: getattr(wave, f"{word}_count") for word in _COUNTS}
    return {word: number for word, number in by_state.items() if number}


def totals(rollout: fleet_pb2.Rollout) -> dict[str, int]:
    """Return how many targets of a rollout are in each state."""
    by_state = {word: sum(getattr(wave, f"{word}_count") for wave in rollout.waves) for word in _COUNTS}
    return {word: number for word, number in by_state.items() if number}
