"""The accounts and registries that selectors choose from."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store.fleet_specs import AccountState, Source


class FleetAccount(Struct, frozen=True):
    """An account as selectors and templates see it.

    `regions` are those that it has enabled, empty if unknown. They will be known soon if it is not `checked` yet.
    """

    account: str
    display_name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    organizational_unit: str = ""
    state: AccountState = AccountState.ACTIVE
    source: Source = Source.DECLARED
    regions: tuple[str, ...] = ()
    checked: bool = True

    @property
    def writable(self) -> bool:
        """Whether anything may be written to the account."""
        return self.state is AccountState.ACTIVE


class Target(Struct, frozen=True):
    """One registry of an account."""

    account: FleetAccount
    region: str

    @property
    def registry(self) -> RegistryName:
        """The name of the registry."""
        return RegistryName(self.account.account, self.region)
