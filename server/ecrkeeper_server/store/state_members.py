"""The members of the states, and how each is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from ecrkeeper_server.json_object import Json
from ecrkeeper_server.roles.plan import Applied, ObservedRole, RememberedRole
from ecrkeeper_server.settings.elements import Elements, Keys
from ecrkeeper_server.settings.stored_elements import dump_elements, dump_keys
from ecrkeeper_server.settings.suspects import Suspects, dump_suspects
from ecrkeeper_server.store.contests import Contests, dump_contests
from ecrkeeper_server.store.replication_checks import StoredCheck
from ecrkeeper_server.store.state_parts import Condition, RoleDeletion, StoredError
from ecrkeeper_server.store.stored_drift import Remediation, StoredDrift

if TYPE_CHECKING:
    from ecrkeeper_server.store.states import State


class Members(TypedDict, total=False):
    """The members that every state has."""

    conditions: Sequence[Condition]
    error: StoredError | None
    drift: Sequence[StoredDrift]
    remediation: Remediation
    owners: Mapping[str, State]
    marked: int | None
    contests: Contests


class RegistryMembers(Members, total=False):
    """The members of the state of a registry; maps are by setting."""

    applied: Mapping[str, Elements]
    unconfirmed: Mapping[str, Keys]
    settled: Mapping[str, Elements]
    observed: Mapping[str, Mapping[str, Any]]
    degraded: Mapping[str, Sequence[str]]
    suspects: Suspects
    denials: Mapping[str, Mapping[str, Sequence[str]]]
    problems: Mapping[str, Mapping[str, str]]
    checks: Sequence[StoredCheck]
    probed_at: int


class RoleMembers(Members, total=False):
    """The members of the state of a role."""

    role: ObservedRole | None
    provenance: str | None
    remembered: RememberedRole
    create_intended_at: int | None
    applied_tags: Mapping[str, Applied]
    deletion: RoleDeletion | None


# Usually empty, so rows do not store empty ones.
_SELDOM = frozenset({"owners", "marked", "unconfirmed", "suspects", "denials", "deletion", "contests"})

# Members without values of AWS or of users, in which Python might take unlike values for equal, as 1 and True.
_MADE_HERE = frozenset({"conditions", "error", "owners", "marked", "checks", "problems"})
_ABSENT = object()


def _optional(value: Any) -> Json | None:
    return None if value is None else value.to_json()


def _list(values: Sequence[Any]) -> list[Json]:
    return [each.to_json() for each in values]


_ENCODED: Mapping[str, Callable[[Any], Any]] = {
    "conditions": _list,
    "error": _optional,
    "drift": _list,
    "remediation": _optional,
    "contests": dump_contests,
    "applied": dump_elements,
    "unconfirmed": dump_keys,
    "settled": dump_elements,
    "suspects": dump_suspects,
    "owners": lambda owners: {owner: state.to_json() for owner, state in sorted(owners.items())},
    "role": _optional,
    "remembered": _optional,
    "deletion": _optional,
    "checks": _list,
}


def with_members(stored: Json, members: Mapping[str, Any]) -> Json:
    """Return a stored state with other members, encoded.

    Return the same object if that changes nothing.
    """
    changed: Json | None = None
    for name, value in members.items():
        encoded = _ENCODED[name](value) if name in _ENCODED else value
        present = bool(encoded) or name not in _SELDOM
        if name in _MADE_HERE and (stored.get(name, _ABSENT) == encoded if present else name not in stored):
            continue
        if changed is None:
            changed = dict(stored)
        if present:
            changed[name] = encoded
        else:
            changed.pop(name, None)
    return stored if changed is None else changed
