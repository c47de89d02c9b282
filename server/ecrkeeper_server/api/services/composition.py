"""Servicers made of one object for each resource of a service."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from google.protobuf.descriptor import ServiceDescriptor


def composed(service: ServiceDescriptor, *parts: object) -> Any:
    """Return a servicer each method of which is that of the one part that has it."""
    methods = {}
    for method in service.methods:
        answering = [part for part in parts if hasattr(part, method.name)]
        if len(answering) != 1:
            names = ", ".join(type(part).__name__ for part in answering) or "no part"
            raise TypeError(f"{service.full_name}.{method.name} must be answered by exactly one part, got {names}")
        methods[method.name] = getattr(answering[0], method.name)
    return SimpleNamespace(**methods)
