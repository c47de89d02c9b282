"""Tokens, certificates and policies on the HTTP port."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from tests import harness
from tests.e2e.secured import Secured, secured, write_pair
from tests.http.web import CHECK, INFO, LIST, UNARY, WATCH, WHO, Web, port_of, reason_of
from tests.issuer import AUDIENCE, Issuer, serving

POLICY = """
rules:
  - {name: web, principals: ["oidc:web", "spiffe://example.org/web"], verbs: [read]}
"""


@dataclass(frozen=True, slots=True)
class Guarded:
    """A server that accepts tokens and client certificates."""

    secured: Secured
    issuer: Issuer
    port: int

    def web(self, certificate: trustme.LeafCert | None = None) -> Web:
        """Return a connection with a client certificate."""
        return Web(self.port, context(self.secured.authority, certificate))

    def bearer(self, subject: str, **more: float) -> dict[str, str]:
        """Return the header with a token."""
        return {"Authorization": f"Bearer {self.issuer.token(subject, **more)}"}


def context(authority: trustme.CA, certificate: trustme.LeafCert | None = None) -> ssl.SSLContext:
    """Return TLS of a client."""
    client_context = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
    if certificate is not None:
        certificate.configure_cert(client_context)
    return client_context


@pytest.fixture(scope="module")
def guarded(simulated_aws: harness.Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder, authority = tmp_path_factory.mktemp("server"), trustme.CA()
    (folder / "policy.yaml").write_text(POLICY)
    (folder / "ca.pem").write_bytes(authority.cert_pem.bytes())
    with serving() as issuer:
        issuer.add_key("first")
        with secured(
            folder, simulated_aws, authority, http_listen="127.0.0.1:0", tls_client_ca_file=folder / "ca.pem",
            jwt_issuer=issuer.url, jwt_audience=AUDIENCE, jwt_principal_prefix="oidc:", jwt_leeway_seconds=1,
            policy_file=folder / "policy.yaml",
        ) as server:  # fmt: skip
            yield Guarded(server, issuer, port_of(folder / "server.log"))


def test_connection_without_certificate_is_rejected(guarded: Guarded) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError)), guarded.web() as web:
        web.call(CHECK)
    untrusted = trustme.CA().issue_cert(identity("web"))
    with pytest.raises((ssl.SSLError, ConnectionError)), guarded.web(untrusted) as web:
        web.call(CHECK)


def identity(name: str) -> str:
    return f"{name}.example.org"


def test_certificate_names_the_caller(guarded: Guarded) -> None:
    certificate = guarded.secured.authority.issue_cert("web.example.org", common_name="other")
    with guarded.web(certificate) as web:
        assert web.call(WHO).json["principal"] == "web.example.org"
        denied = web.call(LIST, {"parent": "accounts/-"})
        assert (denied.status, denied.reason) == (403, "ACCESS_DENIED")
    with guarded.web(guarded.secured.authority.issue_cert(common_name="plain name")) as web:
        assert web.call(WHO).json["principal"] == "plain name"


def test_identity_of_one_call_does_not_reach_the_next(guarded: Guarded) -> None:
    """A proxy sends the calls of many callers over one connection."""
    certificate = guarded.secured.authority.issue_cert("proxy.example.org")
    with guarded.web(certificate) as web:
        for _ in range(2):
            assert web.call(WHO, {}, UNARY, **guarded.bearer("web")).json["principal"] == "oidc:web"
            assert web.call(WHO, {}, UNARY, **guarded.bearer("other")).json["principal"] == "oidc:other"
            assert web.call(WHO).json["principal"] == "proxy.example.org"
        assert web.call(LIST, {"parent": "accounts/-"}, UNARY, **guarded.bearer("web")).status == 200
        assert web.call(LIST, {"parent": "accounts/-"}).status == 403


@pytest.mark.parametrize(
    ("token", "reason"),
    [("Bearer forged", "no token"), ("Basic eDp5", "another scheme"), ("Bearer \xe9", "not ASCII"), ("", "empty")],
)
def test_invalid_token_is_rejected_despite_a_certificate(guarded: Guarded, token: str, reason: str) -> None:
    with guarded.web(guarded.secured.authority.issue_cert("web.example.org")) as web:
        answer = web.call(WHO, {}, UNARY, Authorization=token)
        assert (answer.status, answer.reason) == (401, "TOKEN_INVALID"), reason


def test_two_tokens_are_rejected(guarded: Guarded) -> None:
    with guarded.web(guarded.secured.authority.issue_cert("web.example.org")) as web:
        web.connection.putrequest("POST", WHO)
        for name, value in [*UNARY.items(), ("Content-Length", "2")]:
            web.connection.putheader(name, value)
        for subject in ("web", "other"):
            web.connection.putheader("Authorization", guarded.bearer(subject)["Authorization"])
        web.connection.endheaders(b"{}")
        assert web.connection.getresponse().status in (400, 401)


def test_stream_ends_with_its_token(guarded: Guarded) -> None:
    with guarded.web(guarded.secured.authority.issue_cert("web.example.org")) as web:
        stream = web.stream(WATCH, {"parent": "accounts/-"}, **guarded.bearer("web", lasts=2))
        while stream.next() is not None:
            pass
        assert stream.end["error"]["code"] == "unauthenticated"
        assert reason_of(stream.end["error"]) == "TOKEN_EXPIRED"


def test_new_connections_get_a_renewed_certificate(guarded: Guarded, tmp_path: Path) -> None:
    certificate = guarded.secured.authority.issue_cert("web.example.org")

    def serial(web: Web) -> str:
        assert web.call(INFO).status == 200
        return str(web.connection.sock.getpeercert()["serialNumber"])  # type: ignore[attr-defined]

    with guarded.web(certificate) as old:
        before = serial(old)
        write_pair(guarded.secured.folder, guarded.secured.authority, "127.0.0.1")
        time.sleep(0.01)
        with guarded.web(certificate) as web:
            assert serial(web) != before
        assert serial(old) == before, "open connections keep theirs"
        (guarded.secured.folder / "tls.crt").write_bytes(b"nothing")
        with guarded.web(certificate) as web:
            assert serial(web) != before, "an unusable file changes nothing"
    write_pair(guarded.secured.folder, guarded.secured.authority, "127.0.0.1")


def test_new_connections_follow_a_changed_client_ca(guarded: Guarded) -> None:
    """The callers' CA is read again as well, and the old one is trusted no more."""
    other = trustme.CA()
    accepted = guarded.secured.authority.issue_cert("web.example.org")
    file = guarded.secured.folder / "ca.pem"
    file.write_bytes(other.cert_pem.bytes())
    try:
        with guarded.web(other.issue_cert("new.example.org")) as web:
            assert web.call(WHO).json["principal"] == "new.example.org"
        with pytest.raises((ssl.SSLError, ConnectionError)), guarded.web(accepted) as web:
            web.call(WHO)
    finally:
        file.write_bytes(guarded.secured.authority.cert_pem.bytes())
