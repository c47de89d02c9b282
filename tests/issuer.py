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
from urllib.parse import parse_qsl

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

AUDIENCE = "ecrkeeper"


class Device:
    """The issuer's device authorization (RFC 8628), for the client `cli`.

    `says` are answers to polls before the tokens, `lasts` the life of a token, and `forms` what was posted. Each
    refresh token is accepted once; an answer has the members `more`, too.
    """

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer
        self.reset()

    def reset(self) -> None:
        """Forget what was posted, and accept the next sign-in at once."""
        self.offered = True
        self.says: list[str] = []
        self.lasts = 600.0
        self.forms: list[dict[str, str]] = []
        self.more: dict[str, Any] = {}
        self._refresh = ""

    def endpoints(self) -> dict[str, str]:
        """Return the members of the discovery document."""
        offered = {"device_authorization_endpoint": f"{self._issuer.url}/device"} if self.offered else {}
        return {"token_endpoint": f"{self._issuer.url}/token", **offered}

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Return the status and the content of the answer to a form."""
        self.forms.append(form)
        if form.get("client_id") != "cli":
            return 401, {"error": "invalid_client", "error_description": "no such client\x1b[2J"}
        if path == "/device":
            address = f"{self._issuer.url}/enter"
            code = {"device_code": "d-1", "user_code": "WDJB-MJHT", "verification_uri": address}
            return 200, {**code, "expires_in": 600, "interval": 0, **self.more}
        if form["grant_type"] == "refresh_token" and form["refresh_token"] != self._refresh:
            return 400, {"error": "invalid_grant"}
        if self.says:
            return 400, {"error": self.says.pop(0)}
        self._refresh = f"r-{len(self.forms)}"
        tokens = {"access_token": self._issuer.token(lasts=self.lasts), "token_type": "Bearer"}
        return 200, {**tokens, "refresh_token": self._refresh, "expires_in": self.lasts, **self.more}


class Issuer:
    """Issues tokens; `document` is its JWKS, and `down` fails every fetch."""

    def __init__(self, url: str = "https://issuer.example") -> None:
        self.url = url
        self.private: dict[str, Any] = {}
        self.published: list[str] = []
        self.down = False
        self.fetches = 0
        self.device = Device(self)
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

    def redeemed(self, form: dict[str, str]) -> str | None:
        """Return the ID token for a code, once, to the client that has its verifier."""
        login = self.logins.pop(form.get("code", ""), None)
        if login is None or form["client_secret"] != "s3cret" or form["redirect_uri"] != login["redirect_uri"]:
            return None
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != login["code_challenge"]:
            return None
        return self.token(login["subject"], aud=login["client_id"], nonce=login["nonce"])

    def exchanged(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Return the status and the content of the answer to a code."""
        token = self.redeemed(form)
        return (
            (400, {"error": "invalid_grant"}) if token is None else (200, {"id_token": token, "token_type": "Bearer"})
        )

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
    device = issuer.device

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            pages = {
                "/keys": issuer.document,
                "/.well-known/openid-configuration": json.dumps(
                    {
                        "issuer": issuer.url,
                        "jwks_uri": f"{issuer.url}/keys",
                        "authorization_endpoint": f"{issuer.url}/authorize",
                        **device.endpoints(),
                    }
                ).encode(),
            }
            issuer.fetches += 1
            content = None if issuer.down else pages.get(self.path)
            self._answer(503 if content is None else 200, content or b"")

        def do_POST(self) -> None:
            form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            if issuer.down:
                status, content = 503, {}
            elif form.get("grant_type") == "authorization_code":
                status, content = issuer.exchanged(form)
            else:
                status, content = device.answer(self.path, form)
            self._answer(status, json.dumps(content).encode())

        def _answer(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(content)

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
