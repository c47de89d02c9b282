"""The cause of a connection that does not come about, in one sentence."""

from __future__ import annotations

import re
import socket
import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecrkeeper.profiles import Profile

_SECONDS = 5.0
_LOCAL = ("127.", "localhost", "[::1]")


def cause(profile: Profile) -> str:
    """Return why a server cannot be reached.

    Empty if nothing is wrong as far as a handshake shows.
    """
    address = address_of(profile.target)
    if address is None:
        return _without_port(profile.target)
    try:
        with socket.create_connection(address, _SECONDS):
            pass
    except (OSError, UnicodeError) as error:
        return _unconnected(profile.target, address, error)
    return _speaks_tls(profile, address) if profile.plaintext else _verified(profile, address)


def address_of(target: str) -> tuple[str, int] | None:
    """Return the host and the port of a target.

    None for a target of another form, such as a socket's path.
    """
    host, _, port = target.removeprefix("dns:///").removeprefix("dns:").rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or "," in target or "/" in host:
        return None
    return host.strip("[]"), int(port)


def _without_port(target: str) -> str:
    """Return the cause if a target is only the name of a host or its address."""
    if re.fullmatch(r"[A-Za-z0-9_.-]+", target) is None:
        return ""
    return f"no server listens on port 443 of {target}, which gRPC takes without a port; write {target}:50051"


def _unconnected(target: str, address: tuple[str, int], error: OSError | UnicodeError) -> str:
    if isinstance(error, socket.gaierror | UnicodeError):
        return f"the host name {address[0]} is not known; check the target {target}"
    if isinstance(error, ConnectionRefusedError):
        hint = "; `ecrkeeper dev` starts one to try" if target.startswith(_LOCAL) else ""
        return f"no server listens on {target}{hint}"
    if isinstance(error, TimeoutError):
        return f"{target} does not answer within {_SECONDS:g} s; a firewall may be in between"
    return f"cannot connect to {target}: {error.strerror or error}"


def _speaks_tls(profile: Profile, address: tuple[str, int]) -> str:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if isinstance(_handshake(context, address), OSError):
        return ""
    return f"the server at {profile.target} uses TLS, and the call was in plaintext; use --tls, or leave out plaintext"


def _verified(profile: Profile, address: tuple[str, int]) -> str:
    context = ssl.create_default_context()
    if ca := profile.read("ca_file"):
        try:
            # Comments between certificates may have other characters.
            context = ssl.create_default_context(cadata=ca.decode("ascii", errors="ignore"))
        except ssl.SSLError:
            return f"ca_file: {profile.ca_file} has no certificate in the format PEM"
    context.set_alpn_protocols(["h2"])
    error = _handshake(context, address)
    if error is None:
        return ""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _unverified(profile, error)
    if isinstance(error, TimeoutError):
        return f"{profile.target} accepts connections and does not answer to TLS"
    return (
        f"the server at {profile.target} does not use TLS; use --plaintext, or plaintext = true in the profile, "
        "if nobody else can read the connection"
    )


def _unverified(profile: Profile, error: ssl.SSLCertVerificationError) -> str:
    # OpenSSL's numbers: 10 expired, 18 to 21 an issuer that is not known, 62 and 64 another name.
    if error.verify_code in (18, 19, 20, 21):
        signer = f"not by one of {profile.ca_file}" if profile.ca_file else "not by one that this machine knows"
        return (
            f"the certificate of {profile.target} is signed by a private CA, {signer}; "
            "give the certificate of that CA: --ca-file FILE, or ca_file in the profile"
        )
    if error.verify_code in (62, 64):
        return f"the certificate of {profile.target} is for another name: {error.verify_message}"
    return f"the certificate of {profile.target} is not valid: {error.verify_message}"


def _handshake(context: ssl.SSLContext, address: tuple[str, int]) -> OSError | None:
    """Return the error of a TLS handshake; None if it succeeds."""
    try:
        with socket.create_connection(address, _SECONDS) as raw, context.wrap_socket(raw, server_hostname=address[0]):
            return None
    except OSError as error:
        return error
