"""Malformed tokens, signed or forged, are always UNAUTHENTICATED."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from ecrkeeper.v1 import role_service_pb2, role_service_pb2_grpc
from ecrkeeper_server.api.layers.authentication import Authentication
from ecrkeeper_server.errors import Unauthenticated
from ecrkeeper_server.identity.algorithms import secure
from ecrkeeper_server.identity.caller import Authenticator, bearer_of
from ecrkeeper_server.identity.files import FileError
from ecrkeeper_server.identity.keys import IssuerKeys, Keys, _jwks_uri, parse_keys
from ecrkeeper_server.identity.tokens import TokenOptions, TokenVerifier
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import harness
from tests.issuer import AUDIENCE, Issuer

ALLOWED = ("RS256", "ES256")
INVALID = "TOKEN_INVALID"
NINES = "9" * 6000
ISSUER = Issuer()
ISSUER.add_key("one")
ISSUER.add_key("rsa", "RSA")


def verifier(issuer: Issuer = ISSUER, **options: Any) -> TokenVerifier:
    source = IssuerKeys(issuer.fetch, ALLOWED, period=300)
    return TokenVerifier(TokenOptions(issuer.url, (AUDIENCE,), ALLOWED, **options), source)


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def signed(claims: bytes | str, header: bytes | str | None = None) -> str:
    """Return a signed token with any bytes as its claims and header."""
    head = '{"alg": "ES256", "kid": "one"}' if header is None else header
    parts = [encoded(part.encode() if isinstance(part, str) else part) for part in (head, claims)]
    content = ".".join(parts)
    algorithm: Any = jwt.get_algorithm_by_name("ES256")
    return f"{content}.{encoded(algorithm.sign(content.encode(), ISSUER.private['one']))}"


def claims(**members: str) -> str:
    """Return claims as JSON text from JSON texts; None omits a claim."""
    usual = {
        "iss": json.dumps(ISSUER.url), "aud": f'"{AUDIENCE}"', "sub": '"admin"', "exp": str(int(time.time()) + 86_400),
    }  # fmt: skip
    return "{" + ", ".join(f'"{name}": {text}' for name, text in {**usual, **members}.items()) + "}"


class NeverAskedAgain:
    """Keys of an issuer that must not be queried for impossible ones."""

    async def current(self) -> Keys:
        return parse_keys(ISSUER.document, ALLOWED)

    async def renewed(self) -> Keys:
        raise AssertionError("the issuer was asked again")

    async def maintain(self) -> None:
        """Nothing changes."""


async def rejection(token: str, tokens: TokenVerifier | None = None) -> Unauthenticated:
    with pytest.raises(Unauthenticated) as rejected:
        await (tokens or verifier()).verify(token)
    error = rejected.value
    assert error.message.isprintable()
    assert len(error.message) < 500
    return error


TIMES: list[tuple[str, str]] = [
    (NINES[:4000], "as many digits as Python takes"),
    (NINES, "more digits than Python takes"),
    ("1" + "0" * 400, "a whole number that no float holds"),
    (str(2**63), "more than 63 bits"),
    ("253402300800", "the year 10000"),
    ("1e18", "a large float"),
    ("1e308", "the largest floats"),
    ("1e999", "a float beyond all"),
    ("Infinity", "infinity"),
    ("-Infinity", "infinity below zero"),
    ("NaN", "no number"),
    ("-1", "before 1970"),
    ("-" + NINES[:4000], "long before 1970"),
    ("true", "a truth"),
    ('"9999999999"', "a number as text"),
    ('"soon"', "a word"),
    ('"NaN"', "no number as text"),
    ("[9999999999]", "a list"),
    ('{"exp": 9999999999}', "a mapping"),
    ("[" * 3000 + "]" * 3000, "deep nesting"),
]


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
@pytest.mark.parametrize(("text", "reason"), TIMES, ids=[row[1] for row in TIMES])
async def test_malformed_time_is_invalid(claim: str, text: str, reason: str) -> None:
    assert (await rejection(signed(claims(**{claim: text})))).reason == INVALID


async def test_valid_times_are_compared() -> None:
    now = time.time()
    rows = [
        ("exp", now - 31, "TOKEN_EXPIRED"), ("exp", 0, "TOKEN_EXPIRED"), ("exp", int(now) - 40, "TOKEN_EXPIRED"),
        ("nbf", now + 60, "TOKEN_NOT_YET_VALID"), ("iat", now + 60, "TOKEN_NOT_YET_VALID"),
        ("iat", 253402300799, "TOKEN_NOT_YET_VALID"),
    ]  # fmt: skip
    for claim, value, reason in rows:
        assert (await rejection(signed(claims(**{claim: str(value)})))).reason == reason, (claim, value)
    for claim, value in (("exp", now - 20), ("exp", 253402300799), ("nbf", now + 20), ("iat", now + 20), ("nbf", 0)):
        assert (await verifier().verify(signed(claims(**{claim: str(value)})))).name == "admin"


NAMES: list[tuple[str, str]] = [
    ('""', "empty"),
    ("5", "a number"),
    (NINES, "a number of many digits"),
    ("true", "a truth"),
    ("null", "nothing"),
    ('["admin"]', "a list"),
    ('{"admin": 1}', "a mapping"),
    (r'"admin\u0000"', "NUL at the end"),
    (r'"admin\u0000.evil"', "NUL in the middle"),
    (r'"\u0000admin"', "NUL at the beginning"),
    (r'"admin\n"', "a line end"),
    (r'"admin\r"', "a carriage return"),
    (r'"admin\u001b[2J"', "an escape sequence of terminals"),
    (r'"admin\u007f"', "delete"),
    (r'"admin\u0085"', "a line end of another kind"),
    (r'"ad\u200bmin"', "a blank without width"),
    (r'"admin\u202e"', "a mark that turns the text round"),
    (r'"admin\u2066"', "another such mark"),
    (r'"admin\ufeff"', "a byte order mark"),
    (r'"admin\u2028"', "a line separator"),
    (r'"admin\u00a0"', "a blank of another kind"),
    (r'"admin\u3164"', "a letter that cannot be seen"),
    (r'"admin\ufe0f"', "a variation selector"),
    (r'"admin\ud800"', "half of a pair of surrogates"),
    ('" admin"', "a blank before"),
    ('"admin "', "a blank behind"),
    ('" "', "a blank alone"),
    ('"' + "a" * 257 + '"', "too long"),
    ('"spiffe://example.org/admin"', "the name of a certificate"),
    ('"SpIfFe://example.org/admin"', "the same in capitals"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "reason"), NAMES, ids=[row[1] for row in NAMES])
async def test_malformed_token_name_is_invalid(text: str, reason: str) -> None:
    assert (await rejection(signed(claims(sub=text)))).reason == INVALID
    other = verifier(principal_claim="email")
    assert (await rejection(signed(claims(email=text)), other)).reason == INVALID


GROUPS: list[tuple[str, str]] = [
    ("5", "a number"),
    ("null", "nothing"),
    ('{"admin": 1}', "a mapping"),
    ('["admin", 5]', "a number among them"),
    ('[["admin"]]', "a list among them"),
    ('["admin", null]', "nothing among them"),
    ('["admin", ""]', "an empty one"),
    (r'["admin\u0000"]', "NUL"),
    (r'"admin\u0000.evil"', "NUL in the only one"),
    (r'["admin\n"]', "a line end"),
    (r'["ad\u200bmin"]', "a blank without width"),
    (r'["admin\udc00"]', "half of a pair of surrogates"),
    ('["admin "]', "a blank behind"),
    ("[" + ", ".join(['"g"'] * 1001) + "]", "too many"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "reason"), GROUPS, ids=[row[1] for row in GROUPS])
async def test_malformed_groups_are_invalid(text: str, reason: str) -> None:
    assert (await rejection(signed(claims(groups=text)))).reason == INVALID


async def test_usual_names_and_groups_are_accepted() -> None:
    principal = await verifier().verify(signed(claims(sub='"Zoë van der Berg"', groups='["/Team A", "żółw"]')))
    assert (principal.name, principal.groups) == ("Zoë van der Berg", {"/Team A", "żółw"})


HEADERS: list[tuple[str, str]] = [
    ('{"alg": "none", "kid": "one"}', "no algorithm"),
    ('{"alg": "None", "kid": "one"}', "no algorithm in capitals"),
    ('{"alg": "", "kid": "one"}', "an empty algorithm"),
    ('{"kid": "one"}', "an algorithm that is absent"),
    ('{"alg": 5, "kid": "one"}', "an algorithm that is a number"),
    ('{"alg": ["ES256"], "kid": "one"}', "a list of algorithms"),
    ('{"alg": {"a": {"b": 1}}, "kid": "one"}', "an algorithm that is a mapping"),
    ('{"alg": ' + "[" * 500 + "]" * 500 + "}", "an algorithm that is nested deep"),
    ('{"alg": "ES256\\u0000", "kid": "one"}', "NUL behind the algorithm"),
    ('{"alg": "es256", "kid": "one"}', "the algorithm in small letters"),
    ('{"alg": "HS256", "kid": "one"}', "a secret"),
    ('{"alg": "EdDSA", "kid": "one"}', "an algorithm that is not configured"),
    ('{"alg": "ES256", "kid": "one", "crit": ["exp"]}', "a critical header"),
    ('{"alg": "ES256", "kid": "one", "crit": []}', "nothing that is critical"),
    ('{"alg": "ES256", "kid": "one", "b64": false}', "claims that are not encoded"),
    ('{"alg": "ES256", "kid": "one\\u0000"}', "NUL behind the key id"),
    ('{"alg": "ES256", "kid": "one\\n"}', "a line end behind the key id"),
    ('{"alg": "ES256", "kid": ""}', "an empty key id"),
    ('{"alg": "ES256", "kid": 5}', "a key id that is a number"),
    ('{"alg": "ES256", "kid": ["one"]}', "a list of key ids"),
    ('{"alg": "ES256", "kid": {"a": 1}}', "a key id that is a mapping"),
    ('{"alg": "ES256", "kid": true}', "a key id that is a truth"),
    ('{"alg": "ES256", "kid": "' + "k" * 3000 + '"}', "a key id that is too long"),
    ('{"alg": "ES256", "kid": ' + NINES[:4000] + "}", "a key id of many digits"),
    ('{"alg": "ES256", "n": ' + NINES[:4400] + "}", "a number that Python does not convert"),
    ("[" * 2000 + "]" * 2000, "deep nesting"),
    ('["alg"]', "a list"),
    ('"alg"', "a text"),
    ("null", "nothing"),
    ("{", "no JSON"),
    ("", "an empty header"),
]  # fmt: skip


@pytest.mark.parametrize(("header", "reason"), HEADERS, ids=[row[1] for row in HEADERS])
async def test_malformed_header_is_invalid(header: str, reason: str) -> None:
    tokens = TokenVerifier(TokenOptions(ISSUER.url, (AUDIENCE,), ALLOWED), NeverAskedAgain())
    assert (await rejection(signed(claims(), header), tokens)).reason == INVALID


@pytest.mark.parametrize("kid", ["../../dev/null", "' OR 1=1", "two", "ONE", "rsa", "http://evil.example/keys", "٠"])
async def test_unknown_key_id_is_rejected(kid: str) -> None:
    header = json.dumps({"alg": "ES256", "kid": kid})
    assert (await rejection(signed(claims(), header))).reason == "TOKEN_UNKNOWN_KEY"


CLAIMS: list[tuple[bytes, str]] = [
    (b"", "nothing"),
    (b"null", "null"),
    (b"[]", "a list"),
    (b"5", "a number"),
    (NINES.encode(), "a number of many digits"),
    (b'"admin"', "a text"),
    (b"{", "no JSON"),
    (b"\xff\xfe", "no text"),
    (b"{}", "no claims"),
    (b"[" * 3000 + b"]" * 3000, "deep nesting"),
    (b'{"a": ' * 800 + b"1" + b"}" * 800, "mappings nested deep"),
    (claims(a=NINES[:4400]).encode(), "a claim of many digits that nobody asks for"),
    (claims(iss='"https://issuer.example\\u0000"').encode(), "NUL behind the issuer"),
    (claims(iss='["https://issuer.example"]').encode(), "a list of issuers"),
    (claims(aud='["ecrkeeper", 5]').encode(), "a number among the audiences"),
    (claims(aud='{"ecrkeeper": 1}').encode(), "an audience that is a mapping"),
    (claims(aud='"ecrkeeper\\u0000"').encode(), "NUL behind the audience"),
    (claims(aud='""').encode(), "an empty audience"),
    (claims(aud="[]").encode(), "no audience"),
]


@pytest.mark.parametrize(("content", "reason"), CLAIMS, ids=[row[1] for row in CLAIMS])
async def test_malformed_claims_are_invalid(content: bytes, reason: str) -> None:
    assert (await rejection(signed(content))).reason in (INVALID, "TOKEN_WRONG_ISSUER", "TOKEN_WRONG_AUDIENCE")


GOOD = signed(claims())
HEAD, BODY, SIGNATURE = GOOD.split(".")
ROOT = encoded(claims(sub='"root"').encode())


def last_changed(text: str) -> str:
    """Return another text for the same bytes: the last character has unused bits."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) ^ 1]


