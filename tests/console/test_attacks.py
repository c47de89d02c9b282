"""The console beside a list of attacks on web applications."""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from urllib.parse import quote

import pytest

from tests import harness
from tests.console.events import live, opened
from tests.console.world import ACCOUNT, HTML, OTHER, POLICY, REGISTRY, ROLE, Browser, World
from tests.http.web import UNARY, WHO, Web


class Tags(HTMLParser):
    """The tags of a page with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def dangers(self) -> list[tuple[str, dict[str, str | None]]]:
        """Return tags that run or load something other than the console's files."""
        return [(tag, attributes) for tag, attributes in self.tags if _dangerous(tag, attributes)]


def _dangerous(tag: str, attributes: dict[str, str | None]) -> bool:
    if tag in ("script", "link") and not (attributes.get("src") or attributes.get("href") or "").startswith(
        "/console/static/"
    ):
        return True
    if tag == "svg" and attributes.get("class") == "topology":
        return False
    if tag in ("img", "iframe", "object", "embed", "base", "style", "svg"):
        return True
    urls = [attributes.get(name) or "" for name in ("href", "src", "action", "hx-get", "sse-connect")]
    if any(":" in url.partition("?")[0].partition("/")[0] or url.startswith("//") for url in urls):
        return True
    return any(name.startswith("on") or name in ("style", "hx-on", "srcdoc", "formaction") for name in attributes)


def test_stored_html_is_text_on_every_page(console: World) -> None:
    browser, shown = console.browser(), set()
    for name, path in console.pages().items():
        tags = Tags(browser.get(path).body)
        assert tags.dangers() == [], name
        if "alert(1)" in tags.text:
            shown.add(name)
    expected = {"registry", "elements", "explain", "declaration", "role", "audit", "event", "rollout", "operation"}
    assert shown >= expected, "these show stored texts"


@contextmanager
def _reconciling(console: World) -> Iterator[None]:
    """Make events again and again: a stream has only those after it began."""
    ended = threading.Event()

    def reconcile() -> None:
        while not ended.wait(0.2):
            console.live.client.reconcile_registry(REGISTRY)

    thread = threading.Thread(target=reconcile)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_stored_html_is_text_in_streams(console: World) -> None:
    browser = console.browser()
    address = re.sub("digest=[0-9a-f]+", "digest=0", live(browser, f"/console/{REGISTRY}"))
    with opened(browser, address) as events:
        name, content = events.until("alert(1)")
        assert (name, Tags(content).dangers()) == ("update", [])
    with opened(browser, "/console/live/audit") as events, _reconciling(console):
        name, content = events.until("alert(1)")
        assert (name, Tags(content).dangers()) == ("event", [])


REFLECTED = [
    ("/console/?q={}", "a search"),
    ("/console/?state={}", "a state"),
    ("/console/?page={}", "a page token"),
    ("/console/audit?q={}", "a search of the trail"),
    ("/console/operations?q={}", "a search of operations"),
    (f"/console/{REGISTRY}/explain?repository={{}}", "a repository"),
    (f"/console/{REGISTRY}/elements?q={{}}", "a search of elements"),
    ("/console/topology?repository={}", "a repository of the topology"),
    ("/console/login?next={}", "a target of the login"),
    ("/console/{}", "a path"),
]


@pytest.mark.parametrize(("path", "reason"), REFLECTED)
def test_given_html_is_text_in_the_answer(console: World, path: str, reason: str) -> None:
    answer = console.browser().get(path.format(quote(HTML)))
    assert answer.status < 500
    assert Tags(answer.body).dangers() == [], reason
    assert "<script>alert" not in answer.body, reason


