"""Tokens and the keys that sign them, without a server."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jwt
import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric import rsa
from ecrkeeper_server.errors import Unauthenticated, Unavailable
from ecrkeeper_server.identity.caller import Authenticator, bearer_of
from ecrkeeper_server.identity.certificates import pair_of, principal_of_certificate
from ecrkeeper_server.identity.files import FileError, WatchedFiles
from ecrkeeper_server.identity.keys import PAUSE_SECONDS, IssuerKeys, KeyFile, fetcher, parse_keys
from ecrkeeper_server.identity.tokens import MAX_CHARACTERS, TokenOptions, TokenVerifier

from tests.certificates import Authority, peer
from tests.issuer import AUDIENCE, Issuer, serving

ALLOWED = ("RS256", "ES256")


class Clock:
    """A clock that the test advances."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def keys() -> Issuer:
    issuer = Issuer()
    issuer.add_key("one")
    issuer.add_key("rsa", "RSA")
    return issuer


@pytest.fixture
def issuer(keys: Issuer) -> Issuer:
    """An issuer with keys that were generated once."""
    created = Issuer()
    created.private, created.published = dict(keys.private), list(keys.published)
    return created


def verifier(issuer: Issuer, clock: Clock, **options: Any) -> TokenVerifier:
    source = IssuerKeys(issuer.fetch, ALLOWED, period=300, clock=clock)
    return TokenVerifier(TokenOptions(issuer.url, (AUDIENCE,), ALLOWED, **options), source)


async def reason(tokens: TokenVerifier, token: str) -> str:
    with pytest.raises(Unauthenticated) as caught:
        await tokens.verify(token)
    return caught.value.reason


async def test_token_names_its_principal_and_groups(issuer: Issuer) -> None:
    principal = await verifier(issuer, Clock()).verify(issuer.token("alice", groups=["a", "b"]))
    assert (principal.name, principal.groups) == ("alice", {"a", "b"})
    other = verifier(issuer, Clock(), principal_claim="email", groups_claim="roles", principal_prefix="oidc:")
    principal = await other.verify(issuer.token(email="a@b.c", roles="one"))
    assert (principal.name, principal.groups) == ("oidc:a@b.c", {"one"})


async def test_prefix_separates_token_and_certificate_names(issuer: Issuer) -> None:
    identity = "spiffe://example.org/ns/web/x"
    assert (
        await verifier(issuer, Clock(), principal_prefix="jwt:").verify(issuer.token(identity))
    ).name == f"jwt:{identity}"
    assert (
        await reason(verifier(issuer, Clock(), principal_prefix="spi"), issuer.token(identity[3:])) == "TOKEN_INVALID"
    )


