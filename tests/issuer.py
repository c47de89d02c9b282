"""A token issuer for tests, with real keys and a JWKS on loopback."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

AUDIENCE = "ecrkeeper"


class Issuer:
    """Issues tokens; `document` is its JWKS, and `down` fails every fetch."""

    def __init__(self, url: str = "https://issuer.example") -> None:
        self.url = url
        self.private: dict[str, Any] = {}
        self.published: list[str] = []
        self.down = False
        self.fetches = 0
        self.logins: dict[str, dict[str, str]] = {}

    def add_key(self, kid: str, kind: str = "EC", *, publish: bool = True) -> None:
        """Replace the key, as a rotation does."""
        self.private[kid] = (
            ec.generate_private_key(ec.SECP256R1())
            if kind == "EC"
            else rsa.generate_private_key(public_exponent=65537, key_size=2048)
        )
        if publish:
            self.published.append(kid)

    def algorithm(self, kid: str) -> str:
        """Return the algorithm of a key."""
        return "ES256" if isinstance(self.private[kid], ec.EllipticCurvePrivateKey) else "RS256"

    def public_pem(self, kid: str) -> bytes:
        """Return the public key."""
        return bytes(self.private[kid].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))

    @property
    def document(self) -> bytes:
        """Return the current JWKS."""
        keys = []
        for kid in self.published:
            algorithm = jwt.get_algorithm_by_name(self.algorithm(kid))
            jwk = json.loads(algorithm.to_jwk(self.private[kid].public_key()))  # type: ignore[attr-defined]
            keys.append({**jwk, "kid": kid, "use": "sig"})
        return json.dumps({"keys": keys}).encode()

    def token(
        self, subject: str = "alice", *, kid: str = "", groups: Any = (), lasts: float = 60, **claims: Any
    ) -> str:
        """Return a token; a claim that is None is omitted."""
        kid = kid or self.published[0]
        members = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": subject,
            "exp": time.time() + lasts,
            "groups": list(groups) if isinstance(groups, tuple) else groups,
            **claims,
        }
        members = {name: value for name, value in members.items() if value is not None}
        return jwt.encode(members, self.private[kid], self.algorithm(kid), headers={"kid": kid})

    def authorized(self, parameters: dict[str, str], subject: str = "alice") -> str:
        """Let a user sign in; return the code for the client."""
        code = f"code-{len(self.logins)}"
        self.logins[code] = {**parameters, "subject": subject}
        return code

    def redeemed(self, given: dict[str, str]) -> str | None:
        """Return the ID token for a code, once, to the client that has its verifier."""
        login = self.logins.pop(given.get("code", ""), None)
        if login is None or given["client_secret"] != "s3cret" or given["redirect_uri"] != login["redirect_uri"]:
            return None
        digest = hashlib.sha256(given["code_verifier"].encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != login["code_challenge"]:
            return None
        return self.token(login["subject"], aud=login["client_id"], nonce=login["nonce"])

    async def fetch(self) -> bytes:
        """Return the response to a fetch of the JWKS."""
        self.fetches += 1
        if self.down:
            raise OSError("the issuer is down")
        return self.document


@contextmanager
def serving() -> Iterator[Issuer]:
    """Run an issuer on loopback with its discovery document."""
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            pages = {
                "/keys": issuer.document,
                "/.well-known/openid-configuration": json.dumps(
                    {
                        "issuer": issuer.url,
                        "jwks_uri": f"{issuer.url}/keys",
                        "authorization_endpoint": f"{issuer.url}/authorize",
                        "token_endpoint": f"{issuer.url}/token",
                    }
                ).encode(),
            }
            issuer.fetches += 1
            content = None if issuer.down else pages.get(self.path)
            self.send_response(503 if content is None else 200)
            self.end_headers()
            self.wfile.write(content or b"")

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            given = {name: values[0] for name, values in form.items()}
            token = issuer.redeemed(given) if self.path == "/token" and not issuer.down else None
            self.send_response(400 if token is None else 200)
            self.end_headers()
            answer = {"error": "invalid_grant"} if token is None else {"id_token": token, "token_type": "Bearer"}
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        issuer.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield issuer
        finally:
            server.shutdown()
            thread.join()
