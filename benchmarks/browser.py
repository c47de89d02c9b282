"""A browser of the console: pages, and the streams that they open."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
import time
from pathlib import Path

from benchmarks.measure import until

_CONNECT = re.compile(r'sse-connect="([^"]+)"')


def http_port(log: Path) -> int:
    """Return the HTTP port of a server from its log."""
    ports: list[int] = []

    def started() -> bool:
        lines = (json.loads(line) for line in log.read_text().splitlines() if line.endswith("}"))
        ports.extend(int(line["http_port"]) for line in lines if line.get("event") == "started")
        return bool(ports)

    until(started, 20, "the server has started")
    return ports[-1]


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

    def __init__(self, port: int, path: str, event: str) -> None:
        match = _CONNECT.search(page(port, path)[0])
        if match is None:
            raise RuntimeError(f"{path} is not live")
        self._event = f"event: {event}\n".encode()
        self._received, self._rest = 0, b""
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        address = match[1].replace("&amp;", "&")
        self._socket.sendall(f"GET {address} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        self._socket.setblocking(False)

    def updates(self) -> int:
        """Return how many updates the page has got."""
        with contextlib.suppress(BlockingIOError):
            while received := self._socket.recv(1 << 20):
                # An event may arrive in parts, but is counted once.
                content = self._rest + received
                self._received += content.count(self._event)
                self._rest = content[content.rfind(b"\n") + 1 :]
        return self._received

    def close(self) -> None:
        """Leave the page."""
        self._socket.close()