def encoded(header: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=") + ".e30.AAAA"


@pytest.mark.parametrize(
    ("token", "label"),
    [
        ("", "nothing"),
        ("a.b", "two parts"),
        ("ä.b.c", "no base64"),
        ("x" * (MAX_CHARACTERS + 1), "too large"),
        (base64.urlsafe_b64encode(b'{"alg":' + b"[" * 5000).decode() + ".e30.", "a header nested too deeply"),
        (encoded([]), "a header that is a list"),
        (encoded({}), "no algorithm"),
        (encoded({"alg": ["ES256"]}), "an algorithm that is a list"),
        (encoded({"alg": "none"}), "no signature"),
        (encoded({"alg": "ES384"}), "an algorithm that is not configured"),
        (encoded({"alg": "ES256", "kid": "one", "crit": ["exp"]}), "critical extensions"),
        (encoded({"alg": "ES256", "kid": "one", "b64": False}), "another encoding"),
        (encoded({"alg": "ES256", "kid": "one"}), "a signature of another length"),
    ],
)
async def test_malformed_tokens_are_rejected(issuer: Issuer, token: str, label: str) -> None:
    assert await reason(verifier(issuer, Clock()), token) == "TOKEN_INVALID"


async def test_key_embedded_in_token_is_ignored(issuer: Issuer) -> None:
    mallory = Issuer(issuer.url)
    mallory.add_key("evil")
    jwk = json.loads(mallory.document)["keys"][0]
    for header in ({"jwk": jwk}, {"jwk": jwk, "kid": "one"}, {"jku": "https://evil.example/keys", "kid": "evil"}):
        token = jwt.encode({"sub": "alice"}, mallory.private["evil"], "ES256", headers=header)
        assert await reason(verifier(issuer, Clock()), token) in ("TOKEN_INVALID", "TOKEN_UNKNOWN_KEY")


@pytest.mark.parametrize(
    ("claims", "label"),
    [
        ({"sub": 5}, "no text"),
        ({"sub": ""}, "empty"),
        ({"sub": "a\nb"}, "a line break, which could forge a line of a log"),
        ({"sub": "x" * 257}, "too long"),
        ({"sub": "spiffe://example.org/ns/admin/x"}, "the name of a certificate"),
        ({"sub": "SPIFFE://example.org/ns/admin/x"}, "the name of a certificate, in capitals"),
        ({"groups": {"a": 1}}, "groups that are no list"),
        ({"groups": [1]}, "a group that is no text"),
        ({"groups": ["g"] * 1001}, "too many groups"),
        ({"exp": "soon"}, "an expiry that is no time"),
        ({"exp": 1e400}, "an expiry that is infinite"),
        ({"aud": None}, "for nobody in particular"),
        ({"iss": None}, "of nobody"),
    ],
)
async def test_malformed_claims_are_rejected(issuer: Issuer, claims: dict[str, Any], label: str) -> None:
    assert await reason(verifier(issuer, Clock()), issuer.token(**claims)) == "TOKEN_INVALID"


async def test_token_without_key_id_needs_a_single_key(issuer: Issuer) -> None:
    token = jwt.encode(jwt.decode(issuer.token(), options={"verify_signature": False}), issuer.private["one"], "ES256")
    assert (await verifier(issuer, Clock()).verify(token)).name == "alice"
    issuer.add_key("two")
    assert await reason(verifier(issuer, Clock()), token) == "TOKEN_UNKNOWN_KEY"


async def test_checked_token_is_rejected_once_expired_or_key_withdrawn(
    issuer: Issuer,
) -> None:
    clock, now = Clock(), Clock()
    source = IssuerKeys(issuer.fetch, ALLOWED, period=300, clock=clock)
    tokens = TokenVerifier(TokenOptions(issuer.url, (AUDIENCE,), ALLOWED, leeway=0), source, clock=now)
    token = issuer.token(kid="one")
    assert await tokens.verify(token) is await tokens.verify(token)
    issuer.published.remove("one")
    clock.now += 300
    await source.maintain()
    assert await reason(tokens, token) == "TOKEN_UNKNOWN_KEY"


async def test_unknown_key_lookups_are_rate_limited(issuer: Issuer) -> None:
    clock = Clock()
    tokens = verifier(issuer, clock)
    await tokens.verify(issuer.token())
    issuer.add_key("new")
    for _ in range(20):
        assert await reason(tokens, issuer.token(kid="new")) == "TOKEN_UNKNOWN_KEY"
    assert issuer.fetches == 1
    clock.now += PAUSE_SECONDS
    assert (await tokens.verify(issuer.token(kid="new"))).name == "alice"
    assert issuer.fetches == 2


async def test_cached_keys_serve_while_issuer_is_down(issuer: Issuer) -> None:
    clock = Clock()
    source = IssuerKeys(issuer.fetch, ALLOWED, period=300, clock=clock)
    tokens = TokenVerifier(TokenOptions(issuer.url, (AUDIENCE,), ALLOWED), source)
    issuer.down = True
    with structlog.testing.capture_logs() as logs:
        for _ in range(5):
            with pytest.raises(Unavailable) as caught:
                await tokens.verify(issuer.token())
            assert caught.value.reason == "KEYS_UNAVAILABLE"
        assert issuer.fetches == 1
        issuer.down = False
        clock.now += PAUSE_SECONDS
        await source.maintain()
        assert (await tokens.verify(issuer.token())).name == "alice"
        issuer.down = True
        clock.now += 10_000
        await source.maintain()
        assert (await tokens.verify(issuer.token("bob"))).name == "bob"
    assert [(line["event"], line.get("kept")) for line in logs] == [
        ("keys_not_fetched", "none yet"), ("keys_fetched", None), ("keys_not_fetched", "the old keys"),
    ]  # fmt: skip


async def test_keys_are_refetched_after_period_and_sooner_after_failure(issuer: Issuer) -> None:
    clock = Clock()
    source = IssuerKeys(issuer.fetch, ALLOWED, period=300, clock=clock)
    fetches = []
    for passed, down in ((0, False), (299, False), (1, True), (1, False), (4, False), (1, False), (299, False)):
        clock.now += passed
        issuer.down = down
        await source.maintain()
        fetches.append(issuer.fetches)
    assert fetches == [1, 1, 2, 2, 3, 3, 4]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"", "nothing"),
        (b"[]", "no object"),
        (b'{"keys": {}}', "no list"),
        (b'{"keys": []}', "no keys"),
        (b'{"keys": [{"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}]}', "a secret"),
        (b'{"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}, 5, {"kty": ["RSA"]}, {"kty": "EC"}]}', "broken keys"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_key_set_without_usable_key_is_rejected(document: bytes, reason: str) -> None:
    with pytest.raises(FileError):
        parse_keys(document, (*ALLOWED, "EdDSA"))


def test_key_is_used_only_for_its_algorithm(issuer: Issuer) -> None:
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()
    algorithm: Any = jwt.get_algorithm_by_name("RS256")
    (one, big) = json.loads(issuer.document)["keys"]
    sets = [
        ([{**one, "use": "enc"}, big], {("rsa", "RS256"), ("rsa", "PS256")}),
        ([{**big, "alg": "PS256"}], {("rsa", "PS256")}),
        ([{**json.loads(algorithm.to_jwk(short)), "kid": "short"}, one], {("one", "ES256")}),
    ]
    for document, expected in sets:
        assert set(parse_keys(json.dumps({"keys": document}).encode(), ("RS256", "PS256", "ES256"))) == expected


@pytest.fixture
def published() -> Iterator[Issuer]:
    with serving() as issuer:
        issuer.add_key("one")
        yield issuer


async def test_keys_come_from_discovery_or_url(published: Issuer) -> None:
    assert await fetcher(published.url, "")() == published.document
    assert await fetcher("https://issuer.example", f"{published.url}/keys")() == published.document
    with pytest.raises(FileError, match="answered 503"):
        await fetcher(published.url, f"{published.url}/none")()
    address, published.url = published.url, "https://somebody.else"
    with pytest.raises(FileError, match=r"names the issuer 'https://somebody\.else'"):
        await fetcher(address, "")()


async def test_key_file_is_reloaded_unless_broken(issuer: Issuer, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(issuer.document)
    files = WatchedFiles("keys", [path], lambda read: parse_keys(read[0], ALLOWED), 100_000)
    tokens = TokenVerifier(TokenOptions(issuer.url, (AUDIENCE,), ALLOWED), KeyFile(files))
    issuer.add_key("new")
    assert await reason(tokens, issuer.token(kid="new")) == "TOKEN_UNKNOWN_KEY"
    for content in (b"{", b"x" * 100_001, None):
        path.unlink() if content is None else path.write_bytes(content)
        assert (await tokens.verify(issuer.token(kid="one"))).name == "alice"
        assert await reason(tokens, issuer.token(kid="new")) == "TOKEN_UNKNOWN_KEY"
    path.write_bytes(issuer.document)
    assert (await tokens.verify(issuer.token(kid="new"))).name == "alice"


@pytest.mark.parametrize("values", [["a", "b"], ["Basic x"], ["Bearer"], ["Bearer  "], ["token"], [""]])
def test_non_bearer_authorization_is_rejected(values: list[str]) -> None:
    with pytest.raises(Unauthenticated):
        bearer_of(values)


AUTHORITY = Authority()
NAMES: list[tuple[dict[str, Any], str | None]] = [
    ({"uris": ["spiffe://a/b"], "dns": ["x"], "common": "y"}, "spiffe://a/b"),
    ({"uris": ["https://a/b"], "dns": ["X.Example", "z"], "common": "y"}, "x.example"),
    ({"common": "alice"}, "alice"),
]


def presented(*, common: str = "", dns: Sequence[str] = (), uris: Sequence[str] = ()) -> dict[str, list[bytes]]:
    """Return a certificate with these names, and gRPC's report of them."""
    issued = AUTHORITY.issue(*([common] if common else []), dns=dns, uris=uris)
    reported = ([each.encode() for each in names] for names in (dns, uris))
    return peer(issued.certificate, common.encode(), *reported)


@pytest.mark.parametrize(("names", "name"), NAMES)
def test_certificate_name_prefers_spiffe_then_dns_then_common_name(names: dict[str, Any], name: str) -> None:
    principal = principal_of_certificate(presented(**names))
    assert principal is not None
    assert principal.name == name


def test_caller_without_certificate_has_no_certificate_name() -> None:
    assert principal_of_certificate({}) is None
    assert principal_of_certificate({"peer_dns": [b"not.verified"]}) is None


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ({}, "no name at all"),
        ({"uris": ["spiffe://a/b", "spiffe://a/c"]}, "two names"),
        ({"common": "a\nb"}, "a name that could forge a line of a log"),
        ({"common": "spiffe://a/b"}, "a SPIFFE id that the CA did not sign as one"),
        ({"dns": ["Spiffe://a/b"], "common": "y"}, "the same as a DNS name"),
        ({"uris": ["https://a/b"], "common": "SPIFFE://a/b"}, "the same beside another URI"),
    ],
)
def test_certificate_with_no_or_several_names_is_rejected(names: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unauthenticated):
        principal_of_certificate(presented(**names))


