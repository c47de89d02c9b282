"""Prove that a hand-over changes nothing in AWS.

Everything is compared before the first write to the server. Nothing is written to AWS, because registries and roles
are observed only until the hand-over is confirmed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ecrkeeper
from ecrkeeper import Caution, Change, Mode
from ecrkeeper._plans import WritePlan, write_plan
from ecrkeeper.v1.registry_pb2 import Element
from ecrkeeper_files.documents import Declaration, Treatment

from ecrkeeper_cli.adopt.parts import Adopted
from ecrkeeper_cli.plan_text import flat
from ecrkeeper_cli.resources import short
from ecrkeeper_cli.writing import declared_role, message_of_document, result_or_none, write

_ABSENT = "(absent)"


@dataclass(frozen=True, slots=True)
class Checked:
    """A document that AWS matches, with what the server has of it now."""

    document: Declaration | Treatment
    current: Any
    mode: int


def checked(client: ecrkeeper.Client, adopted: Adopted, errors: list[str]) -> list[Checked]:
    """Compare all documents with AWS.

    Differences are added to `errors`, by path with both values.
    """
    declarations = [_checked_declaration(client, each, adopted, errors) for each in adopted.declarations]
    return declarations + [_checked_role(client, each, adopted, errors) for each in adopted.roles]


def _checked_declaration(
    client: ecrkeeper.Client, document: Declaration, adopted: Adopted, errors: list[str]
) -> Checked:
    name = document.name
    registry = result_or_none(lambda: client.get_registry(document.registry, view="BASIC"))
    current = result_or_none(lambda: client.get_registry_settings(name))
    mode = 0 if registry is None else registry.mode or Mode.ENFORCE
    if mode == Mode.PAUSED:
        errors.append(f"{short(document.registry)}: mode: must be OBSERVE or ENFORCE, got PAUSED; resume it first")
    wanted: Any = message_of_document(document)
    if current is not None and current.settings != wanted.settings:
        changes = client.plan(name, document.settings, allow_replacement=True)
        errors.append(f"{short(name)}: this owner declares something else already; give another --owner. {changes}")
        return Checked(document, current, mode)
    # With replacements, the plan has all changes with both values; nothing is written.
    planned = client.plan(name, document.settings, allow_replacement=True, timeout=60)
    errors += differences(planned, adopted.address)
    return Checked(document, current, mode)


def _checked_role(client: ecrkeeper.Client, document: Treatment, adopted: Adopted, errors: list[str]) -> Checked:
    address = adopted.address(document.name)
    current = declared_role(client, document.name)
    observed = result_or_none(lambda: client.get_service_linked_role(document.name, refresh=True, timeout=60))
    mode = 0 if current is None else current.mode or Mode.ENFORCE
    if mode == Mode.PAUSED:
        errors.append(f"{address}: mode: must be OBSERVE or ENFORCE, got PAUSED; resume it first")
    if observed is None or observed.state != ecrkeeper.ServiceLinkedRole.State.ACTIVE:
        errors.append(f"{address}: declared: {document.name}, AWS: {_ABSENT}")
        return Checked(document, current, mode)
    if "description" in document.members and document.members["description"] != observed.observed_description:
        wanted, has = document.members["description"], observed.observed_description or _ABSENT
        errors.append(f"{address}.description: declared: {wanted}, AWS: {has}")
    for key, value in document.members.get("tags", {}).items():
        if observed.observed_tags.get(key) != value:
            errors.append(f"{address}.tags[{key}]: declared: {value}, AWS: {observed.observed_tags.get(key, _ABSENT)}")
    return Checked(document, current, mode)


def differences(plan: WritePlan, address: Callable[[str, str, str], str]) -> Iterator[str]:
    """Yield a line for each value that a plan would change, by path with both values."""
    for change in plan.changes:
        where = f"{address(plan.name, change.setting, change.key)}: {change.setting} {change.key}"
        if change.count > 1:
            where += f" and {change.count - 1} alike"
        yield from (f"{where}{path}: declared: {new}, AWS: {old}" for path, old, new in _pairs(change))
    if plan.omitted or (plan.calls and not plan.changes):
        yield f"{plan.name}: the plan has {plan.omitted or len(plan.calls)} more changes, which the server left out"
    if plan.omitted_warnings:
        yield f"{plan.name}: the plan has {plan.omitted_warnings} more warnings, which the server left out"
    registry = plan.name.partition("/settings/")[0]
    for warning in plan.warnings:
        if _is_incomplete(warning, registry):
            yield f"{address(plan.name, warning.subject, '')}: {warning.subject}: {warning}"


def _is_incomplete(warning: Caution, registry: str) -> bool:
    """Return whether a plan with this warning lacks changes.

    An empty plan then proves nothing.
    """
    from ecrkeeper.v1.settings_pb2 import Settings

    if warning.reason == "NOT_ENFORCED" or warning.reason.startswith("POLICY_"):
        return False
    return warning.subject == registry or warning.subject in Settings.DESCRIPTOR.fields_by_name


def _pairs(change: Change) -> Iterator[tuple[str, str, str]]:
    if change.values_omitted:
        yield "", "(longer than 2 KiB)", "(longer than 2 KiB)"
        return
    old, new = dict(flat(change.before)), dict(flat(change.after))
    if change.kind in ("ADD", "REMOVE"):
        yield "", _ABSENT if not old else _line(old), _ABSENT if not new else _line(new)
        return
    for path in {**old, **new}:
        if old.get(path) != new.get(path):
            yield f" {path}", old.get(path, _ABSENT), new.get(path, _ABSENT)


def _line(members: dict[str, str]) -> str:
    return ", ".join(f"{path}={value}" for path, value in members.items())


def declare(client: ecrkeeper.Client, documents: Sequence[Checked], reason: str) -> None:
    """Observe registries and roles, then declare.

    Documents that are declared already stay as they are, with their mode.
    """
    for each in documents:
        document = each.document
        if isinstance(document, Treatment):
            if each.current is None or not _same_role(each):
                changed = {"name": document.name, "mode": "OBSERVE", **document.members}
                client.update_service_linked_role(changed, [*document.members, "mode"], allow_missing=True)
        elif each.current is None:
            if each.mode != Mode.OBSERVE:
                client.update_registry({"name": document.registry, "mode": "OBSERVE"}, ["mode"])
            write(client, document, reason=reason)


def _same_role(each: Checked) -> bool:
    assert isinstance(each.document, Treatment)
    members = each.document.members
    wanted = members.get("description", each.current.description)
    return wanted == each.current.description and dict(members.get("tags", {})) == dict(each.current.tags)


@dataclass(frozen=True, slots=True)
class Counts:
    """The elements of a registry.

    They are those of an owner, those of them that AWS has, and those that nobody declares, by setting.
    """

    owned: int
    matching: int
    unmanaged: Mapping[str, int]

    def __str__(self) -> str:
        kept = ", ".join(f"{setting} {count}" for setting, count in sorted(self.unmanaged.items()))
        return (
            f"AWS has {self.matching} of {self.owned} declared elements; unmanaged elements that stay: {kept or 'none'}"
        )


def counted(client: ecrkeeper.Client, document: Declaration, adopted: Adopted, errors: list[str]) -> Counts:
    """Count elements as AWS has them now.

    Those of the owner that differ are added to `errors`.
    """
    shown = client.get_registry(document.registry, refresh=True, timeout=60)
    owned, matching, unmanaged = 0, 0, Counter[str]()
    for each in shown.elements:
        pairs = max(1, len(each.pairs.destinations) * len(each.pairs.filters))
        if document.owner in each.owners:
            owned += pairs
            if each.state == Element.State.IN_SYNC:
                matching += pairs
            else:
                at = adopted.address(document.name, each.setting, each.key)
                errors.append(f"{at}: {each.setting} {each.key}: is {Element.State.Name(each.state)}")
        elif each.state == Element.State.UNMANAGED:
            unmanaged[each.setting] += pairs
    return Counts(owned, matching, unmanaged)


def enforcing_plan(client: ecrkeeper.Client, registry: str) -> WritePlan:
    """Return what ecrkeeper would write if it enforced a registry now."""
    planned = client.update_registry({"name": registry, "mode": "ENFORCE"}, ["mode"], validate_only=True, timeout=60)
    return write_plan(planned)
