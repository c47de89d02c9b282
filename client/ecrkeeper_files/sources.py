"""The sources of documents: files, folders and standard input.

Variables in their text are replaced here, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from ecrkeeper_files import strict_yaml
from ecrkeeper_files.plain_text import escaped
from ecrkeeper_files.strict_yaml import below, shown_path

SUFFIXES = (".yaml", ".yml", ".json")
_MAX_BYTES = 64 << 20
_LIST = re.compile(r"\.(?:rules|templates|settings|principalArns)\[")
# The variables of IAM policies, such as `${aws:PrincipalOrgID}`, have a colon and stay as they are.
_VARIABLE = re.compile(r"\$(?P<escape>\$)?\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}")


class Errors(Exception):
    """Files cannot be used.

    `errors` names everything that is wrong, each with its file and line.
    """

    def __init__(self, errors: Iterable[str]) -> None:
        self.errors = list(errors)
        super().__init__("; ".join(self.errors))


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A document, or a part of it, in a file."""

    file: str = ""
    document: strict_yaml.Document = field(default_factory=lambda: strict_yaml.Document(None, {}))
    path: str = ""

    def at(self, path: str = "") -> str:
        """Return `FILE:LINE` of a part, by its path in the document."""
        return f"{self.file}:{self.document.line_of(path or self.path)}"

    def within(self, path: str) -> Source:
        """Return the source of a part, by its path in the document."""
        return Source(self.file, self.document, path)

    def of(self, path: str) -> str:
        """Return `FILE:LINE` of a part, by its path in this part.

        Names of members may be those of the API.
        """
        wanted = _camel(f"{self.path}.{path}" if self.path else path)
        # The file may have a bare list where a message has a member that holds it.
        bare = _LIST.sub("[", wanted, count=1)
        line = max(self.document.line_of(wanted), self.document.line_of(bare))
        return f"{self.file}:{line}"


def _camel(path: str) -> str:
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), path)


@dataclass(frozen=True, slots=True)
class Text:
    """One file with its content; `variables` replace `${NAME}` where they are given."""

    name: str
    content: bytes
    variables: Mapping[str, str] | None = None

    def documents(self) -> Iterator[tuple[Any, Source]]:
        """Yield the value of each document and where it is; Errors for what is no YAML."""
        try:
            for document in strict_yaml.load_all(self.content):
                source = Source(escaped(self.name), document)
                yield self._filled(document.value, source), source
        except strict_yaml.StrictYamlError as error:
            raise Errors(located(escaped(self.name), each) for each in error.violations) from error

    def _filled(self, value: Any, source: Source) -> Any:
        if self.variables is None:
            return value
        errors: list[str] = []
        filled = _replaced(value, self.variables, "", source, errors)
        if errors:
            raise Errors(errors)
        return filled


def located(file: str, violation: str) -> str:
    """Return a violation of `strict_yaml` with its file, as `FILE:LINE: TEXT`."""
    match = re.match(r"line (\d+): (.*)", violation, re.DOTALL)
    return f"{file}:{match[1]}: {match[2]}" if match else f"{file}: {violation}"


def _replaced(value: Any, variables: Mapping[str, str], path: str, source: Source, errors: list[str]) -> Any:
    if isinstance(value, dict):
        dot = "." if path else ""
        return {k: _replaced(v, variables, below(path, f"{dot}{k}"), source, errors) for k, v in value.items()}
    if isinstance(value, list):
        return [_replaced(v, variables, below(path, f"[{i}]"), source, errors) for i, v in enumerate(value)]
    if not isinstance(value, str):
        return value

    def replacement(match: re.Match[str]) -> str:
        if match["escape"]:
            return match[0][1:]
        if match["name"] not in variables:
            errors.append(f"{source.at(path)}: {shown_path(path)}: the variable {match['name']} is not set")
        return variables.get(match["name"], "")

    return _VARIABLE.sub(replacement, value)


def texts(
    paths: Iterable[str],
    stdin: IO[bytes],
    variables: Mapping[str, str] | None = None,
    *,
    recursive: bool = False,
    empty: bool = False,
) -> list[Text]:
    """Return the content of files, folders and standard input (`-`).

    Of a folder, only its YAML and JSON files are read. With `empty`, it need not have any.
    """
    contents: list[Text] = []
    errors: list[str] = []
    for argument in paths:
        try:
            if argument == "-":
                contents.append(Text("<stdin>", _read("<stdin>", stdin, errors), variables))
                continue
            files = _files(Path(argument), recursive)
            if not (files or empty):
                below = "" if recursive else "; --recursive looks into its folders, too"
                errors.append(f"{escaped(argument)}: the folder has no files ending in {', '.join(SUFFIXES)}{below}")
            for path in files:
                with path.open("rb") as file:
                    contents.append(Text(str(path), _read(str(path), file, errors), variables))
        except OSError as error:
            errors.append(f"{escaped(argument)}: {error.strerror or error}")
    if errors:
        raise Errors(errors)
    return contents


def read_file(path: str) -> bytes:
    """Return the content of one file; Errors for one that cannot be read."""
    errors: list[str] = []
    try:
        with Path(path).open("rb") as file:
            content = _read(path, file, errors)
    except OSError as error:
        raise Errors([f"{escaped(path)}: {error.strerror or error}"]) from error
    if errors:
        raise Errors(errors)
    return content


def _read(name: str, file: IO[bytes], errors: list[str]) -> bytes:
    """Return the content of a file, which may be a device without an end."""
    content = file.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        errors.append(f"{escaped(name)}: has more than {_MAX_BYTES >> 20} MiB")
    return content


def _files(path: Path, recursive: bool) -> list[Path]:
    if not path.is_dir():
        return [path]
    inside = path.rglob("*") if recursive else path.glob("*")
    return sorted(each for each in inside if each.suffix in SUFFIXES and each.is_file())
