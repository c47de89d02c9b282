"""Profiles: how a client reaches a server, out of a TOML file and the environment.

`~/.config/ecrkeeper/config.toml` holds the profiles, and `XDG_CONFIG_HOME` moves that folder:

    default = "prod"

    [profiles.prod]
    target = "ecrkeeper.example.com:443"
    ca_file = "~/ecrkeeper-ca.crt"
    token_command = ["my-idp", "print-token"]

A file `profiles.d/NAME.toml` beside it holds one profile without the heading. An environment variable such as
`ECRKEEPER_TARGET` or `ECRKEEPER_TOKEN_FILE` overrides the key of the profile. This module does not import gRPC.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from ecrkeeper._targets import is_loopback, target_error
from ecrkeeper._tokens import CommandToken, FileToken, Token, TokenError, checked

_PREFIX = "ECRKEEPER_"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
_MAX_BYTES = 1 << 20
_TOKENS = ("token", "token_file", "token_command")
_TLS = ("ca_file", "certificate_file", "key_file")

T = TypeVar("T")


class ProfileError(ValueError):
    """A profile cannot be used; `errors` names everything that is wrong."""

    def __init__(self, *errors: str) -> None:
        super().__init__("; ".join(errors))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Profile:
    """Target and credentials of a server.

    ProfileError for keys that are wrong or exclude each other.
    """

    target: str = ""
    plaintext: bool = False
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    token: str = ""
    token_file: str = ""
    token_command: tuple[str, ...] = ()
    allow_plaintext_token: bool = False
    timeout: float = 10.0

    def __post_init__(self) -> None:
        errors = list(_errors(self))
        if errors:
            raise ProfileError(*errors)

    def __repr__(self) -> str:
        """Return the profile without its token."""
        shown = (f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.name != "token")
        return f"Profile({', '.join(shown)}, token={'...' if self.token else ''!r})"

    def source_of_token(self) -> Token | None:
        """Return the token, or a function that reads it again for each call.

        None for a profile without a token.
        """
        if self.token_file:
            return FileToken(_path(self.token_file))
        if self.token_command:
            return CommandToken(self.token_command)
        return self.token or None

    def read(self, name: str) -> bytes | None:
        """Return the content of `ca_file`, `certificate_file` or `key_file`.

        None if the profile has none.
        """
        given = getattr(self, name)
        if not given:
            return None
        try:
            return _path(given).read_bytes()
        except OSError as error:
            raise ProfileError(f"{name}: cannot read {given}: {error.strerror or error}") from error


KEYS = tuple(each.name for each in fields(Profile))
# Variables of the client. The server has its own, with the same prefix, and ignores these.
VARIABLES = frozenset({f"{_PREFIX}PROFILE", f"{_PREFIX}CONFIG", *(_PREFIX + key.upper() for key in KEYS)})


def folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of the configuration."""
    home = environment.get("XDG_CONFIG_HOME") or ""
    return (Path(home) if Path(home).is_absolute() else _path("~/.config")) / "ecrkeeper"


def load(
    name: str = "", *, path: Path | str | None = None, environment: Mapping[str, str] = os.environ, **given: Any
) -> Profile:
    """Return a profile from `given`, then the environment, then the file.

    ProfileError says what is wrong.

    Without a `name`, the profile is that of `ECRKEEPER_PROFILE`, or `default` of the file, or the only one.
    """
    errors: list[str] = []
    values = _chosen(name or environment.get(f"{_PREFIX}PROFILE", ""), path, environment, given)
    overriding = {**_from_environment(environment, errors), **{k: v for k, v in given.items() if v is not None}}
    if any(key in overriding for key in _TOKENS):
        values = {key: value for key, value in values.items() if key not in _TOKENS}
    if overriding.get("plaintext"):
        values = {key: value for key, value in values.items() if key not in _TLS}
    if errors:
        raise ProfileError(*errors)
    return Profile(**{**values, **overriding})


