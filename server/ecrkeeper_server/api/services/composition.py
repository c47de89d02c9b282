"""Composition of a servicer from one object for each resource."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from google.protobuf.descriptor import ServiceDescriptor


def composed(service: ServiceDescriptor, *parts: object) -> Any:
    """Return a servicer that takes each method from the only part that has it."""
    methods = {}
    for method in service.methods:
        answering = [part for part in parts if hasattr(part, method.name)]
        if len(answering) != 1:
            names = ", ".join(type(part).__name__ for part in answering) or "no part"
            raise TypeError(f"{service.full_name}.{method.name} must be in exactly one part, got {names}")
        methods[method.name] = getattr(answering[0], method.name)
    return SimpleNamespace(**methods)
