"""Plan changes of a role from its desired and its observed state; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ecrkeeper_server.errors import Permanent
from ecrkeeper_server.roles.catalogue import RoleKind

Applied = str | list[str]
"""The value that was written to a tag, or all that it may have from us."""


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


def creation(kind: RoleKind, spec: Mapping[str, Any]) -> RoleCall:
    """The call that makes the role; it takes no tags."""
    params: dict[str, Any] = {"AWSServiceName": kind.service_name}
    if spec.get("description"):
        params["Description"] = spec["description"]
    return RoleCall("CreateServiceLinkedRole", params, (("role", kind.role_name, None, kind.service_name),))


def corrections(
    kind: RoleKind, spec: Mapping[str, Any], applied_tags: Mapping[str, Applied], observed: ObservedRole
) -> list[RoleCall]:
    """The calls that bring description and tags to what is desired.

    Tags that nobody declared stay; tags that were written here and are no
    longer declared go, unless somebody has given them another value.
    """
    calls: list[RoleCall] = []
    wanted = spec.get("description")
    if wanted is not None and wanted != observed.description:
        params = {"RoleName": kind.role_name, "Description": wanted}
        calls.append(RoleCall("UpdateRole", params, (("description", "description", observed.description, wanted),)))
    tags: Mapping[str, str] = spec.get("tags", {})
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


def provenance(state: Mapping[str, Any], observed: ObservedRole) -> str:
    """Return the provenance of an existing role from its stored state.

    What is known, and what a backup remembers, counts for the very role that it
    was learned of: somebody may have deleted it and made it anew.

    A create that was recorded and whose answer was lost is ours if the role is
    not older than the record, with a minute for clocks that disagree.
    """
    same = (state.get("role") or {}).get("role_id", observed.role_id) == observed.role_id
    if same and state.get("provenance"):
        return str(state["provenance"])
    remembered, intended = state.get("remembered"), state.get("create_intended_at")
    if remembered and remembered["role_id"] == observed.role_id:
        return str(remembered["provenance"])
    minute = 60_000_000
    return "CREATED" if intended is not None and observed.create_time >= intended - minute else "ADOPTED"


def calls_for(
    kind: RoleKind, spec: Mapping[str, Any], applied_tags: Mapping[str, Applied], observed: ObservedRole | None
) -> list[RoleCall]:
    """The calls that make the role what is desired, whether it is there or not."""
    if observed is None:
        return [creation(kind, spec), *_tagging(kind, spec.get("tags", {}), {})]
    return corrections(kind, spec, applied_tags, observed)


def drift_of(calls: Iterable[RoleCall]) -> list[dict[str, Any]]:
    """The differences that the calls remove, as they are stored and shown."""
    rows = []
    for setting, key, before, after in (change for call in calls for change in call.changes):
        kind = "UNEXPECTED" if after is None else "MISSING" if before is None else "CHANGED"
        rows.append({"setting": setting, "key": key, "kind": kind, "desired": after, "observed": before})
    return rows
