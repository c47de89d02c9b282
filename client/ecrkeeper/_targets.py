"""Targets of gRPC: their form, and whether they are on this machine. Without gRPC."""

from __future__ import annotations

import ipaddress
import re

_SCHEME = re.compile(r"^(https?|grpcs?)://(?P<rest>.*)$", re.IGNORECASE)


def target_error(target: str) -> str:
    """Return why a target cannot be used; empty if it can."""
    if not target:
        return "a target is required, for example 127.0.0.1:50051"
    if match := _SCHEME.match(target):
        host = match["rest"].rstrip("/")
        return f"must be HOST:PORT without a scheme; write {host or '127.0.0.1:50051'} instead of {target}"
    if not target.isprintable() or " " in target:
        return f"must be HOST:PORT, got {target!r}"
    return ""


def is_loopback(target: str) -> bool:
    """Tell whether every address of a gRPC target is on this machine."""
    if target.startswith(("unix:", "unix-abstract:")):
        return True
    addresses = re.sub(r"^(dns|ipv4|ipv6|passthrough):(//[^/]*/)?", "", target)
    return all(_is_loopback_host(_host(address)) for address in addresses.split(","))


def _host(address: str) -> str:
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.rpartition(":")[0] if address.count(":") == 1 else address


def _is_loopback_host(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
