"""Errors for the codes of SQLite and Postgres."""

from __future__ import annotations

import sqlite3
from typing import Any

import psycopg
import pytest
from ecrkeeper_server.errors import STORE_REASONS
from ecrkeeper_server.metrics.server import Metrics
from ecrkeeper_server.store import failures
from ecrkeeper_server.store.failures import Failure, failure_of, unavailable
from psycopg import errors
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError


def of_sqlite(name: str, text: str = "x") -> DBAPIError:
    error: Any = sqlite3.OperationalError(text)
    error.sqlite_errorcode, error.sqlite_errorname = getattr(sqlite3, name), name
    return DBAPIError("SELECT 1", None, error)


def rejected_connection(text: str) -> DBAPIError:
    message = f'connection failed: connection to server at "10.0.0.1", port 5432 failed: {text}'
    return DBAPIError(None, None, psycopg.OperationalError(message))


@pytest.mark.parametrize(
    ("name", "reason", "words"),
    [
        ("SQLITE_FULL", "STORE_DISK_FULL", "disk of the database is full"),
        ("SQLITE_READONLY", "STORE_READ_ONLY", "read-only"),
        ("SQLITE_READONLY_DIRECTORY", "STORE_READ_ONLY", "its directory"),
        ("SQLITE_READONLY_DBMOVED", "STORE_FILE_REPLACED", "restart"),
        ("SQLITE_CORRUPT", "STORE_CORRUPT", "restore a backup"),
        ("SQLITE_CORRUPT_VTAB", "STORE_CORRUPT", "damaged"),
        ("SQLITE_NOTADB", "STORE_CORRUPT", "damaged"),
        ("SQLITE_IOERR_SHORT_READ", "STORE_CORRUPT", "damaged"),
        ("SQLITE_IOERR_WRITE", "STORE_IO_ERROR", "over a quota"),
        ("SQLITE_IOERR_FSYNC", "STORE_IO_ERROR", "disk is broken"),
        ("SQLITE_BUSY", "STORE_BUSY", "another program"),
        ("SQLITE_BUSY_SNAPSHOT", "STORE_BUSY", "another program"),
        ("SQLITE_CANTOPEN", "STORE_ACCESS_DENIED", "may not open it"),
        ("SQLITE_NOMEM", "STORE_UNAVAILABLE", "out of memory"),
        ("SQLITE_CONSTRAINT", "STORE_UNAVAILABLE", "SQLITE_CONSTRAINT"),
    ],
)
def test_sqlite_codes_have_reasons_and_messages(name: str, reason: str, words: str) -> None:
    failure = failure_of(of_sqlite(name))
    assert failure.reason == reason
    assert words in failure.message


def test_missing_sqlite_table_is_named() -> None:
    assert failure_of(of_sqlite("SQLITE_ERROR", "no such table: resources")).reason == "STORE_MISSING"


@pytest.mark.parametrize(
    ("kind", "reason", "words"),
    [
        (errors.DiskFull, "STORE_DISK_FULL", "disk of the database is full"),
        (errors.ReadOnlySqlTransaction, "STORE_READ_ONLY", "accepts no writes"),
        (errors.OutOfMemory, "STORE_UNAVAILABLE", "out of memory"),
        (errors.TooManyConnections, "STORE_UNAVAILABLE", "no free connection"),
        (errors.InvalidCatalogName, "STORE_MISSING", "does not exist"),
        (errors.DatabaseDropped, "STORE_MISSING", "does not exist"),
        (errors.UndefinedTable, "STORE_MISSING", "migrate"),
        (errors.InvalidPassword, "STORE_ACCESS_DENIED", "password"),
        (errors.InvalidAuthorizationSpecification, "STORE_ACCESS_DENIED", "user name"),
        (errors.InsufficientPrivilege, "STORE_ACCESS_DENIED", "lacks a privilege"),
        (errors.CannotConnectNow, "STORE_UNAVAILABLE", "recovering from a crash"),
        (errors.AdminShutdown, "STORE_UNAVAILABLE", "shut down"),
        (errors.CrashShutdown, "STORE_UNAVAILABLE", "shut down"),
        (errors.QueryCanceled, "STORE_UNAVAILABLE", "in time"),
        (errors.LockNotAvailable, "STORE_BUSY", "locked"),
        (errors.IoError, "STORE_IO_ERROR", "disk is broken"),
        (errors.DataCorrupted, "STORE_CORRUPT", "damaged"),
        (errors.IndexCorrupted, "STORE_CORRUPT", "damaged"),
        (errors.ConnectionFailure, "STORE_UNAVAILABLE", "cannot be reached"),
        (errors.UniqueViolation, "STORE_UNAVAILABLE", "23505"),
    ],
)
def test_postgres_codes_have_reasons_and_messages(kind: type[psycopg.Error], reason: str, words: str) -> None:
    failure = failure_of(DBAPIError("SELECT 1", None, kind("x")))
    assert failure.reason == reason
    assert words in failure.message


