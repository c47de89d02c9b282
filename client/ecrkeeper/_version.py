"""The version of the installed client."""

from functools import cache
from importlib import metadata


@cache
def version() -> str:
    """Return the version, such as `0.2.0`; `unknown` for a copy without its metadata."""
    try:
        return metadata.version("ecrkeeper")
    except metadata.PackageNotFoundError:
        return "unknown"
