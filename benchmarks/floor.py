"""The floor: signed calls over one kept-alive connection and nothing else.

Run as `python -m benchmarks.floor URL`.

The target compares with `http.client`; the bare socket shows the cost of its HTTP code. Both sign
with botocore's SigV4Auth and parse with orjson.
"""

from __future__ import annotations

import http.client
import socket
import sys
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import orjson
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from benchmarks.processes import answer, orders
from benchmarks.responder import OPERATIONS

_KEYS = ReadOnlyCredentials("100000000000", "secret", "token")
_TARGET = "AmazonEC2ContainerRegistry_V20150921."


def _signed(url: str, operation: str) -> dict[str, str]:
    headers = {"X-Amz-Target": _TARGET + operation, "Content-Type": "application/x-amz-json-1.1"}
    request = AWSRequest("POST", url, headers, b"{}")
    SigV4Auth(_KEYS, "ecr", "us-east-1").add_auth(request)
    return dict(request.headers.items())


def http_client(url: str) -> Callable[[str], None]:
    """One call over http.client."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc)

    def call(operation: str) -> None:
        connection.request("POST", "/", b"{}", _signed(f"{url}/", operation))
        orjson.loads(connection.getresponse().read())

    return call


def bare_socket(url: str) -> Callable[[str], None]:
    """One call over a socket, the answer found by its Content-Length."""
    place = urlsplit(url)
    connection = socket.create_connection((place.hostname or "", place.port or 0))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def call(operation: str) -> None:
        lines = "".join(f"{name}: {value}\r\n" for name, value in _signed(f"{url}/", operation).items())
        head = f"POST / HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: 2\r\n{lines}\r\n"
        connection.sendall(head.encode() + b"{}")
        data = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += connection.recv(65536)
        length = int(data[:end].split(b"Content-Length: ")[1].split(b"\r\n")[0])
        while len(data) < end + 4 + length:
            data += connection.recv(65536)
        orjson.loads(data[end + 4 :])

    return call


def main(url: str) -> None:
    """Make `calls` calls in the way that each order names."""
    ways = {"http.client": http_client(url), "socket": bare_socket(url)}
    for order in orders():
        call, began = ways[order["way"]], time.monotonic()
        for i in range(order["calls"]):
            call(OPERATIONS[i % len(OPERATIONS)])
        answer(units=order["calls"], seconds=time.monotonic() - began)


if __name__ == "__main__":
    main(sys.argv[1])
