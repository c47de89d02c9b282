"""The documents of registries and of declarations in a backup; pure.

This module runs every check that the API runs on a message.
"""

from __future__ import annotations

from collections.abc import Mapping

from ecrkeeper.v1 import common_pb2, registry_pb2
from ecrkeeper.v1.settings_pb2 import Settings
from ecrkeeper_files.kinds import VERSION
from ecrkeeper_files.settings_shapes import shaped
from msgspec import Struct, field

from ecrkeeper_server.backup.reader import Reader
from ecrkeeper_server.declarations import commands
from ecrkeeper_server.declarations.message_rules import violations
from ecrkeeper_server.errors import InvalidArgument, Violation
from ecrkeeper_server.json_object import Json
from ecrkeeper_server.names import RegistryName, SettingsName, shown
from ecrkeeper_server.settings.codec import settings_from_aws, settings_to_aws, words
from ecrkeeper_server.settings.table import unknown_members
from ecrkeeper_server.settings.unknown_fields import fields
from ecrkeeper_server.store.specs import DeclarationSpec
from ecrkeeper_server.store.unit_of_work import Manager

_MODES = words(common_pb2.Mode)
_UNMANAGED = words(common_pb2.UnmanagedElements)
# The current name, and the name in exports of 0.1.0, which every later version imports.
_UNMANAGED_NAMES = ("unmanagedElements", "foreignElements")
_DELETION = words(common_pb2.DeletionPolicy)
# A name for checks that are independent of the registry.
_ANY = RegistryName("000000000000", "us-east-1")
_DECLARED = ("deletionPolicy", "allowReplacement", "applyGroup", "managedBy", "setRevision", "settings")
_FIELDS = {setting.name: name for name, setting in fields(Settings.DESCRIPTOR).items()}
_NAMES = {spelling: name for name, json_name in _FIELDS.items() for spelling in (name, json_name)}


class RegistryDocument(Struct, frozen=True):
    """The spec of a registry, if the document has one, and each owner's declaration."""

    name: RegistryName
    mode: str | None = None
    unmanaged_elements: str | None = None
    specs: Mapping[str, DeclarationSpec] = field(default_factory=dict)
    # The registry sets that made declarations, by owner.
    managers: Mapping[str, Manager] = field(default_factory=dict)

    def to_json(self) -> Json:
        """Return the document."""
        declared = {
            owner: {
                "deletionPolicy": spec.deletion_policy,
                "allowReplacement": spec.allow_replacement,
                **({"applyGroup": spec.apply_group} if spec.apply_group else {}),
                **_managed(self.managers.get(owner)),
                "settings": {_FIELDS[name]: spec.settings[name] for name in sorted(spec.settings)},
            }
            for owner, spec in sorted(self.specs.items())
        }
        kept = {"mode": self.mode, "unmanagedElements": self.unmanaged_elements}
        return {
            "apiVersion": VERSION,
            "kind": "Registry",
            "name": str(self.name),
            **{name: value for name, value in kept.items() if value is not None},
            "declarations": declared,
        }


def registry_settings(reader: Reader, as_owner: str) -> RegistryDocument | None:
    """Read the declaration of one owner; None if its name is invalid."""
    reader.only("apiVersion", "kind", "name", *_DECLARED)
    if not reader.has("settings"):
        reader.invalid("settings", "must be a mapping; {} declares nothing")
    try:
        name = SettingsName.parse(reader.value("name", str, ""))
    except InvalidArgument as error:
        reader.rejected(error)
        _spec(reader, None, "", head=True)
        return None
    owner = as_owner or name.owner
    spec = _spec(reader, name.registry, owner, head=True)
    return RegistryDocument(name.registry, specs={owner: spec}, managers=_managers({owner: reader}))


