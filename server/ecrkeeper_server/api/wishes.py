"""What a message asks to declare, and what it leaves of the present declaration."""

from __future__ import annotations

from ecrkeeper.v1 import common_pb2, registry_pb2

from ecrkeeper_server.api.declarations import Wish
from ecrkeeper_server.api.shape import settings_to_aws
from ecrkeeper_server.errors import InvalidArgument, Violation
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.store.rows import Declaration

PATHS = ("settings", *(f"settings.{name}" for name in SETTINGS), "deletion_policy", "allow_replacement")
_MISSING = (
    "must be given where the declaration is made or replaced as a whole, got none; send `settings: {}` to declare"
    " nothing, or name what to change of a declaration that exists in `update_mask`"
)


def check_given(given: registry_pb2.RegistrySettings, paths: set[str]) -> None:
    """Refuse to replace all settings by a message that has none: who leaves them out hardly means to remove them."""
    if "settings" in paths and not given.HasField("settings"):
        raise InvalidArgument([Violation("registry_settings.settings", _MISSING)])


def wish_of(given: registry_pb2.RegistrySettings) -> Wish:
    """What a message declares as a whole."""
    policy = given.deletion_policy or common_pb2.DELETION_POLICY_REMOVE
    return Wish(
        settings_to_aws(given.settings),
        common_pb2.DeletionPolicy.Name(policy).removeprefix("DELETION_POLICY_"),
        given.allow_replacement,
    )


def merged(present: Declaration | None, given: registry_pb2.RegistrySettings, wish: Wish, paths: set[str]) -> Wish:
    """The present declaration with the masked fields of the wish; the whole wish where there is none (AIP-134)."""
    if present is None:
        check_given(given, set(PATHS))
        return wish
    settings = dict(present.settings)
    for name in SETTINGS:
        if "settings" in paths or f"settings.{name}" in paths:
            settings.pop(name, None)
            if name in wish.settings:
                settings[name] = wish.settings[name]
    return Wish(
        settings,
        wish.deletion_policy if "deletion_policy" in paths else present.deletion_policy,
        wish.allow_replacement if "allow_replacement" in paths else present.allow_replacement,
    )
