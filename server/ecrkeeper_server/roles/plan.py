"""Plan the changes that make an observed role match its desired state; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, Self

from msgspec import Struct

from ecrkeeper_server.aws_errors import Permanent
from ecrkeeper_server.json_object import Json
from ecrkeeper_server.roles.catalogue import RoleKind

Applied = str | list[str]
"""The value of a tag that was written, or all values that may have been written."""


class DesiredRole(Protocol):
    """The desired state of a role."""

    @property
    def description(self) -> str | None:
        """The description; None leaves AWS's unchanged."""

    @property
    def tags(self) -> Mapping[str, str]:
        """The tags that the role must have; other tags may exist."""


class RememberedRole(Struct, frozen=True):
    """The provenance of a role in a backup, with the id of that role."""

    role_id: str
    provenance: str

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Parse a stored provenance."""
        return cls(stored["role_id"], stored["provenance"])

    def to_json(self) -> Json:
        """Return the stored form."""
        return {"role_id": self.role_id, "provenance": self.provenance}


class KnownRole(Protocol):
    """The facts about a role from an earlier attempt or a backup."""

    @property
    def role_id(self) -> str | None:
        """The id of the role that was last observed."""

    @property
    def provenance(self) -> str | None:
        """The way in which that role came to exist."""

    @property
    def remembered(self) -> RememberedRole | None:
        """The role as a backup has it; None without a backup."""

    @property
    def create_intended_at(self) -> int | None:
        """The time of a recorded creation whose outcome is unknown."""


class ObservedRole(Struct, frozen=True):
    """A role as IAM has it; an absent description equals an empty one."""

    role_id: str
    arn: str
    path: str
    description: str
    tags: Mapping[str, str]
    create_time: int

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Parse a stored role; missing members are empty."""
        return cls(
            stored.get("role_id", ""), stored.get("arn", ""), stored.get("path", ""), stored.get("description", ""),
            stored.get("tags") or {}, stored.get("create_time", 0),
        )  # fmt: skip

    def to_json(self) -> Json:
        """Return the stored form."""
        return {
            "role_id": self.role_id,
            "arn": self.arn,
            "path": self.path,
            "description": self.description,
            "tags": dict(self.tags),
            "create_time": self.create_time,
        }


class RoleCall(Struct, frozen=True):
    """One IAM call, and the differences that it removes.

    `changes` are tuples (setting, key, before, after).
    """

    operation: str
    params: dict[str, Any]
    changes: tuple[tuple[str, str, Any, Any], ...]


class RoleDrift(Struct, frozen=True):
    """A part of a role that is not as desired; None stands for absent."""

    setting: str
    key: str
    kind: str
    desired: Any
    observed: Any


def is_lookalike(kind: RoleKind, observed: ObservedRole) -> bool:
    """Return whether the role only shares the name, which IAM keeps unique."""
    return observed.path != kind.path


def lookalike_error(kind: RoleKind, observed: ObservedRole) -> Permanent:
    """Return the error for a role that only shares the name."""
    return Permanent(
        f"the account has an ordinary role named {kind.role_name} with the path {observed.path}: "
        "it is not ECR's service-linked role and is not changed; rename or delete it",
        reason="ROLE_LOOKALIKE",
    )


def creation(kind: RoleKind, spec: DesiredRole) -> RoleCall:
    """Return the call that creates the role; it takes no tags."""
    params: dict[str, Any] = {"AWSServiceName": kind.service_name}
    if spec.description:
        params["Description"] = spec.description
    return RoleCall("CreateServiceLinkedRole", params, (("role", kind.role_name, None, kind.service_name),))


def corrections(
    kind: RoleKind, spec: DesiredRole, applied_tags: Mapping[str, Applied], observed: ObservedRole
) -> list[RoleCall]:
    """Return the calls that make description and tags match the desired state.

    Undeclared tags stay. Tags that were written here and are no longer declared
    are removed, unless their value has changed since.
    """
    calls: list[RoleCall] = []
    wanted = spec.description
    if wanted is not None and wanted != observed.description:
        params = {"RoleName": kind.role_name, "Description": wanted}
        calls.append(RoleCall("UpdateRole", params, (("description", "description", observed.description, wanted),)))
    tags = spec.tags
    calls += _tagging(kind, tags, observed.tags)
    stale = sorted(
        key for key, value in applied_tags.items() if key not in tags and observed.tags.get(key) in _values(value)
    )
    if stale:
        gone = tuple(("tags", key, observed.tags[key], None) for key in stale)
        calls.append(RoleCall("UntagRole", {"RoleName": kind.role_name, "TagKeys": stale}, gone))
    return calls


def tags_to_record(applied: Mapping[str, Applied], tags: Mapping[str, str]) -> dict[str, Applied]:
    """Return the tags to record before a write.

    The previous value stays owned until AWS has the new one.
    """
    changed = {key: [*_values(applied[key]), value] for key, value in tags.items() if key in applied}
    return {**applied, **tags, **{key: list(dict.fromkeys(values)) for key, values in changed.items()}}


def _values(applied: Applied) -> list[str]:
    return [applied] if isinstance(applied, str) else applied


def _tagging(kind: RoleKind, wanted: Mapping[str, str], observed_tags: Mapping[str, str]) -> list[RoleCall]:
    differing = sorted((key, value) for key, value in wanted.items() if observed_tags.get(key) != value)
    if not differing:
        return []
    pairs = [{"Key": key, "Value": value} for key, value in differing]
    changes = tuple(("tags", key, observed_tags.get(key), value) for key, value in differing)
    return [RoleCall("TagRole", {"RoleName": kind.role_name, "Tags": pairs}, changes)]


def provenance(state: KnownRole, observed: ObservedRole) -> str:
    """Return the provenance of an existing role.

    Recorded provenance, also from a backup, is valid only for the role id that it
    was recorded for: somebody may have deleted and recreated the role.

    A role counts as created here if a creation with unknown outcome was recorded
    and the role is not older than the record, with a minute of tolerance for
    clock skew.
    """
    same = state.role_id in (None, observed.role_id)
    if same and state.provenance:
        return state.provenance
    remembered, intended = state.remembered, state.create_intended_at
    if remembered is not None and remembered.role_id == observed.role_id:
        return remembered.provenance
    minute = 60_000_000
    return "CREATED" if intended is not None and observed.create_time >= intended - minute else "ADOPTED"


def calls_for(
    kind: RoleKind, spec: DesiredRole, applied_tags: Mapping[str, Applied], observed: ObservedRole | None
) -> list[RoleCall]:
    """Return the calls that make the role match its desired state, or create it."""
    if observed is None:
        return [creation(kind, spec), *_tagging(kind, spec.tags, {})]
    return corrections(kind, spec, applied_tags, observed)


def drift_of(calls: Iterable[RoleCall]) -> list[RoleDrift]:
    """Return the differences that the calls remove."""
    drift = []
    for setting, key, before, after in (change for call in calls for change in call.changes):
        kind = "UNEXPECTED" if after is None else "MISSING" if before is None else "CHANGED"
        drift.append(RoleDrift(setting, key, kind, after, before))
    return drift