FORMS: list[tuple[str, str]] = [
    ("", "nothing"),
    (".", "a dot"),
    ("..", "two dots"),
    ("...", "three dots"),
    (f"{HEAD}.{BODY}", "two parts"),
    (f"{HEAD}.{BODY}.", "no signature"),
    (f".{BODY}.{SIGNATURE}", "no header"),
    (f"{HEAD}..{SIGNATURE}", "no claims"),
    (f"{GOOD}.{SIGNATURE}", "four parts"),
    (f"{GOOD}.", "a dot behind"),
    (f"{GOOD}\n", "a line end behind"),
    (f"\n{GOOD}", "a line end before"),
    (f"{HEAD}.\n{BODY}.{SIGNATURE}", "a line end in the middle"),
    (f"{GOOD}\r\n", "a line end of Windows"),
    (f"{GOOD} ", "a blank behind"),
    (f" {GOOD}", "a blank before"),
    (f"{HEAD}. {BODY}.{SIGNATURE}", "a blank in the middle"),
    (f"{GOOD}\t", "a tabulator"),
    (f"{GOOD}\0", "NUL behind"),
    (f"{GOOD}\u00a0", "a blank of another kind"),
    (f"{GOOD}=", "padding behind"),
    (f"{HEAD}==.{BODY}.{SIGNATURE}", "padding in the middle"),
    (f"{HEAD}!.{BODY}.{SIGNATURE}", "a character that decoders pass over"),
    (f"{HEAD}.{BODY}.{SIGNATURE}\U0001d7d8", "a digit of another script"),
    (f"{HEAD}.{BODY}.{SIGNATURE}\udcff", "a byte that is no text"),
    (f"{HEAD}.{BODY}.{last_changed(SIGNATURE)}", "another spelling of the signature"),
    (f"{HEAD}.{BODY}.{SIGNATURE[:-4]}", "a signature that is cut short"),
    (f"{HEAD}.{BODY}.{SIGNATURE}AAAA", "a signature that is too long"),
    (f"{HEAD}.{BODY}.A", "a signature of six bits"),
    (f"{HEAD}.{BODY}.{encoded(bytes(64))}", "a signature of zeros"),
    (f"{HEAD}.{ROOT}.{SIGNATURE}", "other claims"),
    (f"{GOOD},{GOOD}", "two tokens"),
    ("a" * 8193, "too long"),
    (f"{HEAD}.{'a' * 8000}.{SIGNATURE}", "long claims"),
]  # fmt: skip