REJECTED: list[tuple[str, str, dict[str, str], int, str]] = [
    ("GET", "/console/", {"Host": "evil.example"}, 421, "DNS rebinding: a name of another site"),
    ("GET", "/console/", {"Host": "evil.example:8080"}, 421, "DNS rebinding with a port"),
    ("GET", "/console/", {"Origin": "https://evil.example"}, 403, "a script of another site reads"),
    ("GET", "/console/", {"Origin": "null"}, 403, "a sandboxed frame reads"),
    ("GET", "/console/", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403, "another site embeds"),
    (
        "GET", "/console/", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
        403, "another site frames",
    ),
    ("GET", "/console/", {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}, 403, "a neighbour reads"),
    ("GET", "/console/live", {"Sec-Fetch-Site": "cross-site"}, 403, "another site opens streams"),
    ("POST", "/console/login", {"Sec-Fetch-Site": "cross-site"}, 403, "login CSRF"),
    ("POST", "/console/login", {}, 403, "a form without an origin"),
    ("POST", "/console/login", {"Origin": "https://evil.example"}, 403, "a form of another site"),
    ("POST", "/console/logout", {"Origin": "https://evil.example"}, 403, "logout CSRF"),
    ("GET", "/console/logout", {}, 405, "logout by a link"),
    ("PUT", "/console/", {}, 405, "another method"),
    ("DELETE", f"/console/{REGISTRY}", {}, 405, "a write"),
    ("OPTIONS", "/console/", {"Origin": "https://evil.example"}, 405, "a preflight"),
    ("GET", "/console/", {"X-Long": "x" * 16_300}, 431, "long headers"),
    ("GET", "/console/static/../console.py", {}, 404, "a path out of the folder"),
    ("GET", "/console/static/%2e%2e/console.py", {}, 404, "an encoded path out of the folder"),
    ("GET", "/console/static/..%2fconsole.py", {}, 404, "an encoded slash"),
    ("GET", "/console/static//etc/passwd", {}, 404, "an absolute path"),
    ("GET", "/console/static/", {}, 404, "a listing of the folder"),
    ("GET", "/console/accounts/..%2f../registries/us-east-1", {}, 404, "a slash in a segment"),
    ("GET", "/console/accounts/%2e%2e/registries/us-east-1", {}, 404, "a dotted segment"),
    ("GET", "/console/accounts/111111111111%00/registries/us-east-1", {}, 404, "a NUL"),
    ("GET", "/console/accounts/%ff%fe/registries/us-east-1", {}, 404, "bytes that are not UTF-8"),
    ("GET", "/console//", {}, 404, "an empty segment"),
    ("GET", "/console/live/operations", {}, 404, "a stream that does not exist"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "headers", "status", "reason"), REJECTED)
def test_request_is_rejected(
    console: World, method: str, path: str, headers: dict[str, str], status: int, reason: str
) -> None:
    browser = console.browser()
    answer = browser.send(method, path, "", headers)
    assert answer.status == status, reason
    assert answer.cookies == [], "the session goes on"
    assert answer.headers["Access-Control-Allow-Origin"] is None


def test_link_of_another_site_may_lead_to_a_page(console: World) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert console.browser().send("GET", "/console/roles", "", headers).status == 200


def test_every_answer_has_the_headers(console: World) -> None:
    browser, signed_out = console.browser(), console.browser("")
    answers = [browser.get(path) for path in [*console.pages().values(), "/console/static/console.css", "/console/x"]]
    for answer in [*answers, signed_out.get("/console/"), signed_out.get("/console/login")]:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy, "no other site"
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"


def test_pages_are_not_cached(console: World) -> None:
    assert {console.browser().get(path).headers["Cache-Control"] for path in console.pages().values()} == {"no-store"}


TARGETS = [
    ("/console/audit?q=x", "/console/audit?q=x", "a page of the console"),
    ("https://evil.example/", "/console/", "another site"),
    ("//evil.example/console/", "/console/", "another site without a scheme"),
    ("/console/\\evil.example", "/console/", "a backslash"),
    ("/\\evil.example", "/console/", "a backslash at the begin"),
    ("/console/\r\nSet-Cookie: a=b", "/console/", "another header"),
    ("javascript:alert(1)", "/console/", "a script"),
    ("/console/login", "/console/", "the login again"),
    ("", "/console/", "nothing"),
]


@pytest.mark.parametrize(("target", "sent", "reason"), TARGETS)
def test_login_leads_only_to_pages(console: World, target: str, sent: str, reason: str) -> None:
    browser = Browser(console.port)
    answer = browser.post("/console/login", {"token": console.issuer.token("alice"), "next": target})
    assert (answer.status, answer.headers["Location"]) == (303, sent), reason


TOKENS = [
    ("", "nothing"), ("x", "no token"), ("a.b.c", "not base64url of JSON"), ("x" * 9000, "too long"),
    ("a b\r\nX: y", "another header"), (HTML, "HTML"),
]  # fmt: skip


@pytest.mark.parametrize(("token", "reason"), TOKENS)
def test_wrong_token_begins_no_session(console: World, token: str, reason: str) -> None:
    browser = Browser(console.port)
    answer = browser.post("/console/login", {"token": token})
    assert (answer.status, answer.cookies) == (401, []), reason
    assert Tags(answer.body).dangers() == []


def test_cookie_is_for_this_site_only(console: World) -> None:
    token = console.issuer.token("alice", lasts=600)
    answer = Browser(console.port).sign_in(token)
    (cookie,) = answer.cookies
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= {each.strip() for each in cookie.split(";")}
    assert "Domain" not in cookie
    assert not [part for part in token.split(".") if part in cookie], "the token is not readable"
    age = int(cookie.partition("Max-Age=")[2].partition(";")[0])
    assert 590 <= age <= 600, "the session ends with its token"


def _changed(value: str) -> str:
    return value[:40] + ("A" if value[40] != "A" else "B") + value[41:]


