"""The streams of live pages."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from ecrkeeper_server.console.pages.fleet import ACCOUNTS

from tests import harness
from tests.console.events import live, opened
from tests.console.world import OTHER, POLICY, Browser, World, world


def _toggle(console: World) -> str:
    """Change the mode of a registry; return the word for its new state."""
    place = console.live.registry(OTHER, "eu-west-1")
    paused = place.read().mode == 3
    place.keep(mode="ENFORCE" if paused else "PAUSED")
    return "Ready" if paused else "Paused"


def test_stream_sends_only_changes(console: World) -> None:
    browser = console.browser()
    with opened(browser, live(browser, "/console/")) as events:
        assert events.answer.headers["Content-Type"] == "text/event-stream"
        assert events.next() == ("status", "Live")
        word = _toggle(console)
        _, content = events.until(word)
        assert content.count("<a ") == 1, "the cell that changed, and no snapshot"
        assert 'hx-swap-oob="true"' in content
        assert f"c-{OTHER}-eu-west-1" in content


def test_stream_of_an_old_page_sends_a_snapshot(console: World) -> None:
    browser = console.browser()
    address = re.sub("digest=[0-9a-f]+", "digest=0", live(browser, "/console/"))
    with opened(browser, address) as events:
        _, content = events.until("<a ")
        assert content.count("<a ") == 3


def test_stream_follows_as_many_accounts_as_a_page_has(console: World) -> None:
    """Filters have a maximum of restrictions."""
    browser = console.browser()
    accounts = ",".join([OTHER, *(str(300_000_000_000 + number) for number in range(ACCOUNTS - 1))])
    with opened(browser, f"/console/live/?accounts={accounts}") as events:
        assert events.until("<a ")[1].count("<a ") == 2
    with opened(browser, f"/console/live/roles?accounts={accounts}") as events:
        assert events.next() == ("status", "Live")


def test_stream_hides_unreadable_resources(console: World) -> None:
    with opened(console.browser("bob"), "/console/live/audit") as events:
        assert "may no longer read" in events.until("may no longer read")[1]
        assert events.until("end") == ("end", "end")
        assert events.next() == ("", "")


def test_stream_without_a_session_ends(console: World) -> None:
    with opened(Browser(console.port), "/console/live/") as events:
        assert "sign in again" in events.next()[1]
        assert events.next()[0] == "end"


def test_stream_ends_with_its_token(console: World) -> None:
    browser = console.browser(lasts=2)
    with opened(browser, live(browser, "/console/")) as events:
        assert events.until("sign in again")[0] == "status"
        assert events.next()[0] == "end"


def test_changed_policy_ends_the_stream(console: World) -> None:
    browser, file = console.browser("bob"), console.folder / "policy.yaml"
    with opened(browser, live(browser, "/console/")) as events:
        assert events.next() == ("status", "Live")
        try:
            file.write_text(POLICY.replace("[bob]", "[carol]"))
            harness.eventually(lambda: browser.get("/console/").status == 403)
            _toggle(console)
            assert events.until("may no longer read")[0] == "status"
        finally:
            file.write_text(POLICY)
            harness.eventually(lambda: browser.get("/console/").status == 200)


@pytest.fixture(scope="module")
def narrow(simulated_aws: harness.Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A server that admits one stream of each user."""
    with world(simulated_aws, tmp_path_factory.mktemp("narrow"), max_streams_per_principal=1, filled=False) as served:
        yield served


def test_streams_count_against_the_limit(narrow: World) -> None:
    browser = narrow.browser()
    with opened(browser, "/console/live/audit") as first:
        assert first.next() == ("status", "Live")
        with opened(browser, "/console/live/audit") as second:
            assert "Too many pages are live" in second.until("Too many")[1]
            assert second.next()[0] == "end"


def test_stream_of_a_closed_page_gives_its_place_back(narrow: World) -> None:
    browser = narrow.browser()
    with opened(browser, "/console/live/audit") as events:
        assert events.next() == ("status", "Live")

    def admitted() -> bool:
        with opened(browser, "/console/live/audit") as events:
            events.answer.fp.raw._sock.settimeout(0.3)  # type: ignore[union-attr]
            events.next()
            try:
                return "Too many" not in events.next()[1]
            except TimeoutError:
                return True

    assert harness.eventually(admitted)
