"""Registries, declarations and roles as rows and words.

The commands that show them share this module.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click
from ecrkeeper import names
from ecrkeeper_files.kinds import VERSION, WRITTEN
from ecrkeeper_files.plain_text import shown

from ecrkeeper_cli import render
from ecrkeeper_cli.render import Cell

if TYPE_CHECKING:
    from ecrkeeper import Registry, RegistrySettings, ServiceLinkedRole

_EXAMPLES = {
    "Account": "111111111111",
    "Registry": "111111111111/us-east-1",
    "RegistrySettings": "111111111111/us-east-1/team-a",
    "ServiceLinkedRole": "111111111111/replication",
}
_COLOURS = {"Ready": "green", "Pending": "yellow", "OutOfSync": "yellow", "Blocked": "red", "Degraded": "magenta"}


class NameType(click.ParamType[names.Name]):
    """A name of a resource, full or short, of one of some kinds."""

    name = "name"

    def __init__(self, *kinds: str) -> None:
        self.kinds = kinds

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> names.Name:
        """Return the parts of a name."""
        if isinstance(value, names.Name):
            return value
        wanted = " or ".join(f"{kind} ({_EXAMPLES[kind]})" for kind in self.kinds or _EXAMPLES)
        try:
            name = names.parse(value)
        except ValueError:
            self.fail(f"must be a name of the kind {wanted}, got {shown(value)}", param, ctx)
        if self.kinds and name.kind not in self.kinds:
            self.fail(f"must be a name of the kind {wanted}, got the {name.kind} {value}", param, ctx)
        return name


class PatternType(click.ParamType[str]):
    """A text of one form."""

    def __init__(self, name: str, pattern: str, form: str) -> None:
        self.name = name
        self._pattern = pattern
        self._form = form

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text; the empty one is the default."""
        if value and re.fullmatch(self._pattern, value) is None:
            self.fail(f"must have {self._form}, got {value!r}", param, ctx)
        return str(value)


def short(name: str) -> str:
    """Return the short form of a full name."""
    try:
        return names.parse(name).short
    except ValueError:
        return name


def short_rollout(name: str) -> str:
    """Return the short form of a rollout's name: quay/3."""
    return name.removeprefix("registrySets/").replace("/rollouts/", "/")


def document(resource: Any) -> Mapping[str, Any]:
    """Return a resource as the document of a file."""
    kind = resource.DESCRIPTOR.name
    shape = render.as_json(resource)
    members = {name: shape[name] for name in WRITTEN[kind] if name in shape}
    if kind == "RegistrySettings":
        members.setdefault("settings", {})
    return {"apiVersion": VERSION, "kind": kind, "name": shape["name"], **members}


def state_of(resource: Any) -> Cell:
    """Return the one word for the conditions of a resource."""
    from ecrkeeper import Mode
    from ecrkeeper.v1.common_pb2 import Condition

    holds = {each.type: each.status == Condition.TRUE for each in resource.conditions}
    mode = getattr(resource, "mode", 0)
    if mode == Mode.PAUSED:
        return Cell("Paused", "cyan")
    if holds.get("Blocked"):
        word = "Blocked"
    elif resource.reconciling or not resource.conditions:
        word = "Pending"
    elif holds.get("Degraded"):
        word = "Degraded"
    else:
        word = "Ready" if holds.get("Ready") else "OutOfSync"
    return Cell(word, _COLOURS[word])


def urgency(registry: Registry) -> tuple[int, str]:
    """Return a sort key: registries that need somebody come first."""
    order = ("Blocked", "Degraded", "OutOfSync", "Pending", "Paused", "Ready")
    return order.index(state_of(registry).text), registry.name


def mode_of(resource: Any) -> str:
    """Return the mode of a registry or a role."""
    from ecrkeeper import Mode

    return "ENFORCE" if not resource.mode else Mode.Name(resource.mode)


def problem_of(registry: Registry) -> str:
    """Return the problem to solve first; empty if there is none."""
    problem = registry.worst_problem
    if not problem.message:
        return ""
    about = "/".join(filter(None, (problem.setting, problem.key)))
    return f"{problem.reason}: {problem.message}" + (f" ({about})" if about else "")


REGISTRY_HEADINGS = ("registry", "state", "mode", "owners", "elements", "drift", "problem")


def registry_row(registry: Registry) -> Sequence[str | Cell]:
    """Return the row of a registry in its basic view."""
    from ecrkeeper.v1.registry_pb2 import Element

    counts: dict[int, int] = {}
    for each in registry.element_counts:
        counts[each.state] = counts.get(each.state, 0) + each.count
    differing = counts.get(Element.State.OUT_OF_SYNC, 0) + counts.get(Element.State.REMOVING, 0)
    return (
        short(registry.name),
        state_of(registry),
        mode_of(registry),
        str(registry.owner_count),
        str(sum(counts.values())),
        Cell(str(differing), "yellow" if differing else ""),
        Cell(problem_of(registry), "red"),
    )


DECLARATION_HEADINGS = ("declaration", "state", "generation", "settings", "updated")


def declaration_row(declared: RegistrySettings) -> Sequence[str | Cell]:
    """Return the row of a declaration."""
    settings = ", ".join(field.json_name for field, _ in declared.settings.ListFields())
    return short(declared.name), state_of(declared), str(declared.generation), settings, moment(declared.update_time)


ROLE_HEADINGS = ("role", "state", "mode", "provenance", "in IAM", "problem")


def role_row(role: ServiceLinkedRole) -> Sequence[str | Cell]:
    """Return the row of a role."""
    from ecrkeeper import ServiceLinkedRole

    provenance = ServiceLinkedRole.Provenance.Name(role.provenance) if role.provenance else ""
    state = ServiceLinkedRole.State.Name(role.state) if role.state else "unknown"
    return short(role.name), state_of(role), mode_of(role), provenance, state, Cell(role.last_error.message, "red")


def moment(timestamp: Any) -> str:
    """Return a time in UTC to the second; empty for none."""
    return timestamp.ToDatetime().strftime("%Y-%m-%d %H:%M:%SZ") if timestamp.seconds else ""
