"""Validate the lifecycle policy of a creation template.

Facts: "Lifecycle policy properties in Amazon ECR" in the ECR user guide;
`PutLifecyclePolicy`, whose answers begin with "Lifecycle policy validation
failure". ECR applies the text to new repositories only, so an error in it
stays unnoticed until then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Any

from ecrkeeper_server.errors import Violation, first_violations
from ecrkeeper_server.names import shown
from ecrkeeper_server.settings.json_text import NotJson, dump, parse

MAX_RULES = 50
MAX_WILDCARDS = 4
MAX_INTEGER = 2**31 - 1

_RULE = frozenset({"rulePriority", "description", "selection", "action"})
_TAG_LISTS = ("tagPrefixList", "tagPatternList")
_SELECTION = frozenset({"tagStatus", "countType", "countUnit", "countNumber", "storageClass", *_TAG_LISTS})
_ACTION = frozenset({"type", "targetStorageClass"})
_TAG_STATUSES = ("tagged", "untagged", "any")
_AGES = ("sinceImagePushed", "sinceImagePulled", "sinceImageTransitioned")
_COUNT_TYPES = ("imageCountMoreThan", *_AGES)
_STORAGE_CLASSES = ("standard", "archive")
_FEW = 5


def validate(text: str, at: str) -> list[Violation]:
    """Return the violations of the text of a lifecycle policy, at most a hundred.

    Each description begins with the path inside of the text.
    """
    try:
        document = parse(text)
    except NotJson as error:
        return [Violation(at, str(error))]
    return first_violations(Violation(at, error) for error in _errors(document))


def _errors(document: Any) -> Iterator[str]:
    if not isinstance(document, dict):
        yield "must be a JSON object with a member `rules`"
        return
    yield from _unknown(document, {"rules"}, "")
    rules = document.get("rules")
    if not isinstance(rules, list) or not 1 <= len(rules) <= MAX_RULES:
        actual = f"{len(rules)} of them" if isinstance(rules, list) else _shown(document, "rules")
        yield f"rules: must be a list of 1 to {MAX_RULES} rules, got {actual}"
        return
    for i, rule in enumerate(rules):
        yield from _rule_errors(rule, f"rules[{i}]")
    yield from _errors_together(rules)


def _rule_errors(rule: Any, at: str) -> Iterator[str]:
    if not isinstance(rule, dict):
        yield f"{at}: must be a JSON object, got {shown(dump(rule))}"
        return
    yield from _unknown(rule, _RULE, at)
    yield from _integer_error(rule, "rulePriority", at)
    if not isinstance(rule.get("description", ""), str):
        yield f"{at}.description: must be a string, got {_shown(rule, 'description')}"
    selection, action = rule.get("selection"), rule.get("action")
    if isinstance(selection, dict):
        yield from _selection_errors(selection, f"{at}.selection")
    else:
        yield f"{at}.selection: must be a JSON object, got {_shown(rule, 'selection')}"
    if isinstance(action, dict):
        yield from _action_errors(action, f"{at}.action")
    else:
        yield f"{at}.action: must be a JSON object, got {_shown(rule, 'action')}"
    if _member(selection, "countType") == "sinceImagePulled" and _member(action, "type") == "expire":
        yield f"{at}.action.type: must be transition with countType sinceImagePulled, got 'expire'"


def _selection_errors(selection: Mapping[str, Any], at: str) -> Iterator[str]:
    yield from _unknown(selection, _SELECTION, at)
    yield from _choice_error(selection, "tagStatus", _TAG_STATUSES, at)
    yield from _choice_error(selection, "countType", _COUNT_TYPES, at)
    yield from _integer_error(selection, "countNumber", at)
    yield from _tag_errors(selection, at)
    kind = selection.get("countType")
    if kind in _AGES and selection.get("countUnit") != "days":
        yield f"{at}.countUnit: must be days with countType {kind}, got {_shown(selection, 'countUnit')}"
    if kind == "imageCountMoreThan" and "countUnit" in selection:
        yield f"{at}.countUnit: must be absent with countType {kind}, got {_shown(selection, 'countUnit')}"
    if "storageClass" in selection:
        yield from _choice_error(selection, "storageClass", _STORAGE_CLASSES, at)
    wanted = "archive" if kind == "sinceImageTransitioned" else "standard"
    storage = selection.get("storageClass", "standard")
    if kind in _COUNT_TYPES and storage in _STORAGE_CLASSES and storage != wanted:
        yield f"{at}.storageClass: must be {wanted} with countType {kind}, got {_shown(selection, 'storageClass')}"


def _tag_errors(selection: Mapping[str, Any], at: str) -> Iterator[str]:
    for name in _TAG_LISTS:
        listed = selection.get(name, [])
        if not isinstance(listed, list) or not all(isinstance(text, str) for text in listed):
            yield f"{at}.{name}: must be a list of strings, got {_shown(selection, name)}"
    patterns = selection.get("tagPatternList")
    texts = [p for p in patterns if isinstance(p, str)] if isinstance(patterns, list) else []
    many = [p for p in texts if p.count("*") > MAX_WILDCARDS]
    if many:
        yield f"{at}.tagPatternList: a pattern may have at most {MAX_WILDCARDS} `*`, got {_few(many)}"
    filled, status = [name for name in _TAG_LISTS if selection.get(name)], selection.get("tagStatus")
    if status == "tagged" and len(filled) != 1:
        actual = "both" if filled else "neither"
        yield f"{at}: must have one of tagPrefixList and tagPatternList with tagStatus tagged, got {actual}"
    elif status in ("untagged", "any") and filled:
        yield f"{at}.{filled[0]}: must be absent with tagStatus {status}, got {_shown(selection, filled[0])}"


def _action_errors(action: Mapping[str, Any], at: str) -> Iterator[str]:
    yield from _unknown(action, _ACTION, at)
    yield from _choice_error(action, "type", ("expire", "transition"), at)
    if "targetStorageClass" in action or action.get("type") == "transition":
        yield from _choice_error(action, "targetStorageClass", ("archive",), at)


def _errors_together(rules: list[Any]) -> Iterator[str]:
    """Validate the priorities, and the rules that select all or all untagged images."""
    priorities = [p if type(p := _member(rule, "rulePriority")) is int else None for rule in rules]
    first: dict[int, int] = {}
    for i, priority in enumerate(priorities):
        if priority is not None and first.setdefault(priority, i) != i:
            yield f"rules[{i}].rulePriority: must be unique, got {_few([priority])}, which rules[{first[priority]}] has"
    for storage in _STORAGE_CLASSES:
        yield from _errors_of_class(rules, priorities, storage)


def _errors_of_class(rules: list[Any], priorities: list[int | None], storage: str) -> Iterator[str]:
    selections = [_member(rule, "selection") for rule in rules]
    members = [
        i for i, s in enumerate(selections) if isinstance(s, dict) and s.get("storageClass", "standard") == storage
    ]
    for status in ("untagged", "any"):
        same = [i for i in members if selections[i].get("tagStatus") == status]
        for i in same[1:]:
            yield (
                f"rules[{i}].selection.tagStatus: only one rule may select {status} images of storage class {storage},"
                f" and rules[{same[0]}] does"
            )
    highest = max((p for i in members if (p := priorities[i]) is not None), default=0)
    for i in members:
        priority = priorities[i]
        if selections[i].get("tagStatus") == "any" and priority is not None and priority < highest:
            yield (
                f"rules[{i}].rulePriority: must be the highest of storage class {storage} with tagStatus any, got"
                f" {_few([priority])}, and rules[{priorities.index(highest)}] has {_few([highest])}"
            )


def _unknown(holder: Mapping[str, Any], known: Set[str], at: str) -> Iterator[str]:
    unknown = sorted(holder.keys() - known)
    if unknown:
        prefix = f"{at}: " if at else ""
        yield f"{prefix}unknown member {_few(unknown)}; allowed are {', '.join(sorted(known))}"


def _choice_error(holder: Mapping[str, Any], name: str, allowed: tuple[str, ...], at: str) -> Iterator[str]:
    if holder.get(name) not in allowed:
        yield f"{at}.{name}: must be {' or '.join(allowed)}, got {_shown(holder, name)}"


def _integer_error(holder: Mapping[str, Any], name: str, at: str) -> Iterator[str]:
    value = holder.get(name)
    # True is an integer in Python.
    if type(value) is not int or not 1 <= value <= MAX_INTEGER:
        yield f"{at}.{name}: must be an integer from 1 to {MAX_INTEGER}, got {_shown(holder, name)}"


def _member(holder: Any, name: str) -> Any:
    return holder.get(name) if isinstance(holder, dict) else None


def _shown(holder: Mapping[str, Any], name: str) -> str:
    return shown(dump(holder[name])) if name in holder else "none"


def _few(values: list[Any]) -> str:
    names = ", ".join(shown(v if isinstance(v, str) else dump(v)) for v in values[:_FEW])
    return names if len(values) <= _FEW else f"{names} and {len(values) - _FEW} more"
