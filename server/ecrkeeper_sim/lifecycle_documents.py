"""Validation of lifecycle policies like `PutLifecyclePolicy`: each rule, then all."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from ecrkeeper_sim.errors import AwsError, invalid_parameter

_RULE = {"rulePriority": True, "selection": True, "action": True, "description": False}
_SELECTION = {
    "tagStatus": True,
    "countType": True,
    "countNumber": True,
    "countUnit": False,
    "storageClass": False,
    "tagPrefixList": False,
    "tagPatternList": False,
}
_ACTION = {"type": True, "targetStorageClass": False}
# By count type: whether it has a unit, and the storage class that it counts in.
_SCHEMAS = {
    "imageCountMoreThan": (False, "standard"),
    "sinceImagePushed": (True, "standard"),
    "sinceImagePulled": (True, "standard"),
    "sinceImageTransitioned": (True, "archive"),
}
_ENUMS = {
    "tagStatus": ("tagged", "untagged", "any"),
    "countType": tuple(_SCHEMAS),
    "storageClass": ("standard", "archive"),
    "type": ("expire", "transition"),
    "targetStorageClass": ("archive",),
}
_INTEGERS = ("rulePriority", "countNumber")
_LISTS = ("tagPrefixList", "tagPatternList")
_MANY, _LARGEST = 50, 0x7FFFFFFF


def check_lifecycle_policy(text: str) -> None:
    """Raise ECR's error for a lifecycle policy that it does not accept."""
    try:
        policy = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise _unmapped() from None
    if not isinstance(policy, dict):
        raise _unmapped()
    rules = policy.get("rules")
    if policy.keys() != {"rules"} or not isinstance(rules, list):
        raise _invalid('object has missing required properties (["rules"]) or some that are not allowed')
    if not 1 <= len(rules) <= _MANY:
        fault = "short" if not rules else "long"
        raise _invalid(
            f"array is too {fault}: it must have 1 to {_MANY} elements but instance has {len(rules)} elements"
        )
    for rule in rules:
        _check_members(rule, _RULE)
        _check_members(rule["selection"], _SELECTION)
        _check_members(rule["action"], _ACTION)
        _check_rule(rule["selection"], rule["action"])
    _check_together(rules)


def _check_members(holder: Any, members: dict[str, bool]) -> None:
    if not isinstance(holder, dict):
        raise _unmapped()
    unknown = sorted(holder.keys() - members.keys())
    if unknown:
        raise _invalid(f"object instance has properties which are not allowed by the schema: {json.dumps(unknown)}")
    missing = [name for name, required in members.items() if required and name not in holder]
    if missing:
        raise _invalid(f"object has missing required properties ({json.dumps(missing)})")
    for name, value in holder.items():
        _check_value(name, value)


def _check_value(name: str, value: Any) -> None:
    if name in _ENUMS and value not in _ENUMS[name]:
        raise _unmapped()
    if name in _INTEGERS:
        if not isinstance(value, int) or isinstance(value, bool) or value > _LARGEST:
            raise _unmapped()
        if value < 1:
            raise _invalid("numeric instance is lower than the required minimum (minimum: 1)")
    if name in _LISTS and not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
        raise _unmapped()
    if name in ("description", "countUnit") and not isinstance(value, str):
        raise _unmapped()


def _check_rule(selection: dict[str, Any], action: dict[str, Any]) -> None:
    kind, status = selection["countType"], selection["tagStatus"]
    has_unit, storage = _SCHEMAS[kind]
    unit = selection.get("countUnit")
    if unit != ("days" if has_unit else None) or selection.get("storageClass", "standard") != storage:
        raise _invalid("instance failed to match exactly one schema (matched 0 out of 4)")
    if action["type"] == "transition" and "targetStorageClass" not in action:
        raise _unmapped()
    if kind == "sinceImagePulled" and action["type"] == "expire":
        raise _invalid("sinceImagePulled does not support the action expire")
    lists = [name for name in _LISTS if selection.get(name)]
    if status == "tagged" and not lists:
        raise _invalid("Must specify tagPrefixList or tagPatternList when tagStatus=TAGGED.")
    if status == "tagged" and len(lists) > 1:
        raise _invalid("If policy has a tagged rule, it must specify only one of tagPrefixList or tagPatternList")
    if status != "tagged" and lists:
        raise _invalid(f"Cannot specify {lists[0]} with tagStatus {status.upper()}")
    if any(pattern.count("*") > 4 for pattern in selection.get("tagPatternList", [])):
        raise _invalid("Invalid tag pattern provided. Total number of * must not exceed 4")


def _check_together(rules: list[dict[str, Any]]) -> None:
    if max(Counter(rule["rulePriority"] for rule in rules).values()) > 1:
        raise _invalid("Duplicate priority in multiple rules")
    for storage in _ENUMS["storageClass"]:
        of_class = [r for r in rules if r["selection"].get("storageClass", "standard") == storage]
        statuses = Counter(rule["selection"]["tagStatus"] for rule in of_class)
        if statuses["untagged"] > 1:
            raise _invalid("Only one rule can select Untagged images")
        if statuses["any"] > 1:
            raise _invalid("Only one rule can specify tagStatus=ANY")
        last = max(of_class, key=lambda rule: int(rule["rulePriority"]), default=None)
        if last is not None and statuses["any"] and last["selection"]["tagStatus"] != "any":
            raise _invalid("Rule for tagStatus=ANY must have the highest rulePriority")


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _unmapped() -> AwsError:
    text = "Lifecycle policy parsing failure: Could not map policyString into LifecyclePolicy."
    return invalid_parameter("LifecyclePolicyText", text)


def _invalid(fault: str) -> AwsError:
    return invalid_parameter("LifecyclePolicyText", f"Lifecycle policy validation failure: {fault}")
