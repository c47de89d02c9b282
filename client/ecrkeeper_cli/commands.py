"""The commands, by group.

The module of a command is imported when the command is run.
"""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points

import click

# Section -> command -> where it is, and what it does.
SECTIONS: dict[str, dict[str, tuple[str, str]]] = {
    "Declare": {
        "validate": ("ecrkeeper_cli.file_commands:validate", "Check declaration files without a server."),
        "plan": ("ecrkeeper_cli.plan_commands:plan", "Show what applying files would change in AWS."),
        "diff": ("ecrkeeper_cli.plan_commands:diff", "Show the values that applying files would change."),
        "apply": ("ecrkeeper_cli.apply_command:apply", "Apply files and wait until AWS matches them."),
        "import": ("ecrkeeper_cli.write_commands:import_", "Declare what AWS has now as one owner."),
        "adopt": (
            "ecrkeeper_cli.adopt_command:adopt",
            "Take over from Terraform or CloudFormation without a write to AWS.",
        ),
        "replicate": (
            "ecrkeeper_cli.replicate_command:replicate",
            "Replicate a registry to others, and wait for its images.",
        ),
        "delete": ("ecrkeeper_cli.write_commands:delete", "Delete a declaration or forget a registry."),
        "delete-role": ("ecrkeeper_cli.role_commands:delete_role", "Delete a service-linked role that nothing uses."),
        "history": ("ecrkeeper_cli.trail_commands:history", "List the revisions of a declaration."),
        "rollback": ("ecrkeeper_cli.write_commands:rollback", "Declare again what a revision held."),
    },
    "Look": {
        "status": ("ecrkeeper_cli.read_commands:status", "Show all registries and their problems."),
        "get": ("ecrkeeper_cli.read_commands:get", "Show one registry, declaration or role."),
        "list": ("ecrkeeper_cli.read_commands:list_", "List registries, declarations, roles or elements."),
        "describe": ("ecrkeeper_cli.describe_command:describe", "Explain one registry, declaration or role."),
        "watch": ("ecrkeeper_cli.watch_commands:watch", "Show registries as they change."),
        "explain": ("ecrkeeper_cli.repository_commands:explain", "Say which settings apply to a repository."),
        "usage": ("ecrkeeper_cli.role_commands:usage", "Say which Regions use a service-linked role."),
        "check-replication": (
            "ecrkeeper_cli.repository_commands:check_replication",
            "Say whether images arrive at each destination.",
        ),
        "topology": ("ecrkeeper_cli.topology_command:topology", "Show who replicates to whom, and draw it."),
        "check-cache-rule": (
            "ecrkeeper_cli.repository_commands:check_cache_rule",
            "Let ECR log in to the upstream of a cache rule.",
        ),
        "audit": ("ecrkeeper_cli.trail_commands:audit", "List who changed what, and the writes to AWS."),
        "operations": ("ecrkeeper_cli.trail_commands:operations", "List long-running operations."),
    },
    "Operate": {
        "wait": ("ecrkeeper_cli.watch_commands:wait", "Wait until AWS matches registries or declarations."),
        "reconcile": ("ecrkeeper_cli.write_commands:reconcile", "Compare with AWS now and correct what differs."),
        "pause": ("ecrkeeper_cli.write_commands:pause", "Stop reading and writing a registry or role in AWS."),
        "resume": ("ecrkeeper_cli.write_commands:resume", "Reconcile a paused registry or role again."),
    },
    "Fleet": {
        "set": ("ecrkeeper_cli.set_commands:set_", "Show and change registry sets."),
        "rollout": ("ecrkeeper_cli.rollout_commands:rollout", "Show and steer rollouts of registry sets."),
    },
    "Set up": {
        "login": ("ecrkeeper_cli.login_commands:login", "Sign in at the issuer of the profile."),
        "logout": ("ecrkeeper_cli.login_commands:logout", "Delete the kept tokens of the profile."),
        "doctor": ("ecrkeeper_cli.doctor_command:doctor", "Check the profile, the connection and the rights."),
        "whoami": ("ecrkeeper_cli.server_commands:whoami", "Show the principal and its rights."),
        "profiles": ("ecrkeeper_cli.server_commands:profiles_", "List the profiles."),
        "convert": ("ecrkeeper_cli.file_commands:convert", "Convert files of release 0.1 to today's format."),
        "schema": ("ecrkeeper_cli.file_commands:schema", "Print the JSON schema of declaration files."),
        "completion": ("ecrkeeper_cli.server_commands:completion", "Print the completion script of a shell."),
    },
}
# Commands of other packages: their entry point, the extra that they need, and what they do.
PLUGINS: dict[str, tuple[str, str]] = {
    "dev": ("local", "Run a simulated AWS and a server with an example."),
}
GROUP = "ecrkeeper.commands"


class Commands(click.Group):
    """A group whose commands are imported when they are run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return [*PLUGINS, *(name for section in SECTIONS.values() for name in section)]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Return a command; None if there is none of that name."""
        if name in PLUGINS:
            return _plugin(name)
        for section in SECTIONS.values():
            if name in section:
                module, _, attribute = section[name][0].partition(":")
                command: click.Command = getattr(importlib.import_module(module), attribute)
                return command
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by section, without importing them."""
        with formatter.section("Start"):
            formatter.write_dl([(name, text) for name, (_, text) in PLUGINS.items()], col_max=20)
        for title, section in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, text) for name, (_, text) in section.items()], col_max=20)


def _plugin(name: str) -> click.Command:
    extra = PLUGINS[name][0]
    candidates = entry_points(group=GROUP, name=name)
    try:
        for each in candidates:
            command: click.Command = each.load()
            return command
        missing = ""
    except ImportError as error:
        missing = f" (no {error.name})"
    raise click.ClickException(f"`{name}` is not installed{missing}; install it with: pip install 'ecrkeeper[{extra}]'")