@pytest.mark.parametrize(("token", "reason"), FORMS, ids=[row[1] for row in FORMS])
async def test_token_of_other_format_is_invalid(token: str, reason: str) -> None:
    tokens = verifier()
    assert (await tokens.verify(GOOD)).name == "admin", "also where the good token is remembered"
    assert (await rejection(token, tokens)).reason == INVALID


async def test_forged_tokens_are_invalid() -> None:
    mallory = ec.generate_private_key(ec.SECP256R1())
    payload = json.loads(claims())
    secret = ISSUER.public_pem("rsa")
    head = encoded(b'{"alg": "HS256", "kid": "rsa"}')
    content = f"{head}.{BODY}"
    rows = [
        jwt.encode(payload, mallory, "ES256", headers={"kid": "one"}),
        jwt.encode(payload, mallory, "ES256", headers={"kid": "one", "jku": "https://evil.example/keys"}),
        jwt.encode(payload, mallory, "ES256", headers={"kid": "one", "x5u": "https://evil.example/cert"}),
        jwt.encode(payload, ISSUER.private["rsa"], "RS384", headers={"kid": "rsa"}),
        f"{content}.{encoded(hmac.digest(secret, content.encode(), hashlib.sha256))}",
        f"{content}.",
    ]
    for token in rows:
        assert (await rejection(token)).reason == INVALID


