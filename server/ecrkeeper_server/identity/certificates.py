"""Certificates: whether those on disk can be used, and whom that of a caller names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecrkeeper_server.access.policy import Principal, is_spiffe
from ecrkeeper_server.errors import Unauthenticated
from ecrkeeper_server.identity.files import FileError

if TYPE_CHECKING:
    # Large, and without TLS never used: loaded with the first pair.
    from cryptography import x509

_NAME_CHARACTERS = 256


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate chain with its key, and the CAs that sign clients' certificates, if they are asked for one; PEM."""

    chain: bytes
    key: bytes
    client_ca: bytes | None = None


def pair_of(contents: Sequence[bytes]) -> Pair:
    """The pair in the contents of two or three files; FileError names what does not fit."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    pair = Pair(*contents)
    faults: list[str] = []
    chain = _certificates(pair.chain, "the certificate file", faults)
    try:
        key = load_pem_private_key(pair.key, None).public_key()
    except (ValueError, TypeError) as error:
        # TypeError: the key is encrypted.
        faults.append(f"the key file holds no PEM key without a password: {_first_line(error)}")
    else:
        if chain and _encoded(chain[0].public_key()) != _encoded(key):
            faults.append("the key is not that of the first certificate of the certificate file")
    if pair.client_ca is not None:
        _certificates(pair.client_ca, "the client CA file", faults)
    if faults:
        raise FileError(faults)
    return pair


def _certificates(content: bytes, what: str, faults: list[str]) -> list[x509.Certificate]:
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificates(content)
    except ValueError as error:
        faults.append(f"{what} holds no PEM certificates: {_first_line(error)}")
        return []


def _encoded(key: object) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    encoded: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    return encoded


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]


def principal_of_certificate(peer: Mapping[str, Iterable[bytes]]) -> Principal | None:
    """Whom the certificate of a caller names: the SPIFFE id, else the first DNS name, else the common name.

    `peer` is what gRPC says of a certificate that it has verified. None without a certificate; Unauthenticated for a
    certificate that names nobody, or several.
    """
    if "x509_pem_cert" not in peer:
        return None
    identities = [uri for uri in _texts(peer, "peer_uri") if is_spiffe(uri)]
    if len(identities) > 1:
        # SPIFFE X.509-SVID, section 2: exactly one URI, or the certificate must be refused.
        raise Unauthenticated("the certificate holds more than one SPIFFE id", reason="CERTIFICATE_AMBIGUOUS")
    names = identities or [name.lower() for name in _texts(peer, "peer_dns")] or _texts(peer, "x509_common_name")
    name = names[0] if names else ""
    if not identities and is_spiffe(name):
        # SPIFFE X.509-SVID, section 2: the id is a URI. CAs that sign any common name do not therefore sign ids.
        raise Unauthenticated(
            "the certificate holds a SPIFFE id elsewhere than in a URI", reason="CERTIFICATE_WITHOUT_NAME"
        )
    if not 0 < len(name) <= _NAME_CHARACTERS or not name.isprintable():
        raise Unauthenticated(
            "the certificate has no SPIFFE id, no DNS name and no common name that could be used",
            reason="CERTIFICATE_WITHOUT_NAME",
        )
    return Principal(name)


def _texts(peer: Mapping[str, Iterable[bytes]], key: str) -> list[str]:
    return [value.decode(errors="replace") for value in peer.get(key, ())]
