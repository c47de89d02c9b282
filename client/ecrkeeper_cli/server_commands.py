"""`whoami`, `profiles` and `completion`."""

from __future__ import annotations

import os

import click
from ecrkeeper import names, profiles

from ecrkeeper_cli import render, resources
from ecrkeeper_cli.session import Session, pass_session


@click.command()
@click.argument("name", required=False, type=resources.NameType())
@render.output_option("table", "json", "yaml")
@pass_session
def whoami(session: Session, name: names.Name | None, output: str) -> None:
    """Show your principal and groups.

    With NAME, show your rights on a registry, declaration, role or account.
    """
    caller = session.client.who_am_i("" if name is None else str(name))
    if output != "table":
        render.show(render.as_json(caller), output)
        return
    rows = [
        ("principal", caller.principal or "none: the server does not ask who calls"),
        ("groups", ", ".join(caller.groups)),
        ("expires", resources.moment(caller.expire_time)),
        (f"rights on {name.short}" if name else "rights", ", ".join(caller.verbs)),
    ]
    render.table(("about", "you"), [row for row in rows if row[1]])


@click.command("profiles")
@pass_session
def profiles_(session: Session) -> int:
    """List the profiles, and say which one is used.

    A profile is a table of ~/.config/ecrkeeper/config.toml, which nobody else may read (chmod 600):

    \b
      default = "prod"
      [profiles.prod]
      target = "ecrkeeper.example.com:443"
      ca_file = "~/ecrkeeper-ca.crt"
      token_command = ["my-idp", "print-token"]

    Its keys are target, plaintext, ca_file, certificate_file, key_file, token, token_file, token_command, oidc_issuer,
    oidc_client_id, oidc_scope, oidc_audience, oidc_token, allow_plaintext_token and timeout. An environment variable
    such as ECRKEEPER_TARGET or ECRKEEPER_TOKEN_FILE overrides each.
    """
    known = profiles.names(session.config)
    # Variables that override keys are those of the used profile.
    places = {key: value for key, value in os.environ.items() if key in ("XDG_CONFIG_HOME", "ECRKEEPER_CONFIG")}
    rows: list[render.Row] = []
    for name in known:
        try:
            profile = profiles.load(name, path=session.config, environment=places)
        except profiles.ProfileError as error:
            rows.append((name, "", "", render.Cell(str(error), "red")))
            continue
        token = next(
            (key for key in ("token", "token_file", "token_command", "oidc_issuer") if getattr(profile, key)), "none"
        )
        rows.append((name, profile.target, "plaintext" if profile.plaintext else "TLS", f"token: {token}"))
    if rows:
        render.table(("profile", "target", "security", "note"), rows)
    try:
        click.echo(f"used: {session.profile.target}", err=True)
    except profiles.ProfileError as error:
        click.echo(f"used: none; {error}", err=True)
        return 1
    return 0


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    \b
      bash: ecrkeeper completion bash > ~/.local/share/bash-completion/completions/ecrkeeper
      zsh:  ecrkeeper completion zsh > ~/.zfunc/_ecrkeeper
      fish: ecrkeeper completion fish > ~/.config/fish/completions/ecrkeeper.fish
    """
    from click.shell_completion import get_completion_class

    from ecrkeeper_cli.main import cli

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(kind(cli, {}, "ecrkeeper", "_ECRKEEPER_COMPLETE").source())
