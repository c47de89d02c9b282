"""TLS on the gRPC port, with certificates that are re-read when they change."""

from __future__ import annotations

import grpc

from ecrkeeper_server.identity.certificates import Pair
from ecrkeeper_server.identity.files import WatchedFiles


def server_credentials(files: WatchedFiles[Pair]) -> grpc.ServerCredentials:
    """Return credentials that each new connection reads from the files.

    Open connections keep their certificate. With a client CA, every client must present a
    certificate that the CA signed: gRPC for Python either requires client certificates or does not
    request them.
    """

    def changed() -> grpc.ServerCertificateConfiguration | None:
        return _configuration(files.value) if files.refresh() else None

    return grpc.dynamic_ssl_server_credentials(
        _configuration(files.value),
        changed,  # type: ignore[arg-type]  # None, which the stubs forget, means unchanged
        require_client_authentication=files.value.client_ca is not None,
    )


def _configuration(pair: Pair) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(pair.key, pair.chain)], root_certificates=pair.client_ca)
