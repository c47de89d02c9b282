"""The desired state of registries and roles, with its keys, and of declarations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Self

from msgspec import Struct, field
from msgspec.structs import replace

from ecrkeeper_server.json_object import Json
from ecrkeeper_server.settings.element_sets import NO_KEYS
from ecrkeeper_server.settings.elements import Elements, Keys, keys_of
from ecrkeeper_server.settings.stored_elements import dump_keys, load_keys


class Mode(StrEnum):
    """The mode of a resource: how far the engine goes."""

    ENFORCE = "ENFORCE"
    OBSERVE = "OBSERVE"
    PAUSED = "PAUSED"


class UnmanagedElements(StrEnum):
    """The treatment of elements that nobody declares."""

    PRESERVE = "PRESERVE"
    PRUNE = "PRUNE"


# A sweep asks often, and a dict answers faster than a class.
_MODES: Mapping[str, Mode] = {str(mode): mode for mode in Mode}
_UNMANAGED: Mapping[str, UnmanagedElements] = {str(each): each for each in UnmanagedElements}


def mode_of(spec: Mapping[str, Any]) -> Mode:
    """Return the mode of a stored spec."""
    mode = spec.get("mode", Mode.ENFORCE)
    return _MODES.get(mode) or Mode(mode)


def _unmanaged_of(spec: Mapping[str, Any]) -> UnmanagedElements:
    treatment = spec.get("unmanaged_elements", UnmanagedElements.PRESERVE)
    return _UNMANAGED.get(treatment) or UnmanagedElements(treatment)


def permits_of(spec: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the members of a stored spec that determine which writes are allowed."""
    return spec.get("mode"), spec.get("unmanaged_elements")


class RegistrySpec(Struct, frozen=True, kw_only=True):
    """The desired state of a registry itself.

    `abandoned` are relinquished elements by setting; `owners` are those who declare
    something.
    """

    mode: Mode = Mode.ENFORCE
    unmanaged_elements: UnmanagedElements = UnmanagedElements.PRESERVE
    abandoned: Mapping[str, Keys] = field(default_factory=dict)
    owners: Sequence[str] = ()

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Parse a stored spec; missing members have defaults."""
        return cls(
            mode=mode_of(stored),
            unmanaged_elements=_unmanaged_of(stored),
            abandoned=load_keys(stored["abandoned"]) if stored.get("abandoned") else {},
            owners=tuple(stored.get("owners") or ()),
        )

    def to_json(self) -> Json:
        """Return the stored form."""
        return {
            "mode": str(self.mode),
            "unmanaged_elements": str(self.unmanaged_elements),
            "abandoned": dump_keys(self.abandoned) if self.abandoned else {},
            "owners": list(self.owners),
        }

    def declared_by(
        self, owners: Sequence[str], desired: Mapping[str, Elements], relinquished: Mapping[str, Elements]
    ) -> Self:
        """Return the spec for the desired elements of the owners.

        Relinquished elements stay recorded as abandoned until they are declared again.
        """
        abandoned = dict(self.abandoned)
        for setting, elements in relinquished.items():
            abandoned[setting] = abandoned.get(setting, NO_KEYS) | keys_of(elements)
        undeclared = {setting: keys - keys_of(desired.get(setting, {})) for setting, keys in abandoned.items()}
        return replace(self, owners=owners, abandoned={setting: keys for setting, keys in undeclared.items() if keys})


class RoleRemoval(Struct, frozen=True):
    """A requested deletion; `forced` includes a role that was adopted."""

    forced: bool = False

    def to_json(self) -> Json:
        """Return the stored form."""
        return {"forced": self.forced}


class RoleSpec(Struct, frozen=True, kw_only=True):
    """The desired state of a role; a role that is not `managed` is not declared."""

    mode: Mode = Mode.ENFORCE
    managed: bool = True
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    deletion: RoleRemoval | None = None

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Parse a stored spec; missing members have defaults."""
        deletion = stored.get("deletion")
        return cls(
            mode=mode_of(stored),
            managed=stored.get("managed", True),
            description=stored.get("description"),
            tags=stored.get("tags") or {},
            deletion=RoleRemoval(bool(deletion.get("forced"))) if deletion else None,
        )

    def to_json(self) -> Json:
        """Return the stored form; an absent description differs from an empty one."""
        return {
            "mode": str(self.mode),
            "managed": self.managed,
            **({} if self.description is None else {"description": self.description}),
            "tags": dict(self.tags),
            **({} if self.deletion is None else {"deletion": self.deletion.to_json()}),
        }

    @property
    def enforced(self) -> bool:
        """Whether the engine may write the role."""
        return self.managed and self.mode is Mode.ENFORCE


NEW_REGISTRY = RegistrySpec().to_json()


class DeclarationSpec(Struct, frozen=True):
    """The settings and options that an owner declares."""

    settings: dict[str, Any]
    deletion_policy: str
    allow_replacement: bool
    apply_group: str = ""
