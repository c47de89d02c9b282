"""Calls over HTTP in Connect's protocol, without a library that knows it."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from google.rpc import error_details_pb2

from tests import harness

SETTINGS = "/ecrkeeper.v1.RegistrySettingsService"
GET = f"{SETTINGS}/GetRegistry"
LIST = f"{SETTINGS}/ListRegistries"
WATCH = f"{SETTINGS}/WatchRegistries"
INFO = "/ecrkeeper.v1.ServerService/GetServerInfo"
WHO = "/ecrkeeper.v1.ServerService/WhoAmI"
CHECK = "/grpc.health.v1.Health/Check"
UNARY = {"Content-Type": "application/json", "Connect-Protocol-Version": "1"}
STREAM = {**UNARY, "Content-Type": "application/connect+json"}


def port_of(log: Path) -> int:
    """Return the HTTP port of a server from its log."""

    def logged_port() -> int:
        lines = (json.loads(line) for line in log.read_text().splitlines() if line.endswith("}"))
        return next((int(line["http_port"]) for line in lines if line["event"] == "started"), 0)

    # The server logs it right after it prints its address.
    return int(harness.eventually(logged_port))


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: its status, its headers and its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of an error; `ok` without one."""
        return "ok" if self.status == 200 else str(self.json["code"])

    @property
    def reason(self) -> str:
        """The reason of an error."""
        return reason_of(self.json)


def reason_of(error: Any) -> str:
    """Return the reason in the details of an error."""
    detail = next(each for each in error["details"] if each["type"] == "google.rpc.ErrorInfo")
    value = base64.b64decode(detail["value"] + "==")
    info = error_details_pb2.ErrorInfo.FromString(value)
    assert detail["debug"]["reason"] == info.reason
    return str(info.reason)


class Web:
    """One connection to the HTTP port."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        if tls is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        else:
            self.connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=tls)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def call(
        self,
        path: str,
        request: Any = None,
        headers: Mapping[str, str] | None = None,
        method: str = "POST",
        **more: str,
    ) -> Answer:
        """Return the answer to a request: bytes, or an object that is sent as JSON."""
        body = request if isinstance(request, bytes) else json.dumps({} if request is None else request).encode()
        self.connection.request(method, path, body, {**(UNARY if headers is None else headers), **more})
        answer = self.connection.getresponse()
        return Answer(answer.status, dict(answer.headers.items()), answer.read())

    def stream(self, path: str, request: Any, **more: str) -> Stream:
        """Begin a stream."""
        body = wrapped(json.dumps(request).encode())
        self.connection.request("POST", path, body, {**STREAM, **more})
        return Stream(self.connection.getresponse())


def wrapped(content: bytes, flags: int = 0) -> bytes:
    """Return a message in its envelope."""
    return bytes((flags,)) + len(content).to_bytes(4, "big") + content


class Stream:
    """The messages of a stream, in order."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.status = answer.status
        self.headers = dict(answer.headers.items())
        self._answer = answer
        self.end: Any = None

    def next(self) -> Any:
        """Return the next message; None at the end, which `end` then has."""
        head = self._answer.read(5)
        assert len(head) == 5, "the stream must end with a message"
        content = json.loads(self._answer.read(int.from_bytes(head[1:], "big")))
        if head[0] == 0:
            return content
        assert head[0] == 2
        self.end = content
        assert self._answer.read() == b"", "nothing follows the end"
        return None
