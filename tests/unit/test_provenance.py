"""Provenance of existing roles."""

from __future__ import annotations

from typing import Any

import pytest
from ecrkeeper_server.roles.plan import ObservedRole, provenance
from ecrkeeper_server.store.states import RoleState

MINUTE = 60_000_000
OBSERVED = ObservedRole("AROA1", "arn", "/path/", "", {}, create_time=1000 * MINUTE)
OURS, OTHER = {"role_id": "AROA1", "provenance": "CREATED"}, {"role_id": "AROA2", "provenance": "CREATED"}


@pytest.mark.parametrize(
    ("recorded", "expected", "reason"),
    [
        ({}, "ADOPTED", "it was there before anybody declared it"),
        ({"provenance": "AUTO_CREATED"}, "AUTO_CREATED", "a recorded provenance stays"),
        ({"provenance": "ADOPTED", "remembered": OURS}, "ADOPTED", "a backup does not overrule the store"),
        ({"provenance": "CREATED", "role": {"role_id": "AROA1"}}, "CREATED", "it is the role that was created"),
        ({"provenance": "CREATED", "role": {"role_id": "AROA0"}}, "ADOPTED", "somebody has recreated it since"),
        ({"remembered": OURS}, "CREATED", "the backup is of this role"),
        ({"remembered": OTHER}, "ADOPTED", "somebody else recreated the role since the backup"),
        ({"create_intended_at": 1000 * MINUTE}, "CREATED", "the answer to our own create was lost"),
        ({"create_intended_at": 1002 * MINUTE}, "ADOPTED", "the role is older than our intent"),
    ],
)
def test_role_is_adopted_unless_recorded_otherwise(recorded: dict[str, Any], expected: str, reason: str) -> None:
    assert provenance(RoleState(recorded), OBSERVED) == expected, reason
