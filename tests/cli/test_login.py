"""Sign-ins at an OpenID Connect issuer with a code, and the tokens that are kept."""

from __future__ import annotations

import json
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ecrkeeper
import pytest
import trustme
from ecrkeeper import profiles
from ecrkeeper._device_login import signed_in
from ecrkeeper._oidc_provider import OidcError, Provider
from ecrkeeper._oidc_tokens import LoginRequiredError, OidcToken
from ecrkeeper._tokens import TokenError
from ecrkeeper_testing import Simulator

from tests.cli.conftest import Command
from tests.e2e.secured import Secured, secured
from tests.issuer import AUDIENCE, Issuer, serving

ISSUER = "https://idp.example"
CODE = {
    "device_code": "d-1",
    "user_code": "WDJB-MJHT",
    "verification_uri": f"{ISSUER}/enter",
    "expires_in": 600,
    "interval": 5,
}
TOKENS = {"access_token": "t-1", "token_type": "bearer", "expires_in": 300, "refresh_token": "r-1"}
PENDING = (400, {"error": "authorization_pending"})


class Fake:
    """An issuer, a clock, and a person.

    `answers` are those of the token endpoint; an OSError is one that fails.
    """

    def __init__(self, *answers: Any, code: Any = None, document: Any = None) -> None:
        self.answers = list(answers)
        self.code = CODE if code is None else code
        self.document = {
            "issuer": ISSUER,
            "device_authorization_endpoint": f"{ISSUER}/device",
            "token_endpoint": f"{ISSUER}/token",
            **(document or {}),
        }
        self.now = 1000.0
        self.waits: list[float] = []
        self.provider = Provider(ISSUER, "cli", "openid", "", self.send)

    def send(self, url: str, form: Any) -> tuple[int, bytes]:
        if form is None:
            return 200, json.dumps(self.document).encode()
        if url.endswith("/device"):
            return 200, json.dumps(self.code).encode()
        answer = self.answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        status, content = answer
        return status, content if isinstance(content, bytes) else json.dumps(content).encode()

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def sign_in(self) -> str:
        return signed_in(self.provider, lambda _: None, sleep=self.sleep, clock=lambda: self.now).access_token

    def token(self, folder: Path, kind: str = "access_token") -> OidcToken:
        claims = {"issuer": ISSUER, "token": kind}
        return OidcToken("prod", self.provider, claims, folder / "tokens", clock=lambda: self.now)


@pytest.mark.parametrize(
    ("answers", "waits", "reason"),
    [
        ([(200, TOKENS)], [5], "the code is entered at once"),
        ([PENDING, PENDING, (200, TOKENS)], [5, 5, 5], "the person takes some time"),
        ([(400, {"error": "slow_down"}), PENDING, (200, TOKENS)], [5, 10, 10], "the issuer wants fewer polls"),
        ([OSError("cut"), (503, b"<html>"), (200, TOKENS)], [5, 10, 20], "the issuer is away for a while"),
    ],
)
def test_sign_in_waits_as_the_standard_says(answers: list[Any], waits: list[float], reason: str) -> None:
    fake = Fake(*answers)
    assert fake.sign_in() == "t-1", reason
    assert fake.waits == waits, reason


