"""Plans and differences of a role, by IAM's state."""

from __future__ import annotations

from typing import Any

import pytest
from ecrkeeper_server.api.messages.plan import role_plan
from ecrkeeper_server.api.messages.refreshed import refreshed_role
from ecrkeeper_server.roles.catalogue import ROLES
from ecrkeeper_server.roles.plan import ObservedRole
from ecrkeeper_server.store.rows import Resource
from msgspec.structs import replace

KIND = ROLES["replication"]
EXISTING = ObservedRole("AROA1", "arn", KIND.path, "as declared", {}, 0)
SPEC = {"description": "as declared", "tags": {}, "mode": "ENFORCE", "managed": True}


def row(**spec: Any) -> Resource:
    return Resource(
        name="accounts/111111111111/serviceLinkedRoles/replication", kind="role", account="111111111111",
        place="replication", uid="u", spec={**SPEC, **spec}, state={}, generation=1, observed_generation=0, requested=1,
        create_time=0, update_time=0, observe_time=None, due_at=0, urgent=True, lease_token=None, lease_until=None,
        failures=0,
    )  # fmt: skip


PLANS: list[tuple[ObservedRole | None, dict[str, Any], list[str], list[str], str]] = [
    (None, {}, ["CreateServiceLinkedRole"], [], "it is not there"),
    (EXISTING, {}, [], [], "it is as declared"),
    (EXISTING, {"description": "new"}, ["UpdateRole"], [], "its description differs"),
    (EXISTING, {"description": "new", "mode": "OBSERVE"}, ["UpdateRole"], ["NOT_ENFORCED"], "it is only observed"),
    (None, {"mode": "PAUSED"}, ["CreateServiceLinkedRole"], ["NOT_ENFORCED"], "it is paused"),
    (replace(EXISTING, path="/"), {"description": "new"}, [], ["ROLE_LOOKALIKE"], "somebody's role has its name"),
]


@pytest.mark.parametrize(("observed", "spec", "calls", "warnings", "reason"), PLANS, ids=[row[-1] for row in PLANS])
def test_plan_has_calls_or_reason(
    observed: ObservedRole | None, spec: dict[str, Any], calls: list[str], warnings: list[str], reason: str
) -> None:
    plan = role_plan(KIND, row(**spec), observed)
    assert [call.operation for call in plan.calls] == calls
    assert [warning.reason for warning in plan.warnings] == warnings


def test_lookalike_role_is_not_shown_as_the_role() -> None:
    assert refreshed_role(row(), EXISTING, "aws").role_id == "AROA1"
    shown = refreshed_role(row(), replace(EXISTING, path="/"), "aws")
    assert shown.role_id == ""
    assert shown.state == shown.ABSENT
