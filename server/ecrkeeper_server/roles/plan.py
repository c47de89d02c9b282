"""Plan changes of a role from its desired and its observed state; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ecrkeeper_server.aws_errors import Permanent
from ecrkeeper_server.roles.catalogue import RoleKind

Applied = str | list[str]
"""The value that was written to a tag, or all that it may have from us."""


class DesiredRole(Protocol):
    """The desired state of a role."""

    @property
    def description(self) -> str | None:
        """The description; None leaves it as it is."""

    @property
    def tags(self) -> Mapping[str, str]:
        """The tags that the role has at least."""


class KnownRole(Protocol):
    """The facts about a role that an earlier attempt or a backup left."""

    @property
    def role_id(self) -> str | None:
        """The id of the role that was observed last."""

    @property
    def provenance(self) -> str | None:
        """How that role came to be."""

    @property
    def remembered(self) -> Mapping[str, str]:
        """The provenance that a backup has of a role, with the id of that role."""

    @property
    def create_intended_at(self) -> int | None:
        """When a creation was recorded whose answer is not known."""


@dataclass(frozen=True, slots=True)
class ObservedRole:
    """A role as IAM has it. An absent description and an empty one are the same."""

    role_id: str
    arn: str
    path: str
    description: str
    tags: Mapping[str, str]
    create_time: int


@dataclass(frozen=True, slots=True)
class RoleCall:
    """One IAM call and the differences that it removes, as (setting, key, before, after)."""

    operation: str
    params: dict[str, Any]
    changes: tuple[tuple[str, str, Any, Any], ...]


@dataclass(frozen=True, slots=True)
class RoleDrift:
    """A part of a role that is not as desired; None stands for absent."""

    setting: str
    key: str
    kind: str
    desired: Any
    observed: Any


def is_lookalike(kind: RoleKind, observed: ObservedRole) -> bool:
    """Return whether the role only has the name: IAM's names are unique whatever the path."""
    return observed.path != kind.path


def in_the_way(kind: RoleKind, observed: ObservedRole) -> Permanent:
    """Why nothing is done about a role that only has the name."""
    return Permanent(
        f"the account has an ordinary role named {kind.role_name} with the path {observed.path}: "
        "it is not ECR's service-linked role and is left alone; rename or delete it",
        reason="ROLE_LOOKALIKE",
    )


def creation(kind: RoleKind, spec: DesiredRole) -> RoleCall:
    """The call that makes the role; it takes no tags."""
    params: dict[str, Any] = {"AWSServiceName": kind.service_name}
    if spec.description:
        params["Description"] = spec.description
    return RoleCall("CreateServiceLinkedRole", params, (("role", kind.role_name, None, kind.service_name),))


def corrections(
    kind: RoleKind, spec: DesiredRole, applied_tags: Mapping[str, Applied], observed: ObservedRole
) -> list[RoleCall]:
    """The calls that bring description and tags to what is desired.

    Tags that nobody declared stay; tags that were written here and are no
    longer declared go, unless somebody has given them another value.
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


def tags_to_come(applied: Mapping[str, Applied], tags: Mapping[str, str]) -> dict[str, Applied]:
    """Return the tags to record before a write: until a new value is set, the previous one is owned, too."""
    changed = {key: [*_values(applied[key]), value] for key, value in tags.items() if key in applied}
    return {**applied, **tags, **{key: list(dict.fromkeys(values)) for key, values in changed.items()}}


def _values(applied: Applied) -> list[str]:
    return [applied] if isinstance(applied, str) else applied


def _tagging(kind: RoleKind, wanted: Mapping[str, str], there: Mapping[str, str]) -> list[RoleCall]:
    differing = sorted((key, value) for key, value in wanted.items() if there.get(key) != value)
    if not differing:
        return []
    pairs = [{"Key": key, "Value": value} for key, value in differing]
    changes = tuple(("tags", key, there.get(key), value) for key, value in differing)
    return [RoleCall("TagRole", {"RoleName": kind.role_name, "Tags": pairs}, changes)]


def provenance(state: KnownRole, observed: ObservedRole) -> str:
    """How a role that is there came to be, by what is remembered of it.

    What is known, and what a backup remembers, counts for the very role that it
    was learned of: somebody may have deleted it and made it anew.

    A create that was recorded and whose answer was lost is ours if the role is
    not older than the record, with a minute for clocks that disagree.
    """
    same = state.role_id in (None, observed.role_id)
    if same and state.provenance:
        return state.provenance
    remembered, intended = state.remembered, state.create_intended_at
    if remembered and remembered["role_id"] == observed.role_id:
        return str(remembered["provenance"])
    minute = 60_000_000
    return "CREATED" if intended is not None and observed.create_time >= intended - minute else "ADOPTED"


def calls_for(
    kind: RoleKind, spec: DesiredRole, applied_tags: Mapping[str, Applied], observed: ObservedRole | None
) -> list[RoleCall]:
    """The calls that make the role what is desired, whether it is there or not."""
    if observed is None:
        return [creation(kind, spec), *_tagging(kind, spec.tags, {})]
    return corrections(kind, spec, applied_tags, observed)


def drift_of(calls: Iterable[RoleCall]) -> list[RoleDrift]:
    """The differences that the calls remove."""
    found = []
    for setting, key, before, after in (change for call in calls for change in call.changes):
        kind = "UNEXPECTED" if after is None else "MISSING" if before is None else "CHANGED"
        found.append(RoleDrift(setting, key, kind, after, before))
    return found
