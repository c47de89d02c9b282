"""Checks of the ports: addresses, origins, and the console."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from ecrkeeper_server.config.lists import words
from ecrkeeper_server.identity.algorithms import secure
from ecrkeeper_server.names import shown

if TYPE_CHECKING:
    from ecrkeeper_server.config.settings import Config

_PORT = re.compile(r"[0-9]{1,5}")


def check_ports(config: Config) -> list[str]:
    """Return the errors of the ports, and of the console on one of them."""
    return _listening(config) + _origins(config) + _console(config)


def _listening(config: Config) -> list[str]:
    """Return the errors of the addresses."""
    errors, used = [], {config.listen: "listen"}
    for name in ("metrics_listen", "http_listen"):
        address = getattr(config, name)
        other = used.setdefault(address, name)
        if other != name and not address.endswith(":0"):
            errors.append(f"{name}: must not be the address of {other}, got {address!r}")
    encrypted = bool(config.tls_certificate_file)
    for name in ("listen", "metrics_listen", "http_listen"):
        # The metrics port is plain HTTP always; the HTTP port is off without an address.
        insecure = config.insecure or (encrypted and name != "metrics_listen")
        if getattr(config, name) or name != "http_listen":
            errors += _address(name, getattr(config, name), insecure=insecure)
    return errors


_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?")


def _origins(config: Config) -> list[str]:
    """Return the errors of the origins, which must be as browsers send them."""
    origins = words(config.http_allowed_origins)
    errors = [
        f"http_allowed_origins: each must be as browsers send it, such as https://ecr.example.com, got {shown(each)}"
        for each in origins
        if _ORIGIN.fullmatch(each) is None
    ]
    if origins and not config.http_listen:
        errors.append("http_allowed_origins: requires http_listen")
    return errors


def _console(config: Config) -> list[str]:
    """Return the errors of the console's settings."""
    errors = []
    if config.console and not config.http_listen:
        errors.append("console: requires http_listen")
    if config.console_url and _ORIGIN.fullmatch(config.console_url) is None:
        rule = "must be as browsers send it, such as https://ecrkeeper.example.com"
        errors.append(f"console_url: {rule}, got {shown(config.console_url)}")
    if config.console_url and not config.console:
        errors.append("console_url: requires console")
    return errors + _oidc(config)


def _oidc(config: Config) -> list[str]:
    """Return the errors of the settings for the login at the issuer."""
    client = config.console_oidc_client_id
    if not client:
        has_secret = bool(config.console_oidc_client_secret_file)
        return ["console_oidc_client_secret_file: requires console_oidc_client_id"] if has_secret else []
    errors = [
        f"console_oidc_client_id: requires {name}"
        for name in ("console", "console_url", "jwt_issuer")
        if not getattr(config, name)
    ]
    if config.jwt_issuer and client not in words(config.jwt_audience):
        errors.append("console_oidc_client_id: must be among jwt_audience, because ID tokens have it as audience")
    if config.jwt_issuer and not secure(config.jwt_issuer):
        errors.append(f"jwt_issuer: must be https, because browsers sign in there, got {config.jwt_issuer!r}")
    if "openid" not in config.console_oidc_scopes.split():
        errors.append(f"console_oidc_scopes: must contain openid, got {shown(config.console_oidc_scopes)}")
    return errors


def _address(name: str, text: str, *, insecure: bool) -> list[str]:
    host, _, port = text.rpartition(":")
    if not host or _PORT.fullmatch(port) is None or int(port) > 65_535:
        return [f"{name}: must look like 127.0.0.1:50051, got {shown(text)}"]
    if insecure or host == "localhost":
        return []
    try:
        loopback = ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return [f"{name}: the host must be an IP address or localhost, got {host!r}"]
    if loopback:
        return []
    return [f"{name}: {text} is not a loopback address, and TLS is not configured; pass --insecure to allow plaintext"]
