"""The names in a client certificate, read from the certificate itself.

gRPC passes names as C strings, which end at the first NUL: for `admin\\0.evil` it reports `admin`.
This module therefore reads the names itself, and only compares them with gRPC's.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Self

from ecrkeeper_files.plain_text import is_plain
from msgspec import Struct

from ecrkeeper_server.errors import Unauthenticated
from ecrkeeper_server.names import shown


class CertificateNames(Struct, frozen=True):
    """The names of a certificate by kind, in the certificate's order."""

    uris: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    common: tuple[str, ...] = ()

    @classmethod
    def reported(cls, peer: Mapping[str, Iterable[bytes]]) -> Self:
        """Return the names that gRPC reports for a verified certificate."""
        return cls(_texts(peer, "peer_uri"), _texts(peer, "peer_dns"), _texts(peer, "x509_common_name"))

    @classmethod
    def read(cls, pem: bytes) -> Self:
        """Return the names in a certificate.

        Unauthenticated if it cannot be parsed, or a name has a hidden character.
        """
        try:
            names = cls._parsed(pem)
        except Exception as error:  # The parser raises many kinds of errors; each rejects the certificate.
            raise rejected(f"it cannot be read ({type(error).__name__})") from error
        for kind, values in (("URI", names.uris), ("DNS name", names.dns), ("common name", names.common)):
            for value in values:
                if not is_plain(value):
                    raise rejected(f"its {kind} {shown(value)} has invisible characters")
        return names

    @classmethod
    def _parsed(cls, pem: bytes) -> Self:
        from cryptography import x509
        from cryptography.x509.oid import NameOID

        with warnings.catch_warnings():
            # Accept names of any length here; they are checked with all others.
            warnings.simplefilter("ignore")
            certificate = x509.load_pem_x509_certificate(pem)
            common = [each.value for each in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
            try:
                alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            except x509.ExtensionNotFound:
                alternative = x509.SubjectAlternativeName([])
        uris = alternative.get_values_for_type(x509.UniformResourceIdentifier)
        return cls(
            tuple(uris),
            tuple(alternative.get_values_for_type(x509.DNSName)),
            tuple(each if isinstance(each, str) else repr(each) for each in common),
        )

    def check(self, reported: Self) -> None:
        """Raise Unauthenticated unless gRPC reports these names, or the first common name."""
        first = self.common[:1] or ("",)
        for kind, own, other in (
            ("URIs", self.uris, reported.uris),
            ("DNS names", self.dns, reported.dns),
            ("common name", first, reported.common or ("",)),
        ):
            if own != other:
                raise rejected(f"its {kind} {_list(own)} differ from those that TLS reports, {_list(other)}")


def rejected(reason: str) -> Unauthenticated:
    """Return the error for a certificate that is not accepted."""
    return Unauthenticated(f"the certificate is not accepted: {reason}", reason="CERTIFICATE_INVALID")


def _texts(peer: Mapping[str, Iterable[bytes]], key: str) -> tuple[str, ...]:
    return tuple(value.decode(errors="replace") for value in peer.get(key, ()))


def _list(values: tuple[str, ...]) -> str:
    return ", ".join(map(shown, values[:3])) + (f" and {len(values) - 3} more" if len(values) > 3 else "") or "none"
