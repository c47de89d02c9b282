"""The documents of a backup: one for each registry and each role. Pure, no I/O.

    apiVersion: ecrkeeper/v1
    kind: Registry
    name: accounts/111111111111/registries/us-east-1
    mode: ENFORCE
    foreignElements: PRESERVE
    declarations:
      team-payments:
        deletionPolicy: REMOVE
        allowReplacement: false
        settings:
          pullThroughCacheRules:
            rules: [...]

Settings have AWS's shape. Every check that the API makes of a message is made here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ecrkeeper.v1 import common_pb2, registry_pb2, role_pb2
from ecrkeeper.v1.settings_pb2 import Settings

from ecrkeeper_server.api.checks import violations
from ecrkeeper_server.api.declarations import Wish
from ecrkeeper_server.api.linting import lint
from ecrkeeper_server.api.roles import spec_of
from ecrkeeper_server.api.shape import settings_from_aws, settings_to_aws
from ecrkeeper_server.errors import InvalidArgument, Violation
from ecrkeeper_server.names import RegistryName, RoleName, SettingsName, shown
from ecrkeeper_server.settings.table import unknown_members

Json = dict[str, Any]
VERSION = "ecrkeeper/v1"
_MODES = tuple(name.removeprefix("MODE_") for name in common_pb2.Mode.keys()[1:])
_FOREIGN = tuple(name.removeprefix("FOREIGN_ELEMENTS_") for name in common_pb2.ForeignElements.keys()[1:])
_DELETION = tuple(name.removeprefix("DELETION_POLICY_") for name in common_pb2.DeletionPolicy.keys()[1:])
_PROVENANCES = ("CREATED", "ADOPTED", "AUTO_CREATED")
_FIELDS = {setting.name: setting.json_name for setting in Settings.DESCRIPTOR.fields}
_NAMES = {spelling: name for name, json_name in _FIELDS.items() for spelling in (name, json_name)}


@dataclass(frozen=True, slots=True)
class RegistryDocument:
    """How a registry is kept, and what each owner declares there."""

    name: RegistryName
    mode: str = "ENFORCE"
    foreign_elements: str = "PRESERVE"
    wishes: Mapping[str, Wish] = field(default_factory=dict)

    def to_json(self) -> Json:
        """The document."""
        declared = {
            owner: {
                "deletionPolicy": wish.deletion_policy,
                "allowReplacement": wish.allow_replacement,
                "settings": {_FIELDS[name]: wish.settings[name] for name in sorted(wish.settings)},
            }
            for owner, wish in sorted(self.wishes.items())
        }
        return {
            "apiVersion": VERSION,
            "kind": "Registry",
            "name": str(self.name),
            "mode": self.mode,
            "foreignElements": self.foreign_elements,
            "declarations": declared,
        }


@dataclass(frozen=True, slots=True)
class RoleDocument:
    """What is declared of a role; `remembered` says how the role with that id came to be."""

    name: RoleName
    spec: Json
    remembered: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> Json:
        """The document."""
        made: Json = {"apiVersion": VERSION, "kind": "ServiceLinkedRole", "name": str(self.name)}
        made["mode"] = self.spec.get("mode", "ENFORCE")
        if "description" in self.spec:
            made["description"] = self.spec["description"]
        made["tags"] = dict(sorted(self.spec.get("tags", {}).items()))
        if self.remembered:
            made["remembered"] = {
                "roleId": self.remembered["role_id"],
                "provenance": self.remembered["provenance"],
            }
        return made


Document = RegistryDocument | RoleDocument


def read(given: Any, as_owner: str = "") -> Document:
    """The document of parsed YAML; InvalidArgument with all its faults. `as_owner` takes the place of its one owner."""
    if not isinstance(given, Mapping):
        raise InvalidArgument([Violation("", "must be a mapping with apiVersion, kind and name")])
    reader = _Reader(given)
    reader.choice("apiVersion", (VERSION,), required=True)
    kind = reader.choice("kind", ("Registry", "ServiceLinkedRole"), required=True)
    document: Document | None = None
    if kind == "Registry":
        document = _registry(reader, as_owner)
    elif kind == "ServiceLinkedRole":
        document = _role(reader)
    if reader.faults or document is None:
        raise InvalidArgument(reader.faults)
    return document


class _Reader:
    """Takes members out of a mapping and notes what is wrong with them."""

    def __init__(self, given: Mapping[Any, Any], path: str = "", faults: list[Violation] | None = None) -> None:
        self._given = given
        self._path = path
        self.faults: list[Violation] = [] if faults is None else faults

    def at(self, name: str) -> str:
        """The path of a member."""
        return f"{self._path}.{name}" if self._path else name

    def fault(self, name: str, text: str) -> None:
        """Note what is wrong with a member."""
        self.faults.append(Violation(self.at(name), text))

    def value(self, name: str, kind: type, default: Any) -> Any:
        """A member of a type; the default where it is absent or wrong."""
        given = self._given.get(name)
        if given is None:
            return default
        if not isinstance(given, kind):
            wanted = {str: "text (in quotes, if it looks like a number)", bool: "true or false", dict: "a mapping"}[
                kind
            ]
            self.fault(name, f"must be {wanted}, got {shown(str(given))}")
            return default
        return given

    def choice(self, name: str, allowed: tuple[str, ...], *, required: bool = False) -> str:
        """One of a few words; the first where it is absent."""
        given = self._given.get(name)
        if given is None and not required:
            return allowed[0]
        if given not in allowed:
            self.fault(
                name, f"must be {' or '.join(allowed)}, got {shown(str(given)) if given is not None else 'nothing'}"
            )
            return ""
        return str(given)

    def inner(self, name: str) -> _Reader:
        """The reader of a mapping."""
        return _Reader(self.value(name, dict, {}), self.at(name), self.faults)

    def names(self) -> list[str]:
        """The names of all members; those that are not text are faults."""
        for name in self._given:
            if not isinstance(name, str):
                self.fault(str(name), "the name must be text; put it in quotes")
        return [name for name in self._given if isinstance(name, str)]

    def only(self, *allowed: str) -> None:
        """Note members that there are not."""
        for name in self.names():
            if name not in allowed:
                self.fault(name, f"unknown member; known are {', '.join(allowed)}")

    def refused(self, error: InvalidArgument) -> None:
        """Note the faults that another check found."""
        self.faults.extend(error.violations)


def _registry(reader: _Reader, as_owner: str) -> RegistryDocument | None:
    reader.only("apiVersion", "kind", "name", "mode", "foreignElements", "declarations")
    mode, foreign = reader.choice("mode", _MODES), reader.choice("foreignElements", _FOREIGN)
    declared = reader.inner("declarations")
    try:
        name = RegistryName.parse(reader.value("name", str, ""))
    except InvalidArgument as error:
        reader.refused(error)
        return None
    owners = {owner: owner for owner in declared.names()}
    if as_owner and len(owners) > 1:
        reader.fault("declarations", f"has {len(owners)} owners, so it is not clear what {as_owner} is to declare")
    elif as_owner:
        owners = dict.fromkeys(owners, as_owner)
    for owner, final in owners.items():
        try:
            SettingsName.of(name, final, declared.at(owner))
        except InvalidArgument as error:
            reader.refused(error)
    wishes = {final: _wish(declared.inner(owner), SettingsName(name, final)) for owner, final in owners.items()}
    return RegistryDocument(name, mode, foreign, wishes)


def _wish(reader: _Reader, name: SettingsName) -> Wish:
    reader.only("deletionPolicy", "allowReplacement", "settings")
    policy = reader.choice("deletionPolicy", _DELETION)
    replacement: bool = reader.value("allowReplacement", bool, False)
    wish = Wish({}, policy, replacement)
    known = len(reader.faults)
    shapes = _shapes(reader.inner("settings"))
    if len(reader.faults) > known:
        return wish
    message = registry_pb2.RegistrySettings(settings=settings_from_aws(shapes))
    at = reader.at("")
    for found in violations(message):
        reader.faults.append(Violation(at + found.field, found.description, found.reason))
    wish = Wish(settings_to_aws(message.settings), policy, replacement)
    try:
        lint(name, wish.settings, f"{at}settings")
    except InvalidArgument as error:
        reader.refused(error)
    return wish


def _shapes(reader: _Reader) -> dict[str, Json]:
    """Each setting by the name of its field; members and values that the API has not are faults."""
    shapes: dict[str, Json] = {}
    for given in reader.names():
        name = _NAMES.get(given)
        if name is None or name in shapes:
            known = f"unknown setting; known are {', '.join(_FIELDS.values())}"
            reader.fault(given, known if name is None else "is given twice")
            continue
        shape = reader.value(given, dict, {})
        for path in unknown_members(name, shape):
            reader.fault(f"{given}.{path}", "unknown member, value or type; numbers such as account ids need quotes")
        shapes[name] = shape
    return shapes


def _role(reader: _Reader) -> RoleDocument | None:
    reader.only("apiVersion", "kind", "name", "mode", "description", "tags", "remembered")
    mode = reader.choice("mode", _MODES)
    tags = reader.inner("tags")
    message = role_pb2.ServiceLinkedRole(
        mode=f"MODE_{mode}" if mode else None,
        description=reader.value("description", str, None),
        tags={key: tags.value(key, str, "") for key in tags.names()},
    )
    reader.faults.extend(violations(message))
    remembered = reader.inner("remembered")
    remembered.only("roleId", "provenance")
    known = {}
    if role_id := remembered.value("roleId", str, ""):
        known = {"role_id": role_id, "provenance": remembered.choice("provenance", _PROVENANCES, required=True)}
    try:
        name = RoleName.parse(reader.value("name", str, ""))
        return RoleDocument(name, spec_of(message, {"description", "tags", "mode"}), known)
    except InvalidArgument as error:
        reader.refused(error)
        return None
