"""The events of a live page."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from contextlib import contextmanager

from tests.console.world import Browser


class Events:
    """The events of a stream, in order."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.answer = answer

    def next(self) -> tuple[str, str]:
        """Return the name and the content of the next event; empty at the end."""
        name, lines = "", []
        while line := self.answer.readline().decode().rstrip("\n"):
            field, _, value = line.partition(": ")
            name = value if field == "event" else name
            lines += [value] if field == "data" else []
        return name, "\n".join(lines)

    def until(self, text: str) -> tuple[str, str]:
        """Return the next event with a text."""
        while True:
            name, content = self.next()
            assert name, f"the stream ended without {text}"
            if text in content:
                return name, content

    def within(self, seconds: float) -> bool:
        """Return whether anything arrives within so many seconds."""
        self.answer.fp.raw._sock.settimeout(seconds)  # type: ignore[union-attr]
        try:
            return self.answer.readline() != b""
        except TimeoutError:
            return False

    def rest(self, seconds: float) -> str:
        """Return what arrives until the end, or until nothing arrives for so many seconds."""
        self.answer.fp.raw._sock.settimeout(seconds)  # type: ignore[union-attr]
        lines = []
        try:
            while line := self.answer.readline():
                lines.append(line)
        except TimeoutError:
            pass
        return b"".join(lines).decode()


@contextmanager
def opened(browser: Browser, path: str) -> Iterator[Events]:
    """Open a stream."""
    connection = http.client.HTTPConnection("127.0.0.1", browser.port, timeout=20)
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    connection.request("GET", path, headers={"Cookie": cookies} if cookies else {})
    try:
        yield Events(connection.getresponse())
    finally:
        connection.close()


def live(browser: Browser, path: str) -> str:
    """Return the address of the stream that a page opens."""
    match = re.search(r'sse-connect="([^"]+)"', browser.get(path).body)
    assert match is not None
    return match[1].replace("&amp;", "&")
