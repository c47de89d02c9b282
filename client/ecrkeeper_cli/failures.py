"""Errors as lines for people: the cause, every violation, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click
from ecrkeeper import names
from ecrkeeper_files.plain_text import escaped
from ecrkeeper_files.sources import Errors, Source

if TYPE_CHECKING:
    from ecrkeeper import RegistryError

    from ecrkeeper_cli.session import Session

# Remedies in the words of the command line.
_FORCE, _FORCING = "OWNER_CONFLICT", ("plan", "diff", "apply", "rollback")
_HINTS: Mapping[str, str] = {
    _FORCE: "--force takes the element over",
    "REPLACEMENT_NOT_ALLOWED": "set allowReplacement: true in the declaration, and ecrkeeper recreates the element",
}


def lines(error: Exception, session: Session) -> list[str] | None:
    """Return the lines for an error; None for one that is a bug."""
    from ecrkeeper.profiles import ProfileError

    if isinstance(error, Errors | ProfileError):
        return [error_line(each) for each in error.errors]
    if isinstance(error, OSError) and error.strerror:
        return [error_line(f"{error.filename}: {error.strerror}" if error.filename else error.strerror)]
    if isinstance(error, OSError | ValueError):
        return [error_line(str(error))]
    from ecrkeeper import RegistryError

    return of_call(error, session) if isinstance(error, RegistryError) else None


def rejected(errors: Iterable[str], end: str) -> int:
    """Show errors and how the command ends; return the exit status.

    An error may have several lines.
    """
    for error in errors:
        first, *others = error.split("\n")
        click.echo("\n".join([error_line(first), *map(escaped, others)]), err=True)
    click.echo(end, err=True)
    return 1


def error_line(text: str) -> str:
    """Return the line of an error."""
    return f"{click.style('error:', fg='red', bold=True)} {escaped(text)}"


def of_call(error: RegistryError, session: Session, source: Source | None = None, name: str = "") -> list[str]:
    """Return the lines for a failed call.

    `name` may be the short name of the resource, which then replaces the full one. Violations of a file have their line
    in it.
    """
    message = _message(error, session)
    violations = list(getattr(error, "violations", ()))
    if violations and message.startswith(_described(violations[0])):
        # The message repeats the violations.
        if len(violations) == 1:
            (only,) = violations
            line, violations = _line(only, source), []
            # The line says which document it is. The message may be longer than the description.
            name, message = "" if line else name, f"{line}{_path(only)}{message.removeprefix(f'{_where(only)}: ')}"
        else:
            message = f"{len(violations)} violations [{error.reason}]"
    output = [error_line(f"{name}: {without_name(message, name)}" if name else message)]
    for violation in violations:
        if not hasattr(violation, "type") or violation.description not in message:
            output.append(f"  {escaped(f'{_line(violation, source)}{_path(violation)}{violation.description}')}")
    kinds = [error.reason, *(_kind(violation) for violation in getattr(error, "violations", ()))]
    hints = [_HINTS[kind] for kind in kinds if kind in _HINTS and (kind != _FORCE or session.command in _FORCING)]
    for hint in hints[:1]:
        output.append(f"  {click.style('hint:', fg='cyan')} {hint}")
    if error.call_id:
        output.append(click.style(f"  call {escaped(error.call_id)}", dim=True))
    return output


def _described(violation: Any) -> str:
    path = _where(violation)
    return f"{path}: {violation.description}" if path else str(violation.description)


def _where(violation: Any) -> str:
    """Return the path of a violation, or what it is about."""
    return str(getattr(violation, "field", "") or getattr(violation, "subject", ""))


def without_name(message: str, name: str) -> str:
    """Return a message that begins with the full form of a short name without it."""
    try:
        full = str(names.parse(name.rpartition(" ")[2]))
    except ValueError:
        return message
    return message.removeprefix(f"{full}: ").removeprefix(f"{full} ")


def _kind(violation: object) -> str:
    return str(getattr(violation, "reason", "") or getattr(violation, "type", ""))


def _message(error: RegistryError, session: Session) -> str:
    from ecrkeeper import DeadlineExceeded, Unauthenticated, Unavailable

    if isinstance(error, Unavailable | DeadlineExceeded):
        from ecrkeeper_cli.probe import cause

        # A server that has answered is reachable, whatever it says.
        unreachable = "" if error.reason else cause(session.profile)
        if unreachable:
            return unreachable
    if isinstance(error, Unauthenticated):
        profile = session.profile
        if profile.source_of_token() is None and not profile.certificate_file:
            return f"the profile has neither a token nor a client certificate, and the server needs one: {error}"
    return str(error)


def _line(violation: object, source: Source | None) -> str:
    """Return `FILE:LINE: ` of a field; empty if it is not in a file."""
    path = str(getattr(violation, "field", ""))
    return f"{source.of(_inner(path))}: " if path and source is not None and source.file else ""


def _path(violation: object) -> str:
    path = _where(violation)
    return f"{_inner(path)}: " if path else ""


def _inner(path: str) -> str:
    return path.removeprefix("registry_settings.").removeprefix("registry.").removeprefix("service_linked_role.")
