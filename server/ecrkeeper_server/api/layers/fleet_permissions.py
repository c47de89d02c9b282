"""The permissions that each call of `FleetService` needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ecrkeeper_server.access.policy import Target, Verb
from ecrkeeper_server.api.layers.needs import Need, Needs, set_target
from ecrkeeper_server.fleet.names import RolloutName, SetName
from ecrkeeper_server.names import WILDCARD, parse_account


def _account(verb: Verb, field: str = "name") -> Needs:
    def needs(request: Any) -> Sequence[Need]:
        value = request
        for part in field.split("."):
            value = getattr(value, part)
        name = value if field != "account_id" else f"accounts/{value}"
        return [Need(verb, name, Target(parse_account(name, field)))]

    return needs


def _accounts(_: Any) -> Sequence[Need]:
    return [Need(Verb.READ, "accounts/-", Target(WILDCARD))]


def _set(verb: Verb, field: str = "name") -> Needs:
    """Need a verb on some declaration of the set.

    A write also needs the verb on every registry that the set reaches.
    """

    def needs(request: Any) -> Sequence[Need]:
        value = request
        for part in field.split("."):
            value = getattr(value, part)
        name = SetName.of(value, field) if field == "registry_set_id" else SetName.parse(value, field)
        return [Need(verb, str(name), set_target(name.id))]

    return needs


def _write_set(field: str = "name") -> Needs:
    """Need to read the set for a plan: it shows the present content."""

    def needs(request: Any) -> Sequence[Need]:
        planning = _set(Verb.READ, field)(request) if request.validate_only else ()
        return [*_set(Verb.WRITE, field)(request), *planning]

    return needs


def _sets(_: Any) -> Sequence[Need]:
    return [Need(Verb.READ, "registrySets/-", set_target(WILDCARD))]


def _rollout(verb: Verb, field: str = "name") -> Needs:
    def needs(request: Any) -> Sequence[Need]:
        name = RolloutName.parse(getattr(request, field), field)
        return [Need(verb, str(name.set), set_target(name.set.id))]

    return needs


def _fleet(_: Any) -> Sequence[Need]:
    return [Need(Verb.READ, "fleet", Target(WILDCARD, WILDCARD))]


FLEET_SERVICE: Mapping[str, Needs] = {
    "CreateAccount": _account(Verb.ADMIN, "account_id"),
    "UpdateAccount": _account(Verb.ADMIN, "account.name"),
    "GetAccount": _account(Verb.READ),
    "ListAccounts": _accounts,
    "DeleteAccount": _account(Verb.ADMIN),
    "CreateRegistrySet": _write_set("registry_set_id"),
    "UpdateRegistrySet": _write_set("registry_set.name"),
    "GetRegistrySet": _set(Verb.READ),
    "ListRegistrySets": _sets,
    "DeleteRegistrySet": _write_set(),
    "ListRegistrySetTargets": _set(Verb.READ, "parent"),
    "ListRegistrySetRevisions": _set(Verb.READ, "parent"),
    "GetRollout": _rollout(Verb.READ),
    "ListRollouts": _set(Verb.READ, "parent"),
    "ListRolloutTargets": _rollout(Verb.READ, "parent"),
    "PauseRollout": _rollout(Verb.WRITE),
    "ResumeRollout": _rollout(Verb.WRITE),
    "ApproveRollout": _rollout(Verb.APPROVE),
    "CancelRollout": _rollout(Verb.WRITE),
    "RollBackRollout": _rollout(Verb.WRITE),
    "WatchRollout": _rollout(Verb.READ),
    "GetFleet": _fleet,
}