BEARERS: list[tuple[list[str], str]] = [
    ([""], "nothing"),
    (["Bearer"], "no token"),
    (["Bearer "], "a blank for a token"),
    (["Bearer \n"], "a line end for a token"),
    (["Bearer\t" + GOOD], "a tabulator"),
    (["Bearer\u00a0" + GOOD], "a blank of another kind"),
    (["Bearer\n" + GOOD], "a line end between"),
    ([GOOD], "no scheme"),
    (["Basic " + GOOD], "another scheme"),
    (["Bearer" + GOOD], "no blank"),
    ([" Bearer " + GOOD], "a blank before"),
    ([f"Bearer {GOOD} "], "a blank behind"),
    ([f"Bearer {GOOD}\n"], "a line end behind"),
    ([f"Bearer {GOOD}\0"], "NUL behind"),
    ([f"Bearer {GOOD}, Bearer {GOOD}"], "two in one value"),
    ([f"Bearer {GOOD} {GOOD}"], "two tokens"),
    ([f"Bearer {GOOD}", f"Bearer {GOOD}"], "two values"),
    ([f"Bearer {GOOD}", ""], "an empty value more"),
    (["Bearer żółw"], "another script"),
]


@pytest.mark.parametrize(("values", "reason"), BEARERS, ids=[row[1] for row in BEARERS])
async def test_malformed_authorization_is_invalid(values: list[str], reason: str) -> None:
    with pytest.raises(Unauthenticated) as rejected:
        await Authenticator(verifier()).identify(values, {})
    assert rejected.value.reason == INVALID
    assert GOOD not in rejected.value.message