def names(path: Path | str | None = None, environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return the names of all profiles, in alphabetical order."""
    return sorted(_all(path, environment)[1])


def _chosen(
    name: str, path: Path | str | None, environment: Mapping[str, str], given: Mapping[str, Any]
) -> dict[str, Any]:
    default, found = _all(path, environment)
    # A target of the environment or of the call is enough, and no other server's token is sent to it.
    if not name and (given.get("target") or environment.get(f"{_PREFIX}TARGET")):
        return {}
    name = name or default or (next(iter(found)) if len(found) == 1 else "")
    if name in found:
        return found[name]
    known = f"known are {', '.join(sorted(found))}" if found else "there are none"
    if name:
        raise ProfileError(f"there is no profile {name!r}; {known}")
    if found:
        raise ProfileError(f"several profiles and no default: choose one with --profile or ECRKEEPER_PROFILE; {known}")
    raise ProfileError(
        "no server is configured: set ECRKEEPER_TARGET=HOST:PORT, or write a profile to "
        f"{path or environment.get(f'{_PREFIX}CONFIG') or folder(environment) / 'config.toml'}"
    )


def _all(path: Path | str | None, environment: Mapping[str, str]) -> tuple[str, dict[str, dict[str, Any]]]:
    """Return the name of the default profile and the values of each profile.

    ProfileError for a file with errors.
    """
    chosen = path or environment.get(f"{_PREFIX}CONFIG")
    main = _path(str(chosen)) if chosen else folder(environment) / "config.toml"
    errors: list[str] = []
    content = _content(main, errors, required=bool(chosen))
    errors += [f"{main}: unknown key {key!r}; known are default, profiles" for key in content.keys() - _TOP]
    default, profiles = content.get("default", ""), content.get("profiles", {})
    if not isinstance(default, str):
        errors.append(f"{main}: default: must be the name of a profile in quotes")
        default = ""
    found: dict[str, dict[str, Any]] = {}
    for name, values in profiles.items() if isinstance(profiles, dict) else ():
        found[name] = _values(f"{main}: profiles.{name}", name, values, errors)
    for single in [] if chosen else sorted((folder(environment) / "profiles.d").glob("*.toml")):
        found.setdefault(single.stem, _values(str(single), single.stem, _content(single, errors), errors))
    if errors:
        raise ProfileError(*errors)
    return default, found


_TOP = {"default", "profiles"}


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


def _values(where: str, name: str, given: Any, errors: list[str]) -> dict[str, Any]:
    """Return the keys of one profile with the types of `Profile`."""
    if not isinstance(given, dict) or _NAME.fullmatch(name) is None:
        errors.append(f"{where}: must be a table whose name has letters, digits, '.', '_' and '-'")
        return {}
    values: dict[str, Any] = {}
    for key, value in given.items():
        if key not in KEYS:
            errors.append(f"{where}: unknown key {key!r}; known are {', '.join(KEYS)}")
        elif (error := _type_error(key, value)) is not None:
            errors.append(f"{where}: {key}: must be {error}, got {type(value).__name__}")
        else:
            values[key] = tuple(value) if key == "token_command" else value
    return values


def _type_error(key: str, value: Any) -> str | None:
    """Return the type that a key needs, where a value of TOML has another."""
    if key in ("plaintext", "allow_plaintext_token"):
        return None if isinstance(value, bool) else "true or false"
    if key == "timeout":
        return None if isinstance(value, int | float) and not isinstance(value, bool) else "a number of seconds"
    if key == "token_command":
        words = isinstance(value, list) and all(isinstance(each, str) for each in value)
        return None if words else "a list of texts, the program and its arguments"
    return None if isinstance(value, str) else "text"


def _from_environment(environment: Mapping[str, str], errors: list[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key in KEYS:
        variable = _PREFIX + key.upper()
        raw = environment.get(variable, "")
        if not raw:
            continue
        if key in ("plaintext", "allow_plaintext_token"):
            if raw.lower() not in _TRUE + _FALSE:
                errors.append(f"{variable}: must be true or false, got {raw!r}")
            values[key] = raw.lower() in _TRUE
        elif key == "timeout":
            try:
                values[key] = float(raw)
            except ValueError:
                errors.append(f"{variable}: must be a number of seconds, got {raw!r}")
        elif key == "token_command":
            import shlex

            try:
                values[key] = tuple(shlex.split(raw))
            except ValueError as error:
                errors.append(f"{variable}: must be a command as a shell reads it: {error}")
        else:
            values[key] = raw
    return values


def _errors(profile: Profile) -> list[str]:
    errors = [f"target: {error}"] if (error := target_error(profile.target)) else []
    tls = [key for key in _TLS if getattr(profile, key)]
    if profile.plaintext and tls:
        errors.append(f"plaintext: excludes {' and '.join(tls)}, which are for TLS")
    if bool(profile.certificate_file) != bool(profile.key_file):
        errors.append("certificate_file and key_file: give both or neither")
    tokens = [key for key in _TOKENS if getattr(profile, key)]
    if len(tokens) > 1:
        errors.append(f"{' and '.join(tokens)}: give one of them")
    if profile.token:
        try:
            checked(profile.token)
        except TokenError as error:
            errors.append(f"token: {error}")
    if tokens and profile.plaintext and not profile.allow_plaintext_token and not is_loopback(profile.target):
        errors.append(
            f"{tokens[0]}: a token is not sent in plaintext to {profile.target}; use TLS, or set "
            "allow_plaintext_token where something else, such as a service mesh, encrypts the connection"
        )
    if not 0 < profile.timeout < float("inf"):
        errors.append(f"timeout: must be a positive number of seconds, got {profile.timeout:g}")
    return errors


def _path(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:  # There is no home directory.
        return Path(text)
