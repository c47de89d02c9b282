"""Read the resources of a Terraform or OpenTofu state; pure.

A state is the output of `terraform show -json`, or a state file of version 4. Resource attributes of both are those of
the provider's schema.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ecrkeeper_files.sources import Errors

_KEY = re.compile(r'\[(?:[0-9]+|"(?:[^"\\]|\\.)*")\]')
# HCL's identifiers: https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md#identifiers
_NAME = r"[^\W\d][\w-]*"
_RESOURCE = re.compile(rf"(?:module\.{_NAME}\.)*{_NAME}\.{_NAME}")
_ALIAS = re.compile(r'provider\["(?P<source>[^"]+)"\](?:\.(?P<alias>[A-Za-z0-9_-]+))?$')


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance of a managed resource.

    `provider` is `aws` or `aws.ALIAS` of a state file; `terraform show -json` does not have the alias.
    """

    address: str
    type: str
    values: Mapping[str, Any]
    provider: str = "aws"

    def __post_init__(self) -> None:
        if not isinstance(self.address, str) or not isinstance(self.type, str) or not isinstance(self.values, Mapping):
            raise TypeError(f"resource {self.address!r}")

    @property
    def resource(self) -> str:
        """The address of the whole resource, without the keys of instances."""
        return _KEY.sub("", self.address)

    @property
    def is_addressable(self) -> bool:
        """Whether the resource has an address that can be written to a configuration."""
        return _RESOURCE.fullmatch(self.resource) is not None


def instances(text: str, name: str) -> list[Instance]:
    """Return the managed instances of a state; Errors for a text that is none."""
    try:
        state = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Errors([f"{name}: not JSON: {error}"]) from error
    if not isinstance(state, dict):
        raise Errors([f"{name}: must be the JSON of a state"])
    if "planned_values" in state:
        raise Errors([f"{name}: this is a plan; give the state, the output of `terraform show -json` without a file"])
    try:
        if isinstance(state.get("resources"), list):
            return list(_of_file(state, name))
        if "format_version" in state:
            return list(_of_module((state.get("values") or {}).get("root_module") or {}))
    except (KeyError, TypeError, AttributeError) as error:
        raise Errors([f"{name}: not the shape of a state: {type(error).__name__} {error}"]) from error
    raise Errors([f"{name}: must be the output of `terraform show -json`, or a state file of version 4"])


def _of_file(state: Mapping[str, Any], name: str) -> Iterator[Instance]:
    if state.get("version") != 4:
        raise Errors([f"{name}: must be a state of version 4, got {state.get('version')!r}; run `terraform refresh`"])
    for resource in state["resources"]:
        if resource["mode"] != "managed":
            continue
        whole = ".".join(filter(None, (resource.get("module"), resource["type"], resource["name"])))
        match = _ALIAS.search(resource.get("provider", ""))
        alias = match["alias"] if match else None
        for instance in resource["instances"]:
            if "deposed" in instance:
                continue
            key = instance.get("index_key")
            suffix = "" if key is None else f"[{json.dumps(key, ensure_ascii=False)}]"
            provider = f"aws.{alias}" if alias else "aws"
            yield Instance(f"{whole}{suffix}", resource["type"], instance["attributes"], provider)


def _of_module(module: Mapping[str, Any]) -> Iterator[Instance]:
    for resource in module.get("resources", ()):
        if resource["mode"] == "managed" and "deposed_key" not in resource:
            yield Instance(resource["address"], resource["type"], resource["values"])
    for child in module.get("child_modules", ()):
        yield from _of_module(child)
