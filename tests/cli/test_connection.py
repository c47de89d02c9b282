"""The causes of a failed connection, each with a sentence of its own."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from ecrkeeper.profiles import Profile
from ecrkeeper_cli.probe import address_of, cause

Context = Callable[[], ssl.SSLContext | None]


@contextmanager
def listening(context: ssl.SSLContext | None) -> Iterator[int]:
    """Serve TLS handshakes, or hang up on anything but HTTP/2, as a gRPC server does."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        stop = threading.Event()

        def serve() -> None:
            while not stop.is_set():
                connection, _ = server.accept()
                connection.settimeout(5)
                try:
                    if context is None:
                        connection.recv(1000)
                        connection.close()
                    else:
                        context.wrap_socket(connection, server_side=True).close()
                except OSError:
                    connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        stop.set()
        socket.create_connection(server.getsockname()).close()
        thread.join(10)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def certified(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


@pytest.mark.parametrize(
    ("tls", "plaintext", "trusted", "host", "message", "reason"),
    [
        (True, False, True, "127.0.0.1", "", "a certificate of the given CA"),
        (False, True, False, "127.0.0.1", "", "plaintext on both sides"),
        (True, True, False, "127.0.0.1", "uses TLS, and the call was in plaintext; use --tls", "plaintext against TLS"),
        (False, False, False, "127.0.0.1", "does not use TLS; use --plaintext", "TLS against plaintext"),
        (True, False, False, "127.0.0.1", "is signed by a private CA, not by one that this machine", "a private CA"),
        (True, False, True, "localhost", "is for another name", "another name"),
    ],
)
def test_cause_of_a_failed_handshake(
    authority: trustme.CA,
    tmp_path: Path,
    tls: bool,
    plaintext: bool,
    trusted: bool,
    host: str,
    message: str,
    reason: str,
) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.crt")
    with listening(certified(authority, "127.0.0.1") if tls else None) as port:
        ca = str(tmp_path / "ca.crt") if trusted else ""
        observed = cause(Profile(f"{host}:{port}", plaintext=plaintext, ca_file=ca))
    assert (observed == "") if not message else (message in observed), (reason, observed)


def test_wrong_ca_file_is_named(authority: trustme.CA, tmp_path: Path) -> None:
    other = tmp_path / "other.crt"
    trustme.CA().cert_pem.write_to_path(other)
    with listening(certified(authority, "127.0.0.1")) as port:
        assert f"not by one of {other}" in cause(Profile(f"127.0.0.1:{port}", ca_file=str(other)))


@pytest.mark.parametrize("content", ["garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_ca_file_without_certificate_is_named(authority: trustme.CA, tmp_path: Path, content: str) -> None:
    other = tmp_path / "other.crt"
    other.write_text(content)
    with listening(certified(authority, "127.0.0.1")) as port:
        assert f"{other} has no certificate" in cause(Profile(f"127.0.0.1:{port}", ca_file=str(other)))


def test_ca_file_may_have_comments_in_any_language(authority: trustme.CA, tmp_path: Path) -> None:
    other = tmp_path / "other.crt"
    other.write_bytes("# für uns\n".encode() + authority.cert_pem.bytes())
    with listening(certified(authority, "127.0.0.1")) as port:
        assert cause(Profile(f"127.0.0.1:{port}", ca_file=str(other))) == ""


def test_host_name_that_cannot_be_is_named() -> None:
    host = "a" * 64
    assert f"the host name {host} is not known" in cause(Profile(f"{host}:50051", plaintext=True))


def test_target_without_port_is_named() -> None:
    message = "no server listens on port 443 of localhost, which gRPC takes without a port; write localhost:50051"
    assert cause(Profile("localhost", plaintext=True)) == message


def test_port_without_server_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert cause(Profile(f"127.0.0.1:{port}", plaintext=True)) == (
        f"no server listens on 127.0.0.1:{port}; `ecrkeeper dev` starts one to try"
    )


@pytest.mark.parametrize(
    ("target", "address"),
    [
        ("a:1", ("a", 1)),
        ("[::1]:1", ("::1", 1)),
        ("dns:///a:1", ("a", 1)),
        ("unix:/run/x.sock", None),
        ("ipv4:127.0.0.1:1,127.0.0.1:2", None),
        ("a", None),
        ("a:²", None),
    ],
)
def test_address_of_a_target(target: str, address: tuple[str, int] | None) -> None:
    assert address_of(target) == address
