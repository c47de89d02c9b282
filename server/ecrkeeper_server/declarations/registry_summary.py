"""The state of a registry without its settings, as JSON: what lists, watches and operations show of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ecrkeeper_server.json_object import Json
from ecrkeeper_server.settings.element_states import ElementState, element_states
from ecrkeeper_server.settings.ownership import composition_of
from ecrkeeper_server.store.rows import Declaration, Resource

# A summary is rendered into at most 64 KiB: the error of the registry may take 20,000 bytes of them.
_OWNERS_BYTES, _DECLARATIONS_BYTES, _ERROR_BYTES = 6_000, 20_000, 2_000
_TEXT_CHARACTERS, _PROBLEM_CHARACTERS = 300, 1_000


def registry_summary(row: Resource, declared: Sequence[Declaration], states: Iterable[ElementState]) -> Json:
    """Summarize a registry in bounded space; `states` are those of all its elements."""
    found = list(states)
    summary = complete_summary(row, declared, found)
    truncated = []
    kept = _within(summary["owners"], _OWNERS_BYTES)
    if len(kept) < len(summary["owners"]):
        truncated.append("owners")
    # The ones that need somebody come first, where not all fit.
    worst_first = sorted(summary["declarations"], key=lambda each: (_is_ready(each), each["owner"]))
    statuses = _within(map(_compact, worst_first), _DECLARATIONS_BYTES)
    if len(statuses) < len(worst_first):
        truncated.append("declarations")
    return {
        **summary,
        "conditions": [_shortened(each) for each in summary["conditions"]],
        "owners": kept,
        "declarations": sorted(statuses, key=lambda each: str(each["owner"])),
        "truncated": truncated,
    }


def complete_summary(row: Resource, declared: Sequence[Declaration], states: Sequence[ElementState]) -> Json:
    """Summarize a registry with the status of every declaration, however many there are."""
    counts = Counter((each.setting, each.state) for each in states)
    return {
        "name": row.name,
        "uid": row.uid,
        "etag": row.etag,
        "generation": row.generation,
        "observed_generation": row.observed_generation,
        "create_time": row.create_time,
        "update_time": row.update_time,
        "observe_time": row.observe_time,
        "due_at": row.due_at,
        "mode": row.spec.get("mode", "ENFORCE"),
        "unmanaged_elements": row.spec.get("unmanaged_elements", "PRESERVE"),
        "conditions": row.state.get("conditions", []),
        "error": row.state.get("error"),
        "owners": sorted(each.owner for each in declared),
        "owner_count": len(declared),
        "declarations": [_status(row.state, each) for each in sorted(declared, key=lambda each: each.owner)],
        "element_counts": [[setting, state, count] for (setting, state), count in counts.items()],
        "worst_problem": worst_problem(row.state, states),
        "truncated": [],
    }


def final_summary(row: Resource, declared: Sequence[Declaration]) -> Json:
    """Summarize a registry at the end of an operation."""
    return registry_summary(row, declared, element_states(row.state, composition_of(declared)))


def of_owner(state: Mapping[str, Any], owner: str) -> Mapping[str, Any]:
    """Return the conditions and the error of one owner's declaration; empty if it is newer than the last attempt."""
    owners = state.get("owners")
    # Without any, all stand as the registry does.
    return state if owners is None else owners.get(owner, {})


def worst_problem(state: Mapping[str, Any], states: Sequence[ElementState]) -> Json | None:
    """Choose the problem to solve first: an error, else an element that does not work, a destination, drift."""
    if error := state.get("error"):
        about = error.get("metadata", {})
        return _problem(error["reason"], error["message"], about.get("setting", ""), about.get("key", ""))
    for each in states:
        if each.problem:
            return _problem(reason="ELEMENT_PROBLEM", message=each.problem, setting=each.setting, key=each.key)
    for check in state.get("checks", ()):
        findings = check["findings"]
        if findings and check.get("result") == "BROKEN":
            where = check["destination"]
            key = f"{where['registryId']}/{where['region']}"
            return _problem(findings[0]["reason"], findings[0]["message"], "replication_configuration", key)
    for drift in state.get("drift", ()):
        text = f"{len(state['drift'])} elements differ from what is desired"
        return _problem("OUT_OF_SYNC", text, drift["setting"], drift["key"])
    return None


def _problem(reason: str, message: str, setting: str, key: str) -> Json:
    return {"reason": reason, "message": message[:_PROBLEM_CHARACTERS], "setting": setting, "key": key[:1024]}


def _status(state: Mapping[str, Any], declared: Declaration) -> Json:
    own = of_owner(state, declared.owner)
    return {
        "owner": declared.owner,
        "generation": declared.generation,
        "observed_generation": declared.observed_generation,
        "conditions": own.get("conditions", []),
        "error": own.get("error"),
    }


def _is_ready(status: Mapping[str, Any]) -> bool:
    return status["error"] is None and any(
        each["type"] == "Ready" and each["status"] == "TRUE" for each in status["conditions"]
    )


def _compact(status: Json) -> Json:
    error = status["error"]
    if error is not None and len(json.dumps(error)) > _ERROR_BYTES:
        known = {"setting", "key", "owner", "aws_code", "operation"}
        about = {k: str(v)[:128] for k, v in error.get("metadata", {}).items() if k in known}
        error = {
            "code": error["code"],
            "reason": error["reason"],
            "message": error["message"][:_TEXT_CHARACTERS],
            "metadata": about,
        }
    return {**status, "conditions": [_shortened(each) for each in status["conditions"]], "error": error}


def _shortened(condition: Json) -> Json:
    return {**condition, "message": condition["message"][:_TEXT_CHARACTERS]}


def _within(items: Iterable[Any], limit: int) -> list[Any]:
    """Return the first items whose JSON fits into so many bytes."""
    kept = []
    for item in items:
        limit -= len(json.dumps(item))
        if limit < 0:
            break
        kept.append(item)
    return kept