@pytest.mark.parametrize(
    ("fake", "message", "reason"),
    [
        (Fake((400, {"error": "access_denied"})), "the sign-in was denied", "the person says no"),
        (
            Fake((400, {"error": "expired_token"})),
            "nobody entered the code in time; sign in again",
            "the issuer ends it",
        ),
        (Fake(*[PENDING] * 200), "nobody entered the code in time; sign in again", "the deadline ends it"),
        (Fake((401, {"error": "invalid_client"})), "rejects the client or the request: invalid_client", "a wrong id"),
        (Fake((400, {"error": "x", "error_description": "a\x1b[2J"})), r"x: a\x1b[2J", "a description with an escape"),
        (Fake((200, {"access_token": "t", "token_type": "mac"})), "is not of the type Bearer", "another type of token"),
        (Fake((200, {**TOKENS, "access_token": "a b"})), "must be visible ASCII", "a token that cannot be sent"),
        (Fake((200, {**TOKENS, "access_token": ["t"]})), "no access_token that can be used", "a token of another type"),
        (Fake((200, b"<html>")), "did not answer with a JSON object", "a page in place of an answer"),
        (Fake((302, b"")), "answered with status 302", "a redirect"),
        (Fake(code={**CODE, "expires_in": "soon"}), "no expires_in that can be used", "a time that is no number"),
        (Fake(code={**CODE, "expires_in": 0}), "has no time left", "a code that has expired"),
        (Fake(code={**CODE, "user_code": "a\x1b[2J"}), "not one to show to people", "a code with an escape"),
        (
            Fake(code={**CODE, "verification_uri": "javascript:x"}),
            "not one to show to people",
            "an address of a script",
        ),
        (Fake(code={"error": "invalid_scope"}), "invalid_scope", "an error with status 200"),
        (
            Fake(document={"device_authorization_endpoint": None}),
            "does not offer sign-in by device code",
            "no such flow",
        ),
        (
            Fake(document={"token_endpoint": "http://idp.example/"}),
            "must begin with https://",
            "an endpoint without TLS",
        ),
        (
            Fake(document={"issuer": "https://other.example"}),
            "is for the issuer https://other.example",
            "another issuer",
        ),
    ],
)
def test_sign_in_that_fails_has_a_sentence(fake: Fake, message: str, reason: str) -> None:
    with pytest.raises(TokenError) as caught:
        fake.sign_in()
    assert message in str(caught.value), reason


def test_polls_are_bounded_for_any_interval_of_the_issuer() -> None:
    fake = Fake(*[PENDING] * 10_000, code={**CODE, "interval": 0, "expires_in": 10**9})
    with pytest.raises(OidcError):
        fake.sign_in()
    assert (min(fake.waits), sum(fake.waits)) == (1, 1800)


