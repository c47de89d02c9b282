"""The documents of declaration files.

    apiVersion: ecrkeeper/v1
    kind: RegistrySettings          # what one owner declares for one registry
    name: accounts/111111111111/registries/us-east-1/settings/team-payments
    settings: {...}                 # in AWS's shape; a policy is an object or text
    ---
    apiVersion: ecrkeeper/v1
    kind: Registry                  # how a registry is treated; `declarations` holds settings by owner
    name: accounts/111111111111/registries/us-east-1
    mode: ENFORCE
    ---
    apiVersion: ecrkeeper/v1
    kind: ServiceLinkedRole
    name: accounts/111111111111/serviceLinkedRoles/replication
    ---
    apiVersion: ecrkeeper/v1
    kind: Account                   # an account of the fleet, which selectors choose
    name: accounts/111111111111
    labels: {env: prod}
    ---
    apiVersion: ecrkeeper/v1
    kind: RegistrySet               # settings for all registries that a selector matches
    name: registrySets/quay
    selector: {accounts: labels.env = prod}
    settings: {...}                 # a template

`ecrkeeper-server export` writes this format, too. `schema.json` describes it for editors.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ecrkeeper_files.completeness import Completeness, Incomplete
from ecrkeeper_files.kinds import EXAMPLES, MEMBERS, NAMES, OWNER, VERSION, WRITTEN
from ecrkeeper_files.plain_text import escaped, shown
from ecrkeeper_files.settings_shapes import shaped
from ecrkeeper_files.sources import Errors, Source, Text
from ecrkeeper_files.strict_yaml import shown_path

# Members of the declarations that a registry set made.
_OF_SET = ("managedBy", "setRevision")
_CONVERT = "run: ecrkeeper convert FILE"
_TREATED = ("Registry", "ServiceLinkedRole", "Account", "RegistrySet")


@dataclass(frozen=True, slots=True)
class Declaration:
    """The settings that one owner declares for one registry.

    `apply_group` is the group that it is applied with; None keeps that of the server.
    """

    name: str
    settings: Mapping[str, Any]
    deletion_policy: str | None = None
    allow_replacement: bool = False
    apply_group: str | None = None
    source: Source = field(default_factory=Source, compare=False)

    @property
    def registry(self) -> str:
        """The name of the registry."""
        return self.name.partition("/settings/")[0]

    @property
    def owner(self) -> str:
        """The owner."""
        return self.name.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Treatment:
    """A document of another kind: the members that a write takes, by their names."""

    kind: str
    name: str
    members: Mapping[str, Any]
    source: Source = field(default_factory=Source, compare=False)


@dataclass(frozen=True, slots=True)
class Documents:
    """Everything that files declare, in their order."""

    declarations: tuple[Declaration, ...] = ()
    registries: tuple[Treatment, ...] = ()
    roles: tuple[Treatment, ...] = ()
    accounts: tuple[Treatment, ...] = ()
    sets: tuple[Treatment, ...] = ()

    @property
    def all(self) -> list[Declaration | Treatment]:
        """All documents in the order in which they are written."""
        return [*self.accounts, *self.registries, *self.roles, *self.declarations, *self.sets]


def read(texts: Iterable[Text], *, empty: bool = False) -> Documents:
    """Return the documents of texts; there is at least one unless `empty` is set.

    Errors with all that is wrong with them, by file and line.
    """
    reader = _Reader()
    for text in texts:
        reader.read(text)
    if not (reader.errors or reader.known or empty):
        reader.errors.append("the files have no documents")
    if reader.errors:
        raise Errors(reader.errors)
    kinds = (tuple(each for each in reader.treatments if each.kind == kind) for kind in _TREATED)
    return Documents(tuple(reader.declarations), *kinds)


class _Reader:
    def __init__(self) -> None:
        self.errors: list[str] = []
        self.declarations: list[Declaration] = []
        self.treatments: list[Treatment] = []
        self.known: dict[tuple[str, str], Source] = {}

    def read(self, text: Text) -> None:
        """Read the documents of one file."""
        whole = Completeness()
        try:
            for value, source in text.documents():
                if not whole.skips(value):
                    self._document(value, source)
            whole.end()
        except Errors as error:
            self.errors += error.errors
        except Incomplete as error:
            self.errors.append(f"{escaped(text.name)}: {error}")

    def _document(self, value: Any, source: Source) -> None:
        problem = _problem(value)
        if problem:
            self.errors.append(f"{source.at(problem[0])}: {problem[1]}")
            return
        kind, name = value["kind"], value["name"]
        before = len(self.errors)
        self._members(value, MEMBERS[kind], "", source)
        if not re.fullmatch(NAMES[kind], name):
            self._error(source, "name", f"must look like {EXAMPLES[kind]}, got {shown(name)}")
        if len(self.errors) > before or self._repeated(kind, name, source):
            return
        if kind == "RegistrySettings":
            self._declaration(name, value, "", source)
            return
        members = {k: v for k, v in value.items() if k in WRITTEN[kind] and v is not None}
        if kind == "RegistrySet":
            members = template(members)
        if kind == "Registry":
            self._declared(name, value, source)
        if members or kind != "Registry":
            self.treatments.append(Treatment(kind, name, members, source))

    def _declared(self, name: str, value: Mapping[str, Any], source: Source) -> None:
        declared = value.get("declarations")
        if declared is not None and not isinstance(declared, Mapping):
            self._error(source, "declarations", "must be a mapping of owners")
            return
        for owner, inner in (declared or {}).items():
            path = f"declarations.{owner}"
            if not re.fullmatch(OWNER, owner):
                self._error(source, path, f"an owner has small letters, digits and hyphens, got {shown(owner)}")
            elif not isinstance(inner, Mapping):
                self._error(source, path, "must be a mapping with settings")
            elif self._members(inner, WRITTEN["RegistrySettings"], path, source) and not self._repeated(
                "RegistrySettings", f"{name}/settings/{owner}", source.within(path)
            ):
                self._declaration(f"{name}/settings/{owner}", inner, path, source)

    def _declaration(self, name: str, value: Mapping[str, Any], path: str, source: Source) -> None:
        at = f"{path}." if path else ""
        settings = value.get("settings")
        replacement, group = value.get("allowReplacement"), value.get("applyGroup")
        if not isinstance(settings, Mapping):
            kind = "nothing" if settings is None else type(settings).__name__
            self._error(source, f"{at}settings", f"must be a mapping; {{}} declares nothing, got {kind}")
        elif not isinstance(replacement, bool | None):
            self._error(source, f"{at}allowReplacement", "must be true or false")
        elif not isinstance(group, str | None) or (group and not re.fullmatch(OWNER, group)):
            text = f"a group has small letters, digits and hyphens, got {shown(str(group))}"
            self._error(source, f"{at}applyGroup", text)
        else:
            policy = value.get("deletionPolicy")
            self.declarations.append(
                Declaration(name, shaped(settings), policy, bool(replacement), group, source.within(path))
            )

    def _members(self, value: Mapping[str, Any], allowed: tuple[str, ...], path: str, source: Source) -> bool:
        unknown = [name for name in value if name not in allowed]
        for name in unknown:
            known = f"unknown member; known are {', '.join(allowed)}"
            if name == "foreignElements":
                known = f"is the name of unmanagedElements in release 0.1; {_CONVERT}"
            elif name in _OF_SET:
                known = "declarations of a registry set are read by `ecrkeeper-server import` only"
            self._error(source, f"{path}.{name}" if path else name, known)
        return not unknown

    def _repeated(self, kind: str, name: str, source: Source) -> bool:
        """Whether something is declared a second time; the second one would silently win."""
        first = self.known.setdefault((kind, name), source)
        if first is not source:
            self._error(source, "name", f"{name} is declared in {first.at()} already")
        return first is not source

    def _error(self, source: Source, path: str, text: str) -> None:
        self.errors.append(f"{source.at(path)}: {shown_path(path)}: {text}")


def template(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of a set with the settings as a message has them."""
    shaped_members = dict(members)
    if "settings" in shaped_members:
        shaped_members["settings"] = shaped(shaped_members["settings"])
    if isinstance(shaped_members.get("overrides"), list):
        shaped_members["overrides"] = [
            {**each, "settings": shaped(each.get("settings"))} if isinstance(each, Mapping) else each
            for each in shaped_members["overrides"]
        ]
    return shaped_members


def _problem(value: Any) -> tuple[str, str] | None:
    """Return the path and the text of an error that hides what a document is."""
    if not isinstance(value, Mapping):
        return "", "must be a mapping with apiVersion, kind and name"
    if "owner" in value and "registries" in value:
        return "owner", f"this is the format of the examples of release 0.1; {_CONVERT}"
    if value.get("apiVersion") != VERSION:
        return "apiVersion", f"apiVersion: must be {VERSION}, got {shown(str(value.get('apiVersion', '')))}"
    if not isinstance(value.get("kind"), str) or value["kind"] not in NAMES:
        return "kind", f"kind: must be one of {', '.join(NAMES)}, got {shown(str(value.get('kind', '')))}"
    if not isinstance(value.get("name"), str):
        return "name", f"name: must be text such as {EXAMPLES[value['kind']]}"
    return None
