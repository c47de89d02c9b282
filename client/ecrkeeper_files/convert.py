"""Convert files of release 0.1 to today's format; pure.

The files are exports, and the JSON files of its examples.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ecrkeeper_files.kinds import VERSION
from ecrkeeper_files.sources import Errors, Text

_FORMER = {"foreignElements": "unmanagedElements"}


def converted(text: Text) -> Iterator[dict[str, Any]]:
    """Yield the documents of a file in today's format.

    Documents that are in today's format stay as they are. Errors for a file with faults.
    """
    for value, source in text.documents():
        if value is None:
            continue
        if not isinstance(value, Mapping):
            raise Errors([f"{source.at()}: must be a mapping"])
        if "owner" in value and "registries" in value:
            yield from _of_example(value, source.at())
        else:
            yield {_FORMER.get(str(name), str(name)): member for name, member in value.items()}


def _of_example(value: Mapping[str, Any], where: str) -> Iterator[dict[str, Any]]:
    registries, owner = value["registries"], value["owner"]
    if not isinstance(registries, Mapping) or not isinstance(owner, str):
        raise Errors([f"{where}: owner must be text, and registries a mapping of names to settings"])
    for registry, settings in registries.items():
        yield {
            "apiVersion": VERSION,
            "kind": "RegistrySettings",
            "name": f"{registry}/settings/{owner}",
            "settings": settings,
        }
