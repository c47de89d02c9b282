"""Signing in at the issuer, with the authorization code flow."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests import harness
from tests.console.world import Browser
from tests.issuer import AUDIENCE, Issuer, serving

POLICY = "rules:\n  - {name: all, principals: [alice, bob], verbs: [read]}\n"


@dataclass(frozen=True, slots=True)
class Served:
    """A server whose users sign in at an issuer."""

    issuer: Issuer
    port: int

    def begin(self, browser: Browser, target: str = "/console/audit") -> dict[str, str]:
        """Follow the link of the login page; return the parameters that the issuer gets."""
        answer = browser.get(f"/console/login/start?next={target}")
        assert answer.status == 303, answer.body
        address = urlsplit(answer.headers["Location"])
        assert f"{address.scheme}://{address.netloc}{address.path}" == f"{self.issuer.url}/authorize"
        return {name: values[0] for name, values in parse_qs(address.query).items()}

    def returned(self, browser: Browser, code: str, state: str) -> tuple[int, str]:
        """Come back from the issuer; return the status and the page."""
        answer = browser.get(
            f"/console/login/callback?code={code}&state={state}",
            Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate", Sec_Fetch_Dest="document",
        )  # fmt: skip
        return answer.status, answer.body


@pytest.fixture(scope="module")
def served(simulated_aws: harness.Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("oidc")
    (folder / "policy.yaml").write_text(POLICY)
    (folder / "secret").write_text("s3cret\n")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with serving() as issuer:
        issuer.add_key("first")
        server = harness.Server(
            folder, f"sqlite:///{folder / 'ecrkeeper.db'}", simulated_aws.url, http_listen=f"127.0.0.1:{port}",
            console="true", console_url=f"http://127.0.0.1:{port}", console_oidc_client_id="console-client",
            console_oidc_client_secret_file=folder / "secret", jwt_issuer=issuer.url,
            jwt_audience=f"{AUDIENCE},console-client", policy_file=folder / "policy.yaml",
        )  # fmt: skip
        yield Served(issuer, port)
        assert server.stop() == 0


def test_login_at_the_issuer_begins_a_session(served: Served) -> None:
    browser = Browser(served.port)
    assert "/console/login/start" in browser.get("/console/login").body
    sent = served.begin(browser)
    assert sent["redirect_uri"] == f"http://127.0.0.1:{served.port}/console/login/callback"
    assert (sent["response_type"], sent["code_challenge_method"], sent["scope"]) == ("code", "S256", "openid")
    status, page = served.returned(browser, served.issuer.authorized(sent), sent["state"])
    assert status == 200
    assert 'content="0;url=/console/audit"' in page
    assert len(browser.cookies) == 1, "one cookie, which is the session's"
    assert "alice" in browser.get("/console/").body


def test_login_cookie_is_no_session(served: Served) -> None:
    browser = Browser(served.port)
    answer = browser.get("/console/login/start")
    assert "SameSite=Lax" in answer.cookies[0], "the issuer's page leads back with it"
    assert browser.get("/console/").status == 303


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("state", "a state of another login"),
        ("browser", "another browser, which did not begin the login"),
        ("twice", "a code that was used"),
        ("invented", "a code that the issuer does not know"),
        ("nonce", "a token of another login"),
        ("denied", "the issuer says no"),
    ],
)
def test_login_of_another_is_rejected(served: Served, case: str, reason: str) -> None:
    browser = Browser(served.port)
    sent = served.begin(browser)
    code = served.issuer.authorized({**sent, "nonce": "other"} if case == "nonce" else sent)
    state = "other" if case == "state" else sent["state"]
    if case == "twice":
        served.issuer.logins.pop(code)
    if case == "denied":
        answer = browser.get(f"/console/login/callback?error=access_denied&state={state}")
        status, page = answer.status, answer.body
    else:
        visitor = Browser(served.port) if case == "browser" else browser
        status, page = served.returned(visitor, "invented" if case == "invented" else code, state)
    assert status == 401, reason
    assert "Sign in" in page
    assert browser.get("/console/").status == 303, "no session began"


def test_token_for_another_audience_begins_no_session(served: Served) -> None:
    browser = Browser(served.port)
    sent = served.begin(browser)
    status, _ = served.returned(browser, served.issuer.authorized({**sent, "client_id": "other"}), sent["state"])
    assert status == 401


def test_login_without_the_issuer_says_so(served: Served) -> None:
    served.issuer.down = True
    try:
        answer = Browser(served.port).get("/console/login/start")
    finally:
        served.issuer.down = False
    assert answer.status == 503
    assert "issuer" in answer.body
