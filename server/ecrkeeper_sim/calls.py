"""One call as its handler sees it, and the table of handlers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ecrkeeper_sim import permissions
from ecrkeeper_sim.credentials import Identity
from ecrkeeper_sim.errors import AwsError
from ecrkeeper_sim.models import XML_SERVICES
from ecrkeeper_sim.partitions import partition_of
from ecrkeeper_sim.state import Account, Json, Registry, Settings, World

Handler = Callable[["Call", Json], Json | Awaitable[Json]]
_Handler = TypeVar("_Handler", bound=Handler)

HANDLERS: dict[tuple[str, str], Handler] = {}


@dataclass(frozen=True, slots=True)
class Peer:
    """The client that sent the request."""

    address: str = "127.0.0.1"
    user_agent: str = ""
    connected: Callable[[], bool] = lambda: True


@dataclass(frozen=True, slots=True)
class ApiCall:
    """An API call as CloudTrail records it.

    `invoked_by` is the service that made it for the caller.
    """

    service: str
    operation: str
    params: Json
    request_id: str
    result: Json | None = None
    error: AwsError | None = None
    invoked_by: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """An authenticated call in one account and Region."""

    world: World
    service: str
    operation: str
    identity: Identity
    region: str
    # The evaluated actions, and whether the policy allows them.
    actions: dict[str, bool] = field(default_factory=dict)
    # The registry that a read shows, if it is not the current one.
    shown: Registry | None = None
    peer: Peer = field(default_factory=Peer)
    # Calls that AWS itself made on behalf of the caller.
    caused: list[ApiCall] = field(default_factory=list)

    @property
    def account(self) -> Account:
        """The account of the caller."""
        return self.world.account(self.identity.account)

    @property
    def registry(self) -> Registry:
        """The registry of the caller's account and the call's Region, as the call sees it."""
        if self.shown is not None:
            return self.shown
        return self.world.registry(self.identity.account, self.region)

    @property
    def partition(self) -> str:
        """The partition of the Region."""
        return partition_of(self.region)

    @property
    def settings(self) -> Settings:
        """The simulator's settings."""
        return self.world.settings

    @property
    def policy(self) -> Json | None:
        """The policy of the caller's role: its account's or the common one.

        None for plain keys.
        """
        if self.identity.session is None:
            return None
        own = self.account.iam_policy
        return own if own is not None else self.settings.iam_policy

    def now(self) -> float:
        """Return the simulated time."""
        return self.world.clock.now()

    def authorize(self, action: str, resource: str, conditions: dict[str, str] | None = None) -> None:
        """Raise the service's access-denied error unless the caller's policy allows it."""
        context = {"aws:RequestedRegion": self.region, **(conditions or {})}
        policy = self.policy
        if policy is None:
            return
        denial = permissions.denial(policy, self.identity.arn, action, resource, context)
        self.actions[action] = denial is None
        if denial is not None:
            if self.service in XML_SERVICES:
                raise AwsError("AccessDenied", denial, 403)
            raise AwsError("AccessDeniedException", denial)


def handles(service: str, operation: str) -> Callable[[_Handler], _Handler]:
    """Register the decorated function in the table of handlers."""

    def register(handler: _Handler) -> _Handler:
        HANDLERS[service, operation] = handler
        return handler

    return register


def own_registry(call: Call, params: dict[str, Any]) -> Registry:
    """Return the caller's registry; raises when `registryId` names another one."""
    wanted = params.get("registryId")
    if wanted is not None and wanted != call.identity.account:
        raise AwsError(
            "InvalidParameterException",
            f"Invalid parameter at 'registryId' failed to satisfy constraint: "
            f"'The registry with id '{wanted}' is not the registry of the caller'",
        )
    return call.registry
