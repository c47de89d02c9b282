"""A page size above the maximum is no violation of any list's rules."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import ecrkeeper.v1
import pytest
from ecrkeeper_server.declarations.message_rules import violations
from google.protobuf import message_factory

LISTS = [
    kind
    for module in iter_modules(ecrkeeper.v1.__path__)
    if module.name.endswith("_service_pb2")
    for kind in import_module(f"ecrkeeper.v1.{module.name}").DESCRIPTOR.message_types_by_name.values()
    if "page_size" in kind.fields_by_name
]


def test_lists_are_found() -> None:
    assert "ListRegistryElementsRequest" in [kind.name for kind in LISTS]
    assert len(LISTS) >= 8


@pytest.mark.parametrize(("size", "rejected"), [(0, False), (1001, False), (2**31 - 1, False), (-1, True)])
@pytest.mark.parametrize("kind", LISTS, ids=lambda kind: kind.name)
def test_only_a_page_size_below_0_breaks_a_rule(kind: Any, size: int, rejected: bool) -> None:
    request: Any = message_factory.GetMessageClass(kind)(page_size=size)
    assert ("page_size" in [each.field for each in violations(request)]) is rejected
