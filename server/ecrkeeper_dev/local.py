"""The simulated AWS, the server and the example in one process and one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from ecrkeeper_server.config.settings import Config, load
from ecrkeeper_server.iam_policy.policy import Scope, policy
from ecrkeeper_server.settings.table import SETTINGS

from ecrkeeper_dev import certificates, example, profile, saved

_HOST = "127.0.0.1"
_RESYNC_SECONDS = 60.0
_SAVE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Local:
    """The options of `ecrkeeper dev`."""

    port: int
    aws_port: int
    http_port: int
    tls: bool
    data: Path | None
    example: bool
    profile: str
    log_level: str


def run(options: Local) -> int:
    """Serve until SIGINT or SIGTERM.

    OSError for a port that is taken, and for folders that cannot be made.
    """
    _free(options.port, "--port", "ecrkeeper dev --port 0")
    _free(options.aws_port, "--aws-port", "ecrkeeper dev --aws-port 0")
    _free(options.http_port, "--http-port", "ecrkeeper dev --http-port 0")
    profile.make_folder(options.profile)
    with _folder(options.data) as folder:
        return _served(options, folder)


def _free(port: int, option: str, instead: str) -> None:
    """Raise OSError with a sentence if another program listens on a port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise OSError(
                f"port {port} is taken, maybe by another `ecrkeeper dev`; "
                f"choose another one with {option}, or a free one with `{instead}`"
            ) from error


@contextlib.contextmanager
def _folder(data: Path | None) -> Iterator[Path]:
    if data is None:
        with tempfile.TemporaryDirectory(prefix="ecrkeeper-dev-") as name:
            yield Path(name)
        return
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"--data: cannot make the folder {data}: {error.strerror}") from error
    yield data


def _served(options: Local, folder: Path) -> int:
    os.environ.update(_environment())
    for name in [name for name in os.environ if name.startswith(("AWS_", "ECRKEEPER_")) and name not in _environment()]:
        del os.environ[name]
    from ecrkeeper_server import allocator

    allocator.return_memory()
    from ecrkeeper_server.aws import models

    models.load()
    from ecrkeeper_server import logs

    logs.configure(options.log_level, "text")
    from ecrkeeper_server.api.event_loop import new_event_loop
    from ecrkeeper_server.errors import StatusError, StoreUnusable
    from ecrkeeper_server.store.file_lock import locked

    ca = certificates.make(folder / "tls") if options.tls else None
    try:
        with (
            locked(_config(options, folder, "", ca).database_url),
            asyncio.Runner(loop_factory=new_event_loop) as runner,
        ):
            runner.run(_serve(options, folder, ca))
    except (StatusError, StoreUnusable) as error:
        click.echo(f"error: {error}", err=True)
        return 1
    return 0


def _environment() -> dict[str, str]:
    """Return variables that keep the process away from the real AWS and from proxies."""
    return {
        "AWS_ACCESS_KEY_ID": "999999999999",
        "AWS_SECRET_ACCESS_KEY": "simulated",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        # gRPC's own log lines say less than what a client is told.
        "GRPC_VERBOSITY": "NONE",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def _config(options: Local, folder: Path, aws_url: str, ca: certificates.Files | None) -> Config:
    settings: dict[str, Any] = {
        "database_url": f"sqlite:///{folder.resolve() / 'ecrkeeper.db'}",
        "listen": f"{_HOST}:{options.port}",
        "metrics_listen": f"{_HOST}:0",
        "http_listen": f"{_HOST}:{options.http_port}",
        "console": "true",
        "aws_endpoint_url": aws_url,
        "aws_role_template": "arn:aws:iam::{account}:role/ecrkeeper",
        "resync_seconds": _RESYNC_SECONDS,
        "log_level": options.log_level,
        "log_format": "text",
        "access_log": "off",
    }
    if ca is not None:
        settings |= {"tls_certificate_file": ca.certificate_file, "tls_key_file": ca.key_file}
    return load(None, {f"ECRKEEPER_{name.upper()}": str(value) for name, value in settings.items()})


async def _serve(options: Local, folder: Path, ca: certificates.Files | None) -> None:
    from ecrkeeper_server import app
    from ecrkeeper_server.aws_options import aws_options
    from ecrkeeper_server.security import open_security
    from ecrkeeper_sim.server import serve as simulate

    rights = policy(Scope(settings=tuple(SETTINGS), enforce=True, partition="aws", account="*"))
    async with simulate(options.aws_port, iam_policy=rights) as simulator:
        state = saved.StateFile(simulator.world, folder / "aws.json")
        state.restore()
        config = _config(options, folder, simulator.url, ca)
        app.prepare(config)
        tasks: list[asyncio.Task[None]] = []
        with contextlib.ExitStack() as stack:

            def ready(address: str, http_address: str) -> None:
                naming = stack.enter_context(profile.installed(options.profile, address, ca))
                console = f"{'https' if ca else 'http'}://{http_address}/console/"
                tasks.append(asyncio.create_task(_begin(options, simulator, address, console, ca, naming)))

            tasks.append(asyncio.create_task(_save(state)))
            try:
                await app.serve(config, open_security(config), aws_options(config), ready)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                state.save()
        click.echo("stopped")


async def _save(state: saved.StateFile) -> None:
    while True:
        await asyncio.sleep(_SAVE_SECONDS)
        state.save()


async def _begin(
    options: Local, simulator: Any, address: str, console: str, ca: certificates.Files | None, naming: str
) -> None:
    """Declare the example, and say what to try."""
    import ecrkeeper

    click.echo(f"ecrkeeper listens on {address} ({'TLS' if ca else 'plaintext'}), the simulated AWS on {simulator.url}")
    if options.example:
        try:
            await example.declare(simulator.world, address, ca)
        except ecrkeeper.RegistryError as error:
            click.echo(f"the example is not declared: {error}", err=True)
    use = f"--profile {options.profile} " if naming == profile.NAMED else ""
    click.echo(f"\nOpen the console in a browser: {console}\n\nTry in another terminal:\n")
    for command in ("status", "describe 111111111111/us-east-1", "explain base/app 111111111111/us-east-1", "audit"):
        click.echo(f"  ecrkeeper {use}{command}")
    click.echo(
        "\nAWS as account 111111111111, for out-of-band changes:\n\n"
        f"  AWS_ACCESS_KEY_ID=111111111111 AWS_SECRET_ACCESS_KEY=any aws --endpoint-url {simulator.url} "
        "--region us-east-1 ecr describe-registry\n"
    )
    duration = f"in {options.data}" if options.data else "until Ctrl-C"
    click.echo(f"ready; the state is kept {duration}. Ctrl-C ends both.")
