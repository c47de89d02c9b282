"""`doctor`: check each precondition of a successful call, in order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import click
from ecrkeeper import names
from ecrkeeper_files.plain_text import escaped

from ecrkeeper_cli import resources
from ecrkeeper_cli.session import Session, pass_session

_SOON_SECONDS = 300.0
# Servers allow for a difference of 30 s by default.
_CLOCK_SECONDS = 30.0
T = TypeVar("T")


class _FailedError(Exception):
    """A check failed; the later ones depend on it."""


@click.command()
@click.argument("accounts", nargs=-1, metavar="[ACCOUNT]...", type=resources.NameType("Account"))
@pass_session
def doctor(session: Session, accounts: tuple[names.Name, ...]) -> int:
    """Check the profile, the connection, the token, the server and your rights.

    It also tells whether events of AWS arrive. The clock of this machine is compared with that of the token's issuer.
    For each ACCOUNT, it checks how AWS is reached.
    """
    try:
        for text in _checks(session):
            click.echo(f"{click.style('ok', fg='green')}    {escaped(text)}")
    except _FailedError as error:
        click.echo(f"{click.style('error', fg='red')} {escaped(str(error))}")
        return 1
    passed = [*(_account(session, account) for account in accounts), _events(session)]
    return 0 if all(passed) else 1


def _checks(session: Session) -> Iterator[str]:
    from ecrkeeper_cli.probe import cause

    profile = _tried(lambda: session.profile)
    security = "plaintext" if profile.plaintext else "TLS"
    yield f"profile: {profile.target}, {security}"
    problem = _tried(lambda: cause(profile))
    if problem:
        raise _FailedError(problem)
    yield f"connection: {profile.target} accepts {security}"
    yield _token(session)
    client = _tried(lambda: session.client)
    info = _tried(client.get_server_info)
    yield f"server: version {info.version}, partition {info.partition}"
    caller = _tried(client.who_am_i)
    principal = f"you are {caller.principal}" if caller.principal else "the server does not ask who calls"
    yield f"rights: {principal}; {', '.join(caller.verbs) or 'none on the installation as a whole'}"


def _tried(call: Callable[[], T]) -> T:
    """Return the result of a call; an error ends the checks."""
    from ecrkeeper import RegistryError

    try:
        return call()
    except (OSError, ValueError, RegistryError) as error:
        raise _FailedError(str(error)) from error


def _token(session: Session) -> str:
    from ecrkeeper._tokens import expiry_of, issued_at

    source = _tried(session.profile.source_of_token)
    if source is None:
        return "token: none"
    token = source if isinstance(source, str) else _tried(source)
    issued = issued_at(token)
    if issued is not None and issued - time.time() > _CLOCK_SECONDS:
        ahead = issued - time.time()
        raise _FailedError(f"the clock of this machine is {ahead:.0f} s behind that of the token's issuer; set it")
    expiry = expiry_of(token)
    if expiry is None:
        return "token: present"
    remaining = expiry - time.time()
    if remaining <= 0:
        raise _FailedError(f"the token expired {-remaining:.0f} s ago, by the clock of this machine; get a new one")
    return f"token: expires in {remaining:.0f} s" + ("; soon" if remaining < _SOON_SECONDS else "")


def _account(session: Session, account: names.Name) -> bool:
    from ecrkeeper import RegistryError

    try:
        identity = session.client.get_aws_identity(str(account))
    except RegistryError as error:
        click.echo(f"{click.style('error', fg='red')} account {account.short}: {escaped(str(error))}")
        return False
    click.echo(f"{click.style('ok', fg='green')}    account {account.short}: reached as {escaped(identity.arn)}")
    return True


def _events(session: Session) -> bool:
    """Say whether events of AWS arrive.

    Without event queues, no registry is silent.
    """
    from ecrkeeper import PermissionDenied, RegistryError

    try:
        silent = session.client.get_fleet().silent_registry_count
    except PermissionDenied:
        click.echo("      events: you may not read the fleet, which shows them")
        return True
    except RegistryError as error:
        click.echo(f"{click.style('error', fg='red')} events: {escaped(str(error))}")
        return False
    if silent:
        click.echo(
            f"{click.style('error', fg='red')} events: none arrive from {silent} registries, so drift is found by "
            "observing them only; check their rules and trails"
        )
        return False
    click.echo(f"{click.style('ok', fg='green')}    events: no registry is silent")
    return True
