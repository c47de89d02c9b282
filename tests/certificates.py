"""A certificate authority that signs anything, and gRPC's view of certificates."""

from __future__ import annotations

import base64
import datetime
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

UTF8, BMP, T61, UNIVERSAL, PRINTABLE = (
    _ASN1Type.UTF8String, _ASN1Type.BMPString, _ASN1Type.T61String, _ASN1Type.UniversalString,
    _ASN1Type.PrintableString,
)  # fmt: skip
_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its key, PEM."""

    certificate: bytes
    key: bytes


def common_name(text: str, kind: _ASN1Type = UTF8) -> x509.NameAttribute[str]:
    """Return a common name of any length in any encoding."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return x509.NameAttribute(NameOID.COMMON_NAME, text, kind, _validate=False)


def raw_san(der: bytes) -> x509.UnrecognizedExtension:
    """Return a subject alternative name with any content."""
    return x509.UnrecognizedExtension(x509.SubjectAlternativeName.oid, der)


def peer(
    certificate: bytes, cn: bytes = b"", dns: Sequence[bytes] = (), uri: Sequence[bytes] = ()
) -> dict[str, list[bytes]]:
    """Return gRPC's view of a certificate, with the names that it reports."""
    claims = {"x509_pem_cert": [certificate], "x509_common_name": [cn], "peer_dns": list(dns), "peer_uri": list(uri)}
    return {key: values for key, values in claims.items() if values}


class Authority:
    """Signs certificates."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])
        builder = self._builder(self._name, self._key.public_key())
        signed = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.pem = signed.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _DAY)
            .not_valid_after(now + _DAY)
        )

    def issue(
        self,
        *common: x509.NameAttribute[str] | str,
        dns: Sequence[str] = (),
        uris: Sequence[str] = (),
        others: Sequence[x509.GeneralName] = (),
        extensions: Sequence[x509.ExtensionType] = (),
        swap: tuple[bytes, bytes] | None = None,
    ) -> Issued:
        """Return a certificate with these names; `swap` replaces bytes before signing."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([common_name(each) if isinstance(each, str) else each for each in common])
        builder = self._builder(subject, key.public_key())
        names = [*map(x509.DNSName, dns), *map(x509.UniformResourceIdentifier, uris), *others]
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        if swap is not None:
            pem = self._signed_again(certificate, *swap)
        return Issued(
            pem,
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
        )

    def _signed_again(self, certificate: x509.Certificate, old: bytes, new: bytes) -> bytes:
        before = certificate.tbs_certificate_bytes
        assert len(old) == len(new)
        assert before.count(old) == 1
        content = before.replace(old, new)
        # Between the content and the signature is the algorithm.
        certificate_bytes = certificate.public_bytes(serialization.Encoding.DER)
        start = certificate_bytes.index(before) + len(before)
        algorithm = certificate_bytes[start : start + 2 + certificate_bytes[start + 1]]
        signature = b"\0" + self._key.sign(content, ec.ECDSA(hashes.SHA256()))
        der = _der(0x30, content + algorithm + _der(0x03, signature))
        return b"-----BEGIN CERTIFICATE-----\n" + _base64(der) + b"-----END CERTIFICATE-----\n"


def _der(tag: int, content: bytes) -> bytes:
    if len(content) < 128:
        return bytes((tag, len(content))) + content
    size = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(size))) + size + content


def _base64(content: bytes) -> bytes:
    return base64.encodebytes(content)
