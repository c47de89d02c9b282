"""Conversion of a message to a declaration's spec, with or without a mask."""

from __future__ import annotations

from typing import Any

from ecrkeeper.v1 import common_pb2, registry_pb2

from ecrkeeper_server.declarations.commands import violations
from ecrkeeper_server.errors import InvalidArgument, Violation, rejection
from ecrkeeper_server.names import SettingsName
from ecrkeeper_server.settings.codec import converting, settings_to_aws, word
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.store.rows import Declaration
from ecrkeeper_server.store.specs import DeclarationSpec
from ecrkeeper_server.turns import Steps

PATHS = ("settings", *(f"settings.{name}" for name in SETTINGS), "deletion_policy", "allow_replacement", "apply_group")
_MISSING = (
    "is required if the declaration is created or replaced as a whole; send `settings: {}` to declare"
    " nothing, or name the fields to change in `update_mask`"
)


def check_settings_set(message: registry_pb2.RegistrySettings, paths: set[str]) -> None:
    """Reject a replacement of all settings by a message without settings.

    The caller most likely omitted them by mistake, and does not want to remove everything.
    """
    if "settings" in paths and not message.HasField("settings"):
        raise InvalidArgument([Violation("registry_settings.settings", _MISSING)])


def read_spec(message: registry_pb2.RegistrySettings) -> DeclarationSpec:
    """Return the spec that a message declares as a whole."""
    return _spec(message, settings_to_aws(message.settings))


def reading_spec(message: registry_pb2.RegistrySettings) -> Steps[DeclarationSpec]:
    """Return the same in steps."""
    return _spec(message, (yield from converting(message.settings)))


def _spec(message: registry_pb2.RegistrySettings, settings: dict[str, Any]) -> DeclarationSpec:
    policy = word(common_pb2.DeletionPolicy, message.deletion_policy or common_pb2.REMOVE)
    return DeclarationSpec(settings, policy, message.allow_replacement, message.apply_group)


def masked(settings: dict[str, Any], paths: set[str]) -> dict[str, Any]:
    """Return the settings that a mask covers."""
    return {name: shape for name, shape in settings.items() if "settings" in paths or f"settings.{name}" in paths}


def merged(
    name: SettingsName,
    present: Declaration | None,
    message: registry_pb2.RegistrySettings,
    spec: DeclarationSpec,
    paths: set[str],
) -> DeclarationSpec:
    """Return the declaration with the masked fields of a message.

    Without a declaration, take all fields (AIP-134).
    """
    if present is None:
        check_settings_set(message, set(PATHS))
        covered = masked(spec.settings, paths)
        # The masked settings were checked before; the others count only now.
        rest = {setting: shape for setting, shape in spec.settings.items() if setting not in covered}
        if errors := violations(name.registry, rest, "registry_settings.settings"):
            raise rejection(errors)
        return spec
    covers = {setting for setting in SETTINGS if "settings" in paths or f"settings.{setting}" in paths}
    kept = {setting: shape for setting, shape in present.settings.items() if setting not in covers}
    return DeclarationSpec(
        {**kept, **masked(spec.settings, paths)},
        spec.deletion_policy if "deletion_policy" in paths else present.deletion_policy,
        spec.allow_replacement if "allow_replacement" in paths else present.allow_replacement,
        spec.apply_group if "apply_group" in paths else present.apply_group or "",
    )
