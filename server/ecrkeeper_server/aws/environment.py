"""What the environment variables of the AWS SDKs say about how AWS is reached."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

_ENDPOINT = "AWS_ENDPOINT_URL"


@dataclass(frozen=True, slots=True)
class AwsEnvironment:
    """How AWS is reached; endpoints are by the name of the service, the one of all services by ""."""

    endpoints: Mapping[str, str] = field(default_factory=dict)
    fips: bool = False
    dual_stack: bool = False
    ca_bundle: str = ""
    https_proxy: str = field(default="", repr=False)
    no_proxy: str = ""

    def proxy(self, host: str, port: int) -> str:
        """The URL of the proxy by which a host is reached; empty if it is reached directly."""
        if not self.https_proxy or proxy_bypass_environment(f"{host}:{port}", {"no": self.no_proxy}):
            return ""
        return self.https_proxy

    def endpoint_url(self, service: str) -> str | None:
        """The URL that takes the place of a service's endpoints; None if there is none."""
        return self.endpoints.get(service) or self.endpoints.get("")

    def tls(self) -> ssl.SSLContext:
        """What certificates are verified with: the bundle, or the authorities of the system."""
        if not self.ca_bundle:
            return ssl.create_default_context()
        if Path(self.ca_bundle).is_dir():
            return ssl.create_default_context(capath=self.ca_bundle)
        return ssl.create_default_context(cafile=self.ca_bundle)


def aws_environment(variables: Mapping[str, str] = os.environ) -> AwsEnvironment:
    """Read the variables, as the SDKs do: those of one service come before those of all."""
    endpoints = {}
    if not _true(variables, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"):
        for name, value in variables.items():
            if value and (name == _ENDPOINT or name.startswith(f"{_ENDPOINT}_")):
                endpoints[name.removeprefix(_ENDPOINT).removeprefix("_").lower()] = value
    return AwsEnvironment(
        endpoints,
        fips=_true(variables, "AWS_USE_FIPS_ENDPOINT"),
        dual_stack=_true(variables, "AWS_USE_DUALSTACK_ENDPOINT"),
        ca_bundle=variables.get("AWS_CA_BUNDLE", ""),
        https_proxy=_either(variables, "https_proxy"),
        no_proxy=_either(variables, "no_proxy"),
    )


def _true(variables: Mapping[str, str], name: str) -> bool:
    return variables.get(name, "").strip().lower() == "true"


def _either(variables: Mapping[str, str], name: str) -> str:
    """A variable that is written in lower case or in upper case."""
    return variables.get(name) or variables.get(name.upper(), "")