@pytest.mark.parametrize(
    ("text", "reason", "words"),
    [
        ('FATAL:  password authentication failed for user "web"', "STORE_ACCESS_DENIED", "password"),
        ('FATAL:  role "web" does not exist', "STORE_ACCESS_DENIED", "user name"),
        ('FATAL:  role "web" is not permitted to log in', "STORE_ACCESS_DENIED", "user name"),
        ('FATAL:  no pg_hba.conf entry for host "1.2.3.4"', "STORE_ACCESS_DENIED", "user name"),
        ('FATAL:  permission denied for database "x"', "STORE_ACCESS_DENIED", "lacks a privilege"),
        ('FATAL:  database "x" does not exist', "STORE_MISSING", "does not exist"),
        ('FATAL:  database "x" is not currently accepting connections', "STORE_UNAVAILABLE", "accepts no connections"),
        ("FATAL:  sorry, too many clients already", "STORE_UNAVAILABLE", "no free connection"),
        ('FATAL:  too many connections for role "web"', "STORE_UNAVAILABLE", "no free connection"),
        ("FATAL:  remaining connection slots are reserved for roles", "STORE_UNAVAILABLE", "no free connection"),
        ("FATAL:  the database system is starting up", "STORE_UNAVAILABLE", "recovering"),
        ("FATAL:  the database system is in recovery mode", "STORE_UNAVAILABLE", "recovering"),
        ("FATAL:  the database system is shutting down", "STORE_UNAVAILABLE", "shut down"),
        ('FATAL:  could not write init file "x": No space left on device', "STORE_DISK_FULL", "disk"),
        ("FATAL:  la base n'existe pas", "STORE_UNAVAILABLE", "cannot be reached"),
        ("Connection refused", "STORE_UNAVAILABLE", "cannot be reached"),
        ("timeout expired", "STORE_UNAVAILABLE", "in time"),
    ],
)
def test_rejected_postgres_connections_have_messages(text: str, reason: str, words: str) -> None:
    failure = failure_of(rejected_connection(text))
    assert failure.reason == reason
    assert words in failure.message


def test_exhausted_pool_has_message() -> None:
    assert "became free" in failure_of(PoolTimeoutError()).message


def test_failure_reasons_are_metric_labels() -> None:
    reasons = {value.reason for value in vars(failures).values() if isinstance(value, Failure)}
    for table in (failures._SQLITE, failures._POSTGRES, failures._CONNECTING):
        reasons |= {value.reason for value in table.values()}  # type: ignore[attr-defined]
    assert reasons <= set(STORE_REASONS)
    assert set(Metrics().store.failure) == set(STORE_REASONS)


def test_store_errors_hide_hosts_and_users() -> None:
    error = unavailable(rejected_connection('FATAL:  password authentication failed for user "web"'))
    assert "10.0.0.1" not in error.message
    assert "web" not in error.message
    assert "web" in str(error.__cause__), "the log has it"
