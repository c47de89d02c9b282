"""TLS on the HTTP port, with the certificates of the gRPC port."""

from __future__ import annotations

import os
import ssl
import threading
from typing import Any

from ecrkeeper_server.identity.certificates import Pair
from ecrkeeper_server.identity.files import WatchedFiles


def server_context(files: WatchedFiles[Pair]) -> ssl.SSLContext:
    """Return a context whose new connections have the current certificates.

    With a client CA, every client must present a certificate that the CA signed, as on the gRPC
    port.
    """
    lock = threading.Lock()
    current: list[tuple[Pair, ssl.SSLContext]] = [(files.value, _context(files.value))]

    def choose(connection: Any, _name: str | None, _context_before: ssl.SSLContext) -> None:
        """Give a new connection the context of the current files."""
        files.refresh()
        with lock:
            # The gRPC port may have re-read the files.
            if current[0][0] is not files.value:
                current[0] = (files.value, _context(files.value))
            connection.context = current[0][1]

    first = _context(files.value)
    first.sni_callback = choose
    return first


def _context(pair: Pair) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    # Resumption would keep the certificates of the first context.
    context.num_tickets = 0
    context.options |= ssl.OP_NO_TICKET
    _load(context, pair)
    if pair.client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=pair.client_ca.decode("ascii", "ignore"))
    return context


def _load(context: ssl.SSLContext, pair: Pair) -> None:
    """Load the certificate and the key from memory: those that were checked."""
    held = os.memfd_create("tls", os.MFD_CLOEXEC)
    try:
        os.write(held, pair.key + b"\n" + pair.chain)
        context.load_cert_chain(f"/proc/self/fd/{held}")
    finally:
        os.close(held)
