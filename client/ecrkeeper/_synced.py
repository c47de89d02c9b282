"""Detection from a watch that a registry is in sync."""

from __future__ import annotations

import re
import time

import grpc

from ecrkeeper._base import DEFAULT_TIMEOUT, LOG, Backoff, Unary, Watched
from ecrkeeper._declarations import get_registry_settings
from ecrkeeper._errors import DeadlineExceeded, FailedPrecondition, RegistryError
from ecrkeeper._failures import from_status, info, invalid, missing
from ecrkeeper._registries import watch_registries
from ecrkeeper._watch import CURRENT, REMOVED, SNAPSHOT_COMPLETE
from ecrkeeper.v1.common_pb2 import Condition, Mode
from ecrkeeper.v1.registry_pb2 import DeclarationStatus, Registry, RegistrySettings
from ecrkeeper.v1.registry_settings_service_pb2 import WatchRegistriesResponse

_NAME = re.compile(
    r"(?P<registry>(?P<account>accounts/[^/]+)/registries/(?P<region>[^/]+))(?:/settings/(?P<owner>[^/]+))?"
)

# Conditions that are TRUE for a healthy resource; all others are then FALSE.
_GOOD = frozenset({"Ready", "Synced"})


class Synced:
    """Judges the state of a registry or a declaration.

    InvalidArgument for other names.
    """

    def __init__(self, name: str, timeout: float, *, generation: int | None = None) -> None:
        match = _NAME.fullmatch(name)
        if match is None:
            raise invalid(("name", f"must look like accounts/{{account}}/registries/{{region}}, got {name!r}"))
        self._name = name
        self._registry = match["registry"]
        self._owner: str | None = match["owner"]
        self._declared: int | None = None
        self._generation = generation
        self._timeout = timeout
        self._last: Registry | None = None
        self.call: Watched[WatchRegistriesResponse] = watch_registries(
            match["account"], f'region = "{match["region"]}"', timeout=timeout
        )
        self._end = time.monotonic() + timeout
        self._backoff = Backoff()

    def doubted(self, step: WatchRegistriesResponse) -> Unary[RegistrySettings] | None:
        """Return a call that reads a declaration that a watch message does not show."""
        if self._owner is None or step.kind != CURRENT or step.registry.name != self._registry:
            return None
        if self._owner in step.registry.owners and not self._is_cut(step.registry):
            return None
        remaining = max(0.001, self._end - time.monotonic())
        return get_registry_settings(self._name, timeout=min(remaining, DEFAULT_TIMEOUT))

    def _is_cut(self, registry: Registry) -> bool:
        """Return whether the message is cut and lacks the owner's declaration."""
        return "declarations" in registry.truncated_fields and self._declaration(registry) is None

    def learn(self, step: WatchRegistriesResponse, settings: RegistrySettings) -> None:
        """Add the status of a declaration that a watch message does not show."""
        if self._is_cut(step.registry):
            step.registry.declarations.add(
                owner=self._owner,
                generation=settings.generation,
                observed_generation=settings.observed_generation,
                conditions=settings.conditions,
                last_error=settings.last_error if settings.HasField("last_error") else None,
            )

    def pause(self, failure: RegistryError) -> float:
        """Return the pause before the next such call; DeadlineExceeded if no time is left."""
        remaining = self._end - time.monotonic()
        if remaining <= 0:
            raise self.expired() from failure
        pause = min(remaining, max(failure.retry_after or 0.0, self._backoff.pause()))
        LOG.info("%s: the wait was interrupted (%s); asking again in %.1f s", self._name, failure, pause)
        return pause

    def reached(self, step: WatchRegistriesResponse) -> Registry | None:
        """Return the registry if AWS matches it or the declaration; otherwise None.

        NotFound if it does not exist; OperationFailed or FailedPrecondition for terminal errors.
        """
        if step.kind == SNAPSHOT_COMPLETE and self._last is None:
            raise missing(self._registry, f"{self._registry} does not exist")
        if step.registry.name != self._registry:
            return None
        if step.kind == REMOVED:
            raise missing(self._registry, f"{self._registry} was deleted")
        return self._judged(step.registry) if step.kind == CURRENT else None

    def _judged(self, registry: Registry) -> Registry | None:
        self._last = registry
        if registry.mode == Mode.PAUSED:
            raise self._kept("PAUSED", "PAUSED")
        if self._generation is None:
            self._generation = registry.generation
        status = self._declaration(registry)
        if status is not None:
            return registry if self._declaration_reached(registry, status) else None
        if registry.observed_generation < self._generation:
            return None
        self._check(registry)
        return registry if _holds(registry, "Synced") and not registry.reconciling else None

    def _declaration(self, registry: Registry) -> DeclarationStatus | None:
        return next((each for each in registry.declarations if each.owner == self._owner), None)

    def _declaration_reached(self, registry: Registry, status: DeclarationStatus) -> bool:
        """Return whether AWS matches one declaration, regardless of other owners."""
        if self._generation is not None and registry.generation < self._generation:
            return False
        if self._declared is None:
            self._declared = status.generation
        if status.observed_generation >= self._declared and _holds(status, "Synced"):
            return True
        # Conditions of an older generation do not describe the current one.
        if registry.observed_generation >= (self._generation or 0):
            self._check(status)
        return False

    def _check(self, waited_for: Registry | DeclarationStatus) -> None:
        """Raise for a terminal error."""
        if _holds(waited_for, "Blocked"):
            raise from_status(waited_for.last_error, operation=self._name)
        for condition in waited_for.conditions:
            if condition.type == "Synced" and condition.reason == "OBSERVE_ONLY":
                raise self._kept("OBSERVE", "OBSERVE_ONLY")
            holds = condition.status == Condition.TRUE
            if condition.type == "Degraded" and holds and not _holds(waited_for, "Synced"):
                raise _precondition(f"{self._name}: {condition.message}", condition.reason)

    def _kept(self, mode: str, reason: str) -> FailedPrecondition:
        text = f"{self._name} does not get in sync by itself: the mode is {mode}, so ecrkeeper does not write AWS"
        return _precondition(text, reason)

    def expired(self) -> DeadlineExceeded:
        """Return the exception for an exceeded timeout, with the registry's last state."""
        stood = ""
        if self._last is not None:
            last: Registry | DeclarationStatus = self._declaration(self._last) or self._last
            wrong = [c for c in last.conditions if (c.status == Condition.TRUE) is not (c.type in _GOOD)]
            stood = "; ".join(filter(None, [*(f"{c.type}: {c.reason}" for c in wrong), last.last_error.message]))
        text = f"{self._name} was not in sync after {self._timeout:g} s" + (f" ({stood})" if stood else "")
        return DeadlineExceeded(text, code=grpc.StatusCode.DEADLINE_EXCEEDED)


def _precondition(text: str, reason: str) -> FailedPrecondition:
    return FailedPrecondition(text, code=grpc.StatusCode.FAILED_PRECONDITION, details=[info(reason)])


def _holds(waited_for: Registry | DeclarationStatus, condition: str) -> bool:
    return any(c.type == condition and c.status == Condition.TRUE for c in waited_for.conditions)
