"""Preconditions of a declaration: presence, manager, size and conflicts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ecrkeeper.v1 import settings_pb2

from ecrkeeper_server.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PreconditionViolation,
    QuotaExceeded,
    QuotaViolation,
    StatusError,
    Violation,
)
from ecrkeeper_server.names import SettingsName
from ecrkeeper_server.settings.algebra import Conflict
from ecrkeeper_server.settings.codec import filling_settings
from ecrkeeper_server.settings.element_sets import brief
from ecrkeeper_server.store.rows import Declaration
from ecrkeeper_server.store.unit_of_work import Manager
from ecrkeeper_server.turns import Steps

MAX_DECLARATION_BYTES = 2**20
MAX_REGISTRY_BYTES = 16 * 2**20
"""The limit on the JSON of all declarations of a registry, which every attempt and most calls read."""
FEW_OWNERS = 4
"""The number of declarations that cannot exceed this limit together."""


def presence_error(name: SettingsName, present: Declaration | None) -> StatusError:
    """Return the error of a call that creates what exists, or changes what does not."""
    if present is None:
        return NotFound("RegistrySettings", str(name), "create it, or set allow_missing")
    return AlreadyExists(
        f"{name} exists; update it instead", reason="ALREADY_EXISTS", resource=("RegistrySettings", str(name))
    )


def check_manager(present: Declaration | None, manager: Manager | None) -> None:
    """Reject a change of a set's declaration by anyone but the set.

    A set's change of a declaration that it did not make is rejected, too.
    """
    if present is None:
        return
    owning = present.managed_by or ""
    if owning == (manager.name if manager is not None else ""):
        return
    if owning:
        raise FailedPrecondition(
            f"{present.name} is declared by {owning}, and only the set changes it; change the set, or exclude the"
            " registry from it",
            reason="MANAGED_BY_SET",
            metadata={"registry_set": owning},
        )
    raise FailedPrecondition(
        f"{present.name} was declared by a call and not by {manager.name if manager else ''}; delete it with"
        " `deletion_policy: ABANDON` first, or give the set another id",
        reason="DECLARED_BY_CALL",
    )


def checking_size(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> Steps[None]:
    """Reject settings that exceed the size limit of a declaration, in steps.

    A stored declaration that exceeds it may shrink.
    """
    size = yield from _measuring(after)
    if size > MAX_DECLARATION_BYTES and (before is None or size > (yield from _measuring(before))):
        text = (
            f"must be at most {MAX_DECLARATION_BYTES:,} bytes as a message, got {size:,} bytes;"
            " declare less, or split the settings over several owners"
        )
        raise InvalidArgument([Violation("registry_settings.settings", text)], reason="DECLARATION_TOO_LARGE")


def check_registry_size(before: int, after: int) -> None:
    """Reject declarations of a registry that grow beyond the limit together.

    The sizes are lengths of the JSON of all of them, before and after a write. Those beyond the limit may shrink.
    """
    if after > MAX_REGISTRY_BYTES and after > before:
        text = (
            f"all declarations of a registry must have at most {MAX_REGISTRY_BYTES:,} bytes as JSON, and with this one"
            f" they have {after:,}; declare less, or elements that other owners declare only once"
        )
        raise QuotaExceeded([QuotaViolation("registry_settings.settings", text)])


def _measuring(settings: Mapping[str, Any]) -> Steps[int]:
    message = settings_pb2.Settings()
    yield from filling_settings(message, settings)
    return message.ByteSize()


def explaining_conflicts(name: SettingsName, conflicts: tuple[Conflict, ...], remedy: str) -> Steps[FailedPrecondition]:
    """Return the error that names each element with another value of another owner.

    It is made in steps.
    """
    rows = []
    for conflict in conflicts:
        yield
        others = {owner: value for owner, value in conflict.owners.items() if owner != name.owner}
        others_values = "; ".join(f"{owner} declares {_brief(value)}" for owner, value in others.items())
        own = _brief(conflict.owners[name.owner])
        rows.append(
            PreconditionViolation(
                "OWNER_CONFLICT",
                f"{conflict.setting} {brief(conflict.keys)}",
                f"{others_values}; this call declares {own}",
            )
        )
    first = rows[0]
    return FailedPrecondition(
        f"{first.subject}: {first.description}; agree on one value, or {remedy}",
        reason="OWNER_CONFLICT",
        metadata={"owners": ",".join(sorted({o for c in conflicts for o in c.owners if o != name.owner}))},
        preconditions=rows,
    )


def _brief(value: Any) -> str:
    text = json.dumps(value, sort_keys=True)
    return text if len(text) <= 150 else text[:147] + "..."
