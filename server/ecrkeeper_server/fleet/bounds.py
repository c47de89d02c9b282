"""The registries that a principal may declare for as an owner.

A registry set reaches no further.
"""

from __future__ import annotations

from collections.abc import Callable

from ecrkeeper_server.access.policy import Policy, Principal, Target, Verb
from ecrkeeper_server.errors import PermissionDenied
from ecrkeeper_server.fleet.names import SetName
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store.fleet_rows import Authority

Reach = Callable[[RegistryName], bool]


class Bounds:
    """Decides by the current policy, which may change at any time.

    Without a policy, sets reach every registry.
    """

    def __init__(self, policy: Callable[[], Policy | None] = lambda: None) -> None:
        self._policy = policy

    def reach(self, authority: Authority, name: SetName) -> Reach:
        """Return whether a registry is within the bounds of a set of a principal."""
        policy = self._policy()
        if policy is None:
            return lambda _: True
        principal = Principal(authority.principal, frozenset(authority.groups))
        rules = policy.rules_for(principal, Verb.WRITE)
        return lambda registry: any(rule.covers(Target(registry.account, registry.region, name.id)) for rule in rules)


def out_of_bounds(authority: Authority, name: SetName, registry: RegistryName) -> PermissionDenied:
    """Return the error of a set that reaches a registry beyond its bounds."""
    return PermissionDenied(
        f"{authority.principal or 'an anonymous caller'} lacks the permission `write` on {name.settings(registry)}, and"
        f" {name} reaches that registry; narrow its selector, or ask for the permission",
        reason="ACCESS_DENIED",
        metadata={"principal": authority.principal, "verb": "write", "resource": str(name.settings(registry))},
    )