async def test_token_takes_precedence_over_certificate_even_if_invalid(issuer: Issuer) -> None:
    both = Authenticator(verifier(issuer, Clock()), certificates=True)
    shows = presented(common="service")
    assert (await both.identify([f"Bearer {issuer.token()}"], shows)).name == "alice"
    assert (await both.identify([], shows)).name == "service"
    with pytest.raises(Unauthenticated):
        await both.identify([f"Bearer {issuer.token(lasts=-100)}"], shows)
    assert (await Authenticator().identify(["Bearer x"], shows)).name == ""
    tokens_only = Authenticator(verifier(issuer, Clock()))
    with pytest.raises(Unauthenticated) as caught:
        await tokens_only.identify([], shows)
    assert caught.value.reason == "MISSING_CREDENTIALS"


def test_mismatched_key_pair_is_rejected_with_all_errors() -> None:
    import trustme

    one, other = trustme.CA().issue_cert("a"), trustme.CA().issue_cert("b")
    chain, key = one.cert_chain_pems[0].bytes(), one.private_key_pem.bytes()
    assert pair_of([chain, key]).client_ca is None
    for contents, faults in (
        ([chain, other.private_key_pem.bytes()], 1),
        ([b"", b"", b""], 3),
        ([key, chain], 2),
        ([chain, key, b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"], 1),
    ):
        with pytest.raises(FileError) as caught:
            pair_of(contents)
        assert len(caught.value.errors) == faults
