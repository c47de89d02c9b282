"""YAML as ecrkeeper writes it.

Members keep their order, there are no aliases, and text of several lines is a block.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

import yaml


class _Dumper(yaml.CSafeDumper):
    """Text of several lines, such as a policy, stays readable."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def dump(document: Mapping[str, Any], out: IO[bytes]) -> None:
    """Write one document, which begins with `---`."""
    options: dict[str, Any] = {"sort_keys": False, "allow_unicode": True, "encoding": "utf-8", "width": 120}
    yaml.dump(document, out, _Dumper, explicit_start=True, **options)
