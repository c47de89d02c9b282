"""The User-Agent by which the writes of an installation are recognized."""

from __future__ import annotations

import re
from typing import Self

from msgspec import Struct

_PRODUCT = re.compile(
    r"ecrkeeper/([\w.+!-]{1,64}) install/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?: |$)", re.ASCII
)


class Keeper(Struct, frozen=True):
    """The installation of ecrkeeper that sent a call."""

    version: str
    install: str

    @classmethod
    def parse(cls, user_agent: str) -> Self | None:
        """Read a User-Agent; None if it is not one of ecrkeeper."""
        match = _PRODUCT.match(user_agent)
        return None if match is None else cls(match[1], match[2])


def product(version: str, install: str = "") -> str:
    """Return the part of the User-Agent that stays the same.

    Without an installation, commands use it.
    """
    return f"ecrkeeper/{version} install/{install}" if install else f"ecrkeeper/{version}"
