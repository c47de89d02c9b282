"""The commands that need files and no server.

The options of all commands that read files are here, too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib.resources import files as package_files
from typing import Any, TypeVar

import click
from ecrkeeper_files import documents
from ecrkeeper_files.sources import Text, texts

from ecrkeeper_cli.resources import short
from ecrkeeper_cli.session import Session, pass_session

F = TypeVar("F", bound=Callable[..., Any])


def file_options(*, required: bool = True) -> Callable[[F], F]:
    """Return the options that say which files are read."""

    def add(command: F) -> F:
        for option in (
            click.option(
                "--env", is_flag=True, help="Replace ${NAME} by environment variables, and $${NAME} by ${NAME}."
            ),
            click.option("-R", "--recursive", is_flag=True, help="Look into the folders of a folder, too."),
            click.option(
                "-f", "--file", "paths", multiple=True, required=required, metavar="PATH",
                help="A file, a folder, or - for standard input; repeatable.",
            ),
        ):  # fmt: skip
            command = option(command)
        return command

    return add


def read(paths: tuple[str, ...], recursive: bool, env: bool, *, empty: bool = False) -> documents.Documents:
    """Return the documents of all files; there is at least one unless `empty` is set.

    Errors with everything that is wrong with them.
    """
    return documents.read(_texts(paths, recursive, env, empty), empty=empty)


def _texts(paths: tuple[str, ...], recursive: bool, env: bool, empty: bool = False) -> list[Text]:
    return texts(paths, sys.stdin.buffer, os.environ if env else None, recursive=recursive, empty=empty)


@click.command()
@file_options()
@pass_session
def validate(session: Session, paths: tuple[str, ...], recursive: bool, env: bool) -> int:
    """Check declaration files without a server.

    The command checks their form, their members and the types of their values.

    The server checks more; `plan` asks it.
    """
    from ecrkeeper import InvalidArgument

    from ecrkeeper_cli.failures import of_call
    from ecrkeeper_cli.writing import message_of_document

    documents = read(paths, recursive, env)
    failed = 0
    for each in documents.all:
        try:
            message_of_document(each)
        except InvalidArgument as error:
            failed += 1
            click.echo(
                "\n".join(of_call(error, session, each.source, f"{each.source.at()}: {short(each.name)}")), err=True
            )
    count = len(documents.all)
    valid = "1 document is valid" if count == 1 else f"{count} documents are valid"
    click.echo(f"{failed} of {count} documents have errors" if failed else valid, err=bool(failed))
    return 1 if failed else 0


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="FILE...")
def convert(paths: tuple[str, ...]) -> None:
    """Print files of release 0.1 in today's format.

    The files are exports of the server or JSON files of the examples.
    """
    from ecrkeeper_files.convert import converted
    from ecrkeeper_files.written import dump

    documents = [each for text in _texts(paths, False, False) for each in converted(text)]
    sys.stdout.flush()
    for each in documents:
        dump(each, sys.stdout.buffer)
    sys.stdout.buffer.flush()


@click.command()
def schema() -> None:
    """Print the JSON schema of declaration files, for editors and check-jsonschema.

    With yaml-language-server, begin a file with: # yaml-language-server: $schema=ecrkeeper.schema.json
    """
    click.echo(package_files("ecrkeeper_files").joinpath("schema.json").read_text(encoding="utf-8"), nl=False)
