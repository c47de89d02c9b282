"""The import of a file: check all of its documents, and write them."""

from __future__ import annotations

import argparse
import getpass
from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING, Any

from ecrkeeper_files.plain_text import escaped

from ecrkeeper_server.cli import configuration
from ecrkeeper_server.cli.restore_report import Counts, described
from ecrkeeper_server.config.settings import Config
from ecrkeeper_server.errors import InvalidArgument

if TYPE_CHECKING:
    from ecrkeeper_files import strict_yaml

    from ecrkeeper_server.backup.documents import Document
    from ecrkeeper_server.backup.restore import Restored
    from ecrkeeper_server.store.database import Database

_BATCH = 50
_SHOWN = 1000


def absent(config: Config) -> bool:
    """Return whether the database is an SQLite file that does not exist."""
    from ecrkeeper_server.store import schema

    return schema.missing_file(config.database_url) is not None


class FileImport:
    """Reads the file once to check everything, and again to write."""

    def __init__(self, config: Config, options: argparse.Namespace, source: IO[bytes]) -> None:
        self._config = config
        self._options = options
        self._source = source
        self._errors = 0
        self._lines: strict_yaml.Document | None = None

    async def run(self) -> int:
        """Import; return the exit code."""
        from ecrkeeper_server.store import schema

        if self._options.dry_run and absent(self._config):
            return await self._run(None)
        db = schema.open_database(self._config.database_url, pool_size=2)
        try:
            return await self._run(db)
        finally:
            await db.close()

    async def _run(self, db: Database | None) -> int:
        """Check and write; None stands for the empty database of a dry run."""
        counts = await self._check(db)
        if self._errors:
            configuration.complain(f"{self._errors} errors; nothing was changed")
            return 1
        if db is not None and not self._options.dry_run:
            counts = await self._write(db)
        print(counts.described("would be" if self._options.dry_run else "were"))  # noqa: T201
        return 0

    def _documents(self) -> Iterator[tuple[int, Document]]:
        """Yield the documents of the file.

        Neighbours that concern one registry are one document, so that they are one write.
        """
        from ecrkeeper_server.backup import documents

        held: tuple[int, Document, strict_yaml.Document] | None = None
        for number, document, lines in self._parsed():
            both = None if held is None else documents.merged(held[1], document)
            if held is not None and both is not None:
                held = held[0], both, held[2]
                continue
            if held is not None:
                self._lines = held[2]
                yield held[:2]
            held = number, document, lines
        if held is not None:
            self._lines = held[2]
            yield held[:2]

    def _parsed(self) -> Iterator[tuple[int, Document, strict_yaml.Document]]:
        from ecrkeeper_server.backup import documents, stream

        self._source.seek(0)
        try:
            for number, parsed in stream.read(self._source):
                self._lines = parsed
                try:
                    yield number, documents.read(parsed.value, self._options.as_owner), parsed
                except InvalidArgument as error:
                    self._fault(number, _name_of(parsed.value), error)
        except stream.StreamError as error:
            self._errors += len(error.args)
            configuration.complain(*(f"{self._options.file}: {each}" for each in error.args))

    async def _check(self, db: Database | None) -> Counts:
        """Check all documents for everything that could fail a write."""
        from ecrkeeper_server.backup.restore import planned

        counts, first = Counts(), dict[str, int]()
        for number, document in self._documents():
            name = str(document.name)
            if first.setdefault(name, number) != number:
                self._errors += 1
                text = f"document {number}: {name} is in document {first[name]} already"
                configuration.complain(f"{self._place()}: {text}")
                continue
            try:
                change = await _result_of(db, lambda tx, document=document: planned(tx, document))  # type: ignore[misc]
            except InvalidArgument as error:
                self._fault(number, name, error)
                continue
            if change and self._options.dry_run:
                print(f"{name}: {described(change)}")  # noqa: T201
            counts.add(document, change)
        return counts

    async def _write(self, db: Database) -> Counts:
        counts, batch = Counts(), list[tuple[int, "Document"]]()
        for entry in self._documents():
            batch.append(entry)
            if len(batch) == _BATCH:
                await self._write_batch(db, batch, counts)
                batch = []
        if batch:
            await self._write_batch(db, batch, counts)
        return counts

    async def _write_batch(self, db: Database, batch: list[tuple[int, Document]], counts: Counts) -> None:
        from ecrkeeper_server.backup.restore import restore
        from ecrkeeper_server.store.unit_of_work import Origin

        # A file name may contain any characters.
        operator, file = escaped(_operator()), escaped(self._options.file)

        def write(tx: Any) -> list[Restored]:
            return [
                restore(tx, document, Origin("Import", operator, "", f"document {number} of {file}"))
                for number, document in batch
            ]

        for (_, document), change in zip(batch, await db.write(write), strict=True):
            if change:
                print(f"{document.name}: {described(change)}")  # noqa: T201
            counts.add(document, change)

    def _fault(self, number: int, name: str, error: InvalidArgument) -> None:
        self._errors += len(error.violations)
        if self._errors <= _SHOWN:
            for violation in error.violations:
                text = f"document {number}, {name}: {violation.field or 'document'}: {violation.description}"
                configuration.complain(f"{self._place(violation.field)}: {text}")

    def _place(self, field: str = "") -> str:
        """Return the file name, and the line of a field of the last document."""
        return f"{self._options.file}: line {self._lines.line_of(field) if self._lines else 1}"


async def _result_of(db: Database | None, query: Callable[[Any], Restored]) -> Restored:
    """Return the result of a query, which gets None if there is no database."""
    return query(None) if db is None else await db.read(query)


def _name_of(parsed: Any) -> str:
    name = parsed.get("name") if isinstance(parsed, dict) else None
    return name[:100] if isinstance(name, str) else "without a name"


def _operator() -> str:
    """Return the name of the user who runs the command; a container may have none."""
    try:
        return f"cli:{getpass.getuser()}"
    except (OSError, KeyError):
        return "cli"
