"""The caller of the current call, and its permissions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import TypeVar

import structlog

from ecrkeeper_server.access.policy import Policy, Principal, Rule, Target, Verb, decide
from ecrkeeper_server.api.layers.needs import Need
from ecrkeeper_server.errors import PermissionDenied

Row = TypeVar("Row")

log = structlog.get_logger("ecrkeeper.access")

# Set by `Authentication`. gRPC runs each call in its own task, and therefore in its own context.
_NOBODY = Principal()
CALLER: ContextVar[Principal] = ContextVar("ecrkeeper_caller", default=_NOBODY)


def principal() -> str:
    """Return the authenticated name of the caller; empty for an unauthenticated one."""
    return CALLER.get().name


def everything_allowed() -> Policy | None:
    """Return None: without a policy, every caller may do everything."""
    return None


class Access:
    """Decides by the current policy, which may change while a call runs."""

    def __init__(self, policy: Callable[[], Policy | None] = everything_allowed) -> None:
        self._policy = policy

    @property
    def configured(self) -> bool:
        """Whether there can be a policy.

        Without one, calls need not pass an authorization layer.
        """
        return self._policy is not everything_allowed

    @property
    def policy(self) -> Policy | None:
        """The current policy; None if everything is allowed.

        A re-read policy is another object.
        """
        return self._policy()

    def check(self, needs: Iterable[Need]) -> None:
        """Raise PermissionDenied unless the caller has all permissions.

        The error does not depend on whether the resource exists.
        """
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
        """Return a predicate: whether the caller may read a row.

        It decides by the policy at the time of the check; `target` returns the target of a row.
        """
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
