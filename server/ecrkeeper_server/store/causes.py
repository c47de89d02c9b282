"""Stored causes of drift, and deliveries of images; only here are their JSON keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from msgspec import Struct
from msgspec.structs import asdict, replace

from ecrkeeper_server.json_object import Json

_MINUTE = 60_000_000


class StoredCause(Struct, frozen=True, kw_only=True):
    """The call that caused drift; `event_time` is in microseconds.

    `installation` is the id of another installation of ecrkeeper that called; empty of other callers. See
    `events.records.Actor` for the other members.
    """

    principal: str
    session: str = ""
    source_ip: str = ""
    user_agent: str = ""
    event_id: str = ""
    event_time: int = 0
    invoked_by: str = ""
    installation: str = ""
    confidence: str = ""

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Parse a stored cause; missing members are empty."""
        return cls(**{"principal": "", **{name: stored[name] for name in cls.__struct_fields__ if name in stored}})

    def to_json(self) -> Json:
        """Return the stored form."""
        return asdict(self)


class StoredDelivery(Struct, frozen=True):
    """The last results of the deliveries to a target, in microseconds.

    `reason` is that of the last failure, and `since` the first of the consecutive ones.
    """

    last_success: int | None = None
    last_failure: int | None = None
    reason: str | None = None
    since: int | None = None

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Parse stored results; missing ones are unknown."""
        return cls(stored.get("last_success"), stored.get("last_failure"), stored.get("reason"), stored.get("since"))

    def to_json(self) -> Json:
        """Return the stored form, without unknown members."""
        members = {
            "last_success": self.last_success,
            "last_failure": self.last_failure,
            "reason": self.reason,
            "since": self.since,
        }
        return {name: value for name, value in members.items() if value is not None}

    @property
    def fails(self) -> bool:
        """Whether the last delivery failed."""
        return self.last_failure is not None and (self.last_success is None or self.last_failure > self.last_success)

    def after(self, time: int, failure: str | None) -> Self:
        """Return the results after a delivery, which may come late and in any order.

        `failure` is the reason of a failure, None if it succeeded. A result that only confirms the last one is stored
        once a minute.
        """
        last = self.last_success if failure is None else self.last_failure
        confirms = self.fails == (failure is not None)
        if time <= (-1 if last is None else last) + (_MINUTE if confirms else 0):
            return self
        if failure is None:
            return replace(self, last_success=time)
        changed = replace(self, last_failure=time, reason=failure)
        return replace(changed, since=self.since if self.fails else time) if changed.fails else changed
