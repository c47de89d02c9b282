"""Specs are read back as values, even with members missing in older versions."""

from __future__ import annotations

from typing import Any

import pytest
from ecrkeeper_server.names import RegistryName, RoleName
from ecrkeeper_server.store.rows import Resource
from ecrkeeper_server.store.specs import Mode, RegistrySpec, RoleRemoval, RoleSpec, UnmanagedElements
from hypothesis import given
from hypothesis import strategies as st

TEXTS = st.text(max_size=8)
REGISTRIES = st.builds(
    RegistrySpec,
    mode=st.sampled_from(Mode),
    unmanaged_elements=st.sampled_from(UnmanagedElements),
    abandoned=st.dictionaries(TEXTS, st.frozensets(TEXTS, max_size=3), max_size=3),
    owners=st.lists(TEXTS, max_size=3).map(tuple),
)
ROLES = st.builds(
    RoleSpec,
    mode=st.sampled_from(Mode),
    managed=st.booleans(),
    description=st.none() | TEXTS,
    tags=st.dictionaries(TEXTS, TEXTS, max_size=3),
    deletion=st.none() | st.builds(RoleRemoval, st.booleans()),
)


@given(REGISTRIES)
def test_registry_spec_round_trips(spec: RegistrySpec) -> None:
    assert RegistrySpec.from_json(spec.to_json()) == spec


@given(ROLES)
def test_role_spec_round_trips(spec: RoleSpec) -> None:
    assert RoleSpec.from_json(spec.to_json()) == spec


STORED: list[tuple[dict[str, Any], RoleSpec, str]] = [
    ({}, RoleSpec(), "nothing was stored"),
    ({"managed": False}, RoleSpec(managed=False), "ECR created the role"),
    ({"description": ""}, RoleSpec(description=""), "an empty description is declared"),
    ({"deletion": {}}, RoleSpec(), "an empty deletion is none"),
    ({"deletion": {"forced": False}}, RoleSpec(deletion=RoleRemoval()), "a deletion that is not forced is one"),
    ({"deletion": {"operation": "x"}}, RoleSpec(deletion=RoleRemoval()), "an older program named the operation"),
]


@pytest.mark.parametrize(("stored", "spec", "reason"), STORED)
def test_role_spec_has_defaults_for_missing_members(stored: dict[str, Any], spec: RoleSpec, reason: str) -> None:
    assert RoleSpec.from_json(stored) == spec, reason


def test_unknown_mode_is_an_error() -> None:
    with pytest.raises(ValueError, match="SOMETIMES"):
        RegistrySpec.from_json({"mode": "SOMETIMES"})


def test_resource_spec_depends_on_kind() -> None:
    registry = Resource.new(RegistryName("111111111111", "us-east-1"), {"mode": "OBSERVE"}, 0)
    role = Resource.new(RoleName("111111111111", "replication"), {"deletion": {"forced": True}}, 0)
    assert (registry.mode, registry.deleting) == (Mode.OBSERVE, False)
    assert (role.role_spec.deletion, role.deleting) == (RoleRemoval(forced=True), True)
