"""Count the server's modules in the path of one UpdateRegistrySettings.

Run as `python -m benchmarks.update_modules`. The server runs in this process, without an engine, and a client calls
it over a socket. A module counts if one of its functions runs between the call and the write of the last row; only
modules that all traced calls of one kind pass through count, because the server does other work meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any
from unittest import mock

import ecrkeeper_server
from ecrkeeper import AsyncClient

_ROOT = Path(ecrkeeper_server.__file__).parent
_REGISTRY = "accounts/111111111111/registries/us-east-1"
_CALLS = 4
# The function that writes the rows of a call; the call passes no more modules on its way to them once it returns.
_SAVE = ("store.work", "save")
# It runs ten times a second, whether there are calls or not.
_TIMED = "loop_lag"


def _rule(url: str) -> dict[str, Any]:
    return {"ecr_repository_prefix": url.partition(".")[0], "upstream_registry_url": url}


def _destination(region: str) -> dict[str, Any]:
    return {"destinations": [{"region": region, "registry_id": "111111111111"}]}


def _switch(value: str) -> dict[str, Any]:
    return {"settings": [{"name": "BLOB_MOUNTING", "value": value}]}


# Two values of each setting, so that each call changes something.
UPDATES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "pull_through_cache_rules": ({"rules": [_rule("quay.io")]}, {"rules": [_rule("public.ecr.aws")]}),
    "replication_configuration": ({"rules": [_destination("eu-west-1")]}, {"rules": [_destination("eu-west-2")]}),
    "account_settings": (_switch("ENABLED"), _switch("DISABLED")),
}


class Walk:
    """Counts calls of the server's functions by module and name while it records."""

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, str]] = Counter()
        self.recording = False

    @property
    def modules(self) -> list[str]:
        """The modules whose functions ran, in the order of their first call."""
        return list(dict.fromkeys(module for module, _ in self.calls))

    def profile(self, frame: FrameType, event: str, _argument: Any) -> None:
        """Note a function that is called; for `sys.setprofile`."""
        if not self.recording or event not in ("call", "return"):
            return
        path = Path(frame.f_code.co_filename)
        if not path.is_relative_to(_ROOT) or frame.f_code.co_name == "<module>":
            return
        module = str(path.relative_to(_ROOT).with_suffix("")).replace("/", ".")
        if event == "call" and module != _TIMED:
            self.calls[module, frame.f_code.co_name] += 1
        elif (module, frame.f_code.co_name) == _SAVE:
            self.recording = False


class _Tracer:
    """The walk of the current call, for all threads."""

    def __init__(self) -> None:
        self.walk = Walk()

    def profile(self, frame: FrameType, event: str, argument: Any) -> None:
        """Pass an event on to the current walk."""
        self.walk.profile(frame, event, argument)


@contextlib.contextmanager
def _profiled(tracer: _Tracer) -> Iterator[None]:
    threading.setprofile(tracer.profile)
    sys.setprofile(tracer.profile)
    try:
        yield
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


async def _walk(client: AsyncClient, tracer: _Tracer, setting: str) -> list[Walk]:
    name = f"{_REGISTRY}/settings/{setting.replace('_', '-')}"
    walks = []
    # The first two calls fill caches; they are not counted.
    for number in range(_CALLS + 2):
        # The server is still notifying its watchers of the previous call.
        await asyncio.sleep(0.05)
        tracer.walk = walk = Walk()
        walk.recording = True
        shape = UPDATES[setting][number % 2]
        await client.update_registry_settings({"name": name, "settings": {setting: shape}}, allow_missing=True)
        walk.recording = False
        walks.append(walk)
    return walks[2:]


async def _until_listening(address: str) -> None:
    host, _, port = address.partition(":")
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(host, int(port))
                writer.close()
                return
            await asyncio.sleep(0.05)


async def _trace(tracer: _Tracer, folder: Path) -> dict[str, list[Walk]]:
    from ecrkeeper_server import app
    from ecrkeeper_server.aws_options import aws_options
    from ecrkeeper_server.config.settings import Config
    from ecrkeeper_server.security import open_security

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    config = Config(
        database_url=f"sqlite:///{folder / 'walk.db'}", listen=address, metrics_listen="127.0.0.1:0", role="api",
        aws_endpoint_url="http://127.0.0.1:9", log_level="error",
    )  # fmt: skip
    app.prepare(config)
    serving = asyncio.create_task(app.serve(config, open_security(config), aws_options(config)))
    await _until_listening(address)
    async with AsyncClient(address, insecure=True) as client:
        walks = {setting: await _walk(client, tracer, setting) for setting in UPDATES}
    serving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await serving
    return walks


def trace() -> dict[str, list[Walk]]:
    """Return the walks of several Updates, by the setting that they change."""
    tracer = _Tracer()
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "111111111111")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "unused")
    # With the profiler, an Update can take longer than a slice, and what takes longer is charged for its CPU.
    stopped = mock.patch("time.thread_time", return_value=0.0)
    with stopped, _profiled(tracer), tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_trace(tracer, Path(folder)))


def modules(walks: list[Walk]) -> list[str]:
    """Return the modules that all of the calls passed through, in order."""
    return [module for module in walks[0].modules if all(module in walk.modules for walk in walks)]


if __name__ == "__main__":
    for setting, walks in trace().items():
        names = modules(walks)
        print(f"{setting}: {len(names)} modules\n  " + "\n  ".join(names))