def test_scheme_ignores_case_and_extra_spaces() -> None:
    assert bearer_of([]) is None
    for value in (f"Bearer {GOOD}", f"bearer {GOOD}", f"BEARER   {GOOD}"):
        assert bearer_of([value]) == GOOD


class Call:
    """A call with metadata that a gRPC client does not send."""

    def __init__(self, *metadata: tuple[str, Any]) -> None:
        self._metadata = metadata

    def invocation_metadata(self) -> tuple[tuple[str, Any], ...]:
        return self._metadata

    def auth_context(self) -> dict[str, list[bytes]]:
        return {}

    def peer(self) -> str:
        return "ipv4:127.0.0.1:1"

    def time_remaining(self) -> None:
        return None

    async def abort(self, code: Any, *_: Any) -> None:
        raise RuntimeError(code.name)


@pytest.mark.parametrize("value", [b"Bearer x", b"", b"\xff"])
async def test_non_text_authorization_is_rejected(value: bytes) -> None:
    layer: Any = Authentication(Authenticator(verifier()))
    with pytest.raises(RuntimeError, match="UNAUTHENTICATED"):
        await layer._identified(Call(("authorization", f"Bearer {GOOD}"), ("authorization", value)))


@given(st.text(max_size=60), st.booleans())
@settings(max_examples=300)
async def test_arbitrary_token_is_unauthenticated(text: str, in_claims: bool) -> None:
    token = signed(claims(sub=json.dumps(text))) if in_claims else text
    try:
        principal = await verifier().verify(token)
    except Unauthenticated:
        return
    assert in_claims
    assert principal.name == text == text.strip()
    assert text.isprintable()


