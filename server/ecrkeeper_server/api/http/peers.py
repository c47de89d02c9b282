"""The caller of a connection, as gRPC describes it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote


def peer_of(transport: asyncio.BaseTransport | None) -> str:
    """Return an address in gRPC's form, such as `ipv4:127.0.0.1:50000`."""
    name = transport.get_extra_info("peername") if transport is not None else None
    if not isinstance(name, tuple) or len(name) < 2:
        return "unknown:"
    host, port = name[:2]
    return f"ipv6:{quote(f'[{host}]', safe='')}:{port}" if ":" in host else f"ipv4:{host}:{port}"


def auth_of(transport: asyncio.BaseTransport | None) -> Mapping[str, Iterable[bytes]]:
    """Return the verified certificate of a connection and its names."""
    ssl_object = transport.get_extra_info("ssl_object") if transport is not None else None
    der = ssl_object.getpeercert(binary_form=True) if ssl_object is not None else None
    if ssl_object is None or not der:
        return {}
    read: dict[str, Any] = ssl_object.getpeercert() or {}
    common = [value for part in read.get("subject", ()) for key, value in part if key == "commonName"]
    names = {"x509_common_name": common[:1], "peer_dns": [], "peer_uri": []}
    for kind, value in read.get("subjectAltName", ()):
        if kind in ("DNS", "URI"):
            names[f"peer_{kind.lower()}"].append(value)
    encoded = {key: [value.encode() for value in values] for key, values in names.items() if values}
    return {"x509_pem_cert": [ssl.DER_cert_to_PEM_cert(der).encode()], **encoded}
