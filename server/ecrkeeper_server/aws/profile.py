"""The settings of profile files for the way to AWS; the keys are boto3's.

boto3 reads them in the same way, but takes 6 MB, and is not needed if variables contain the keys.
"""

from __future__ import annotations

import configparser
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

_Section = dict[str, str]


class UnreadableProfile(ValueError):
    """A profile file that cannot be read, or that refers to a missing section."""


@dataclass(frozen=True, slots=True)
class Profile:
    """The settings of one profile, and the endpoint URLs of its `services` section."""

    name: str
    path: str
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    endpoints: Mapping[str, str] = field(default_factory=dict)

    def where(self, setting: str) -> str:
        """Return the location of a setting, for messages."""
        return f"{setting} of profile {self.name} in {self.path}"


def read_profile(variables: Mapping[str, str]) -> Profile:
    """Read the profile in the variables, empty if there is none.

    Raises UnreadableProfile.

    boto3 lets the file of credentials precede the file of the configuration.
    """
    name = variables.get("AWS_DEFAULT_PROFILE") or variables.get("AWS_PROFILE") or "default"
    path = variables.get("AWS_CONFIG_FILE") or "~/.aws/config"
    profiles: dict[str, _Section] = {}
    services: dict[str, _Section] = {}
    for title, values in _sections("AWS_CONFIG_FILE", path).items():
        kind, *rest = _words(title)
        if title == "default":
            profiles[title] = values
        elif kind == "profile" and len(rest) == 1:
            profiles[rest[0]] = values
        elif kind == "services" and len(rest) == 1:
            services[rest[0]] = values
    secrets = variables.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials"
    for title, values in _sections("AWS_SHARED_CREDENTIALS_FILE", secrets).items():
        profiles.setdefault(title, {}).update(values)
    settings = profiles.get(name, {})
    wanted = settings.get("services")
    if wanted is not None and wanted not in services:
        raise UnreadableProfile(f"services of profile {name} in {path}: there is no section [services {wanted}]")
    endpoints = {
        service: _nested(text).get("endpoint_url", "") for service, text in services.get(wanted or "", {}).items()
    }
    return Profile(name, path, settings, {service: url for service, url in endpoints.items() if url})


def _sections(variable: str, path: str) -> dict[str, _Section]:
    """Return the sections of a file; none if there is no such file."""
    parser = configparser.RawConfigParser()
    reason, location = "", os.path.expanduser(os.path.expandvars(path))
    # Like boto3, treat an inaccessible home directory as one without files.
    if not os.path.isfile(location):
        return {}
    try:
        with open(location, encoding="utf-8") as file:
            parser.read_file(file)
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except (configparser.Error, UnicodeDecodeError) as error:
        # The parser's message quotes the line, which may contain a key.
        line = getattr(error, "lineno", None) or next((at for at, _ in getattr(error, "errors", [])), None)
        reason = f"{type(error).__name__}" + (f" in line {line}" if line else "")
    if reason:
        raise UnreadableProfile(f"{variable}: cannot read {path}: {reason}")
    return {title: dict(parser.items(title)) for title in parser.sections()}


def _words(title: str) -> list[str]:
    """Return the words of a section's title, which may be quoted."""
    try:
        return shlex.split(title) or [""]
    except ValueError:
        return [""]


def _nested(text: str) -> _Section:
    """Return the settings of an indented block."""
    pairs = [line.partition("=") for line in text.splitlines() if "=" in line]
    return {name.strip(): value.strip() for name, _, value in pairs}
