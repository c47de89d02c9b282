"""The stored form of the check of a replication destination."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings.arrivals import Arrival
from ecrkeeper_server.settings.replication_access import Check

# A rule may have a hundred filters, and a registry 25 rules.
_FILTERS = 20


def to_json(destination: RegistryName, check: Check, now: int) -> dict[str, Any]:
    """Return the check in the form stored in the state of the source registry."""
    conditional = check.result == "CONDITIONAL"
    return {
        "destination": {"registryId": destination.account, "region": destination.region},
        # A replica of an older version may read this during an upgrade, and knows only this word.
        "result": "UNKNOWN" if conditional else check.result,
        **({"conditional": True} if conditional else {}),
        "findings": [{"reason": f.reason, "subject": f.subject, "message": f.message} for f in check.findings],
        "arrivals": [_arrival(arrival) for arrival in check.arrivals],
        "time": now,
    }


def result_of(check: Mapping[str, Any]) -> str:
    """Return the result of a stored check."""
    return "CONDITIONAL" if check.get("conditional") else str(check["result"])


def _arrival(arrival: Arrival) -> dict[str, Any]:
    omitted = max(0, len(arrival.whole) - _FILTERS) + max(0, len(arrival.partial) - _FILTERS)
    shown = {"whole": list(arrival.whole[:_FILTERS]), "partial": list(arrival.partial[:_FILTERS])}
    more = {"omitted": omitted, "example": arrival.example}
    return {"outcome": arrival.outcome.value, **{name: value for name, value in {**shown, **more}.items() if value}}
