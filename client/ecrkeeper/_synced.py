"""When a registry is in sync, told from a watch."""

from __future__ import annotations

import re

import grpc

from ecrkeeper._base import Watched
from ecrkeeper._errors import DeadlineExceeded, FailedPrecondition
from ecrkeeper._failures import from_status, info, invalid, missing
from ecrkeeper._registries import watch_registries
from ecrkeeper._watch import CURRENT, REMOVED, SNAPSHOT_COMPLETE
from ecrkeeper.v1.common_pb2 import Condition, Mode
from ecrkeeper.v1.registry_pb2 import Registry
from ecrkeeper.v1.registry_settings_service_pb2 import WatchRegistriesResponse

_NAME = re.compile(r"(?P<registry>(?P<account>accounts/[^/]+)/registries/(?P<region>[^/]+))(?:/settings/[^/]+)?")


class Synced:
    """Waits for one registry, named itself or by a declaration for it; InvalidArgument for another name."""

    def __init__(self, name: str, timeout: float, *, generation: int | None = None) -> None:
        match = _NAME.fullmatch(name)
        if match is None:
            raise invalid(("name", f"must look like accounts/{{account}}/registries/{{region}}, got {name!r}"))
        self._name = match["registry"]
        self._generation = generation
        self._timeout = timeout
        self._last: Registry | None = None
        self.call: Watched[WatchRegistriesResponse] = watch_registries(
            match["account"], f'region = "{match["region"]}"', timeout=timeout
        )

    def reached(self, step: WatchRegistriesResponse) -> Registry | None:
        """Return the registry once AWS matches it.

        NotFound if there is none, OperationFailed if it is blocked, FailedPrecondition if its mode keeps it as it is.
        """
        if step.kind == SNAPSHOT_COMPLETE and self._last is None:
            raise missing(self._name, f"{self._name} does not exist")
        if step.registry.name != self._name:
            return None
        if step.kind == REMOVED:
            raise missing(self._name, f"{self._name} is gone")
        return self._judged(step.registry) if step.kind == CURRENT else None

    def _judged(self, registry: Registry) -> Registry | None:
        self._last = registry
        if registry.mode == Mode.MODE_PAUSED:
            raise self._kept("PAUSED", "PAUSED")
        if self._generation is None:
            self._generation = registry.generation
        if registry.observed_generation < self._generation:
            return None
        # Without a write, nobody looks at a blocked registry before the next resync: most waits end earlier.
        if _holds(registry, "Blocked"):
            raise from_status(registry.last_error, operation=self._name)
        if any(c.type == "Synced" and c.reason == "OBSERVE_ONLY" for c in registry.conditions):
            raise self._kept("OBSERVE", "OBSERVE_ONLY")
        return registry if _holds(registry, "Synced") and not registry.reconciling else None

    def _kept(self, mode: str, reason: str) -> FailedPrecondition:
        text = f"{self._name} does not come into sync by itself: its mode is {mode}, so AWS is not written"
        return FailedPrecondition(text, code=grpc.StatusCode.FAILED_PRECONDITION, details=[info(reason)])

    def expired(self) -> DeadlineExceeded:
        """Return the exception for a wait that ran out of time; it says how the registry stood."""
        stood = ""
        if self._last is not None:
            wrong = [c for c in self._last.conditions if (c.status == Condition.STATUS_TRUE) is not (c.type in _GOOD)]
            stood = "; ".join(filter(None, [*(f"{c.type}: {c.reason}" for c in wrong), self._last.last_error.message]))
        text = f"{self._name} was not in sync after {self._timeout:g} s" + (f" ({stood})" if stood else "")
        return DeadlineExceeded(text, code=grpc.StatusCode.DEADLINE_EXCEEDED)


# Conditions that are TRUE where all is well; the others are FALSE then.
_GOOD = frozenset({"Ready", "Synced"})


def _holds(registry: Registry, condition: str) -> bool:
    return any(c.type == condition and c.status == Condition.STATUS_TRUE for c in registry.conditions)
