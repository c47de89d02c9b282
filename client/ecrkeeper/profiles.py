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
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ecrkeeper._profile_sources import KINDS, PREFIX, ProfileError, expanded, folder, is_name, of_environment, of_files
from ecrkeeper._targets import is_loopback, target_error
from ecrkeeper._tokens import CommandToken, FileToken, Token, TokenError, checked

__all__ = ["KEYS", "VARIABLES", "Profile", "ProfileError", "folder", "is_name", "load", "names"]

_TOKENS = ("token", "token_file", "token_command", "oidc_issuer")
_OIDC = tuple(key for key in KINDS if key.startswith("oidc_"))
_TLS = ("ca_file", "certificate_file", "key_file")
OIDC_TOKENS = ("access_token", "id_token")


@dataclass(frozen=True, slots=True)
class Profile:
    """Target and credentials of a server.

    `name` is that of the profile, if it has one. ProfileError for keys that are wrong or exclude each other.
    """

    target: str = ""
    plaintext: bool = False
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    token: str = ""
    token_file: str = ""
    token_command: tuple[str, ...] = ()
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_scope: str = "openid offline_access"
    oidc_audience: str = ""
    oidc_token: str = "access_token"  # noqa: S105
    allow_plaintext_token: bool = False
    timeout: float = 10.0
    name: str = ""

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

        None for a profile without a token. With an issuer, the function raises TokenError until somebody has signed in.
        """
        if self.token_file:
            return FileToken(expanded(self.token_file))
        if self.token_command:
            return CommandToken(self.token_command)
        if self.oidc_issuer:
            from ecrkeeper._oidc_tokens import OidcToken

            return OidcToken.of(self)
        return self.token or None

    def read(self, name: str) -> bytes | None:
        """Return the content of `ca_file`, `certificate_file` or `key_file`.

        None if the profile has none.
        """
        path = getattr(self, name)
        if not path:
            return None
        try:
            return expanded(path).read_bytes()
        except OSError as error:
            raise ProfileError(f"{name}: cannot read {path}: {error.strerror or error}") from error


KEYS = tuple(KINDS)
# Variables of the client. The server has its own, with the same prefix, and ignores these.
VARIABLES = frozenset({f"{PREFIX}PROFILE", f"{PREFIX}CONFIG", *(PREFIX + key.upper() for key in KEYS)})


def load(
    name: str = "", *, path: Path | str | None = None, environment: Mapping[str, str] = os.environ, **overrides: Any
) -> Profile:
    """Return a profile from `overrides`, then the environment, then the file.

    ProfileError says what is wrong.

    Without a `name`, the profile is that of `ECRKEEPER_PROFILE`, or `default` of the file, or the only one.
    """
    errors: list[str] = []
    chosen, values = _chosen(name or environment.get(f"{PREFIX}PROFILE", ""), path, environment, overrides)
    overriding = {**of_environment(environment, errors), **{k: v for k, v in overrides.items() if v is not None}}
    if any(key in overriding for key in _TOKENS):
        values = {key: value for key, value in values.items() if key not in (*_TOKENS, *_OIDC)}
    if overriding.get("plaintext"):
        values = {key: value for key, value in values.items() if key not in _TLS}
    if errors:
        raise ProfileError(*errors)
    return Profile(**{**values, **overriding, "name": chosen})


def names(path: Path | str | None = None, environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return the names of all profiles, in alphabetical order."""
    return sorted(of_files(path, environment)[1])


def _chosen(
    name: str, path: Path | str | None, environment: Mapping[str, str], overrides: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Return the name and the values of a profile; both empty if no file is needed."""
    default, profiles = of_files(path, environment)
    # A target of the environment or of the call is enough, and no other server's token is sent to it.
    if not name and (overrides.get("target") or environment.get(f"{PREFIX}TARGET")):
        return "", {}
    name = name or default or (next(iter(profiles)) if len(profiles) == 1 else "")
    if name in profiles:
        return name, profiles[name]
    known = f"known are {', '.join(sorted(profiles))}" if profiles else "there are none"
    if name:
        raise ProfileError(f"there is no profile {name!r}; {known}")
    if profiles:
        raise ProfileError(f"several profiles and no default: choose one with --profile or ECRKEEPER_PROFILE; {known}")
    raise ProfileError(
        "no server is configured: set ECRKEEPER_TARGET=HOST:PORT, or write a profile to "
        f"{path or environment.get(f'{PREFIX}CONFIG') or folder(environment) / 'config.toml'}"
    )


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
    errors += _oidc_errors(profile)
    if tokens and profile.plaintext and not profile.allow_plaintext_token and not is_loopback(profile.target):
        errors.append(
            f"{tokens[0]}: a token is not sent in plaintext to {profile.target}; use TLS, or set "
            "allow_plaintext_token where something else, such as a service mesh, encrypts the connection"
        )
    if not 0 < profile.timeout < float("inf"):
        errors.append(f"timeout: must be a positive number of seconds, got {profile.timeout:g}")
    return errors


def _oidc_errors(profile: Profile) -> list[str]:
    if not profile.oidc_issuer:
        present = [key for key in ("oidc_client_id", "oidc_audience") if getattr(profile, key)]
        return [f"{' and '.join(present)}: need oidc_issuer"] if present else []
    from ecrkeeper._oidc_provider import url_error

    errors = [f"oidc_issuer: {error}"] if (error := url_error(profile.oidc_issuer)) else []
    if not profile.oidc_client_id:
        errors.append("oidc_client_id: is needed, the id by which the issuer knows this client")
    if profile.oidc_token not in OIDC_TOKENS:
        errors.append(f"oidc_token: must be {' or '.join(OIDC_TOKENS)}, got {profile.oidc_token!r}")
    return errors
