"""Write `removed` blocks for Terraform and OpenTofu; pure.

`from` takes no instance key, so a block forgets all instances of a resource.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

# OpenTofu accepts `lifecycle` since 1.10. Before, every `removed` block keeps the object.
OLD_OPENTOFU = "opentofu-1.7-to-1.9"
_TERRAFORM = """\
removed {{
  from = {address}

  lifecycle {{
    destroy = false
  }}
}}
"""
_OPENTOFU = """\
removed {{
  from = {address}
}}
"""
_HEAD = "# {dialect}: delete the resource blocks, add this file, and apply. AWS stays as it is.\n\n"


def removed_files(addresses: Iterable[str]) -> Mapping[str, str]:
    """Return the text of each file by its path, for both dialects."""
    ordered = sorted(addresses)
    return {
        "removed.tf": _text("Terraform 1.7 or newer, or OpenTofu 1.10 or newer", _TERRAFORM, ordered),
        f"{OLD_OPENTOFU}/removed.tf": _text("OpenTofu 1.7 to 1.9", _OPENTOFU, ordered),
    }


def _text(dialect: str, block: str, addresses: Iterable[str]) -> str:
    return _HEAD.format(dialect=dialect) + "\n".join(block.format(address=address) for address in addresses)