def jwk(**members: Any) -> dict[str, Any]:
    (one, _) = json.loads(ISSUER.document)["keys"]
    return {**one, **members}


def keys(*rows: Any) -> Callable[[], Any]:
    return lambda: parse_keys(json.dumps({"keys": list(rows)}).encode(), ALLOWED)


SETS: list[tuple[Callable[[], Any], str]] = [
    (keys(jwk(kid="one\0")), "NUL in the key id"),
    (keys(jwk(kid=5)), "a key id that is a number, which must not pass for none"),
    (keys(jwk(kid=["one"])), "a list of key ids"),
    (keys(jwk(kid=None)), "a key id that is null"),
    (keys(jwk(kid="k" * 1000)), "a key id that is too long"),
    (keys(jwk(x="")), "an empty coordinate"),
    (keys(jwk(x=5)), "a coordinate that is a number"),
    (keys(jwk(x="AAAA")), "a point that is not on the curve"),
    (keys(jwk(crv=["P-256"])), "a list of curves"),
    (keys(jwk(kty=None)), "no kind"),
    (keys(jwk(alg="HS256")), "a secret's algorithm"),
    (keys({"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "x"}), "a modulus of three bytes"),
    (keys({"kty": "RSA", "n": encoded(b"\xff" * 4096), "e": "AQAB", "kid": "x"}), "a modulus of 32,768 bits"),
    (keys({"kty": "RSA", "n": encoded(b"\xff" * 256), "e": "AA", "kid": "x"}), "an exponent of zero"),
    (keys({"kty": "RSA", "kid": "x"}), "a key without numbers"),
    (keys(*([None, 5, [], "x", {}] * 10)), "no keys"),
    (lambda: parse_keys(b'{"keys": [' + NINES.encode() + b"]}", ALLOWED), "a number of many digits"),
    (lambda: parse_keys(b'{"keys": ' + b"[" * 100_000, ALLOWED), "deep nesting"),
    (lambda: parse_keys(b"\xff", ALLOWED), "no text"),
    (lambda: parse_keys(b'{"keys": [NaN]}', ALLOWED), "no number"),
]


@pytest.mark.parametrize(("read", "reason"), SETS, ids=[row[1] for row in SETS])
def test_malformed_key_set_is_rejected(read: Callable[[], Any], reason: str) -> None:
    with pytest.raises(FileError):
        read()


def test_malformed_key_does_not_affect_others() -> None:
    parsed = parse_keys(json.dumps({"keys": [jwk(kid=5), jwk(x=""), jwk(kid="good"), None]}).encode(), ALLOWED)
    assert set(parsed) == {("good", "ES256")}
    large = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    algorithm: Any = jwt.get_algorithm_by_name("RS256")
    assert set(keys({**json.loads(algorithm.to_jwk(large)), "kid": "r"})()) == {("r", "RS256")}


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"[" * 100_000, "deep nesting"),
        (b'{"issuer": ' + NINES.encode() + b"}", "a number of many digits"),
        (b'{"issuer": ' + b"[" * 500 + b"]" * 500 + b', "jwks_uri": "https://x"}', "an issuer that is nested deep"),
        (b'{"issuer": "https://i\\u0000", "jwks_uri": "https://x"}', "NUL behind the issuer"),
        (b'{"issuer": "https://i", "jwks_uri": 5}', "a number for an address"),
        (b'{"issuer": "https://i", "jwks_uri": "http://127.0.0.1:80@evil.example/"}', "an address that leads elsewhere"),
    ],
)  # fmt: skip
def test_malformed_discovery_document_is_rejected(document: bytes, reason: str) -> None:
    with pytest.raises(FileError):
        _jwks_uri("https://i", document)


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://issuer.example/keys", True), ("http://127.0.0.1:8080/keys", True), ("http://[::1]:1", True),
        ("http://localhost:80", True), ("http://127.0.0.1:80@evil.example/", False), ("http://evil.example", False),
        ("http://localhost.evil.example/", False), ("https://user:secret@issuer.example", False), ("https://", False),
        ("https://issuer.example\n", False), ("https://issuer.example/\0", False), ("http://127.0.0.1\\@evil", False),
        ("ftp://127.0.0.1", False), ("https://[", False), ("", False),
    ],
)  # fmt: skip
def test_keys_come_from_https_or_loopback(url: str, safe: bool) -> None:
    assert secure(url) is safe


