"""Filter values, and the rejection of values without a match."""

from __future__ import annotations

from typing import Any

import pytest
from ecrkeeper.v1 import common_pb2, role_pb2
from ecrkeeper_server.api.services import audit, registries, roles, settings_pages
from ecrkeeper_server.api.services.filters import matcher
from ecrkeeper_server.errors import InvalidArgument
from ecrkeeper_server.store.rows import Resource

READY = [{"type": "Ready", "status": "TRUE", "reason": "IN_SYNC", "message": "", "since": "2026-01-01T00:00:00+00:00"}]


def row(kind: str = "registry", spec: dict[str, Any] | None = None, state: dict[str, Any] | None = None) -> Resource:
    place = "us-east-1" if kind == "registry" else "replication"
    return Resource(
        name="n", kind=kind, account="111111111111", place=place, uid="u", spec=spec or {}, state=state or {},
        generation=2, observed_generation=2, requested=2, create_time=0, update_time=0, observe_time=0, due_at=None,
        urgent=False, lease_token=None, lease_until=None, failures=0,
    )  # fmt: skip


REGISTRY = row(spec={"mode": "OBSERVE", "owners": ["team-a"]}, state={"conditions": READY})
ROLE = row("role", spec={"deletion": {"forced": False}}, state={"role": {}})
NEW_ROLE = row("role")
MET: list[tuple[Any, Resource, str, bool, str]] = [
    (registries, REGISTRY, "mode = OBSERVE", True, "as answers have it"),
    (registries, REGISTRY, "mode = observe", True, "in any case"),
    (registries, REGISTRY, "mode:observe", True, "has"),
    (registries, REGISTRY, "mode != ENFORCE", True, "is not"),
    (registries, REGISTRY, "conditions.Ready = TRUE", True, "as answers have it"),
    (registries, REGISTRY, "conditions.Ready = true", True, "as the documentation has it"),
    (registries, REGISTRY, "conditions.Ready = UNKNOWN", False, "it may have it, and has not"),
    (registries, REGISTRY, "reconciling = False", True, "as Python writes it"),
    (registries, REGISTRY, "owner = team-a", True, "any value is one of an open field"),
    (registries, REGISTRY, "owner = Team-A", False, "and its case counts"),
    (roles, ROLE, "state = DELETING", True, "as answers have it"),
    (roles, ROLE, "reconciling = true", True, "it is being deleted"),
    (
        roles,
        NEW_ROLE,
        "state = STATE_UNSPECIFIED AND provenance = provenance_unspecified",
        True,
        "it was not looked at yet",
    ),
]


@pytest.mark.parametrize(("service", "resource", "text", "met", "reason"), MET, ids=[each[2] for each in MET])
def test_values_match_as_in_responses(service: Any, resource: Resource, text: str, met: bool, reason: str) -> None:
    assert matcher(text, service._FIELDS)(resource) is met, reason


REJECTED: list[tuple[Any, str, str, str]] = [
    (registries, "mode = ENFORCED", "mode: must be one of ENFORCE, OBSERVE, PAUSED, got 'ENFORCED'", "no such mode"),
    (registries, "mode = MODE_UNSPECIFIED", "must be one of ENFORCE, OBSERVE, PAUSED", "never returned"),
    (registries, "reconciling = 1", "reconciling: must be one of TRUE, FALSE, got '1'", "no boolean"),
    (registries, "conditions.Blocked != yes", "must be one of TRUE, FALSE, UNKNOWN", "also where it is not to be"),
    (registries, "owner = team-*", "owner: `*` is not supported, got 'team-*'", "no wildcards"),
    (registries, "owner:*", "owner: `*` is not supported", "nor presence"),
    (registries, 'mode = "*"', "mode: `*` is not supported", "of closed fields neither"),
    (registries, "setting = replication", "setting: must be one of account_settings, registry_policy", "no setting"),
    (roles, "state = GONE", "must be one of STATE_UNSPECIFIED, ACTIVE, ABSENT, DELETING, got 'GONE'", "no such state"),
    (settings_pages, "region = us-*", "region: `*` is not supported", "of declarations neither"),
    (audit, "kind = CALLS", "kind: must be one of CALL, AWS_WRITE, got 'CALLS'", "of events"),
    (audit, "outcome = OK", "must be one of SUCCEEDED, FAILED, UNKNOWN, NOT_SENT, got 'OK'", "of events"),
]


@pytest.mark.parametrize(("service", "text", "message", "reason"), REJECTED, ids=[each[1] for each in REJECTED])
def test_unmatched_values_are_rejected_with_allowed_ones(service: Any, text: str, message: str, reason: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        matcher(text, service._FIELDS)
    (violation,) = caught.value.violations
    assert violation.field == "filter", reason
    assert message in violation.description, reason


@pytest.mark.parametrize(
    ("fields", "name", "enum", "never"),
    [
        (registries._FIELDS, "mode", common_pb2.Mode, {"MODE_UNSPECIFIED"}),
        (registries._FIELDS, "conditions.Ready", common_pb2.Condition.Status, {"STATUS_UNSPECIFIED"}),
        (roles._FIELDS, "state", role_pb2.ServiceLinkedRole.State, set()),
        (roles._FIELDS, "provenance", role_pb2.ServiceLinkedRole.Provenance, set()),
    ],
)
def test_response_values_can_be_filtered(fields: Any, name: str, enum: Any, never: set[str]) -> None:
    for value in set(enum.keys()) - never:
        matcher(f"{name} = {value}", fields)