def test_changed_cookie_is_no_session(console: World) -> None:
    browser = console.browser()
    browser.cookies = {name: _changed(value) for name, value in browser.cookies.items()}
    answer = browser.get("/console/audit?q=x")
    assert (answer.status, answer.headers["Location"]) == (303, "/console/login?next=%2Fconsole%2Faudit%3Fq%3Dx")


@pytest.mark.parametrize("value", ["x", "", "AAAA", "%00", "é", "A" * 5000])
def test_invented_cookie_is_no_session(console: World, value: str) -> None:
    browser = Browser(console.port, {"ecrkeeper": value.encode().decode("latin-1")})
    assert browser.get("/console/").status == 303


def test_long_token_fits_into_cookies(console: World) -> None:
    groups = tuple(secrets.token_urlsafe(20) for _ in range(170))
    token = console.issuer.token("alice", groups=groups)
    assert 5_000 < len(token) <= 8192
    browser = Browser(console.port)
    assert browser.sign_in(token).status == 303
    assert max(map(len, browser.cookies.values())) < 4000
    assert len(browser.cookies) > 1
    assert browser.get("/console/").status == 200
    assert browser.sign_in(console.issuer.token("bob")).status == 303
    assert len(browser.cookies) == 1, "the other parts have ended"
    assert browser.get("/console/").status == 200


def test_api_ignores_the_session(console: World) -> None:
    cookies = "; ".join(f"{name}={value}" for name, value in console.browser().cookies.items())
    with Web(console.port) as web:
        assert web.call(WHO, headers={**UNARY, "Cookie": cookies}).status == 401


def test_page_ignores_the_callers_own_token(console: World) -> None:
    answer = Browser(console.port).get("/console/", Authorization=f"Bearer {console.issuer.token('alice')}")
    assert answer.status == 303


def test_sign_out_ends_the_session(console: World) -> None:
    browser = console.browser()
    assert browser.post("/console/logout", {}).headers["Location"] == "/console/login"
    assert browser.cookies == {}
    assert browser.get("/console/").status == 303


def test_session_ends_with_its_token(console: World) -> None:
    browser = console.browser(lasts=1)
    answer = harness.eventually(lambda: (page := browser.get("/console/")).status == 303 and page, 5)
    assert "login" in answer.headers["Location"]
    assert browser.cookies == {}


def test_another_accounts_data_are_hidden(console: World) -> None:
    browser = console.browser("bob")
    fleet = browser.get("/console/").body
    assert OTHER in fleet
    assert ACCOUNT not in fleet
    for name in ("registry", "elements", "explain", "declaration", "role", "usage", "operation", "audit", "event"):
        answer = browser.get(console.pages()[name])
        assert answer.status == 403, name
        assert "team-b" not in answer.body
    assert ACCOUNT not in browser.get("/console/operations").body
    assert ACCOUNT not in browser.get("/console/roles").body


def test_streams_hide_another_accounts_data(console: World) -> None:
    """The address of a stream names what it follows, and anybody can change it."""
    browser = console.browser("bob")
    names = [REGISTRY, ROLE, console.names["operation"], "audit"]
    with opened(browser, f"/console/live/?accounts={ACCOUNT},{OTHER}") as events:
        shown = events.until("<a ")[1]
        assert (OTHER in shown, ACCOUNT in shown) == (True, False)
    with opened(browser, f"/console/live/roles?accounts={ACCOUNT}") as events:
        assert events.next() == ("status", "Live")
        console.live.client.update_service_linked_role({"name": ROLE, "description": HTML + "2"}, ["description"])
        assert not events.within(0.5), "no event of another account"
    for name in names:
        with opened(browser, f"/console/live/{name}") as events:
            content = events.rest(1.0)
            assert "team-a" not in content, name
            assert "alert" not in content, name


@pytest.mark.parametrize("page", ["topology", "rollouts", "set", "rollout"])
def test_pages_of_several_accounts_hide_the_others(console: World, page: str) -> None:
    body = console.browser("bob").get(console.pages()[page]).body
    assert ACCOUNT not in body
    assert "team-a" not in body


def test_hidden_and_missing_resources_look_alike(console: World) -> None:
    browser = console.browser("bob")
    hidden = browser.get(f"/console/{REGISTRY}")
    missing = browser.get("/console/accounts/333333333333/registries/us-east-1")
    assert hidden.status == missing.status == 403
    assert hidden.body.replace(ACCOUNT, "") == missing.body.replace("333333333333", "")


def test_changed_policy_ends_permissions(console: World) -> None:
    browser, file = console.browser("bob"), console.folder / "policy.yaml"
    assert browser.get("/console/").status == 200
    try:
        file.write_text(POLICY.replace("[bob]", "[carol]"))
        harness.eventually(lambda: browser.get("/console/").status == 403)
    finally:
        file.write_text(POLICY)
    harness.eventually(lambda: browser.get("/console/").status == 200)
