"""A server with TLS and a policy, and clients with credentials."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ecrkeeper
import grpc
import trustme

from tests import harness


def write_pair(folder: Path, authority: trustme.CA, *names: str) -> None:
    """Replace a server certificate and its key by renaming, as rotations do."""
    issued = authority.issue_cert(*names)
    for name, content in (
        ("tls.key", issued.private_key_pem.bytes()),
        ("tls.crt", b"".join(blob.bytes() for blob in issued.cert_chain_pems)),
    ):
        (folder / f"{name}.new").write_bytes(content)
        (folder / f"{name}.new").rename(folder / name)


@dataclass(frozen=True, slots=True)
class Secured:
    """A server, its folder, and the authority of its certificate."""

    server: harness.Server
    folder: Path
    authority: trustme.CA

    def credentials(self, certificate: trustme.LeafCert | None = None) -> grpc.ChannelCredentials:
        """Return TLS credentials, with a client certificate or without."""
        roots = self.authority.cert_pem.bytes()
        if certificate is None:
            return grpc.ssl_channel_credentials(roots)
        chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
        return grpc.ssl_channel_credentials(roots, certificate.private_key_pem.bytes(), chain)

    def client(
        self, token: str | Callable[[], str] | None = None, certificate: trustme.LeafCert | None = None
    ) -> ecrkeeper.Client:
        """Return a client; use it in a `with` statement."""
        credentials = self.credentials(certificate)
        return ecrkeeper.Client(self.server.address, credentials=credentials, token=token, timeout=20)

    def log(self) -> str:
        """Return the server's log."""
        return (self.folder / "server.log").read_text()


@contextmanager
def secured(folder: Path, aws: harness.Simulator, authority: trustme.CA, **settings: Any) -> Iterator[Secured]:
    """Run a server with TLS."""
    write_pair(folder, authority, "127.0.0.1")
    server = harness.Server(
        folder,
        f"sqlite:///{folder / 'ecrkeeper.db'}",
        aws.url,
        tls_certificate_file=folder / "tls.crt",
        tls_key_file=folder / "tls.key",
        **settings,
    )
    yield Secured(server, folder, authority)
    assert server.stop() == 0
