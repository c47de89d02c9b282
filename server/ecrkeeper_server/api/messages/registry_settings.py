"""Messages of declarations and of their revisions."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from ecrkeeper.v1 import common_pb2, registry_pb2

from ecrkeeper_server.api.messages.answer import Answer
from ecrkeeper_server.api.messages.differences import adding_changes, adding_drift, short_value
from ecrkeeper_server.api.messages.fields import number, timestamp
from ecrkeeper_server.api.messages.groups import grouping
from ecrkeeper_server.api.messages.resource import add_next, status_fields
from ecrkeeper_server.api.messages.sizes import RESOURCE_BYTES, fitting
from ecrkeeper_server.declarations.takeover import Takeover
from ecrkeeper_server.settings.codec import filling_settings
from ecrkeeper_server.settings.element_sets import NO_KEYS
from ecrkeeper_server.settings.elements import Change, Keys, cost, keys_of
from ecrkeeper_server.settings.table import splitting_all
from ecrkeeper_server.store.declarations import SETTINGS_AT, STATE_AT, Stored, decoded
from ecrkeeper_server.store.findings import with_causes
from ecrkeeper_server.store.long_json import LongJson
from ecrkeeper_server.store.rows import Declaration, RegistryStatus, Resource, Revision
from ecrkeeper_server.store.states import State
from ecrkeeper_server.store.stored_drift import StoredDrift
from ecrkeeper_server.turns import MANY, Steps, finish

# Number of cached messages, and the maximum size of their rows: some 20 MB in total.
_CACHED, _CACHED_BYTES = 1024, 12_000

# The most items of a declaration that are measured at once. 25 rules of 100 filters, which AWS allows, have 640 KB.
_FEW_ITEMS = 32

# Fields of a declaration that may be cut.
_CUTTABLE = ("drift", "takeovers", "settings.*")


def settings(declared: Declaration, row: Resource | RegistryStatus) -> registry_pb2.RegistrySettings:
    """Return one owner's declaration, with its status in the registry."""
    return finish(settings_steps(declared, row))


def settings_steps(declared: Declaration, row: Resource | RegistryStatus) -> Steps[registry_pb2.RegistrySettings]:
    """Return the same in steps."""
    message = registry_pb2.RegistrySettings(
        name=str(declared.name),
        uid=declared.uid,
        etag=declared.etag,
        generation=declared.generation,
        observed_generation=declared.observed_generation,
        create_time=timestamp(declared.create_time),
        update_time=timestamp(declared.update_time),
        reconciling=declared.observed_generation < declared.generation,
        deletion_policy=number(common_pb2, "DeletionPolicy", declared.deletion_policy),
        allow_replacement=declared.allow_replacement,
        managed_by=declared.managed_by or "",
        apply_group=declared.apply_group or "",
    )
    items = 0
    for _ in filling_settings(message.settings, declared.settings):
        yield
        items += 1
    state = State((yield from row.reading_members()))
    own = state.of_owner(declared.owner)
    status_fields(message, own.conditions, own.error)
    add_next(message, row)
    if state.drifted:
        elements = yield from splitting_all(declared.settings)
        own_keys: dict[str, Keys] = {}
        for name, declared_elements in elements.items():
            yield
            own_keys[name] = keys_of(declared_elements)
        yield
        own_drift: list[StoredDrift] = []
        for each in state.drift:
            yield
            own_drift += each.among(own_keys.get(each.setting, NO_KEYS))
        yield from adding_drift(message.drift, with_causes(row.events, own_drift))
        items += len(own_drift)
    yield
    # Most declarations are short; those of many items take milliseconds to measure at once.
    if items > _FEW_ITEMS or message.ByteSize() > RESOURCE_BYTES:
        yield from fitting(message, RESOURCE_BYTES, _CUTTABLE)
    return message


def view_cost(declared: Declaration, row: Resource | RegistryStatus) -> int:
    """Return the cost of a declaration in elements, at least `MANY` with a long state."""
    elements = cost(declared.settings)
    return max(MANY, elements) if isinstance(row.state, LongJson) else elements


def with_takeovers(
    message: registry_pb2.RegistrySettings, takeovers: Iterable[Takeover]
) -> Steps[registry_pb2.RegistrySettings]:
    """Return a declaration with the elements that it takes over, in steps.

    It is cut until it fits.
    """
    items = yield from grouping(
        takeovers, lambda each: (each.setting, each.keys), lambda each: (each.owner, each.value)
    )
    for each, (key, pairs) in items:
        yield
        shown, omitted = short_value(each.value)
        message.takeovers.add(
            owner=each.owner, setting=each.setting, key=key, value=shown, value_omitted=omitted, pairs=pairs
        )
    yield
    yield from fitting(message, RESOURCE_BYTES, _CUTTABLE)
    return message


def is_long(row: Stored) -> bool:
    """Return whether a stored row is too long for the cache."""
    # The other columns are short.
    return len(row[SETTINGS_AT]) + len(row[STATE_AT]) + len(row[-1] or "") > _CACHED_BYTES


def with_plan(message: registry_pb2.RegistrySettings, plan: common_pb2.Plan) -> Steps[registry_pb2.RegistrySettings]:
    """Return a declaration with a plan; cut both until they fit, in steps."""
    message.plan.CopyFrom(plan)
    yield
    yield from fitting(message, RESOURCE_BYTES, _CUTTABLE)
    return message


@lru_cache(maxsize=_CACHED)
def short(row: Stored) -> Answer[registry_pb2.RegistrySettings]:
    """Return the declaration of a stored row that is not long, as an answer.

    Callers that poll a declaration mostly get the same row as before.
    """
    # Without the message, which takes more memory and which gRPC does not need.
    return Answer(registry_pb2.RegistrySettings, settings(*decoded(row)).SerializeToString())


def revision_steps(row: Revision, diff: Iterable[Change]) -> Steps[registry_pb2.RegistrySettingsRevision]:
    """Return one revision with its changes, in steps."""
    message = registry_pb2.RegistrySettingsRevision(
        revision=row.revision,
        create_time=timestamp(row.create_time),
        principal=row.principal,
        request_id=row.request_id,
        reason=row.reason,
        method=row.method,
        deletion_policy=number(common_pb2, "DeletionPolicy", row.deletion_policy),
        allow_replacement=row.allow_replacement,
    )
    yield from adding_changes(message.changes, diff)
    if row.settings is not None:
        yield from filling_settings(message.settings, row.settings)
    yield from fitting(message, RESOURCE_BYTES, ("changes", "settings.*"))
    return message
