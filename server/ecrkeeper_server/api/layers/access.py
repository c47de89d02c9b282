"""The caller of the call in progress, and what the policy allows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import TypeVar

import structlog

from ecrkeeper_server.access.policy import Policy, Principal, Rule, Target, Verb, decide
from ecrkeeper_server.api.layers.permissions import Need
from ecrkeeper_server.errors import PermissionDenied

Row = TypeVar("Row")

log = structlog.get_logger("ecrkeeper.access")

# Set by the interceptor that authenticates; gRPC runs each call in a task, and so in a context, of its own.
_NOBODY = Principal()
CALLER: ContextVar[Principal] = ContextVar("ecrkeeper_caller", default=_NOBODY)


def principal() -> str:
    """Return the authenticated name of the caller; empty for an unauthenticated one."""
    return CALLER.get().name


def everything_allowed() -> Policy | None:
    """Return no policy: every caller may do everything."""
    return None


class Access:
    """Decides by the current policy, which may change while a call runs."""

    def __init__(self, policy: Callable[[], Policy | None] = everything_allowed) -> None:
        self._policy = policy

    @property
    def configured(self) -> bool:
        """Whether there can be a policy; without one, calls need not pass an authorization layer."""
        return self._policy is not everything_allowed

    @property
    def policy(self) -> Policy | None:
        """The current policy; None if everything is allowed. A policy that was re-read is another object."""
        return self._policy()

    def check(self, needs: Iterable[Need]) -> None:
        """Raise PermissionDenied, whether or not the resource exists, unless the caller has all permissions."""
        policy, caller = self._policy(), CALLER.get()
        if policy is None:
            return
        for need in needs:
            decision = decide(policy, caller, need.verb, need.target)
            if not decision.allowed:
                log.info("denied", principal=caller.name, verb=need.verb, resource=need.resource, why=decision.reasons)
                raise PermissionDenied(
                    f"{caller.name or 'an anonymous caller'} lacks the permission `{need.verb}` on {need.resource}",
                    reason="ACCESS_DENIED",
                    metadata={"principal": caller.name, "verb": need.verb, "resource": need.resource},
                )

    def readable(self, target: Callable[[Row], Target]) -> Callable[[Row], bool]:
        """Return whether the caller may read a row, by the policy at that time; `target` makes a row's target."""
        caller = CALLER.get()
        known: Policy | None = None
        rules: tuple[Rule, ...] = ()

        def may(row: Row) -> bool:
            nonlocal known, rules
            policy = self._policy()
            if policy is None:
                return True
            if policy is not known:
                known, rules = policy, policy.rules_for(caller, Verb.READ)
            resource = target(row)
            return any(rule.covers(resource) for rule in rules)

        return may
