"""Read the keys of profiles out of TOML files and the environment. Without gRPC."""

from __future__ import annotations

import os
import re
import shlex
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PREFIX = "ECRKEEPER_"
# Each key of a profile, and how it is written.
_FLAG, _SECONDS, _WORDS, _TEXT = "true or false", "a number of seconds", "a list of texts", "text"
KINDS: Mapping[str, str] = {
    "target": _TEXT,
    "plaintext": _FLAG,
    "ca_file": _TEXT,
    "certificate_file": _TEXT,
    "key_file": _TEXT,
    "token": _TEXT,
    "token_file": _TEXT,
    "token_command": _WORDS,
    "oidc_issuer": _TEXT,
    "oidc_client_id": _TEXT,
    "oidc_scope": _TEXT,
    "oidc_audience": _TEXT,
    "oidc_token": _TEXT,
    "allow_plaintext_token": _FLAG,
    "timeout": _SECONDS,
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
_TOP = {"default", "profiles"}
_MAX_BYTES = 1 << 20


class ProfileError(ValueError):
    """A profile cannot be used; `errors` names everything that is wrong."""

    def __init__(self, *errors: str) -> None:
        super().__init__("; ".join(errors))
        self.errors = errors


def is_name(text: str) -> bool:
    """Return whether a profile can have this name."""
    return _NAME.fullmatch(text) is not None


def folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of the configuration."""
    home = environment.get("XDG_CONFIG_HOME") or ""
    return (Path(home) if Path(home).is_absolute() else expanded("~/.config")) / "ecrkeeper"


def expanded(text: str) -> Path:
    """Return a path with the home directory in place of `~`."""
    try:
        return Path(text).expanduser()
    except RuntimeError:  # There is no home directory.
        return Path(text)


def of_files(path: Path | str | None, environment: Mapping[str, str]) -> tuple[str, dict[str, dict[str, Any]]]:
    """Return the name of the default profile and the values of each profile.

    ProfileError for a file with errors.
    """
    chosen = path or environment.get(f"{PREFIX}CONFIG")
    main = expanded(str(chosen)) if chosen else folder(environment) / "config.toml"
    errors: list[str] = []
    content = _content(main, errors, required=bool(chosen))
    errors += [f"{main}: unknown key {key!r}; known are default, profiles" for key in content.keys() - _TOP]
    default, profiles = content.get("default", ""), content.get("profiles", {})
    if not isinstance(default, str):
        errors.append(f"{main}: default: must be the name of a profile in quotes")
        default = ""
    by_name: dict[str, dict[str, Any]] = {}
    for name, values in profiles.items() if isinstance(profiles, dict) else ():
        by_name[name] = _values(f"{main}: profiles.{name}", name, values, errors)
    for single in [] if chosen else sorted((folder(environment) / "profiles.d").glob("*.toml")):
        by_name.setdefault(single.stem, _values(str(single), single.stem, _content(single, errors), errors))
    if errors:
        raise ProfileError(*errors)
    return default, by_name


def of_environment(environment: Mapping[str, str], errors: list[str]) -> dict[str, Any]:
    """Return the keys that variables give; errors are added to `errors`."""
    values: dict[str, Any] = {}
    for key, kind in KINDS.items():
        variable = PREFIX + key.upper()
        raw = environment.get(variable, "")
        if not raw:
            continue
        if kind == _FLAG:
            if raw.lower() not in _TRUE + _FALSE:
                errors.append(f"{variable}: must be true or false, got {raw!r}")
            values[key] = raw.lower() in _TRUE
        elif kind == _SECONDS:
            try:
                values[key] = float(raw)
            except ValueError:
                errors.append(f"{variable}: must be a number of seconds, got {raw!r}")
        elif kind == _WORDS:
            try:
                values[key] = tuple(shlex.split(raw))
            except ValueError as error:
                errors.append(f"{variable}: must be a command as a shell reads it: {error}")
        else:
            values[key] = raw
    return values


def _content(path: Path, errors: list[str], *, required: bool = False) -> dict[str, Any]:
    """Return a file; what others can read may hold a token that they can use."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                errors.append(f"{path}: other users can open it (mode {mode:04o}); run: chmod 600 {path}")
                return {}
            content = file.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            errors.append(f"{path}: has more than {_MAX_BYTES:,} bytes")
            return {}
        return tomllib.loads(content.decode())
    except FileNotFoundError:
        if required:
            errors.append(f"{path}: there is no such file")
    except OSError as error:
        errors.append(f"{path}: {error.strerror or error}")
    except (ValueError, RecursionError) as error:
        errors.append(f"{path}: is no TOML: {error}")
    return {}


def _values(where: str, name: str, table: Any, errors: list[str]) -> dict[str, Any]:
    """Return the keys of one profile with the types of `Profile`."""
    if not isinstance(table, dict) or not is_name(name):
        errors.append(f"{where}: must be a table whose name has letters, digits, '.', '_' and '-'")
        return {}
    values: dict[str, Any] = {}
    for key, value in table.items():
        kind = KINDS.get(key)
        if kind is None:
            errors.append(f"{where}: unknown key {key!r}; known are {', '.join(KINDS)}")
        elif not _is(kind, value):
            more = ", the program and its arguments" if kind == _WORDS else ""
            errors.append(f"{where}: {key}: must be {kind}{more}, got {type(value).__name__}")
        else:
            values[key] = tuple(value) if kind == _WORDS else value
    return values


def _is(kind: str, value: Any) -> bool:
    """Return whether a value of TOML is of a kind."""
    if kind == _FLAG:
        return isinstance(value, bool)
    if kind == _SECONDS:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind == _WORDS:
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    return isinstance(value, str)
