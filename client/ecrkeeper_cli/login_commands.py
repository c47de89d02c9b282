"""`login` and `logout`: sign in at the OpenID Connect issuer of a profile."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click
from ecrkeeper_files.plain_text import escaped

from ecrkeeper_cli.session import Session, pass_session

if TYPE_CHECKING:
    from ecrkeeper._oidc_provider import DeviceCode
    from ecrkeeper._oidc_tokens import OidcToken
    from ecrkeeper.profiles import Profile


@click.command()
@pass_session
def login(session: Session) -> None:
    """Sign in at the issuer of the profile, with a code that you enter in a browser.

    The tokens are kept in a file that only you can read, and are refreshed when they expire. Other commands ask you to
    sign in when it is needed, if they run in a terminal.
    """
    profile = session.profile
    sign_in(profile, _of(profile))


@click.command()
@pass_session
def logout(session: Session) -> None:
    """Delete the kept tokens of the profile."""
    profile = session.profile
    existed = _of(profile).sign_out()
    click.echo(f"{'signed out of' if existed else 'nobody was signed in at'} {profile.oidc_issuer}")


def sign_in(profile: Profile, token: OidcToken) -> None:
    """Ask a person to sign in, and say how it went; OidcError.

    The standard output stays free for the result of a command.
    """
    token.sign_in(lambda code: _show(profile, code))
    click.echo(f"{click.style('signed in', fg='green')} at {profile.oidc_issuer}", err=True)


def _of(profile: Profile) -> OidcToken:
    from ecrkeeper._oidc_tokens import OidcToken

    if not profile.oidc_issuer:
        raise click.ClickException("the profile has no oidc_issuer, so there is nothing to sign in to")
    return OidcToken.of(profile)


def _show(profile: Profile, code: DeviceCode) -> None:
    click.echo(f"Sign in to {escaped(profile.oidc_issuer)}:\n", err=True)
    click.echo(f"  open        {code.address}", err=True)
    click.echo(f"  and enter   {click.style(code.user_code, bold=True)}\n", err=True)
    if code.complete_address:
        click.echo(f"or open       {code.complete_address}\n", err=True)
    until = time.strftime("%H:%M", time.localtime(time.time() + code.seconds))
    click.echo(f"The code is valid until {until}. Waiting; Ctrl-C cancels.", err=True)
