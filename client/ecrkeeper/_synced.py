"""When a registry is in sync, told from a watch."""

from __future__ import annotations

import re
import time
from typing import Any

import grpc

from ecrkeeper._base import DEFAULT_TIMEOUT, Backoff, Unary, Watched
from ecrkeeper._declarations import get_registry_settings
from ecrkeeper._errors import DeadlineExceeded, FailedPrecondition, RegistryError
from ecrkeeper._failures import from_status, info, invalid, missing
from ecrkeeper._registries import watch_registries
from ecrkeeper._watch import CURRENT, REMOVED, SNAPSHOT_COMPLETE
from ecrkeeper.v1.common_pb2 import Condition, Mode
from ecrkeeper.v1.registry_pb2 import Registry, RegistrySettings
from ecrkeeper.v1.registry_settings_service_pb2 import WatchRegistriesResponse

_NAME = re.compile(
    r"(?P<registry>(?P<account>accounts/[^/]+)/registries/(?P<region>[^/]+))(?:/settings/(?P<owner>[^/]+))?"
)

# Conditions that are TRUE where all is well; the others are FALSE then.
_GOOD = frozenset({"Ready", "Synced"})
# Errors with these codes pass by themselves; the others last until somebody changes something, here or in AWS.
_PASSING = frozenset(
    code.value[0]
    for code in (
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
    )
)
# A write makes a registry due at once. One whose next attempt is this long after the newest write was tried since.
_PUT_OFF_SECONDS = 30.0


class Synced:
    """Waits for one registry, named itself or by a declaration for it; InvalidArgument for another name."""

    def __init__(self, name: str, timeout: float, *, generation: int | None = None) -> None:
        match = _NAME.fullmatch(name)
        if match is None:
            raise invalid(("name", f"must look like accounts/{{account}}/registries/{{region}}, got {name!r}"))
        self._name = name
        self._registry = match["registry"]
        self._owner: str | None = match["owner"]
        self._generation = generation
        self._timeout = timeout
        self._last: Registry | None = None
        self.call: Watched[WatchRegistriesResponse] = watch_registries(
            match["account"], f'region = "{match["region"]}"', timeout=timeout
        )
        self._end = time.monotonic() + timeout
        self._backoff = Backoff()

    def doubted(self, step: WatchRegistriesResponse) -> Unary[RegistrySettings] | None:
        """Return the call that says whether the declaration exists, where a step does not show its owner."""
        if self._owner is None or step.kind != CURRENT or step.registry.name != self._registry:
            return None
        if self._owner in step.registry.owners:
            return None
        left = max(0.001, self._end - time.monotonic())
        return get_registry_settings(self._name, timeout=min(left, DEFAULT_TIMEOUT))

    def pause(self, failure: RegistryError) -> float:
        """Return how long to pause before that call is made again; DeadlineExceeded if no time is left."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise self.expired() from failure
        return min(left, max(failure.retry_after or 0.0, self._backoff.pause()))

    def reached(self, step: WatchRegistriesResponse) -> Registry | None:
        """Return the registry once AWS matches it.

        NotFound if there is none; OperationFailed or FailedPrecondition for what waiting does not mend.
        """
        if step.kind == SNAPSHOT_COMPLETE and self._last is None:
            raise missing(self._registry, f"{self._registry} does not exist")
        if step.registry.name != self._registry:
            return None
        if step.kind == REMOVED:
            raise missing(self._registry, f"{self._registry} is gone")
        return self._judged(step.registry) if step.kind == CURRENT else None

    def _judged(self, registry: Registry) -> Registry | None:
        self._last = registry
        if registry.mode == Mode.MODE_PAUSED:
            raise self._kept("PAUSED", "PAUSED")
        if self._generation is None:
            self._generation = registry.generation
        if self._was_tried(registry, self._generation):
            self._check(registry)
        reached = registry.observed_generation >= self._generation and not registry.reconciling
        return registry if reached and _holds(registry, "Synced") else None

    def _was_tried(self, registry: Registry, generation: int) -> bool:
        """Whether conditions and error are of the generation that is waited for, not of one before."""
        if registry.observed_generation >= generation:
            return True
        put_off = registry.next_reconcile_time.ToNanoseconds() - registry.update_time.ToNanoseconds()
        return put_off >= _PUT_OFF_SECONDS * 1e9

    def _check(self, resource: Registry) -> None:
        """Raise for a failure that does not pass by itself: the next attempt would meet it again."""
        error = resource.last_error
        if error.code and (error.code not in _PASSING or _holds(resource, "Blocked")):
            raise from_status(error, operation=self._name)
        for condition in resource.conditions:
            if condition.type == "Synced" and condition.reason == "OBSERVE_ONLY":
                raise self._kept("OBSERVE", "OBSERVE_ONLY")
            degraded = condition.type == "Degraded" and not _holds(resource, "Synced")
            if condition.status == Condition.STATUS_TRUE and (degraded or condition.type == "Blocked"):
                raise _precondition(f"{self._name}: {condition.message or condition.type}", condition.reason)

    def _kept(self, mode: str, reason: str) -> FailedPrecondition:
        text = f"{self._name} does not come into sync by itself: its mode is {mode}, so AWS is not written"
        return _precondition(text, reason)

    def expired(self) -> DeadlineExceeded:
        """Return the exception for a wait that ran out of time; it says how the registry stood."""
        stood = ""
        if self._last is not None:
            wrong = [c for c in self._last.conditions if (c.status == Condition.STATUS_TRUE) is not (c.type in _GOOD)]
            stood = "; ".join(filter(None, [*(f"{c.type}: {c.reason}" for c in wrong), self._last.last_error.message]))
        text = f"{self._name} was not in sync after {self._timeout:g} s" + (f" ({stood})" if stood else "")
        return DeadlineExceeded(text, code=grpc.StatusCode.DEADLINE_EXCEEDED)


def _precondition(text: str, reason: str) -> FailedPrecondition:
    return FailedPrecondition(text, code=grpc.StatusCode.FAILED_PRECONDITION, details=[info(reason)])


def _holds(resource: Any, condition: str) -> bool:
    return any(c.type == condition and c.status == Condition.STATUS_TRUE for c in resource.conditions)
