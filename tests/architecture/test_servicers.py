"""Servicers are composed of objects that share nothing."""

from __future__ import annotations

from typing import Any

import pytest
from ecrkeeper.v1 import role_service_pb2
from ecrkeeper_server.api.services.composition import composed

SERVICE = role_service_pb2.DESCRIPTOR.services_by_name["RoleService"]


def part(*methods: str) -> Any:
    return type("Part", (), {name: lambda self, name=name: name for name in methods})()


METHODS = [method.name for method in SERVICE.methods]


def test_composed_servicer_dispatches_to_parts() -> None:
    one, others = part(METHODS[0], "unrelated"), part(*METHODS[1:])
    servicer = composed(SERVICE, one, others)
    assert [getattr(servicer, name)() for name in METHODS] == METHODS
    assert not hasattr(servicer, "unrelated")


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([part(*METHODS[1:])], "no part answers the first method"),
        ([part(*METHODS), part(METHODS[0])], "two parts answer the first method"),
    ],
)
def test_composed_servicer_rejects_ambiguous_parts(parts: list[Any], reason: str) -> None:
    with pytest.raises(TypeError, match=METHODS[0]):
        composed(SERVICE, *parts)
        pytest.fail(reason)
