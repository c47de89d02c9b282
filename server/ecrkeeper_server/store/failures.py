"""Translate errors of SQLite and Postgres into a reason and a message."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ecrkeeper_server.errors import Unavailable


class Failure(Struct, frozen=True):
    """A reason code of `STORE_REASONS`, with its message."""

    reason: str
    message: str


DISK_FULL = Failure(
    reason="STORE_DISK_FULL",
    message="the disk of the database is full: free space on it",
)
_READ_ONLY_FILE = Failure(
    reason="STORE_READ_ONLY",
    message="the database file is read-only: make the file, its directory and its file system writable; "
    "if they were not when the server started, restart it",
)
_READ_ONLY_SERVER = Failure(
    reason="STORE_READ_ONLY",
    message="the database accepts no writes: it is a standby or read-only; connect to its primary",
)
_CORRUPT = Failure(reason="STORE_CORRUPT", message="the database is damaged: stop the server, and restore a backup")
_MOVED = Failure(
    reason="STORE_FILE_REPLACED", message="the database file was moved while the server used it: restart the server"
)
_IO_ERROR = Failure(
    reason="STORE_IO_ERROR",
    message="the database cannot read or write its files: the disk is broken, over a quota, or a file may not grow",
)
_BUSY = Failure(reason="STORE_BUSY", message="another program keeps the database locked: wait for it, or stop it")
_CLOSED_FILE = Failure(
    reason="STORE_ACCESS_DENIED", message="the database file or its directory is missing, or the server may not open it"
)
_LOGIN = Failure(
    reason="STORE_ACCESS_DENIED", message="the database does not accept the server's user name or password"
)
_RIGHTS = Failure(reason="STORE_ACCESS_DENIED", message="the server's user lacks a privilege in the database: grant it")
_NO_DATABASE = Failure(reason="STORE_MISSING", message="the database does not exist: create it, or correct its name")
_NO_TABLE = Failure(reason="STORE_MISSING", message="the database lacks a table: run `ecrkeeper-server migrate`")


def _unavailable(message: str) -> Failure:
    return Failure(reason="STORE_UNAVAILABLE", message=message)


_NO_CONNECTION = _unavailable("the database has no free connection: allow more, or close others")
_NO_MEMORY = _unavailable("the database is out of memory")
_NOT_OPEN = _unavailable("the database accepts no connections: allow them")
_STARTING = _unavailable("the database is starting, or recovering from a crash")
_STOPPED = _unavailable("the database was shut down, or ended the connection")
_UNREACHABLE = _unavailable("the database cannot be reached")
_TOO_LATE = _unavailable("the database did not answer in time")
_POOL_EMPTY = _unavailable("no connection to the database became free in time")

# By the name of the result code, or of its primary code; https://sqlite.org/rescode.html
_SQLITE = {
    "SQLITE_FULL": DISK_FULL,
    "SQLITE_READONLY": _READ_ONLY_FILE,
    "SQLITE_CORRUPT": _CORRUPT,
    "SQLITE_NOTADB": _CORRUPT,
    "SQLITE_IOERR": _IO_ERROR,
    "SQLITE_BUSY": _BUSY,
    "SQLITE_LOCKED": _BUSY,
    "SQLITE_CANTOPEN": _CLOSED_FILE,
    "SQLITE_PERM": _CLOSED_FILE,
    "SQLITE_AUTH": _CLOSED_FILE,
    "SQLITE_NOMEM": _NO_MEMORY,
    "SQLITE_READONLY_DBMOVED": _MOVED,
    "SQLITE_IOERR_SHORT_READ": _CORRUPT,
}

# By SQLSTATE, or by its class; https://www.postgresql.org/docs/current/errcodes-appendix.html
_POSTGRES = {
    "08": _UNREACHABLE,
    "25006": _READ_ONLY_SERVER,
    "28": _LOGIN,
    "3D000": _NO_DATABASE,
    "3F000": _NO_TABLE,
    "42501": _RIGHTS,
    "42P01": _NO_TABLE,
    "53100": DISK_FULL,
    "53200": _NO_MEMORY,
    "53300": _NO_CONNECTION,
    "55P03": _BUSY,
    "57014": _TOO_LATE,
    "57P01": _STOPPED,
    "57P02": _STOPPED,
    "57P03": _STARTING,
    "57P04": _NO_DATABASE,
    "57P05": _STOPPED,
    "58": _IO_ERROR,
    "XX001": _CORRUPT,
    "XX002": _CORRUPT,
}
# For a rejected connection, libpq returns no SQLSTATE but a text that may be translated.
_CONNECTING = {
    "password authentication failed": _LOGIN,
    "no pg_hba.conf entry": _LOGIN,
    "no password supplied": _LOGIN,
    "is not permitted to log in": _LOGIN,
    "role": _LOGIN,
    "permission denied for database": _RIGHTS,
    "is not currently accepting connections": _NOT_OPEN,
    "database": _NO_DATABASE,
    "too many": _NO_CONNECTION,
    "connection slots are reserved": _NO_CONNECTION,
    "no space left on device": DISK_FULL,
    "is starting up": _STARTING,
    "not yet accepting connections": _STARTING,
    "in recovery mode": _STARTING,
    "shutting down": _STOPPED,
    "timeout": _TOO_LATE,
}


def failure_of(error: BaseException) -> Failure:
    """Classify an error of SQLAlchemy or of a driver."""
    if isinstance(error, PoolTimeoutError):
        return _POOL_EMPTY
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    code = getattr(cause, "sqlite_errorname", None)
    if code is not None:
        failed_with = _SQLITE.get(code) or _SQLITE.get("_".join(code.split("_")[:2]))
        failed_with = failed_with or (_NO_TABLE if str(cause).startswith("no such table") else None)
        return failed_with or _unavailable(f"the database failed a statement ({code})")
    state = getattr(cause, "sqlstate", None)
    if state is not None:
        failed_with = _POSTGRES.get(state) or _POSTGRES.get(state[:2])
        return failed_with or _unavailable(f"the database failed a statement (SQLSTATE {state})")
    if type(cause).__name__ in ("OperationalError", "ConnectionTimeout"):
        return _connecting(str(cause).lower())
    return _unavailable(f"the database failed a statement ({type(cause).__name__})")


def _connecting(text: str) -> Failure:
    """Classify the server's text for a rejected connection."""
    _, fatal, detail = text.partition("fatal:")
    if not fatal:
        return _TOO_LATE if "timeout" in text else _UNREACHABLE
    missing = "does not exist" in detail
    for phrase, failure in _CONNECTING.items():
        if phrase in detail and (missing or phrase not in ("role", "database")):
            return failure
    return _UNREACHABLE


def unavailable(error: SQLAlchemyError, failure: Failure | None = None) -> Unavailable:
    """Return the caller's error for a failed statement; the driver's is its cause."""
    failed_with = failure or failure_of(error)
    raised = Unavailable(failed_with.message, reason=failed_with.reason)
    raised.__cause__ = error
    return raised
