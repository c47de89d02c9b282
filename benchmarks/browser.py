"""A browser of the console: pages, and the streams that they open."""

from __future__ import annotations

import http.client
import json
import re
import time
from pathlib import Path

from benchmarks.measure import until

_CONNECT = re.compile(r'sse-connect="([^"]+)"')


def http_port(log: Path) -> int:
    """Return the HTTP port of a server from its log."""
    found: list[int] = []

    def started() -> bool:
        lines = (json.loads(line) for line in log.read_text().splitlines() if line.endswith("}"))
        found.extend(int(line["http_port"]) for line in lines if line.get("event") == "started")
        return bool(found)

    until(started, 20, "the server has started")
    return found[-1]


def page(port: int, path: str) -> tuple[str, float]:
    """Return a page, and the seconds until it was there."""
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status} {body[:500]}")
    return body, time.monotonic() - began


class OpenPage:
    """An open page: the connection of its stream."""

    def __init__(self, port: int, path: str) -> None:
        found = _CONNECT.search(page(port, path)[0])
        if found is None:
            raise RuntimeError(f"{path} is not live")
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._connection.request("GET", found[1].replace("&amp;", "&"))
        self._answer = self._connection.getresponse()
        self.wait("status")

    def wait(self, event: str) -> None:
        """Wait for the next event of this name."""
        wanted = f"event: {event}\n".encode()
        while line := self._answer.readline():
            if line == wanted:
                return
        raise RuntimeError(f"the stream ended before {event}")

    def close(self) -> None:
        """Leave the page."""
        self._connection.close()
