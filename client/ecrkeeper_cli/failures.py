"""Errors as lines for people: the cause, every violation, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import click
from ecrkeeper_files.plain_text import escaped
from ecrkeeper_files.sources import Errors, Source

if TYPE_CHECKING:
    from ecrkeeper import RegistryError

    from ecrkeeper_cli.session import Session

# Remedies that the server's message does not name.
_HINTS: Mapping[str, str] = {
    "OWNER_CONFLICT": "agree on one value with the other owner, or take the element over with --force",
    "REPLACEMENT_NOT_ALLOWED": "set allowReplacement: true in the declaration, and ecrkeeper recreates the element",
}


def lines(error: Exception, session: Session) -> list[str] | None:
    """Return the lines for an error; None for one that is a bug."""
    from ecrkeeper.profiles import ProfileError

    if isinstance(error, Errors | ProfileError):
        return [_error(each) for each in error.errors]
    if isinstance(error, OSError | ValueError):
        return [_error(str(error))]
    from ecrkeeper import RegistryError

    return of_call(error, session) if isinstance(error, RegistryError) else None


def rejected(errors: Iterable[str], end: str) -> int:
    """Show errors and how the command ends; return the exit status.

    An error may have several lines.
    """
    for error in errors:
        first, *others = error.split("\n")
        click.echo("\n".join([_error(first), *map(escaped, others)]), err=True)
    click.echo(end, err=True)
    return 1


def _error(text: str) -> str:
    return f"{click.style('error:', fg='red', bold=True)} {escaped(text)}"


def of_call(error: RegistryError, session: Session, source: Source | None = None, name: str = "") -> list[str]:
    """Return the lines for a failed call; violations of a file have their line in it."""
    about = f"{name}: " if name else ""
    said = [_error(f"{about}{_message(error, session)}")]
    for violation in getattr(error, "violations", ()):
        if hasattr(violation, "type") and violation.description in error.message:
            continue
        said.append(f"  {_place(violation, source)}{escaped(violation.description)}")
    kinds = [error.reason, *(_kind(violation) for violation in getattr(error, "violations", ()))]
    hint = next((_HINTS[kind] for kind in kinds if kind in _HINTS), "")
    if hint:
        said.append(f"  {click.style('hint:', fg='cyan')} {hint}")
    if error.call_id:
        said.append(click.style(f"  call {escaped(error.call_id)}", dim=True))
    return said


def _kind(violation: object) -> str:
    return str(getattr(violation, "reason", "") or getattr(violation, "type", ""))


def _message(error: RegistryError, session: Session) -> str:
    from ecrkeeper import DeadlineExceeded, Unauthenticated, Unavailable

    if isinstance(error, Unavailable | DeadlineExceeded):
        from ecrkeeper_cli.probe import cause

        # A server that has answered is reachable, whatever it says.
        found = "" if error.reason else cause(session.profile)
        if found:
            return found
    if isinstance(error, Unauthenticated):
        profile = session.profile
        if profile.source_of_token() is None and not profile.certificate_file:
            return f"the profile has neither a token nor a client certificate, and the server needs one: {error}"
    return str(error)


def _place(violation: object, source: Source | None) -> str:
    path = str(getattr(violation, "field", "") or getattr(violation, "subject", ""))
    if not path:
        return ""
    inner = path.removeprefix("registry_settings.").removeprefix("registry.").removeprefix("service_linked_role.")
    where = f"{source.of(inner)}: " if source is not None and hasattr(violation, "field") else ""
    return f"{where}{escaped(inner)}: "