@pytest.fixture(scope="module")
def server(simulated_aws: harness.Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[harness.Server]:
    """A server with tokens that allows everything to named principals."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "keys.json").write_bytes(ISSUER.document)
    (folder / "policy.yaml").write_text('rules: [{principals: ["*"], verbs: ["*"]}]')
    server = harness.Server(
        folder, f"sqlite:///{folder / 'ecrkeeper.db'}", simulated_aws.url, jwt_issuer=ISSUER.url,
        jwt_audience=AUDIENCE, jwt_jwks_file=folder / "keys.json", policy_file=folder / "policy.yaml",
    )  # fmt: skip
    yield server
    assert server.stop() == 0
    assert "Traceback" not in (folder / "server.log").read_text()


def answer(server: harness.Server, *authorization: str) -> tuple[grpc.StatusCode, str]:
    """Return code and text of a call with these values of `authorization`."""
    with grpc.insecure_channel(server.address) as channel:
        stub: Any = role_service_pb2_grpc.RoleServiceStub(channel)
        try:
            stub.ListSupportedRegions(
                role_service_pb2.ListSupportedRegionsRequest(),
                metadata=[("authorization", value) for value in authorization],
                timeout=10,
            )
        except grpc.RpcError as error:
            failed: Any = error
            return failed.code(), str(failed.details())
    return grpc.StatusCode.OK, ""


def test_running_server_rejects_all_of_them(server: harness.Server) -> None:
    assert answer(server, f"Bearer {GOOD}")[0] is grpc.StatusCode.OK
    tokens = [
        *(signed(claims(**{claim: text})) for claim in ("exp", "nbf") for text, _ in TIMES),
        *(signed(claims(sub=text)) for text, _ in NAMES),
        *(signed(claims(groups=text)) for text, _ in GROUPS),
        *(signed(claims(), header) for header, _ in HEADERS),
        *(signed(content) for content, _ in CLAIMS),
        *(token for token, _ in FORMS if token.isascii() and token.isprintable()),
    ]
    values = [[f"Bearer {token}"] for token in tokens]
    # A gRPC client sends no other characters; blanks at the ends are removed on the way.
    values += [each for each, _ in BEARERS if all(v.isascii() and v.isprintable() and v == v.strip() for v in each)]
    began = time.monotonic()
    for each in values:
        if each in ([f"Bearer  {GOOD}"], [f"Bearer {GOOD} "]):
            continue
        code, text = answer(server, *each)
        # Repeated failures are throttled as well.
        assert code in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.RESOURCE_EXHAUSTED), (each, text)
        assert "token" in text or "credentials" in text
    assert time.monotonic() - began < 60
    assert answer(server, f"Bearer {GOOD}")[0] is grpc.StatusCode.OK
