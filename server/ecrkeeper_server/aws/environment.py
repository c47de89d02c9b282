"""The way to AWS, by environment variables and profile files of the AWS SDKs."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

from ecrkeeper_server.aws.codec import SERVICES
from ecrkeeper_server.aws.profile import Profile, UnreadableProfile, read_profile

_ENDPOINT = "AWS_ENDPOINT_URL"
# The names by which OpenSSL finds a certificate in a directory.
_HASHED = re.compile(r"[0-9a-f]{8}\.[0-9]+")


class InvalidEnvironment(ValueError):
    """Variables or profile files of the AWS SDKs are invalid.

    `errors` names every one.
    """

    def __init__(self, errors: list[str]) -> None:
        super().__init__("; ".join(errors))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class AwsEnvironment:
    """The way to reach AWS; endpoints are by service, "" stands for all services."""

    endpoints: Mapping[str, str] = field(default_factory=dict)
    fips: bool = False
    dual_stack: bool = False
    ca_bundle: str = ""
    https_proxy: str = field(default="", repr=False)
    http_proxy: str = field(default="", repr=False)
    no_proxy: str = ""

    def proxy(self, host: str, port: int, *, tls: bool = True) -> str:
        """Return the URL of the proxy for a host; empty for a direct connection."""
        proxy = self.https_proxy if tls else self.http_proxy
        # Lists name an IPv6 address with and without brackets.
        names = [f"{host}:{port}", f"[{host}]:{port}"] if ":" in host else [f"{host}:{port}"]
        if not proxy or any(proxy_bypass_environment(name, {"no": self.no_proxy}) for name in names):
            return ""
        return proxy if "://" in proxy else f"http://{proxy}"

    def endpoint_url(self, service: str) -> str | None:
        """Return the URL that replaces a service's endpoints; None if there is none."""
        return self.endpoints.get(service) or self.endpoints.get("")

    def tls(self) -> ssl.SSLContext:
        """Return the trusted certificates: the bundle, or the authorities of the system."""
        if not self.ca_bundle:
            return ssl.create_default_context()
        if Path(self.ca_bundle).is_dir():
            return ssl.create_default_context(capath=self.ca_bundle)
        return ssl.create_default_context(cafile=self.ca_bundle)


def aws_environment(variables: Mapping[str, str] = os.environ) -> AwsEnvironment:
    """Read and check the variables and the profile, as the SDKs do.

    Raises InvalidEnvironment.

    A variable precedes the profile, and a setting for one service precedes one for all services.
    """
    errors: list[str] = []
    try:
        profile = read_profile(variables)
    except UnreadableProfile as error:
        errors.append(str(error))
        profile = Profile("", "")
    environment = AwsEnvironment(
        _endpoints(variables, profile, errors),
        fips=_flag(variables, profile, "use_fips_endpoint"),
        dual_stack=_flag(variables, profile, "use_dualstack_endpoint"),
        ca_bundle=variables.get("AWS_CA_BUNDLE") or profile.settings.get("ca_bundle", ""),
        https_proxy=_proxy(variables, "https_proxy", errors),
        http_proxy=_proxy(variables, "http_proxy", errors),
        no_proxy=variables.get(_written(variables, "no_proxy"), ""),
    )
    reason = _unusable(environment)
    if reason:
        where = "AWS_CA_BUNDLE" if variables.get("AWS_CA_BUNDLE") else profile.where("ca_bundle")
        errors.append(f"{where}: cannot use {environment.ca_bundle!r}: {reason}")
    if errors:
        raise InvalidEnvironment(errors)
    return environment


def _endpoints(variables: Mapping[str, str], profile: Profile, errors: list[str]) -> dict[str, str]:
    if _flag(variables, profile, "ignore_configured_endpoint_urls"):
        return {}
    everywhere = variables.get(_ENDPOINT, "")
    endpoints = {"": (everywhere, _ENDPOINT)}
    if not everywhere:
        endpoints[""] = (profile.settings.get("endpoint_url", ""), profile.where("endpoint_url"))
    for service in SERVICES:
        name = f"{_ENDPOINT}_{service.upper()}"
        if variables.get(name):
            endpoints[service] = (variables[name], name)
        elif not everywhere:
            # The variable for all services precedes a profile's URL for one service.
            endpoints[service] = (profile.endpoints.get(service, ""), profile.where(f"endpoint_url of {service}"))
    for url, where in endpoints.values():
        if url and not _is_url(url):
            errors.append(f"{where}: must be an http:// or https:// URL with a host, got {url!r}")
    return {service: url for service, (url, _) in endpoints.items() if url}


def _flag(variables: Mapping[str, str], profile: Profile, setting: str) -> bool:
    value = variables.get(f"AWS_{setting.upper()}") or profile.settings.get(setting, "")
    return value.strip().lower() == "true"


def _proxy(variables: Mapping[str, str], name: str, errors: list[str]) -> str:
    """Return a proxy's URL, which may have a password."""
    written = _written(variables, name)
    url = variables.get(written, "")
    if url and not _is_url(url if "://" in url else f"http://{url}"):
        errors.append(f"{written}: must be the http:// or https:// URL of a proxy, with a host")
    return url


def _written(variables: Mapping[str, str], name: str) -> str:
    """Return a variable's name in the case that counts.

    As in Python and curl, an empty variable in lower case disables the one in upper case.
    """
    return name if name in variables else name.upper()


def _is_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _unusable(environment: AwsEnvironment) -> str:
    """Return why the bundle of certificates is unusable.

    Empty if it is usable, or if there is none.
    """
    path = Path(environment.ca_bundle or ".")
    try:
        if not environment.ca_bundle:
            return ""
        if path.is_dir() and not any(_HASHED.fullmatch(each.name) for each in path.iterdir()):
            return "the directory has no certificate that is named by its hash, as openssl rehash does"
        environment.tls()
    except ssl.SSLError as error:
        return f"no certificates in PEM ({error.reason or 'unreadable'})"
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""