def registry(reader: Reader, as_owner: str) -> RegistryDocument | None:
    """Read a registry; None if its name is invalid."""
    reader.only("apiVersion", "kind", "name", "mode", *_UNMANAGED_NAMES, "declarations")
    mode, unmanaged = reader.option("mode", _MODES), _unmanaged(reader)
    declared = reader.inner("declarations")
    name: RegistryName | None = None
    try:
        name = RegistryName.parse(reader.value("name", str, ""))
    except InvalidArgument as error:
        # Continue, to report all other violations as well.
        reader.rejected(error)
    owners = {owner: owner for owner in declared.names()}
    if as_owner and len(owners) > 1:
        reader.invalid(
            "declarations", f"has {len(owners)} owners; --as-owner {as_owner} needs a document with one owner"
        )
    elif as_owner:
        owners = dict.fromkeys(owners, as_owner)
    for owner, final in owners.items():
        try:
            SettingsName.of(name or _ANY, final, declared.at(owner))
        except InvalidArgument as error:
            reader.rejected(error)
    inner = {final: declared.inner(owner) for owner, final in owners.items()}
    specs = {owner: _spec(each, name, owner) for owner, each in inner.items()}
    managers = _managers(inner)
    return RegistryDocument(name, mode, unmanaged, specs, managers) if name is not None else None


def _managed(manager: Manager | None) -> Json:
    return {} if manager is None else {"managedBy": manager.name, "setRevision": str(manager.revision)}


def _managers(readers: Mapping[str, Reader]) -> dict[str, Manager]:
    """Return the registry sets that made declarations, by owner."""
    managers = {owner: _manager(reader, owner) for owner, reader in readers.items()}
    return {owner: manager for owner, manager in managers.items() if manager is not None}


def _manager(reader: Reader, owner: str) -> Manager | None:
    name, revision = reader.value("managedBy", str, ""), reader.value("setRevision", str, "0")
    if not name:
        return None
    if name != f"registrySets/{owner}":
        reader.invalid("managedBy", f"must be registrySets/{owner}, the set whose id is the owner, got {shown(name)}")
    if not (revision.isascii() and revision.isdigit()) or len(revision) > 18:
        reader.invalid("setRevision", f"must be a number in quotes, got {shown(revision)}")
        return None
    return Manager(name, int(revision))


def _unmanaged(reader: Reader) -> str | None:
    name, former = _UNMANAGED_NAMES
    if not reader.has(former):
        return reader.option(name, _UNMANAGED)
    if reader.has(name):
        reader.invalid(former, f"is the former name of {name}, which is present as well; remove {former}")
    return reader.option(former, _UNMANAGED)


def _spec(reader: Reader, registry: RegistryName | None, owner: str, *, head: bool = False) -> DeclarationSpec:
    """Read what one owner declares.

    `head` says that the members of a document are beside it.
    """
    if not head:
        reader.only(*_DECLARED)
    policy = reader.choice("deletionPolicy", _DELETION)
    replacement: bool = reader.value("allowReplacement", bool, False)
    group: str = reader.value("applyGroup", str, "")
    spec = DeclarationSpec({}, policy, replacement, group)
    known = len(reader.violations)
    shapes = _shapes(reader.inner("settings", shaped))
    if len(reader.violations) > known:
        return spec
    message = registry_pb2.RegistrySettings(settings=settings_from_aws(shapes), apply_group=group)
    at = reader.at("")
    for violation in violations(message):
        reader.violations.append(Violation(at + violation.field, violation.description, violation.reason))
    spec = DeclarationSpec(settings_to_aws(message.settings), policy, replacement, group)
    if registry is None:
        return spec
    reader.violations.extend(commands.violations(registry, spec.settings, f"{at}settings"))
    return spec


def _shapes(reader: Reader) -> dict[str, Json]:
    """Return each setting by its field name.

    Unknown members and values are violations.
    """
    shapes: dict[str, Json] = {}
    for member in reader.names():
        name = _NAMES.get(member)
        if name is None or name in shapes:
            known = f"unknown setting; known settings are {', '.join(_FIELDS.values())}"
            reader.invalid(member, known if name is None else "is present twice")
            continue
        shape = reader.value(member, dict, {})
        for path in unknown_members(name, shape):
            reader.invalid(f"{member}.{path}", "unknown member, value or type; quote numbers such as account ids")
        shapes[name] = shape
    return shapes
