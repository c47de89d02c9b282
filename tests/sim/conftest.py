"""A simulated AWS in a background thread, with real boto3 clients in front of it."""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from ecrkeeper_sim.server import serve

ACCOUNT = "111111111111"
REGION = "us-east-1"


@dataclass
class Aws:
    """The simulator as a test sees it."""

    url: str
    _clients: dict[tuple[str, ...], Any] = field(default_factory=dict)

    def client(
        self, service: str, region: str = REGION, key: str = ACCOUNT, token: str | None = None, **config: Any
    ) -> Any:
        """Return a boto3 client that neither retries nor checks parameters by itself."""
        name = (service, region, key, token or "", repr(config))
        if name not in self._clients:
            self._clients[name] = boto3.client(
                service,
                region_name=region,
                endpoint_url=self.url,
                aws_access_key_id=key,
                aws_secret_access_key="secret",
                aws_session_token=token,
                config=Config(
                    **{
                        "retries": {"total_max_attempts": 1},
                        "parameter_validation": False,
                        "read_timeout": 10,
                        **config,
                    }
                ),
            )
        return self._clients[name]

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Return the answer of the control plane."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_sim/{path}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def seed(self, account: str = ACCOUNT, region: str = REGION, **parts: Any) -> Any:
        """Set registry state out of band."""
        return self.control("PUT", f"accounts/{account}/registries/{region}", parts)

    def settings(self, **changes: Any) -> None:
        """Change settings of the simulator."""
        self.control("PUT", "settings", changes)

    def advance(self, seconds: float) -> None:
        """Advance the simulated time."""
        self.control("POST", "clock", {"advance": seconds})

    def requests(self) -> list[dict[str, Any]]:
        """Return the recorded requests."""
        answer: dict[str, list[dict[str, Any]]] = self.control("GET", "requests?since=0")
        return answer["requests"]

    def assume(self, account: str = ACCOUNT, **arguments: Any) -> dict[str, Any]:
        """Return `key` and `token` of an assumed-role session, to be given to `client`."""
        sts = self.client("sts", key="000000000000")
        arn = f"arn:aws:iam::{account}:role/keeper"
        minted = sts.assume_role(RoleArn=arn, RoleSessionName="test", **arguments)["Credentials"]
        return {"key": minted["AccessKeyId"], "token": minted["SessionToken"]}


def rejection(function: Callable[..., Any], /, **arguments: Any) -> tuple[str, str]:
    """Return code and message of the error that ends the call."""
    with pytest.raises(ClientError) as caught:
        function(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.fixture(scope="session")
def simulator() -> Iterator[Aws]:
    """Run one simulator for the whole session."""
    started = threading.Event()
    running: dict[str, Any] = {}

    async def run() -> None:
        async with serve() as served:
            running.update(url=served.url, loop=asyncio.get_running_loop(), stop=asyncio.Event())
            started.set()
            await running["stop"].wait()

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    assert started.wait(20)
    yield Aws(running["url"])
    running["loop"].call_soon_threadsafe(running["stop"].set)
    thread.join(10)


@pytest.fixture
def aws(simulator: Aws) -> Aws:
    """Return the empty simulator with its clock frozen."""
    simulator.control("POST", "reset")
    simulator.control("POST", "clock", {"frozen": True})
    return simulator
