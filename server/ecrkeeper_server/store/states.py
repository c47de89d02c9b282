"""The observed state of registries and roles; only this module has its keys.

A state wraps the stored JSON and parses a member on access: a sweep creates a
state for every attempt, and most attempts need few members.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self, Unpack

from msgspec.structs import replace

from ecrkeeper_server.json_object import StoredJson
from ecrkeeper_server.roles.plan import Applied, ObservedRole, RememberedRole
from ecrkeeper_server.settings.elements import Elements, Keys
from ecrkeeper_server.settings.stored_elements import load_elements, load_keys
from ecrkeeper_server.settings.suspects import Suspects, load_suspects
from ecrkeeper_server.store.contests import Contests, load_contests
from ecrkeeper_server.store.replication_checks import StoredCheck, worst_result
from ecrkeeper_server.store.state_members import Members, RegistryMembers, RoleMembers, with_members
from ecrkeeper_server.store.state_parts import Condition, RejectedDeletion, RoleDeletion, StoredError
from ecrkeeper_server.store.stored_drift import (
    Remediation,
    StoredDrift,
    count_in,
    encoding_drift,
    finding_beyond,
    finding_elements,
)
from ecrkeeper_server.store.text_limits import TextLimits
from ecrkeeper_server.turns import Steps

STATUS_MEMBERS = ("conditions", "drift", "error", "owners")
"""The members that `State` reads for the status of a declaration."""
_REJECTED = "refused_deletion"
_NOT_BRIEF = frozenset({"drift", "remediation", "applied_tags"})


class State(StoredJson, frozen=True):
    """The members of every resource; `stored` is the JSON of the row."""

    def changed(self, **members: Unpack[Members]) -> Self:
        """Return the state with other members."""
        return type(self)(with_members(self.stored, members))

    @property
    def conditions(self) -> list[Condition]:
        """The conditions of the last attempt."""
        return [Condition.from_json(each) for each in self.stored.get("conditions", ())]

    @property
    def error(self) -> StoredError | None:
        """The error to show."""
        stored = self.stored.get("error")
        return StoredError.from_json(stored) if stored else None

    @property
    def drift(self) -> list[StoredDrift]:
        """The elements with drift."""
        return [StoredDrift.from_json(each) for each in self.stored.get("drift") or ()]

    @property
    def drift_count(self) -> int:
        """The number of elements with drift."""
        return count_in(self.stored.get("drift") or ())

    @property
    def drift_settings(self) -> set[str]:
        """The settings of the elements with drift."""
        return {each["setting"] for each in self.stored.get("drift") or ()}

    def finding_drift_elements(self) -> Steps[set[tuple[str, str]]]:
        """Return the settings and keys of the elements with drift, in steps.

        Many pairs have one key.
        """
        return finding_elements(self.stored.get("drift") or ())

    def finding_new_drift(self, before: State) -> Steps[list[StoredDrift]]:
        """Return the elements with drift that an earlier state does not have, in steps."""
        return finding_beyond(self.stored.get("drift") or (), before.stored.get("drift") or ())

    def finding_new_removals(self, before: State, time: int) -> Steps[list[StoredDrift]]:
        """Return those that an attempt removed at a time in microseconds."""
        stored = self.stored.get("remediation")
        removed = stored["drift"] if stored and stored["time"] == time else ()
        return finding_beyond(removed, before.stored.get("drift") or ())

    def has_same_drift(self, before: State) -> bool:
        """Return whether the drift of an earlier state was kept, not found again."""
        drift, known = self.stored.get("drift"), before.stored.get("drift")
        return drift is known or not (drift or known)

    def removed_at(self, time: int) -> Iterator[StoredDrift]:
        """Yield the differences that an attempt removed at a time in microseconds.

        They are parsed one at a time.
        """
        stored = self.stored.get("remediation")
        return map(StoredDrift.from_json, stored["drift"] if stored and stored["time"] == time else ())

    @property
    def drifted(self) -> bool:
        """Whether an element differs."""
        return bool(self.stored.get("drift"))

    def each_drift(self) -> Iterator[StoredDrift]:
        """Yield the elements with drift, and parse one at a time."""
        return map(StoredDrift.from_json, self.stored.get("drift") or ())

    def changing_drift(self, drift: Sequence[StoredDrift]) -> Steps[Self]:
        """Return the state with other elements with drift, in steps."""
        return type(self)({**self.stored, "drift": (yield from encoding_drift(drift))})

    @property
    def remediated_at(self) -> int | None:
        """The time of the last remediation."""
        stored = self.stored.get("remediation")
        return stored["time"] if stored else None

    def changing_remediated(self, drift: Sequence[StoredDrift]) -> Steps[Self]:
        """Return the state with other differences of the last remediation, in steps."""
        remediation = {**self.stored["remediation"], "drift": (yield from encoding_drift(drift))}
        return type(self)({**self.stored, "remediation": remediation})

    @property
    def remediation(self) -> Remediation | None:
        """The last remediation."""
        stored = self.stored.get("remediation")
        return Remediation.from_json(stored) if stored else None

    @property
    def contests(self) -> Contests:
        """The remediations of elements that somebody else keeps changing."""
        return load_contests(self.stored.get("contests") or {})

    def within(self, limits: TextLimits) -> Self:
        """Return the state with conditions and an error within limits."""
        error = self.error
        return self.changed(
            conditions=[each.within(limits) for each in self.conditions],
            error=None if error is None else error.within(limits),
        )

    def of_owner(self, owner: str) -> State:
        """Return the conditions and the error of one owner's declaration.

        Both are absent if the declaration is newer than the last attempt.
        """
        owners = self.stored.get("owners")
        # Without any, all declarations have the status of the registry.
        return self if owners is None else State(owners.get(owner, {}))


class RegistryState(State, frozen=True):
    """The observed state of a registry; maps are by setting."""

    def changed(self, **members: Unpack[RegistryMembers]) -> Self:
        """Return the state with other members."""
        return type(self)(with_members(self.stored, members))

    @property
    def owners(self) -> Mapping[str, State]:
        """The conditions and errors of declarations unlike their registry, by owner."""
        return {owner: State(stored) for owner, stored in (self.stored.get("owners") or {}).items()}

    @property
    def applied(self) -> dict[str, Elements]:
        """The elements that were written, or found as declared."""
        return load_elements(self.stored.get("applied"))

    @property
    def unconfirmed(self) -> dict[str, Keys]:
        """The keys of first writes whose effect was not observed yet."""
        return load_keys(self.stored.get("unconfirmed"))

    @property
    def settled(self) -> dict[str, Elements]:
        """The elements that AWS had as desired."""
        return load_elements(self.stored.get("settled"))

    @property
    def observed(self) -> Mapping[str, Mapping[str, Any]]:
        """The shapes that AWS returned."""
        return self.stored.get("observed") or {}

    @property
    def suspects(self) -> Suspects:
        """The changes that AWS rejects."""
        return load_suspects(self.stored.get("suspects") or {})

    @property
    def denials(self) -> Mapping[str, Mapping[str, Sequence[str]]]:
        """The denials, with their owners."""
        return self.stored.get("denials") or {}

    @property
    def problems(self) -> Mapping[str, Mapping[str, str]]:
        """The reasons why AWS cannot use accepted elements, by key."""
        return self.stored.get("problems") or {}

    @property
    def probed_at(self) -> int | None:
        """The time of the last Put that tests events, in microseconds."""
        return self.stored.get("probed_at")

    @property
    def checks(self) -> list[StoredCheck]:
        """The checks of replication destinations."""
        return [StoredCheck.from_json(each) for each in self.stored.get("checks") or ()]

    @property
    def worst_check(self) -> str | None:
        """BROKEN or UNKNOWN if a replication check has that result, the worse one first."""
        return worst_result(self.stored.get("checks") or ())

    @property
    def silent(self) -> bool:
        """Whether events have stopped: the condition `EventsSilent`."""
        return any(each.type == "EventsSilent" and each.holds for each in self.conditions)


class RoleState(State, frozen=True):
    """The observed state of a role."""

    def changed(self, **members: Unpack[RoleMembers]) -> Self:
        """Return the state with other members."""
        return type(self)(with_members(self.stored, members))

    @property
    def observed(self) -> bool:
        """Whether IAM was asked for the role."""
        return "role" in self.stored

    @property
    def role(self) -> ObservedRole | None:
        """The role as IAM has it; None if it has none."""
        stored = self.stored.get("role")
        return None if stored is None else ObservedRole.from_json(stored)

    @property
    def role_id(self) -> str | None:
        """The id of the role that was last observed."""
        role = self.role
        return None if role is None else role.role_id

    @property
    def provenance(self) -> str | None:
        """The provenance of the role; None if it is unknown."""
        return self.stored.get("provenance")

    @property
    def remembered(self) -> RememberedRole | None:
        """The role as a backup has it; None without a backup."""
        stored = self.stored.get("remembered")
        return RememberedRole.from_json(stored) if stored else None

    @property
    def create_intended_at(self) -> int | None:
        """The time of a recorded creation whose outcome is unknown."""
        return self.stored.get("create_intended_at")

    @property
    def applied_tags(self) -> Mapping[str, Applied]:
        """The tags that were written."""
        return self.stored.get("applied_tags") or {}

    @property
    def deletion(self) -> RoleDeletion | None:
        """The progress of the deletion; None if none is running."""
        stored = self.stored.get("deletion")
        return RoleDeletion.from_json(stored) if stored else None

    def rejected_deletion(self, generation: int) -> StoredError | None:
        """Return the error that rejected this generation's deletion, or None."""
        stored = self.stored.get(_REJECTED)
        rejected = RejectedDeletion.from_json(stored) if stored else None
        return rejected.error if rejected is not None and rejected.generation == generation else None

    def with_rejected_deletion(self, generation: int, error: StoredError) -> Self:
        """Return the state after the deletion of this generation was rejected."""
        return type(self)({**self.stored, _REJECTED: RejectedDeletion(generation, error).to_json()})

    def brief(self, *, tags: bool = True) -> Self:
        """Return the part of the state that operations store; `tags` are observed ones."""
        brief = type(self)({name: value for name, value in self.stored.items() if name not in _NOT_BRIEF})
        role = brief.role
        return brief if tags or role is None else brief.changed(role=replace(role, tags={}))
