"""The profile and the client that a command works with."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import ecrkeeper
    from ecrkeeper.profiles import Profile


def is_interactive() -> bool:
    """Whether a person reads what a command says."""
    return sys.stderr.isatty()


class Session:
    """The options of all commands; the client connects when it is used first."""

    def __init__(self) -> None:
        self._client: ecrkeeper.Client | None = None
        self.command = ""
        self.choose("", None, {})

    def choose(self, profile: str, config: str | None, overrides: Mapping[str, Any]) -> None:
        """Take the options: a profile, the file that has it, and keys that override it."""
        self.profile_name = profile
        self.config = config
        self.overrides = dict(overrides)

    @property
    def profile(self) -> Profile:
        """The profile; ProfileError says what is wrong with it."""
        from ecrkeeper import profiles

        return profiles.load(self.profile_name, path=self.config, **self.overrides)

    @property
    def client(self) -> ecrkeeper.Client:
        """The client of the server; ProfileError, TokenError."""
        if self._client is None:
            import os

            self._signed_in()

            # gRPC's own log lines say the same as the error, less clearly.
            os.environ.setdefault("GRPC_VERBOSITY", "NONE")
            import ecrkeeper

            self._client = ecrkeeper.Client.from_profile(self.profile_name, path=self.config, **self.overrides)
        return self._client

    def _signed_in(self) -> None:
        """Ask a person to sign in, if the profile needs it and a person can be asked.

        Calls have short deadlines, so it is done before the first.
        """
        profile = self.profile
        if not profile.oidc_issuer:
            return
        from ecrkeeper._oidc_tokens import LoginRequiredError, OidcToken

        token = OidcToken.of(profile)
        try:
            token()
        except LoginRequiredError:
            if not is_interactive():
                raise
            from ecrkeeper_cli.login_commands import sign_in

            sign_in(profile, token)

    def close(self) -> None:
        """Close the client, if there is one."""
        if self._client is not None:
            self._client.close()


pass_session = click.make_pass_decorator(Session)