def test_token_is_kept_and_refreshed_before_it_expires(tmp_path: Path) -> None:
    fake = Fake((200, TOKENS), (200, {**TOKENS, "access_token": "t-2", "refresh_token": "r-2"}))
    fake.token(tmp_path).sign_in(lambda _: None, sleep=lambda _: None)
    token_file = tmp_path / "tokens/prod.json"
    assert stat.S_IMODE(token_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(token_file.parent.stat().st_mode) == 0o700
    token = fake.token(tmp_path)
    assert token() == "t-1", "another process finds it"
    fake.now += 239
    assert token() == "t-1"
    fake.now += 2
    assert token() == "t-2"
    assert json.loads(token_file.read_text())["refresh_token"] == "r-2"
    assert fake.token(tmp_path)() == "t-2"


@pytest.mark.parametrize(
    ("answer", "passed", "message", "reason"),
    [
        ((400, {"error": "invalid_grant"}), 250, "the sign-in has expired or was revoked", "a revoked sign-in"),
        (OSError("no route"), 250, "t-1", "the issuer is away, and the token still lasts"),
        (
            OSError("no route"),
            301,
            "cannot reach https://idp.example/token",
            "the issuer is away, and the token expired",
        ),
        ((401, {"error": "invalid_client"}), 301, "invalid_client", "the issuer no longer knows the client"),
    ],
)
def test_refresh_that_fails(tmp_path: Path, answer: Any, passed: float, message: str, reason: str) -> None:
    fake = Fake((200, TOKENS), answer)
    token = fake.token(tmp_path)
    token.sign_in(lambda _: None, sleep=lambda _: None)
    fake.now += passed
    try:
        result = token()
    except TokenError as error:
        result = str(error)
    assert message in result, reason


def test_old_refresh_token_stays_if_the_issuer_sends_none(tmp_path: Path) -> None:
    fake = Fake((200, TOKENS), (200, {"access_token": "t-2", "token_type": "Bearer", "expires_in": 300}))
    token = fake.token(tmp_path)
    token.sign_in(lambda _: None, sleep=lambda _: None)
    fake.now += 301
    assert token() == "t-2"
    assert json.loads((tmp_path / "tokens/prod.json").read_text())["refresh_token"] == "r-1"


def test_token_without_refresh_needs_a_sign_in_when_it_expires(tmp_path: Path) -> None:
    fake = Fake((200, {**TOKENS, "refresh_token": ""}))
    token = fake.token(tmp_path)
    token.sign_in(lambda _: None, sleep=lambda _: None)
    fake.now += 299
    assert token() == "t-1"
    fake.now += 1
    with pytest.raises(LoginRequiredError, match="gave none to refresh it.*run: ecrkeeper --profile prod login"):
        token()


def test_id_token_is_sent_if_the_profile_says_so(tmp_path: Path) -> None:
    fake = Fake((200, {**TOKENS, "id_token": "i-1"}), (200, TOKENS))
    token = fake.token(tmp_path, "id_token")
    token.sign_in(lambda _: None, sleep=lambda _: None)
    assert token() == "i-1"
    with pytest.raises(OidcError, match="gave no id_token; add openid to oidc_scope"):
        token.sign_in(lambda _: None, sleep=lambda _: None)


@pytest.mark.parametrize(
    ("content", "mode", "message", "reason"),
    [
        ("{", 0o600, "nobody has signed in", "half a file"),
        ('{"access_token": 1}', 0o600, "nobody has signed in", "another form"),
        ("[" * 100_000, 0o600, "nobody has signed in", "deep nesting"),
        ("{}", 0o644, "other users can open it; run: chmod 600", "a file that others can read"),
    ],
)
def test_kept_file_that_cannot_be_used(tmp_path: Path, content: str, mode: int, message: str, reason: str) -> None:
    (tmp_path / "tokens").mkdir()
    (tmp_path / "tokens/prod.json").write_text(content)
    (tmp_path / "tokens/prod.json").chmod(mode)
    with pytest.raises(TokenError) as caught:
        Fake().token(tmp_path)()
    assert message in str(caught.value), reason


def test_tokens_of_another_issuer_are_not_sent(tmp_path: Path) -> None:
    fake = Fake((200, TOKENS))
    fake.token(tmp_path).sign_in(lambda _: None, sleep=lambda _: None)
    with pytest.raises(LoginRequiredError, match="nobody has signed in"):
        fake.token(tmp_path, "id_token")()


def test_concurrent_refreshes_use_a_refresh_token_once(tmp_path: Path) -> None:
    fake = Fake((200, TOKENS), (200, {**TOKENS, "access_token": "t-2"}))
    fake.token(tmp_path).sign_in(lambda _: None, sleep=lambda _: None)
    fake.now += 290
    refreshed: list[str] = []
    tokens = [fake.token(tmp_path) for _ in range(4)]
    threads = [threading.Thread(target=lambda token=token: refreshed.append(token())) for token in tokens]
    for each in threads:
        each.start()
    for each in threads:
        each.join(20)
    assert refreshed == ["t-2"] * 4


@pytest.mark.parametrize(
    ("keys", "message", "reason"),
    [
        ('oidc_issuer = "https://idp.example"', "oidc_client_id: is needed", "no client"),
        ('oidc_client_id = "cli"', "oidc_client_id: need oidc_issuer", "no issuer"),
        ('oidc_issuer = "http://idp.example"\noidc_client_id = "cli"', "must begin with https://", "no TLS"),
        ('oidc_issuer = "idp"\noidc_client_id = "cli"', "oidc_issuer: must be a URL", "no URL"),
        ('oidc_issuer = "https://a:b@idp"\noidc_client_id = "cli"', "oidc_issuer: must be a URL", "a password in it"),
        (
            'oidc_issuer = "https://a"\noidc_client_id = "c"\noidc_token = "x"',
            "must be access_token or id_token",
            "a kind",
        ),
        (
            'oidc_issuer = "https://a"\noidc_client_id = "c"\ntoken = "t"',
            "token and oidc_issuer: give one",
            "two tokens",
        ),
        ('oidc_issuer = "https://a"\noidc_client_id = "c"\nplaintext = true', "allow_plaintext_token", "plaintext"),
    ],
)
def test_profile_with_errors_is_rejected(tmp_path: Path, keys: str, message: str, reason: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f'[profiles.a]\ntarget = "a:1"\n{keys}\n')
    file.chmod(0o600)
    with pytest.raises(profiles.ProfileError) as caught:
        profiles.load(path=file, environment={})
    assert message in str(caught.value), reason


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with serving() as running:
        running.add_key("first")
        yield running


@pytest.fixture(scope="module")
def live_with_tokens(
    simulated_aws: Simulator, tmp_path_factory: pytest.TempPathFactory, issuer: Issuer
) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("server")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.crt")
    options = {"jwt_issuer": issuer.url, "jwt_audience": AUDIENCE}
    with secured(folder, simulated_aws, authority, **options) as running:
        yield running


@pytest.fixture
def config(issuer: Issuer, live_with_tokens: Secured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a profile with the issuer, which lets polls follow at once."""
    issuer.device.reset()
    monkeypatch.setattr("ecrkeeper._oidc_provider._MIN_INTERVAL", 0.0)
    file = tmp_path / "config.toml"
    file.write_text(
        f'[profiles.prod]\ntarget = "{live_with_tokens.server.address}"\nca_file = "{live_with_tokens.folder}/ca.crt"\n'
        f'oidc_issuer = "{issuer.url}"\noidc_client_id = "cli"\noidc_audience = "{AUDIENCE}"\n'
    )
    file.chmod(0o600)
    return file


def test_command_line_and_client_use_a_sign_in(command: Command, config: Path, issuer: Issuer, tmp_path: Path) -> None:
    def call(*arguments: str) -> Any:
        return command("--config", str(config), *arguments)

    before = call("whoami")
    assert (before.status, "nobody has signed in" in before.err) == (1, True), before
    assert "run: ecrkeeper --profile prod login" in before.err
    issuer.device.says = ["authorization_pending", "authorization_pending"]
    ended = call("login")
    assert (ended.status, ended.out) == (0, ""), ended
    assert f"  open        {issuer.url}/enter\n  and enter   WDJB-MJHT\n" in ended.err
    assert ended.err.endswith(f"signed in at {issuer.url}\n")
    form = issuer.device.forms[0]
    assert form == {"client_id": "cli", "scope": "openid offline_access", "audience": AUDIENCE}
    shown = call("whoami")
    assert (shown.status, "alice" in shown.out) == (0, True), shown
    assert "token: expires in " in call("doctor").out
    assert "token: oidc_issuer" in call("profiles").out
    with ecrkeeper.Client.from_profile("prod", path=config) as client:
        assert client.who_am_i().principal == "alice"
    assert call("logout").out == f"signed out of {issuer.url}\n"
    assert call("logout").out == f"nobody was signed in at {issuer.url}\n"
    assert call("whoami").status == 1


def test_command_in_a_terminal_asks_for_the_sign_in(
    command: Command, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecrkeeper_cli.session.is_interactive", lambda: True)
    ended = command("--config", str(config), "whoami")
    assert (ended.status, "and enter   WDJB-MJHT" in ended.err) == (0, True), ended
    assert "alice" in ended.out


def test_expired_token_is_refreshed_for_the_next_command(command: Command, config: Path, issuer: Issuer) -> None:
    issuer.device.lasts = 61.0
    assert command("--config", str(config), "login").status == 0
    issuer.device.lasts = 600.0
    token_file = config.parent / "xdg/ecrkeeper/tokens/prod.json"
    content = json.loads(token_file.read_text())
    token_file.write_text(json.dumps({**content, "expiry": time.time() - 1}))
    assert command("--config", str(config), "whoami").status == 0
    assert issuer.device.forms[-1]["refresh_token"] == content["refresh_token"]
    assert json.loads(token_file.read_text())["access_token"] != content["access_token"]


def test_issuer_that_is_away_is_named(command: Command, config: Path, issuer: Issuer) -> None:
    issuer.down = True
    try:
        ended = command("--config", str(config), "login")
    finally:
        issuer.down = False
    assert ended.status == 1
    assert f"error: {issuer.url}/.well-known/openid-configuration answered with status 503" in ended.err


def test_profile_without_an_issuer_cannot_sign_in(command: Callable[..., Any]) -> None:
    ended = command("--target", "127.0.0.1:1", "--plaintext", "login")
    assert (ended.status, "the profile has no oidc_issuer" in ended.err) == (1, True), ended


def test_doctor_compares_the_clock_with_that_of_the_issuer(command: Command, config: Path, issuer: Issuer) -> None:
    token = config.parent / "token"
    for ahead, status in ((300, 1), (0, 0)):
        token.write_text(issuer.token(iat=time.time() + ahead))
        ended = command("--config", str(config), "--token-file", str(token), "doctor")
        assert (ended.status, "s behind that of the token's issuer; set it" in ended.out) == (status, bool(status)), (
            ended
        )
