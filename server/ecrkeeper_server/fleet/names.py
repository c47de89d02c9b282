"""Names of registry sets and rollouts; pure."""

from __future__ import annotations

import re
from typing import ClassVar, Self

from msgspec import Struct

from ecrkeeper_server.errors import InvalidArgument, Violation
from ecrkeeper_server.names import RegistryName, SettingsName, parse_account, shown

_SET = re.compile(r"registrySets/([^/]*)")
_ROLLOUT = re.compile(r"registrySets/([^/]*)/rollouts/([1-9][0-9]{0,17})")
# The id of a set is an owner in every registry; which one is of no matter to its check.
_ANY = RegistryName("000000000000", "us-east-1")


class AccountName(Struct, frozen=True):
    """An account of the fleet."""

    account: str
    kind: ClassVar[str] = "account"

    @classmethod
    def parse(cls, name: str, field: str = "name") -> Self:
        """Read `accounts/{account}`; InvalidArgument names `field`."""
        return cls(parse_account(name, field))

    def __str__(self) -> str:
        return f"accounts/{self.account}"


class SetName(Struct, frozen=True):
    """A registry set; its id is the owner of what it declares."""

    id: str
    kind: ClassVar[str] = "registrySet"

    @classmethod
    def parse(cls, name: str, field: str = "name") -> Self:
        """Read `registrySets/{set}`; InvalidArgument names `field`."""
        match = _SET.fullmatch(name)
        if match is None:
            raise InvalidArgument([Violation(field, f"must look like `registrySets/…`, got {shown(name)}")])
        return cls.of(match[1], field)

    @classmethod
    def of(cls, set_id: str, field: str) -> Self:
        """Return the name of a set; InvalidArgument if the id is not a valid owner."""
        return cls(SettingsName.of(_ANY, set_id, field).owner)

    def settings(self, registry: RegistryName) -> SettingsName:
        """Return the name of the set's declaration for a registry."""
        return SettingsName(registry, self.id)

    def __str__(self) -> str:
        return f"registrySets/{self.id}"


class RolloutName(Struct, frozen=True):
    """A rollout of a registry set."""

    set: SetName
    number: int

    @classmethod
    def parse(cls, name: str, field: str = "name") -> Self:
        """Read `registrySets/{set}/rollouts/{number}`; InvalidArgument names `field`."""
        match = _ROLLOUT.fullmatch(name)
        if match is None:
            raise InvalidArgument([Violation(field, f"must look like `registrySets/…/rollouts/…`, got {shown(name)}")])
        return cls(SetName.of(match[1], field), int(match[2]))

    def __str__(self) -> str:
        return f"{self.set}/rollouts/{self.number}"
