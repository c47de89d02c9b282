"""Malformed certificates of a trusted CA are not accepted under a false name."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Iterator

import ecrkeeper
import grpc
import pytest
import structlog
from cryptography import x509
from cryptography.x509.oid import NameOID
from ecrkeeper_server.errors import Unauthenticated
from ecrkeeper_server.identity import certificate_names
from ecrkeeper_server.identity.certificates import principal_of_certificate

from tests import harness
from tests.certificates import BMP, T61, UNIVERSAL, Authority, Issued, common_name, peer, raw_san

AUTHORITY = Authority()
EVIL = "admin\0.evil"
POLICY = 'rules: [{principals: [admin, "spiffe://example.org/admin", "*"], verbs: ["*"]}]'
INVALID, WITHOUT, AMBIGUOUS = "CERTIFICATE_INVALID", "CERTIFICATE_WITHOUT_NAME", "CERTIFICATE_AMBIGUOUS"
OTHER_NAME = x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"), b"\x0c\x05admin")
HELD = "PLACEHOLDER"


def ca(*common: x509.NameAttribute[str] | str, **names: object) -> Callable[[], Issued]:
    return lambda: AUTHORITY.issue(*common, **names)  # type: ignore[arg-type]


def swapped(tag: int, content: bytes) -> Callable[[], Issued]:
    """Return a common name of any tag and any eleven bytes."""
    held = bytes((0x0C, len(HELD))) + HELD.encode()
    return ca(HELD, swap=(held, bytes((tag, len(content))) + content))


def two_extensions() -> Issued:
    """Return two lists of alternative names, of which OpenSSL reads at most one."""
    other = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.99"), b"\x30\x07\x82\x05admin")
    return AUTHORITY.issue("admin", dns=["evil"], extensions=[other], swap=(b"\x55\x1d\x63", b"\x55\x1d\x11"))


# certificate, reason of the rejection, reason of the row
ODD: list[tuple[Callable[[], Issued], str, str]] = [
    (ca(EVIL), INVALID, "NUL in the common name"),
    (ca(common_name(EVIL, BMP)), INVALID, "NUL in a common name of 16-bit characters"),
    (ca(common_name(EVIL, UNIVERSAL)), INVALID, "NUL in a common name of 32-bit characters"),
    (ca("admin\0"), INVALID, "NUL at the end of the common name"),
    (ca("\0admin"), INVALID, "NUL at the beginning of the common name"),
    (ca(dns=[EVIL]), INVALID, "NUL in the DNS name"),
    (ca(dns=["admin", EVIL]), INVALID, "NUL in a DNS name that does not count"),
    (ca(uris=["spiffe://example.org/admin\0.evil"]), INVALID, "NUL in the URI"),
    (ca("admin", uris=["https://a\0b"]), INVALID, "NUL in a URI that does not count"),
    (ca(EVIL, dns=["admin"]), INVALID, "NUL in a common name that does not count"),
    (ca("admin\n"), INVALID, "a line end behind the name"),
    (ca("a\x1b[2Kadmin"), INVALID, "an escape sequence of terminals"),
    (ca("admin\u202egnp"), INVALID, "a mark that turns the text round"),
    (ca("ad\u200bmin"), INVALID, "a blank without width"),
    (ca("admin\u3164"), INVALID, "a letter that cannot be seen"),
    (ca("admin\ufe0f"), INVALID, "a variation selector"),
    (ca("admin\u00a0"), INVALID, "a blank of another kind"),
    (ca("admin\u2028"), INVALID, "a line separator"),
    (ca(" admin"), INVALID, "a blank before the name"),
    (ca("admin "), INVALID, "a blank behind the name"),
    (ca("*"), INVALID, "a common name for everybody"),
    (ca("admin", "other"), AMBIGUOUS, "two common names"),
    (ca("other", "admin"), AMBIGUOUS, "two common names, the wanted one last"),
    (ca(common_name("")), WITHOUT, "an empty common name"),
    (ca(common_name("a" * 257)), WITHOUT, "a common name that is too long"),
    (ca(common_name("a" * 20_000)), INVALID, "a certificate that is too long"),
    (ca(), WITHOUT, "no name at all"),
    (ca(others=[x509.RFC822Name("admin")]), WITHOUT, "an e-mail address alone"),
    (ca(others=[x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), WITHOUT, "an IP address alone"),
    (ca(others=[OTHER_NAME]), WITHOUT, "another name alone"),
    (ca(others=[x509.DirectoryName(x509.Name([common_name("admin")]))]), WITHOUT, "a directory name alone"),
    (ca(dns=[""]), WITHOUT, "an empty DNS name"),
    (ca("admin", dns=[""]), WITHOUT, "an empty DNS name, which hides the common name"),
    (ca(dns=["*.example.org"]), INVALID, "a DNS name for many hosts"),
    (ca(dns=["ad min"]), INVALID, "a DNS name with a blank"),
    (ca(dns=["admin/x"]), INVALID, "a DNS name with a slash"),
    (ca(dns=["spiffe://example.org/admin"]), WITHOUT, "a SPIFFE id as a DNS name"),
    (ca("spiffe://example.org/admin"), WITHOUT, "a SPIFFE id as the common name"),
    (ca(uris=["spiffe://example.org/a", "spiffe://example.org/admin"]), AMBIGUOUS, "two SPIFFE ids"),
    (ca(uris=["spiffe://example.org/web/../admin"]), INVALID, "a path that climbs"),
    (ca(uris=["spiffe://example.org/./admin"]), INVALID, "a path with a dot"),
    (ca(uris=["spiffe://example.org//admin"]), INVALID, "an empty path segment"),
    (ca(uris=["spiffe://example.org/admin/"]), INVALID, "a slash at the end"),
    (ca(uris=["spiffe://example.org/%61dmin"]), INVALID, "an escaped letter"),
    (ca(uris=["spiffe://example.org/admin?x"]), INVALID, "a query"),
    (ca(uris=["spiffe://example.org/admin#x"]), INVALID, "a fragment"),
    (ca(uris=["spiffe://example.org:1/admin"]), INVALID, "a port"),
    (ca(uris=["spiffe://x@example.org/admin"]), INVALID, "a user"),
    (ca(uris=["SPIFFE://example.org/admin"]), INVALID, "another spelling of the scheme"),
    (ca(uris=["spiffe://EXAMPLE.org/admin"]), INVALID, "another spelling of the trust domain"),
    (ca(uris=["spiffe:///admin"]), INVALID, "no trust domain"),
    (ca(uris=["spiffe://" + "a" * 300]), INVALID, "an id that is too long"),
    (swapped(0x0C, b"admin\xff\xfe....."[:11]), INVALID, "a common name that is no UTF-8"),
    (swapped(0x14, b"admin\xe9.evil"[:11]), INVALID, "Teletex text, which is read in two ways"),
    (swapped(0x13, b"admin\0.evil"), INVALID, "NUL in printable text"),
    (swapped(0x16, b"admin\0.evil"), INVALID, "NUL in ASCII text"),
    (swapped(0x04, b"admin\0.evil"), INVALID, "a common name that is no text"),
    (ca(common_name("adm\u00e9n", T61)), INVALID, "Teletex text that is UTF-8"),
    (ca(extensions=[raw_san(b"\x30\x0d\x82\x0badmin\0.evil")]), INVALID, "NUL in a list of names made by hand"),
    (ca("admin", extensions=[raw_san(b"\x30\x07\x82\x05adm\xc3\xa9")]), INVALID, "a DNS name that is not ASCII"),
    (ca("admin", extensions=[raw_san(b"\x30\x09\x82\x05admin")]), INVALID, "a list of names that is cut short"),
    (ca("admin", extensions=[raw_san(b"\x02\x01\x05")]), INVALID, "a list of names that is a number"),
    (ca("admin", extensions=[raw_san(b"\x30\x04\xa3\x02\x05\x00")]), INVALID, "a kind of name that nobody uses"),
    (two_extensions, INVALID, "two lists of names"),
]  # fmt: skip
IDS = [row[2] for row in ODD]


@pytest.fixture(scope="module")
def server(simulated_aws: harness.Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[harness.Server]:
    """A server that requests certificates and allows everything to named principals."""
    folder = tmp_path_factory.mktemp("server")
    own = AUTHORITY.issue("server", others=[x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    for name, content in (("tls.crt", own.certificate), ("tls.key", own.key), ("ca.crt", AUTHORITY.pem)):
        (folder / name).write_bytes(content)
    (folder / "policy.yaml").write_text(POLICY)
    server = harness.Server(
        folder, f"sqlite:///{folder / 'ecrkeeper.db'}", simulated_aws.url,
        tls_certificate_file=folder / "tls.crt", tls_key_file=folder / "tls.key",
        tls_client_ca_file=folder / "ca.crt", policy_file=folder / "policy.yaml",
    )  # fmt: skip
    yield server
    assert server.stop() == 0


def connected(server: harness.Server, issued: Issued) -> ecrkeeper.Client:
    credentials = grpc.ssl_channel_credentials(AUTHORITY.pem, issued.key, issued.certificate)
    return ecrkeeper.Client(server.address, credentials=credentials, timeout=5)


@pytest.mark.parametrize(("issue", "reason", "label"), ODD, ids=IDS)
def test_malformed_certificate_is_rejected(
    server: harness.Server, issue: Callable[[], Issued], reason: str, label: str
) -> None:
    with connected(server, issue()) as client, pytest.raises(ecrkeeper.RegistryError) as caught:
        client.list_supported_regions()
    # BoringSSL ends the handshake of some; the server rejects all others with a reason.
    if caught.value.code is not grpc.StatusCode.UNAVAILABLE:
        assert (caught.value.code, caught.value.reason) == (grpc.StatusCode.UNAUTHENTICATED, reason)


def test_valid_certificates_are_accepted_by_name(server: harness.Server) -> None:
    rows = [
        (AUTHORITY.issue("admin"), "admin"),
        (AUTHORITY.issue("Alice Müller"), "Alice Müller"),
        (AUTHORITY.issue(common_name("żółw", BMP)), "żółw"),
        (AUTHORITY.issue("a", dns=["Build.Example.org", "b"]), "build.example.org"),
        (AUTHORITY.issue(dns=["xn--bcher-kva.example"]), "xn--bcher-kva.example"),
        (AUTHORITY.issue("a", "b", uris=["https://x", "spiffe://example.org/a.B_-9"]), "spiffe://example.org/a.B_-9"),
        (AUTHORITY.issue("bob", others=[x509.RFC822Name("x@y"), OTHER_NAME]), "bob"),
        (AUTHORITY.issue(x509.NameAttribute(NameOID.COMMON_NAME, "carol")), "carol"),
    ]
    for at, (issued, name) in enumerate(rows):
        part = f"accounts/{at:012}/registries/eu-west-1/settings/web"
        with connected(server, issued) as client:
            client.apply_registry_settings(part, {"scanningConfiguration": {"scanType": "ENHANCED"}})
            assert next(iter(client.list_registry_settings_revisions(part))).principal == name


def rejection(presented: dict[str, list[bytes]]) -> Unauthenticated:
    with pytest.raises(Unauthenticated) as caught:
        principal_of_certificate(presented)
    return caught.value


@pytest.mark.parametrize(
    ("issue", "reported", "reason"),
    [
        (ca(EVIL), {"cn": b"admin"}, "gRPC cuts the common name at the NUL"),
        (ca("evil"), {"cn": b"admin"}, "another common name"),
        (ca("admin"), {"cn": b""}, "no common name"),
        (ca(dns=["evil"]), {"dns": [b"admin"]}, "another DNS name"),
        (ca("admin", dns=["evil"]), {"cn": b"admin"}, "no DNS name"),
        (ca("admin", dns=["a", "b"]), {"cn": b"admin", "dns": [b"b", b"a"]}, "another order"),
        (ca("admin"), {"cn": b"admin", "dns": [b"admin"]}, "a DNS name more"),
        (ca(uris=["spiffe://a/b"]), {"uri": [b"spiffe://a/admin"]}, "another URI"),
        (ca("a"), {"cn": b"a\xff"}, "bytes that are no text"),
    ],
)  # fmt: skip
def test_names_differing_from_tls_are_rejected(
    issue: Callable[[], Issued], reported: dict[str, bytes], reason: str
) -> None:
    assert rejection(peer(issue().certificate, **reported)).reason == INVALID  # type: ignore[arg-type]


@pytest.mark.parametrize("content", [b"-", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", b"\0"])
def test_non_certificate_is_rejected(content: bytes) -> None:
    assert rejection(peer(content, cn=b"admin")).reason == INVALID


def test_rejected_name_is_escaped_in_message_and_log() -> None:
    presented = peer(AUTHORITY.issue("evil\x1b[31m\u202e\n\0").certificate, cn=b"evil")
    with structlog.testing.capture_logs() as logs:
        message = rejection(presented).message
        for _ in range(10):
            rejection(presented)
    assert "evil\\x1b[31m\\u202e\\n\\x00" in message
    assert message.isprintable()
    assert [(line["event"], line["why"]) for line in logs] == [("certificate_rejected", message)], "once, not per call"


def test_certificate_parse_is_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[bytes] = []
    parse = certificate_names.CertificateNames._parsed

    def counting(pem: bytes) -> certificate_names.CertificateNames:
        parsed.append(pem)
        return parse(pem)

    monkeypatch.setattr(certificate_names.CertificateNames, "_parsed", counting)
    presented = peer(AUTHORITY.issue("caller").certificate, cn=b"caller")
    began = time.perf_counter()
    for _ in range(2000):
        # gRPC creates new objects for every call.
        principal = principal_of_certificate(
            {key: [bytes(bytearray(v)) for v in values] for key, values in presented.items()}
        )
        assert principal is not None
        assert principal.name == "caller"
    assert (time.perf_counter() - began) / 2000 < 0.0005
    assert len(parsed) == 1
