"""A database of 0.1.0 with every reason, kind, mode, provenance and phase.

The values have that release's form: JSON with sorted keys and without white space.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

Row = dict[str, Any]
TIME = 1_790_000_000_000_000
# Servers delete some rows after a time, which is far in the future here.
NOT_PURGED = 4_100_000_000_000_000
# The reasons of docs/errors.md of 0.1.0 that a stored error may have, with their codes.
ERRORS = {
    "AWS_ACCESS_DENIED": "FAILED_PRECONDITION",
    "AWS_CREDENTIALS_REJECTED": "FAILED_PRECONDITION",
    "AWS_NO_CREDENTIALS": "FAILED_PRECONDITION",
    "AWS_QUOTA_EXCEEDED": "RESOURCE_EXHAUSTED",
    "AWS_REFUSED": "INVALID_ARGUMENT",
    "AWS_THROTTLED": "UNAVAILABLE",
    "AWS_UNAVAILABLE": "UNAVAILABLE",
    "AWS_UNREACHABLE": "UNAVAILABLE",
    "BACKFILL_IN_PROGRESS": "FAILED_PRECONDITION",
    "BLOCKED_BY_ORGANIZATION_POLICY": "FAILED_PRECONDITION",
    "CHANGED_MEANWHILE": "UNAVAILABLE",
    "DELETION_LOST": "FAILED_PRECONDITION",
    "DESTINATION_NOT_CONFIGURED": "FAILED_PRECONDITION",
    "FOREIGN_ELEMENTS_IN_THE_WAY": "RESOURCE_EXHAUSTED",
    "INTERNAL": "UNAVAILABLE",
    "MODE_CHANGED": "UNAVAILABLE",
    "NOT_ENFORCED": "FAILED_PRECONDITION",
    "NOT_VISIBLE_YET": "UNAVAILABLE",
    "OBSERVE_ONLY": "FAILED_PRECONDITION",
    "OUT_OF_SYNC": "FAILED_PRECONDITION",
    "PAUSED": "FAILED_PRECONDITION",
    "REGISTRY_POLICY_REFUSED": "FAILED_PRECONDITION",
    "REPLACEMENT_NOT_ALLOWED": "FAILED_PRECONDITION",
    "ROLE_BEING_DELETED": "UNAVAILABLE",
    "ROLE_DELETION_FAILED": "FAILED_PRECONDITION",
    "ROLE_IN_USE": "FAILED_PRECONDITION",
    "ROLE_LOOKALIKE": "FAILED_PRECONDITION",
    "ROLE_NOT_READY": "UNAVAILABLE",
    "ROLE_NOT_VISIBLE_YET": "UNAVAILABLE",
    "SECRET_UNUSABLE": "FAILED_PRECONDITION",
    "STEP_TIMEOUT": "UNAVAILABLE",
    "UNKNOWN_MEMBERS": "FAILED_PRECONDITION",
}
# Reasons of conditions only.
CONDITIONS = ("DELETING", "IN_SYNC", "NOT_BLOCKED", "NOT_DEGRADED", "UNMANAGED")
# Reasons of replication checks; an unreadable destination has the reason of the error.
FINDINGS = (
    "DESTINATION_OTHER_PARTITION", "DESTINATION_POLICY_CONDITIONAL", "DESTINATION_POLICY_DENIES",
    "DESTINATION_POLICY_MISSING", "DESTINATION_POLICY_NOT_ALLOWED", "DESTINATION_POLICY_WRONG_RESOURCE",
    "DESTINATION_TEMPLATE_UNUSABLE", "AWS_REFUSED",
)  # fmt: skip
PRECONDITIONS = ("ROLE_IN_USE", "REGION_UNREADABLE")
MODES = ("ENFORCE", "OBSERVE", "PAUSED")
DRIFT = ("MISSING", "CHANGED", "UNEXPECTED")
CHANGES = ("ADD", "UPDATE", "REPLACE", "REMOVE")
PHASES = ("PREFLIGHT", "DELETING", "CONFIRMING", "DONE", "REFUSED")
BACKFILLS = ("PREPARING", "IN_PROGRESS", "COMPLETE", "FAILED", "STOPPING", "STOPPED")
OUTCOMES = ("SUCCEEDED", "FAILED", "UNKNOWN", "NOT_SENT")
PROVENANCES = ("CREATED", "ADOPTED", "AUTO_CREATED")
# The registry with all members, and the account whose roles are being deleted.
FULL, DELETING = "200000000000", "400000000000"
# Tags may have any name, even one that the product uses.
TAGS = {"foreign_elements": "PRUNE", "mend": "x", "reason": "AWS_REFUSED"}
_ROLES = {
    "replication": "AWSServiceRoleForECRReplication",
    "pull-through-cache": "AWSServiceRoleForECRPullThroughCache",
    "repository-creation-template": "AWSServiceRoleForECRTemplate",
}
_RULE = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}
_SETTINGS = {"pull_through_cache_rules": {"rules": [_RULE]}}


def text(value: Any) -> str | None:
    """Return a JSON value as the release stored it."""
    return None if value is None else json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def error(reason: str) -> dict[str, Any]:
    """Return an error as it was stored."""
    return {
        "code": ERRORS[reason],
        "reason": reason,
        "message": f'"mend": {reason}',
        "metadata": {"aws_code": "Code", "operation": "PutRegistryPolicy", "aws_request_id": "r-1"},
        "preconditions": [[kind, "us-east-1", "as said"] for kind in PRECONDITIONS] if reason == "ROLE_IN_USE" else [],
    }


def _conditions(reason: str, *, ready: bool, failed: bool) -> list[dict[str, Any]]:
    blocked = failed and ERRORS[reason] != "UNAVAILABLE"
    held = {
        "Ready": (ready, reason),
        "Synced": (ready, "IN_SYNC" if ready else reason),
        "Blocked": (blocked, reason if blocked else "NOT_BLOCKED"),
        "Degraded": (reason == "UNKNOWN_MEMBERS", reason if reason == "UNKNOWN_MEMBERS" else "NOT_DEGRADED"),
    }
    return [
        {"type": kind, "status": "TRUE" if holds else "FALSE", "reason": reason, "message": "", "since": TIME}
        for kind, (holds, reason) in held.items()
    ]


def _state(reason: str, **more: Any) -> dict[str, Any]:
    failed = reason in ERRORS
    return {
        "applied": {}, "checks": [], "degraded": {}, "drift": [], "observed": {}, "problems": {}, "settled": {},
        "conditions": _conditions(reason, ready=reason in ("IN_SYNC", "UNMANAGED"), failed=failed),
        "error": error(reason) if failed else None,
        **more,
    }  # fmt: skip


def _resource(kind: str, account: str, place: str, spec: Row, state: Row, **more: Any) -> Row:
    collection = "registries" if kind == "registry" else "serviceLinkedRoles"
    name = f"accounts/{account}/{collection}/{place}"
    return {
        "name": name, "kind": kind, "account": account, "place": place, "uid": f"uid-{account}-{place}",
        "spec": text(spec), "state": text(state), "generation": 3, "observed_generation": 2, "requested": 4,
        "create_time": TIME, "update_time": TIME, "observe_time": TIME, "due_at": None, "urgent": False,
        "lease_token": None, "lease_until": None, "failures": 0, "unready": None, "trace": None, **more,
    }  # fmt: skip


def _registry(account: str, state: Row, *, mode: str = "ENFORCE", foreign: str = "PRESERVE", **more: Any) -> Row:
    return _resource("registry", account, "us-east-1", {"foreign_elements": foreign, "mode": mode}, state, **more)


def _full() -> Row:
    drift = [
        {
            "setting": "pull_through_cache_rules", "key": kind.lower(), "kind": kind,
            "desired": None if kind == "UNEXPECTED" else _RULE, "observed": None if kind == "MISSING" else _RULE,
        }
        for kind in DRIFT
    ]  # fmt: skip
    checks = [
        {
            "destination": {"registryId": "222222222222", "region": f"eu-west-{at}"}, "time": TIME,
            "result": ("OK", "BROKEN", "UNKNOWN")[at % 3],
            "findings": [{"reason": reason, "subject": "222222222222", "message": "as said"}],
        }
        for at, reason in enumerate(FINDINGS)
    ]  # fmt: skip
    state = _state(
        "OBSERVE_ONLY",
        applied={"pull_through_cache_rules": {"quay": _RULE}},
        observed={"pull_through_cache_rules": {"rules": [_RULE, {**_RULE, "ecrRepositoryPrefix": "theirs"}]}},
        problems={"pull_through_cache_rules": {"quay": "ECR cannot log in"}},
        unconfirmed={"pull_through_cache_rules": ["quay"]},
        checks=checks,
        drift=drift,
        mend={"drift": drift, "time": TIME},
    )
    return _registry(FULL, state, mode="OBSERVE", foreign="PRUNE")


def reason_accounts() -> dict[str, str]:
    """Return the account whose registry has a reason, by reason."""
    return {reason: str(100_000_000_000 + at) for at, reason in enumerate((*ERRORS, *CONDITIONS))}


def provenance_accounts() -> dict[str, str]:
    """Return the account whose roles have a provenance."""
    return {provenance: str(300_000_000_000 + at) for at, provenance in enumerate(PROVENANCES)}


def _resources() -> Iterator[Row]:
    for reason, account in reason_accounts().items():
        word = "Blocked" if ERRORS.get(reason) != "UNAVAILABLE" else "Failing"
        yield _registry(account, _state(reason), unready=f"ENFORCE {word} {reason} " if reason in ERRORS else None)
    yield _full()
    for at, mode in enumerate(MODES):
        yield _registry(str(500_000_000_000 + at), {}, mode=mode)
    for provenance, account in provenance_accounts().items():
        for place, name in _ROLES.items():
            role = {
                "role_id": "AROA1", "arn": f"arn:aws:iam::{account}:role/x/{name}", "path": "/x/", "tags": TAGS,
                "description": "seen", "create_time": TIME,
            }  # fmt: skip
            stored = {"provenance": provenance, "role": role, "applied_tags": TAGS, "create_intended_at": None}
            mend = {"drift": [{"setting": "tags", "key": "mend", "kind": "CHANGED", "desired": "x", "observed": "y"}]}
            spec = {"managed": True, "mode": "ENFORCE", "tags": TAGS, "description": "wanted"}
            state = _state("AWS_REFUSED", **stored, mend={**mend, "time": TIME})
            yield _resource("role", account, place, spec, state)
    for place in _ROLES:
        deletion = {"task": "task/1", "started": TIME, "polls": 2}
        spec = {"managed": True, "mode": "ENFORCE", "tags": {}, "deletion": {"force": False}}
        yield _resource("role", DELETING, place, spec, _state("DELETING", role=None, deletion=deletion))


def _declarations() -> Iterator[Row]:
    for owner, policy in (("team-a", "REMOVE"), ("team-b", "ABANDON")):
        yield {
            "account": FULL, "region": "us-east-1", "owner": owner, "uid": f"uid-{owner}", "settings": text(_SETTINGS),
            "deletion_policy": policy, "allow_replacement": owner == "team-b", "generation": 2,
            "observed_generation": 1, "registry_generation": 3, "create_time": TIME, "update_time": TIME,
        }  # fmt: skip


def _revisions() -> Iterator[Row]:
    methods = ("CreateRegistrySettings", "UpdateRegistrySettings", "RollbackRegistrySettings", "DeleteRegistrySettings")
    for number, method in enumerate(methods, 1):
        yield {
            "account": FULL, "region": "us-east-1", "owner": "team-a", "revision": number,
            "settings": None if method.startswith("Delete") else text(_SETTINGS), "deletion_policy": "REMOVE",
            "allow_replacement": False, "create_time": TIME + number, "principal": "alice", "request_id": "",
            "reason": "AWS_REFUSED is a word of the caller", "method": method,
        }  # fmt: skip


def _operation(number: int, method: str, target: str, metadata: Row, **more: Any) -> Row:
    return {
        "id": f"00000000-0000-4000-8000-{number:012}", "method": method, "target": target, "requested": 1,
        "generation": 3, "metadata": text(metadata), "done": False, "error": None, "response": None,
        "create_time": TIME + number, "done_time": None, **more,
    }  # fmt: skip


def _operations() -> Iterator[Row]:
    registry = f"accounts/{FULL}/registries/us-east-1"
    role = f"accounts/{DELETING}/serviceLinkedRoles/replication"
    done: Row = {"done": True, "done_time": NOT_PURGED}
    for at, reason in enumerate(ERRORS):
        yield _operation(at, "ReconcileRegistry", registry, {}, error=text(error(reason)), **done)
    yield _operation(100, "ReconcileRegistry", registry, {})
    yield _operation(101, "ReconcileServiceLinkedRole", role, {}, response=text({}), **done)
    usage = [
        {"region": "us-east-1", "state": state, "resources": ["r"], "owners": ["team-a"], "message": "m"}
        for state in ("IN_USE", "FREE", "UNKNOWN")
    ]
    for at, phase in enumerate(PHASES):
        ended: Row = {}
        if phase in ("DONE", "REFUSED"):
            is_rejected = phase == "REFUSED"
            ended = {**done, "error": text(error("ROLE_IN_USE")) if is_rejected else None}
            ended["response"] = None if is_rejected else text({})
        metadata = {"phase": phase, "usage": usage, "deletion_task_id": "task/1"}
        yield _operation(110 + at, "DeleteServiceLinkedRole", role, metadata, **ended)
    for at, status in enumerate(BACKFILLS):
        destination = {"region": "eu-west-1", "registryId": "222222222222"}
        backfill = {"replicationBackfillId": "b-1", "destination": destination, "status": status, "startedAt": 1.5}
        ended = {**done, "response": text(backfill)} if status in ("COMPLETE", "FAILED", "STOPPED") else {}
        metadata = {"destination": destination, "others": ["b-0"], "backfill": backfill}
        yield _operation(120 + at, "StartReplicationBackfill", registry, metadata, **ended)


def _event(number: int, kind: str, method: str, resource: str, changes: list[Row], **more: Any) -> Row:
    return {
        "id": number, "txid": number, "kind": kind, "create_time": NOT_PURGED + number, "complete_time": None,
        "principal": "alice", "method": method, "resource": resource, "account": FULL, "region": "us-east-1",
        "owners": text([]), "request_id": "", "call_id": "c-1", "reconcile_id": "", "generation": 3,
        "reason": "AWS_REFUSED", "changes": text(changes), "omitted": 0, "outcome": "SUCCEEDED", "aws_error_code": "",
        "aws_request_id": "", **more,
    }  # fmt: skip


def _change(setting: str, key: str, kind: str, before: Any, after: Any) -> Row:
    return {"setting": setting, "key": key, "kind": kind, "before": before, "after": after}


def _audit_events() -> Iterator[Row]:
    registry = f"accounts/{FULL}/registries/us-east-1"
    elements = [
        _change(
            "pull_through_cache_rules", "quay", kind,
            None if kind == "ADD" else _RULE, None if kind == "REMOVE" else {**_RULE, "upstreamRegistryUrl": "x.io"},
        )
        for kind in CHANGES
    ]  # fmt: skip
    yield _event(1, "CALL", "UpdateRegistrySettings", f"{registry}/settings/team-a", elements, owners=text(["team-a"]))
    changes = [
        _change("registry", "foreign_elements", "UPDATE", "PRESERVE", "PRUNE"),
        _change("registry", "mode", "UPDATE", "ENFORCE", "OBSERVE"),
    ]
    yield _event(2, "CALL", "UpdateRegistry", registry, changes)
    role = "accounts/300000000000/serviceLinkedRoles/replication"
    changes = [_change("tags", key, "ADD", None, value) for key, value in TAGS.items()]
    yield _event(3, "CALL", "UpdateServiceLinkedRole", role, changes, account="300000000000", region="")
    for at, outcome in enumerate(OUTCOMES, 10):
        failed: Row = {"aws_error_code": "InvalidParameterException"} if outcome == "FAILED" else {}
        yield _event(
            at, "AWS_WRITE", "ecr:CreatePullThroughCacheRule", registry, elements[:1], outcome=outcome,
            complete_time=NOT_PURGED + at, call_id="", reconcile_id="s-1", principal="", aws_request_id="r-1", **failed,
        )  # fmt: skip


def rows() -> dict[str, list[Row]]:
    """Return all rows, by table."""
    return {
        "resources": list(_resources()),
        "declarations": list(_declarations()),
        "revisions": list(_revisions()),
        "operations": list(_operations()),
        "requests": [
            {
                "request_id": "6f1c9b0e-0000-4000-8000-000000000001", "method": "UpdateRegistrySettings",
                "fingerprint": "f", "result": f"accounts/{FULL}/registries/us-east-1/settings/team-a",
                "create_time": TIME,
            }
        ],
        "audit_events": list(_audit_events()),
    }  # fmt: skip
