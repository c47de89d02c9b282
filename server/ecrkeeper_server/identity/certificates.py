"""Certificates: checks of the server's files, and the principal of a client's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import structlog
from ecrkeeper_files.plain_text import is_plain_name
from msgspec import Struct

from ecrkeeper_server.access.policy import Principal, is_spiffe
from ecrkeeper_server.errors import Unauthenticated
from ecrkeeper_server.identity.certificate_names import CertificateNames, rejected
from ecrkeeper_server.identity.files import FileError
from ecrkeeper_server.names import shown

if TYPE_CHECKING:
    # Loaded with the first pair, because it is large and unused without TLS.
    from cryptography import x509

_NAME_CHARACTERS = 256
# The maximum size of a certificate, and the number of cached ones: both limit the memory.
_PEM_BYTES = 16 * 1024
_REMEMBERED = 1024
_HOST = re.compile(r"[a-z0-9_.-]+")
# https://spiffe.io/docs/latest/spiffe-specs/spiffe-id/#2-spiffe-identity
_TRUST_DOMAIN = re.compile(r"[a-z0-9._-]+")
_SEGMENT = re.compile(r"[A-Za-z0-9._-]+")

log = structlog.get_logger("ecrkeeper.identity")


class Pair(Struct, frozen=True):
    """A certificate chain with its key, and CAs of client certificates; all are PEM."""

    chain: bytes
    key: bytes
    client_ca: bytes | None = None


def pair_of(contents: Sequence[bytes]) -> Pair:
    """Return the pair in the contents of two or three files; FileError has all errors."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    pair = Pair(*contents)
    errors: list[str] = []
    chain = _certificates(pair.chain, "the certificate file", errors)
    try:
        key = load_pem_private_key(pair.key, None).public_key()
    except (ValueError, TypeError) as error:
        # TypeError: the key is encrypted.
        errors.append(f"the key file must hold a PEM key without a password: {_first_line(error)}")
    else:
        if chain and _encoded(chain[0].public_key()) != _encoded(key):
            errors.append("the key does not belong to the first certificate of the certificate file")
    if pair.client_ca is not None:
        _certificates(pair.client_ca, "the client CA file", errors)
    if errors:
        raise FileError(errors)
    return pair


def _certificates(content: bytes, description: str, errors: list[str]) -> list[x509.Certificate]:
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificates(content)
    except ValueError as error:
        errors.append(f"{description} must hold PEM certificates: {_first_line(error)}")
        return []


def _encoded(key: object) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    encoded: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    return encoded


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]


def principal_of_certificate(peer: Mapping[str, Iterable[bytes]]) -> Principal | None:
    """Return a certificate's principal: SPIFFE id, first DNS name, or common name.

    `peer` has the names that gRPC reports for a verified certificate. Return None without a
    certificate. Unauthenticated if the certificate has no name, several SPIFFE ids, or misleading
    names.
    """
    pem = next(iter(peer.get("x509_pem_cert", ())), b"")
    if not pem:
        return None
    if len(pem) > _PEM_BYTES:
        raise rejected(f"it must be at most {_PEM_BYTES:,} bytes, got {len(pem):,}")
    judged = _judged(pem, CertificateNames.reported(peer))
    if isinstance(judged, Principal):
        return judged
    raise Unauthenticated(judged.message, reason=judged.reason)


class _Rejection(Struct, frozen=True):
    message: str
    reason: str


# Cached, because gRPC passes the certificate with every call of a connection.
@lru_cache(maxsize=_REMEMBERED)
def _judged(pem: bytes, reported: CertificateNames) -> Principal | _Rejection:
    try:
        names = CertificateNames.read(pem)
        names.check(reported)
        return Principal(_name(names))
    except Unauthenticated as error:
        log.warning("certificate_rejected", reason=error.reason, why=error.message)
        return _Rejection(error.message, error.reason)


def _name(names: CertificateNames) -> str:
    """Return the name that identifies the caller."""
    identities = [uri for uri in names.uris if is_spiffe(uri)]
    if len(identities) > 1:
        # SPIFFE X.509-SVID, section 2: a certificate must have exactly one URI, or be rejected.
        raise Unauthenticated("the certificate holds more than one SPIFFE id", reason="CERTIFICATE_AMBIGUOUS")
    if identities:
        return _spiffe_id(identities[0])
    hosts = [name.lower() for name in names.dns]
    name = (hosts or [*names.common, ""])[0]
    if is_spiffe(name):
        # SPIFFE X.509-SVID, section 2: the id is a URI. A CA may sign common names that it has not
        # verified as ids.
        raise Unauthenticated(
            "the certificate has a SPIFFE id in a name other than a URI", reason="CERTIFICATE_WITHOUT_NAME"
        )
    if not name or len(name) > _NAME_CHARACTERS:
        raise Unauthenticated(
            "the certificate has no SPIFFE id, no DNS name and no usable common name",
            reason="CERTIFICATE_WITHOUT_NAME",
        )
    if hosts and _HOST.fullmatch(name) is None:
        raise rejected(f"its DNS name {shown(name)} must be one host, of letters, digits, `-`, `_` and `.`")
    if not hosts and len(names.common) > 1:
        raise Unauthenticated("the certificate has more than one common name", reason="CERTIFICATE_AMBIGUOUS")
    if "*" in name or not is_plain_name(name, _NAME_CHARACTERS):
        raise rejected(f"its common name {shown(name)} must not contain `*`, nor begin or end with a blank")
    return name


def _spiffe_id(uri: str) -> str:
    """Return the id if it has the standard's form, so that a caller has only one id."""
    host, *path = uri.removeprefix("spiffe://").split("/")
    well_formed = uri.startswith("spiffe://") and _TRUST_DOMAIN.fullmatch(host) is not None
    if not well_formed or not all(_SEGMENT.fullmatch(each) and each not in (".", "..") for each in path):
        raise rejected(
            f"its SPIFFE id {shown(uri)} must be `spiffe://` with a trust domain of [a-z0-9._-] and path segments "
            "of [A-Za-z0-9._-]"
        )
    if len(uri) > _NAME_CHARACTERS:
        raise rejected(f"its SPIFFE id must be at most {_NAME_CHARACTERS} characters, got {len(uri):,}")
    return uri
