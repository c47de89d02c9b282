"""The declarations of an apply group that files no longer have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import click
from ecrkeeper_files.documents import Declaration, Documents
from ecrkeeper_files.kinds import OWNER
from ecrkeeper_files.sources import Errors

from ecrkeeper_cli.resources import PatternType

if TYPE_CHECKING:
    import ecrkeeper
    from ecrkeeper import RegistrySettings

F = TypeVar("F", bound=Callable[..., Any])
_OWNER = PatternType("owner", OWNER, "small letters, digits and hyphens, such as team-a")


@dataclass(frozen=True, slots=True)
class Group:
    """The group of all declarations of a run.

    With `prune`, declarations of the group that the files no longer have are deleted: those of the owners in the files
    and of `owners`.
    """

    name: str = ""
    prune: bool = False
    owners: Sequence[str] = ()

    @classmethod
    def of(cls, name: str, prune: bool, owners: Sequence[str]) -> Group:
        """Return a group of options; UsageError for options that do not fit together."""
        if (prune or owners) and not name:
            raise click.UsageError("--prune and --owner need --apply-group NAME")
        if owners and not prune:
            raise click.UsageError("--owner needs --prune")
        return cls(name, prune, owners)

    def applied(self, documents: Documents) -> Documents:
        """Return documents whose declarations have the group.

        Errors for declarations of another group.
        """
        if not self.name:
            return documents
        errors = [
            f"{each.source.at('applyGroup')}: applyGroup: is {each.apply_group}, and --apply-group says {self.name}"
            for each in documents.declarations
            if each.apply_group not in (None, self.name)
        ]
        if errors:
            raise Errors(errors)
        declared = tuple(replace(each, apply_group=self.name) for each in documents.declarations)
        return replace(documents, declarations=declared)

    def to_delete(self, client: ecrkeeper.Client, declared: Sequence[Declaration]) -> list[RegistrySettings]:
        """Return the declarations to delete, by name."""
        if not self.prune:
            return []
        owners, kept = {*self.owners, *(each.owner for each in declared)}, {each.name for each in declared}
        declarations = client.list_registry_settings(filter=f'apply_group = "{self.name}"')
        return [each for each in declarations if each.name not in kept and each.name.rpartition("/")[2] in owners]


def group_options() -> Callable[[F], F]:
    """Return the options of apply groups."""

    def add(command: F) -> F:
        for option in (
            click.option(
                "--owner", "owners", multiple=True, type=_OWNER, metavar="NAME",
                help="Prune declarations of this owner, too, although no file has it; repeatable.",
            ),
            click.option("--prune", is_flag=True, help="Delete declarations of the group that no file has."),
            click.option(
                "--apply-group", "group", type=_OWNER, default="", metavar="NAME",
                help="The group of the declarations that are applied together.",
            ),
        ):  # fmt: skip
            command = option(command)
        return command

    return add
