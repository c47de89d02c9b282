"""The documents of service-linked roles in a backup; pure."""

from __future__ import annotations

import re

from ecrkeeper.v1 import common_pb2, role_pb2
from ecrkeeper_files.kinds import VERSION
from msgspec import Struct
from msgspec.structs import replace

from ecrkeeper_server.backup.reader import Reader
from ecrkeeper_server.declarations.message_rules import violations
from ecrkeeper_server.declarations.role_spec import PATHS as ROLE_FIELDS
from ecrkeeper_server.declarations.role_spec import spec_of
from ecrkeeper_server.errors import InvalidArgument
from ecrkeeper_server.json_object import Json
from ecrkeeper_server.names import RoleName, shown
from ecrkeeper_server.roles.plan import RememberedRole
from ecrkeeper_server.settings.codec import words
from ecrkeeper_server.store.specs import RoleSpec

_MODES = words(common_pb2.Mode)
_PROVENANCES = ("CREATED", "ADOPTED", "AUTO_CREATED")
_ROLE_ID = re.compile(r"[A-Za-z0-9]{1,128}")


class RoleDocument(Struct, frozen=True):
    """The spec of a role, of which the document has the `fields`.

    `remembered` is the provenance of the role with that id.
    """

    name: RoleName
    spec: RoleSpec
    fields: frozenset[str] = frozenset(ROLE_FIELDS)
    remembered: RememberedRole | None = None

    def to_json(self) -> Json:
        """Return the document."""
        document: Json = {"apiVersion": VERSION, "kind": "ServiceLinkedRole", "name": str(self.name)}
        document["mode"] = str(self.spec.mode)
        if self.spec.description is not None:
            document["description"] = self.spec.description
        document["tags"] = dict(sorted(self.spec.tags.items()))
        if self.remembered is not None:
            document["remembered"] = {"roleId": self.remembered.role_id, "provenance": self.remembered.provenance}
        return document


def role(reader: Reader) -> RoleDocument | None:
    """Read a role; None if its name is invalid."""
    reader.only("apiVersion", "kind", "name", "mode", "description", "tags", "remembered")
    mode = reader.option("mode", _MODES)
    tags = reader.inner("tags")
    message = role_pb2.ServiceLinkedRole(
        mode=mode or None,
        description=reader.value("description", str, None),
        tags={key: tags.value(key, str, "") for key in tags.names()},
    )
    reader.violations.extend(violations(message))
    remembered = reader.inner("remembered")
    remembered.only("roleId", "provenance")
    known: RememberedRole | None = None
    if role_id := remembered.value("roleId", str, ""):
        if _ROLE_ID.fullmatch(role_id) is None:
            remembered.invalid("roleId", f"must be 1 to 128 letters and digits, got {shown(role_id)}")
        known = RememberedRole(role_id, remembered.choice("provenance", _PROVENANCES, required=True))
    try:
        name = RoleName.parse(reader.value("name", str, ""))
        present = {field for field in ROLE_FIELDS if reader.has(field)}
        members = spec_of(message, present)
        return RoleDocument(name, replace(RoleSpec(), **members), frozenset(members), known)
    except InvalidArgument as error:
        reader.rejected(error)
        return None
