"""The profile that leads to the server that runs here."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ecrkeeper import profiles

from ecrkeeper_dev.certificates import Files

# Whether the profile has to be named, because there are others.
NAMED, DEFAULT = "named", "default"


def make_folder(name: str) -> None:
    """Make the folder of a profile; OSError if that fails, or for a wrong name."""
    if not profiles.is_name(name):
        raise OSError(f"--profile: must have letters, digits, '.', '_' and '-', got {name!r}")
    folder = _folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OSError(
            f"cannot write the profile to {folder}: {error.strerror}; set XDG_CONFIG_HOME to one that you can"
        ) from error


def _folder() -> Path:
    return profiles.folder() / "profiles.d"


@contextlib.contextmanager
def installed(name: str, address: str, ca: Files | None) -> Iterator[str]:
    """Keep a profile in the user's configuration until the block ends.

    Yield whether it has to be named.
    """
    path = _folder() / f"{name}.toml"
    security = "plaintext = true" if ca is None else f"ca_file = {json.dumps(ca.ca_file)}"
    content = f"# Written by `ecrkeeper dev`.\ntarget = {json.dumps(address)}\n{security}\n"
    temporary = path.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(content)
    temporary.replace(path)
    try:
        yield DEFAULT if _is_default(address) else NAMED
    finally:
        # Another one may have been started since.
        with contextlib.suppress(OSError):
            if path.read_text() == content:
                path.unlink()


def _is_default(address: str) -> bool:
    try:
        return profiles.load().target == address
    except profiles.ProfileError:
        return False
