"""All settings, in an order in which they can be applied safely."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ecrkeeper_server.settings import unknown_fields as members
from ecrkeeper_server.settings.account_settings import ACCOUNT_SETTINGS
from ecrkeeper_server.settings.algebra import splitting
from ecrkeeper_server.settings.cache_rules import CACHE_RULES
from ecrkeeper_server.settings.elements import Elements
from ecrkeeper_server.settings.exclusions import EXCLUSIONS
from ecrkeeper_server.settings.policy import REGISTRY_POLICY
from ecrkeeper_server.settings.replication import REPLICATION
from ecrkeeper_server.settings.scanning import SCANNING
from ecrkeeper_server.settings.setting import Setting, Shape
from ecrkeeper_server.settings.signing import SIGNING
from ecrkeeper_server.settings.templates import TEMPLATES
from ecrkeeper_server.turns import Steps, finish

_IN_ORDER: tuple[Setting, ...] = (
    ACCOUNT_SETTINGS,
    REGISTRY_POLICY,
    TEMPLATES,
    CACHE_RULES,
    REPLICATION,
    SCANNING,
    SIGNING,
    EXCLUSIONS,
)

SETTINGS: Mapping[str, Setting] = MappingProxyType({setting.name: setting for setting in _IN_ORDER})


def split_all(settings: Mapping[str, Shape]) -> dict[str, Elements]:
    """Return the elements of each setting that is present, even if it has none."""
    return {name: SETTINGS[name].split(settings[name]) for name in SETTINGS if name in settings}


def splitting_all(settings: Mapping[str, Shape]) -> Steps[dict[str, Elements]]:
    """Return the same in steps, one for each setting."""
    elements = {}
    for name, setting in SETTINGS.items():
        if name in settings:
            elements[name] = yield from splitting(setting, settings[name])
    return elements


def unknown_members(name: str, shape: Shape) -> list[str]:
    """Return the paths in AWS's answer that this version does not know.

    It must not write the setting while there are any.
    """
    return finish(finding_unknown(name, shape))


def finding_unknown(name: str, shape: Shape) -> Steps[list[str]]:
    """The same in steps."""
    unknown = yield from members.finding(name, shape)
    return unknown or SETTINGS[name].opaque(shape)
