"""What the caller of the present call may do."""

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
    """Who calls, as a token or a certificate has proved it; empty where nothing is proved."""
    return CALLER.get().name


def everything_allowed() -> Policy | None:
    """No policy: every caller may do everything."""
    return None


class Access:
    """Decides by the policy of the moment, which may change while a call runs."""

    def __init__(self, policy: Callable[[], Policy | None] = everything_allowed) -> None:
        self._policy = policy

    @property
    def configured(self) -> bool:
        """Whether there can be a policy; without one, calls need not pass an authorization layer."""
        return self._policy is not everything_allowed

    @property
    def policy(self) -> Policy | None:
        """The policy of now; None if everything is allowed. A policy that was read again is another object."""
        return self._policy()

    def check(self, needs: Iterable[Need]) -> None:
        """PermissionDenied, the same whether or not the resource exists, unless the caller may do all of it."""
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
        """Whether the caller may read a row, by the policy at the time of asking; `target` says what a row is of."""
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
            place = target(row)
            return any(rule.covers(place) for rule in rules)

        return may
