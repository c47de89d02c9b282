"""Conversion of declarations to messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecrkeeper._messages import message_of
from ecrkeeper.v1.common_pb2 import DeletionPolicy
from ecrkeeper.v1.registry_pb2 import RegistrySettings
from ecrkeeper.v1.settings_pb2 import Settings


def declaration(
    name: str,
    settings: Settings | Mapping[str, Any],
    *,
    deletion_policy: DeletionPolicy | str | None,
    allow_replacement: bool,
    apply_group: str | None = "",
    etag: str = "",
) -> RegistrySettings:
    """Return the declaration of one owner.

    InvalidArgument has every violation; TypeError for settings of another type.
    """
    if not isinstance(settings, Settings | Mapping):
        raise TypeError(f"settings must be a mapping or Settings, got {type(settings).__name__}")
    fields = {
        "name": name,
        "deletion_policy": deletion_policy,
        "allow_replacement": allow_replacement,
        "apply_group": apply_group,
        "etag": etag,
    }
    if isinstance(settings, Mapping):
        return message_of(RegistrySettings, {**fields, "settings": settings}, "")
    message = message_of(RegistrySettings, fields, "")
    message.settings.SetInParent()
    message.settings.CopyFrom(settings)
    return message
