"""The documents of accounts of the fleet and of registry sets. Pure, no I/O.

apiVersion: ecrkeeper/v1
kind: RegistrySet
name: registrySets/quay
revision: "3"
currentRevision: "3"
selector: ...
settings: ...
strategy: ...
"""

from __future__ import annotations

from typing import Any

from ecrkeeper.v1 import fleet_pb2
from ecrkeeper_files.documents import template
from ecrkeeper_files.kinds import ACCOUNT, SET, VERSION
from google.protobuf import json_format
from msgspec import Struct, field

from ecrkeeper_server.backup.reader import Reader
from ecrkeeper_server.declarations.message_rules import violations
from ecrkeeper_server.errors import InvalidArgument, StatusError
from ecrkeeper_server.fleet import planner
from ecrkeeper_server.fleet.messages import changed_account, set_content, set_spec
from ecrkeeper_server.fleet.names import AccountName, SetName
from ecrkeeper_server.json_object import Json
from ecrkeeper_server.store.fleet_rows import AccountRow, Authority
from ecrkeeper_server.store.fleet_specs import SetSpec
from ecrkeeper_server.turns import finish


class AccountDocument(Struct, frozen=True):
    """An account that somebody declared; the row has no more than its fields."""

    name: AccountName
    row: AccountRow

    def to_json(self) -> Json:
        """Return the fields of the document."""
        row = self.row
        return {
            "apiVersion": VERSION,
            "kind": "Account",
            "name": str(self.name),
            "displayName": row.display_name,
            "labels": dict(sorted(row.labels.items())),
            "organizationalUnit": row.organizational_unit,
            "state": str(row.state),
            "enabledRegions": list(row.regions),
        }


class SetDocument(Struct, frozen=True):
    """A registry set, its newest revision, and the revision that its targets have.

    The author of the revision bounds the growth of the set.
    """

    name: SetName
    spec: SetSpec
    revision: int
    current_revision: int
    author: Authority = field(default_factory=Authority)

    def to_json(self) -> Json:
        """Return the fields of the document."""
        return {
            "apiVersion": VERSION,
            "kind": "RegistrySet",
            "name": str(self.name),
            "revision": str(self.revision),
            "currentRevision": str(self.current_revision),
            "author": self.author.to_json(),
            **json_format.MessageToDict(set_content(self.spec)),
        }


def account(reader: Reader) -> AccountDocument | None:
    """Read an account; violations go to the reader."""
    reader.only("apiVersion", "kind", "name", *ACCOUNT)
    members = {name: reader.raw(name) for name in ACCOUNT if reader.has(name)}
    message = _parsed(reader, members, fleet_pb2.Account())
    try:
        name = AccountName.parse(reader.value("name", str, ""))
        if message is None:
            return None
        row = AccountRow(account=name.account, uid="")
        paths = {"display_name", "labels", "organizational_unit", "state", "enabled_regions"}
        return AccountDocument(name, changed_account(row, message, paths))
    except InvalidArgument as error:
        reader.rejected(error)
        return None


def registry_set(reader: Reader) -> SetDocument | None:
    """Read a registry set; violations go to the reader."""
    reader.only("apiVersion", "kind", "name", "revision", "currentRevision", "author", *SET)
    author = _author(reader.inner("author"))
    revision, current = (_number(reader, name) for name in ("revision", "currentRevision"))
    members = template({name: reader.raw(name) for name in SET if reader.has(name)})
    for member in ("selector", "settings"):
        if member not in members:
            reader.invalid(member, "is required; {} is the whole fleet, or nothing declared")
    message = _parsed(reader, members, fleet_pb2.RegistrySet())
    try:
        name = SetName.parse(reader.value("name", str, ""))
        if message is None:
            return None
        spec = set_spec(None, message, set())
        finish(planner.checking(spec))
        return SetDocument(name, spec, max(1, revision), current, author)
    except InvalidArgument as error:
        reader.rejected(error)
    except StatusError as error:
        reader.invalid("", error.message)
    return None


def _author(reader: Reader) -> Authority:
    reader.only("principal", "groups")
    groups = reader.raw("groups") or []
    if not isinstance(groups, list) or not all(isinstance(each, str) for each in groups):
        reader.invalid("groups", "must be a list of texts")
        groups = []
    return Authority(reader.value("principal", str, ""), tuple(groups))


def _number(reader: Reader, name: str) -> int:
    text = reader.value(name, str, "0")
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        reader.invalid(name, f"must be a number in quotes, got {text[:40]!r}")
        return 0
    return int(text)


def _parsed(reader: Reader, members: Json, message: Any) -> Any:
    try:
        json_format.ParseDict(members, message)
    except json_format.ParseError as error:
        reader.invalid("", str(error))
        return None
    errors = violations(message)
    for each in errors:
        reader.invalid(each.field, each.description)
    return None if errors else message
