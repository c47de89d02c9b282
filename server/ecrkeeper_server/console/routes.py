"""The addresses of the pages and of their streams."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import unquote

from msgspec import Struct

from ecrkeeper_server.console import streams
from ecrkeeper_server.console.live import Live
from ecrkeeper_server.console.pages import fleet, registries, roles, rollouts, topology, trail
from ecrkeeper_server.console.view import Page, View

Show = Callable[[View], Awaitable[Page]]
# A segment of a path, decoded: what names of resources consist of.
_SEGMENT = re.compile(r"[A-Za-z0-9_.:-]{1,128}")


class Route(Struct, frozen=True):
    """A page and its stream; `section` is its entry of the navigation."""

    pattern: str
    section: str
    show: Show
    live: Live | None = None


_REGISTRY = "accounts/{account}/registries/{region}"
_ROLE = "accounts/{account}/serviceLinkedRoles/{role}"
ROUTES = (
    Route("", "fleet", fleet.fleet, streams.fleet),
    Route(_REGISTRY, "fleet", registries.registry, streams.registry),
    Route(f"{_REGISTRY}/elements", "fleet", registries.elements),
    Route(f"{_REGISTRY}/explain", "fleet", registries.explain),
    Route(_REGISTRY + "/settings/{owner}", "fleet", registries.declaration),
    Route("roles", "roles", roles.roles, streams.role_list),
    Route(_ROLE, "roles", roles.role, streams.role),
    Route(f"{_ROLE}/usage", "roles", roles.usage),
    Route("topology", "topology", topology.topology),
    Route("rollouts", "rollouts", rollouts.rollouts),
    Route("registrySets/{set}", "rollouts", rollouts.registry_set),
    Route("registrySets/{set}/rollouts/{number}", "rollouts", rollouts.rollout, streams.rollout),
    Route("operations", "operations", trail.operations),
    Route("operations/{operation}", "operations", trail.operation, streams.operation),
    Route("audit", "audit", trail.audit, streams.audit),
    Route("auditEvents/{event}", "audit", trail.event),
)
SECTIONS = (
    ("fleet", "Fleet", ""),
    ("roles", "Roles", "roles"),
    ("topology", "Topology", "topology"),
    ("rollouts", "Rollouts", "rollouts"),
    ("operations", "Operations", "operations"),
    ("audit", "Audit", "audit"),
)


def route_of(path: str) -> tuple[Route, Mapping[str, str]] | None:
    """Return the route of a path below the console, with the parts that it names."""
    segments = [unquote(each) for each in path.split("/")]
    for route in ROUTES:
        expected = route.pattern.split("/")
        if len(expected) == len(segments) and (path_params := _matched(expected, segments)) is not None:
            return route, path_params
    return None


def _matched(expected: list[str], segments: list[str]) -> dict[str, str] | None:
    path_params = {}
    for pattern, segment in zip(expected, segments, strict=True):
        if pattern.startswith("{"):
            if _SEGMENT.fullmatch(segment) is None or segment in (".", ".."):
                return None
            path_params[pattern[1:-1]] = segment
        elif pattern != segment:
            return None
    return path_params
