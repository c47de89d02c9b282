"""The documents of a backup, in the form of declaration files; pure.

Each registry and each role has one document:

    apiVersion: ecrkeeper/v1
    kind: Registry
    name: accounts/111111111111/registries/us-east-1
    mode: ENFORCE
    unmanagedElements: PRESERVE
    declarations:
      team-payments:
        deletionPolicy: REMOVE
        allowReplacement: false
        settings:
          pullThroughCacheRules:
            rules: [...]

A document of the kind `RegistrySettings` holds the declaration of one owner.

Settings have AWS's shape. This module runs every check that the API runs on a message. Modes and
the handling of unmanaged elements may be absent, and then stay unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecrkeeper_files.kinds import VERSION
from msgspec.structs import replace

from ecrkeeper_server.backup.fleet_documents import AccountDocument, SetDocument, account, registry_set
from ecrkeeper_server.backup.reader import Reader
from ecrkeeper_server.backup.registry_documents import RegistryDocument, registry, registry_settings
from ecrkeeper_server.backup.role_documents import RoleDocument, role
from ecrkeeper_server.errors import InvalidArgument, Violation

Document = RegistryDocument | RoleDocument | AccountDocument | SetDocument


def read(parsed: Any, as_owner: str = "") -> Document:
    """Read a document of parsed YAML; InvalidArgument has all violations.

    `as_owner` replaces the document's only owner.
    """
    if not isinstance(parsed, Mapping):
        raise InvalidArgument([Violation("", "must be a mapping with apiVersion, kind and name")])
    reader = Reader(parsed)
    reader.choice("apiVersion", (VERSION,), required=True)
    kind = reader.choice(
        "kind", ("Registry", "RegistrySettings", "ServiceLinkedRole", "Account", "RegistrySet"), required=True
    )
    document: Document | None = None
    if kind == "Registry":
        document = registry(reader, as_owner)
    elif kind == "RegistrySettings":
        document = registry_settings(reader, as_owner)
    elif kind == "ServiceLinkedRole":
        document = role(reader)
    elif kind == "Account":
        document = account(reader)
    elif kind == "RegistrySet":
        document = registry_set(reader)
    if reader.violations or document is None:
        raise InvalidArgument(reader.violations)
    return document


def merged(first: Document, second: Document) -> Document | None:
    """Return one document for two of the same registry; None if they cannot be one."""
    if not isinstance(first, RegistryDocument) or not isinstance(second, RegistryDocument):
        return None
    if first.name != second.name or first.specs.keys() & second.specs.keys():
        return None
    if second.mode is not None or second.unmanaged_elements is not None:
        return None
    return replace(first, specs={**first.specs, **second.specs}, managers={**first.managers, **second.managers})
