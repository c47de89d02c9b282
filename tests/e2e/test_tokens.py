"""TLS and bearer tokens with a running server."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import ecrkeeper
import grpc
import pytest
import trustme
from ecrkeeper.v1 import role_service_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests import harness
from tests.e2e.live import fresh_account, rejection
from tests.e2e.secured import Secured, secured, write_pair
from tests.issuer import AUDIENCE, Issuer, serving

UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED
POLICY = """
rules:
  - {name: all, groups: [everything], verbs: ["*"]}
  - {name: web, principals: [web-*], verbs: [read, write], accounts: ["111111111111"], owners: [web]}
  - {name: readers, principals: ["*"], verbs: [read], accounts: ["111111111111"], regions: [eu-*]}
"""


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with serving() as issuer:
        issuer.add_key("first")
        issuer.add_key("rsa", "RSA")
        yield issuer


@pytest.fixture(scope="module")
def live(
    simulated_aws: harness.Simulator, tmp_path_factory: pytest.TempPathFactory, issuer: Issuer
) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("server")
    (folder / "policy.yaml").write_text(POLICY)
    simulated_aws.control("POST", "reset")
    with secured(
        folder, simulated_aws, trustme.CA(), jwt_issuer=issuer.url, jwt_audience=f"other,{AUDIENCE}",
        jwt_leeway_seconds=1, policy_file=folder / "policy.yaml", log_level="debug",
    ) as server:  # fmt: skip
        yield server


def forged(header: dict[str, str], claims: dict[str, object], secret: bytes | None) -> str:
    """Return a token of an attacker: unsigned, or signed with HMAC."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    signed = b".".join(parts)
    signature = b"" if secret is None else hmac.digest(secret, signed, hashlib.sha256)
    return (signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def token_rejection(live: Secured, token: str | None) -> ecrkeeper.RegistryError:
    with live.client(token) as client:
        return rejection(UNAUTHENTICATED, client.list_supported_regions)


def test_token_authenticates_calls_and_authors_revisions(live: Secured, issuer: Issuer) -> None:
    name = "accounts/111111111111/registries/eu-west-1/settings/web"
    for kid in issuer.published:
        with live.client(issuer.token("web-1", kid=kid)) as client:
            client.apply_registry_settings(name, {"scanningConfiguration": {"scanType": "ENHANCED"}})
            assert next(iter(client.list_registry_settings_revisions(name))).principal == "web-1"


def test_rejections_have_reasons(live: Secured, issuer: Issuer) -> None:
    claims = {"iss": issuer.url, "aud": AUDIENCE, "sub": "alice", "exp": 9_999_999_999}
    issuer.add_key("unpublished", publish=False)
    rows = [
        (None, "MISSING_CREDENTIALS", "no token"),
        (issuer.token(lasts=-30), "TOKEN_EXPIRED", "expired beyond the leeway"),
        (issuer.token(nbf=9_999_999_999), "TOKEN_NOT_YET_VALID", "of the future"),
        (issuer.token(aud="payroll"), "TOKEN_WRONG_AUDIENCE", "meant for another service"),
        (issuer.token(iss="https://evil.example"), "TOKEN_WRONG_ISSUER", "another issuer"),
        (issuer.token(exp=None), "TOKEN_INVALID", "without an expiry"),
        (issuer.token(sub=None), "TOKEN_INVALID", "names nobody"),
        (issuer.token(kid="unpublished"), "TOKEN_UNKNOWN_KEY", "a key that the issuer does not publish"),
        (issuer.token()[:-4] + "AAAA", "TOKEN_INVALID", "a signature that does not fit"),
        (forged({"alg": "none", "kid": "rsa"}, claims, None), "TOKEN_INVALID", "not signed"),
        (
            forged({"alg": "HS256", "kid": "rsa"}, claims, issuer.public_pem("rsa")),
            "TOKEN_INVALID",
            "the public key taken as a secret",
        ),
        ("nonsense", "TOKEN_INVALID", "no token at all"),
    ]
    reasons = {label: token_rejection(live, token).reason for token, _, label in rows}
    assert reasons == {label: reason for _, reason, label in rows}
    assert token_rejection(live, issuer.token(lasts=-30)).metadata["call_id"]
    # The log contains nothing that could be used.
    log = live.log()
    assert not [label for token, _, label in rows if token and token in log]


def test_valid_token_is_never_logged(live: Secured, issuer: Issuer) -> None:
    token = issuer.token("web-1", groups=["everything"])
    with live.client(token) as client:
        client.list_supported_regions()
        rejection(grpc.StatusCode.NOT_FOUND, client.get_registry, f"accounts/{fresh_account()}/registries/eu-west-1")
    # The log line follows the response.
    harness.eventually(lambda: '"principal": "web-1"' in live.log())
    assert token not in live.log()
    assert token.rpartition(".")[2] not in live.log()


def test_health_check_requires_no_authentication(live: Secured) -> None:
    with grpc.secure_channel(live.server.address, live.credentials()) as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_malformed_request_is_rejected_for_all_callers(live: Secured, issuer: Issuer) -> None:
    path = "/ecrkeeper.v1.RoleService/ListSupportedRegions"
    with grpc.secure_channel(live.server.address, live.credentials()) as channel:
        call = channel.unary_unary(path)
        for metadata, code in (
            ([], UNAUTHENTICATED),
            ([("authorization", f"Bearer {issuer.token()}")] * 2, UNAUTHENTICATED),
            ([("authorization", "Basic dXNlcjpwYXNz")], UNAUTHENTICATED),
            ([("authorization", f"bearer {issuer.token()}")], grpc.StatusCode.INVALID_ARGUMENT),
        ):
            with pytest.raises(grpc.RpcError) as caught:
                call(b"\xff\xff", timeout=10, metadata=metadata)
            assert caught.value.code() is code
        called = channel.unary_unary(
            path, response_deserializer=role_service_pb2.ListSupportedRegionsResponse.FromString
        )
        assert called(b"", timeout=10, metadata=[("authorization", f"BEARER {issuer.token()}")]).regions


def test_grpcurl_uses_tls_and_reflection_requires_token(live: Secured, issuer: Issuer) -> None:
    roots = live.folder / "ca.pem"
    live.authority.cert_pem.write_to_path(roots)
    command = [harness.program("grpcurl"), "-cacert", str(roots)]
    bearer = ["-H", f"authorization: Bearer {issuer.token('web-1')}"]
    anonymous = subprocess.run(
        [*command, live.server.address, "list"], capture_output=True, text=True, timeout=20, check=False
    )
    assert "MISSING_CREDENTIALS" in anonymous.stderr or "carries no credentials" in anonymous.stderr
    name = json.dumps({"parent": "accounts/111111111111"})
    method = "ecrkeeper.v1.RegistrySettingsService/ListRegistries"
    done = subprocess.run(
        [*command, *bearer, "-d", name, live.server.address, method],
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_stream_ends_when_its_token_expires(live: Secured, issuer: Issuer) -> None:
    sent_tokens: list[str] = []

    def token() -> str:
        sent_tokens.append(issuer.token("reader", lasts=0.5))
        return sent_tokens[-1]

    with live.client(token) as client, client.watch_registries("accounts/111111111111") as watch:
        snapshots = 0
        timer = threading.Timer(20, watch.close)
        timer.start()
        for step in watch:
            snapshots += step.kind == 2
            if snapshots == 2:
                break
        timer.cancel()
    assert len(sent_tokens) >= 2
    stale = issuer.token("reader", lasts=0.5)
    with live.client(stale) as client, client.watch_registries("accounts/111111111111") as watch:
        with pytest.raises(ecrkeeper.Unauthenticated, match="TOKEN_EXPIRED"):
            for _ in watch:
                pass


def test_rotated_key_is_found_and_issuer_outage_tolerated(live: Secured, issuer: Issuer) -> None:
    issuer.add_key("second")
    # The issuer is asked again at most every five seconds.
    with live.client(issuer.token("web-2", kid="second")) as client:

        def accepted() -> bool:
            try:
                return bool(client.list_supported_regions().regions)
            except ecrkeeper.Unauthenticated as error:
                assert error.reason == "TOKEN_UNKNOWN_KEY"
                return False

        harness.eventually(accepted)
    issuer.down = True
    try:
        issuer.add_key("third")
        fetches = issuer.fetches

        def tried() -> bool:
            assert token_rejection(live, issuer.token(kid="third")).reason == "TOKEN_UNKNOWN_KEY"
            return issuer.fetches > fetches

        harness.eventually(tried)
        with live.client(issuer.token("web-2", kid="first")) as client:
            assert client.list_supported_regions().regions
        assert "keys_not_fetched" in live.log()
    finally:
        issuer.down = False


def served_certificate(live: Secured, token: str, roots: trustme.CA) -> bool:
    """Return whether a new connection with only these roots succeeds."""
    credentials = grpc.ssl_channel_credentials(roots.cert_pem.bytes())
    with ecrkeeper.Client(live.server.address, credentials=credentials, token=token, timeout=3) as client:
        try:
            return bool(client.list_supported_regions().regions)
        except (ecrkeeper.Unavailable, ecrkeeper.DeadlineExceeded):
            return False


def test_rotated_certificate_is_used_without_restart(live: Secured, issuer: Issuer) -> None:
    token, new = issuer.token("web-1"), trustme.CA()
    with live.client(token) as opened:
        opened.list_supported_regions()
        (live.folder / "tls.key").write_text("half of a key")
        assert served_certificate(live, token, live.authority), "a broken pair must leave the old one in place"
        assert "file_not_usable" in live.log()
        write_pair(live.folder, new, "127.0.0.1")
        assert served_certificate(live, token, new)
        assert not served_certificate(live, token, live.authority)
        assert opened.list_supported_regions().regions, "connections that are open stay"
    write_pair(live.folder, live.authority, "127.0.0.1")
    assert served_certificate(live, token, live.authority)


def test_changed_policy_applies_unless_invalid(live: Secured, issuer: Issuer) -> None:
    policy = live.folder / "policy.yaml"
    account = fresh_account()
    name = f"accounts/{account}/registries/eu-west-1"
    with live.client(issuer.token("late")) as client:
        rejection(grpc.StatusCode.PERMISSION_DENIED, client.get_registry, name)
        policy.write_text("rules: [")
        harness.eventually(lambda: '"what": "policy_file"' in live.log())
        rejection(grpc.StatusCode.PERMISSION_DENIED, client.get_registry, name)
        policy.write_text(POLICY + "  - {name: late, principals: [late], verbs: [read]}\n")

        def is_missing() -> bool:
            with pytest.raises(ecrkeeper.RegistryError) as caught:
                client.get_registry(name)
            return caught.value.code is grpc.StatusCode.NOT_FOUND

        harness.eventually(is_missing)
    Path(policy).write_text(POLICY)


def test_audit_watch_ends_when_access_is_revoked(live: Secured, issuer: Issuer) -> None:
    policy = live.folder / "policy.yaml"
    auditor = "  - {name: auditor, principals: [auditor], verbs: [%s]}\n"
    name = f"accounts/{fresh_account()}/registries/eu-west-1/settings/web"
    token = issuer.token("auditor", lasts=120)
    policy.write_text(POLICY + auditor % "admin")
    try:
        with live.client(token) as client, live.client(issuer.token("root", groups=["everything"])) as root:

            def listed() -> bool:
                try:
                    return next(iter(client.list_audit_events().pages)) is not None
                except ecrkeeper.PermissionDenied:
                    return False

            harness.eventually(listed)
            with client.watch_audit_events(timeout=30) as watch:
                next(iter(watch))
                policy.write_text(POLICY + auditor % "read")
                harness.eventually(lambda: not listed())
                root.apply_registry_settings(name, {"scanningConfiguration": {"scanType": "ENHANCED"}})
                with pytest.raises(ecrkeeper.PermissionDenied):
                    for step in watch:
                        assert name not in str(step)
    finally:
        policy.write_text(POLICY)
