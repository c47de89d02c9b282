"""Registries with declarations: read once, decided in memory, saved once.

Any number of calls share a transaction, and with it its few statements. A later
call sees the decisions of the earlier ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from ecrkeeper_server.json_object import Json
from ecrkeeper_server.names import RegistryName, SettingsName
from ecrkeeper_server.store.audit import NewEvent
from ecrkeeper_server.store.json_columns import json_text
from ecrkeeper_server.store.operations import repeated
from ecrkeeper_server.store.rows import Declaration, Request, Resource, Revision, with_new_spec, with_request
from ecrkeeper_server.store.uids import new_uid


class Origin(Struct, frozen=True):
    """The source of a change, for its revision."""

    method: str
    principal: str = ""
    request_id: str = ""
    reason: str = ""


class Manager(Struct, frozen=True):
    """The registry set that makes a declaration, by name, and the revision of the set."""

    name: str
    revision: int


class Before(Struct, frozen=True):
    """A unit of work as it was read."""

    registries: Mapping[RegistryName, Resource] = field(default_factory=dict)
    declared: Mapping[SettingsName, Declaration] = field(default_factory=dict)
    requests: Mapping[str, Request] = field(default_factory=dict)


class UnitOfWork(Struct):
    """The data that a transaction has read and changed; `save` stores the changes.

    `now` is the database's time in microseconds. `busy` are registries that another
    transaction holds, if the read did not wait, and `large` are those with too many
    declarations for the transaction: they must not be decided on.
    """

    now: int
    registries: dict[RegistryName, Resource] = field(default_factory=dict)
    declared: dict[RegistryName, dict[str, Declaration]] = field(default_factory=dict)
    newest: dict[SettingsName, int] = field(default_factory=dict)
    requests: dict[str, Request] = field(default_factory=dict)
    # By registry and owner, the lengths of the settings as JSON; those that have changed since are missing.
    characters: dict[RegistryName, dict[str, int]] = field(default_factory=dict)
    busy: set[RegistryName] = field(default_factory=set)
    large: set[RegistryName] = field(default_factory=set)
    revisions: list[Revision] = field(default_factory=list)
    events: list[NewEvent] = field(default_factory=list)
    before: Before = field(default_factory=Before)

    def begin(self, declared: Mapping[SettingsName, Declaration]) -> None:
        """End the reading of these declarations: differences from now on are stored."""
        self.before = Before(dict(self.registries), declared, dict(self.requests))

    def characters_of(self, name: RegistryName) -> int:
        """Return the length of the settings of all declarations of a registry as JSON."""
        known, declared = self.characters.get(name, {}), self.declared[name]
        return sum(known.values()) + sum(text_length(declared[owner].settings) for owner in declared.keys() - known)

    def registry(self, name: RegistryName, spec: Mapping[str, Any]) -> Resource:
        """Return the registry, or a new one, which is stored once its spec changes."""
        existing = self.registries.get(name)
        if existing is not None:
            return existing
        return Resource.new(name, dict(spec), self.now, uid=new_uid(), generation=1)

    def etag_of(self, name: RegistryName) -> str:
        """Return the etag of a registry; empty for one that is not stored."""
        existing = self.registries.get(name)
        return "" if existing is None else existing.etag

    def set_spec(self, registry: Resource, spec: dict[str, Any], trace: str = "") -> Resource:
        """Set the spec of a registry: a new generation, due at once."""
        self.registries[registry.registry] = changed = replace(
            registry,
            **with_new_spec(registry, spec=spec, now=self.now),
            **with_request(registry, now=self.now, trace=trace or None),
            failures=0,
        )
        return changed

    def request(self, registry: Resource, trace: str = "") -> Resource:
        """Request a reconcile of a registry now, without a new spec."""
        self.registries[registry.registry] = changed = replace(
            registry, **with_request(registry, now=self.now, trace=trace or None)
        )
        return changed

    def declare(
        self,
        name: SettingsName,
        settings: dict[str, Any],
        *,
        deletion_policy: str,
        allow_replacement: bool,
        apply_group: str = "",
        registry_generation: int,
        origin: Origin,
        manager: Manager | None = None,
    ) -> Declaration:
        """Create or change a declaration, with a new generation and a revision."""
        owners, number = self.declared.setdefault(name.registry, {}), self._next(name)
        present = owners.get(name.owner)
        if present is None:
            present = Declaration(
                name.registry.account, name.registry.region, name.owner, new_uid(), settings, deletion_policy,
                allow_replacement, number, 0, registry_generation, self.now, self.now,
            )  # fmt: skip
        self.characters.get(name.registry, {}).pop(name.owner, None)
        owners[name.owner] = changed = replace(
            present,
            settings=settings,
            deletion_policy=deletion_policy,
            allow_replacement=allow_replacement,
            generation=number,
            registry_generation=registry_generation,
            update_time=self.now,
            managed_by=None if manager is None else manager.name,
            set_revision=None if manager is None else manager.revision,
            apply_group=apply_group or None,
        )
        self._revise(changed, number, settings, origin)
        return changed

    def mark(self, declared: Declaration, manager: Manager) -> Declaration:
        """Note that a declaration is at this revision of its registry set already."""
        if declared.set_revision == manager.revision and declared.managed_by == manager.name:
            return declared
        changed = replace(declared, managed_by=manager.name, set_revision=manager.revision)
        self.declared[declared.name.registry][declared.owner] = changed
        return changed

    def remove(self, declared: Declaration, origin: Origin) -> None:
        """Delete a declaration; its revisions stay, with a last one for the deletion."""
        self._revise(declared, self._next(declared.name), None, origin)
        self.characters.get(declared.name.registry, {}).pop(declared.owner, None)
        del self.declared[declared.name.registry][declared.owner]

    def find_response(self, request_id: str, method: str, fingerprint: str) -> Request | None:
        """Return the first call with this request id, or None.

        Raises AlreadyExists if that was another call.
        """
        response = self.requests.get(request_id.lower())
        return None if response is None else repeated(response, method, fingerprint)

    def save_response(self, request_id: str, method: str, fingerprint: str, result: str) -> None:
        """Store the response of a call for its retries, for a day."""
        if request_id:
            key = request_id.lower()
            self.requests[key] = Request(key, method, fingerprint, result, self.now)

    def _next(self, name: SettingsName) -> int:
        """Return the number of the next revision, which continues after a deletion."""
        return self.newest.get(name, 0) + 1

    def _revise(self, declared: Declaration, number: int, settings: dict[str, Any] | None, origin: Origin) -> None:
        self.newest[declared.name] = number
        self.revisions.append(revision(declared, number, settings, origin, self.now))


def text_length(settings: Json) -> int:
    """Return the length of settings as they are stored."""
    return len(json_text(settings) or "")


def revision(declared: Declaration, number: int, settings: dict[str, Any] | None, origin: Origin, now: int) -> Revision:
    """Return a revision of a declaration; without settings, it records a deletion."""
    return Revision(
        declared.account, declared.region, declared.owner, number, settings, declared.deletion_policy,
        declared.allow_replacement, now, origin.principal, origin.request_id, origin.reason, origin.method,
    )  # fmt: skip
