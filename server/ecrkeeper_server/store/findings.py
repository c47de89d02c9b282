"""Causes of drift and deliveries of images, as events report them.

Findings are written beside the attempts, so they have a column of their own, which an attempt never writes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Self

from msgspec.structs import replace
from sqlalchemy import Text, select, update

from ecrkeeper_server.json_object import Json, StoredJson
from ecrkeeper_server.store.causes import StoredCause, StoredDelivery
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.store.json_columns import JsonText, json_rows
from ecrkeeper_server.store.long_json import value_of
from ecrkeeper_server.store.state_parts import Condition
from ecrkeeper_server.store.states import RegistryState
from ecrkeeper_server.store.stored_drift import StoredDrift
from ecrkeeper_server.store.tables import resources

# The maximum number of causes of drift that is no longer shown, and of all drift.
_CAUSES, _ALL_CAUSES = 20, 500
_TARGETS = 100
_JSON: Any = JsonText()

Edit = Callable[["Findings"], "Findings"]
"""Returns changed findings, or its argument."""


class Findings(StoredJson, frozen=True):
    """The findings of one resource; only this class has their keys."""

    @classmethod
    def from_json(cls, stored: Json | None) -> Self:
        """Wrap stored findings; a resource without any has none."""
        return cls(stored or {})

    def cause(self, setting: str, key: str, found_at: int | None) -> StoredCause | None:
        """Return the cause of an element's drift that was found at a time."""
        for entry in self.stored.get("causes", ()):
            same = entry["setting"] == setting and entry["found_at"] == found_at
            if same and (entry["elements"] is None or key in entry["elements"]):
                return StoredCause.from_json(entry["cause"])
        return None

    def with_cause(self, setting: str, elements: Sequence[str] | None, found_at: int, cause: StoredCause) -> Findings:
        """Return the findings with the cause of some elements' drift.

        Without elements, of the whole setting.
        """
        keys = None if elements is None else list(elements)
        entry = {"setting": setting, "elements": keys, "found_at": found_at, "cause": cause.to_json()}
        others = [
            each
            for each in self.stored.get("causes", ())
            if (each["setting"], each["elements"], each["found_at"]) != (setting, keys, found_at)
        ]
        return Findings({**self.stored, "causes": [entry, *others]})

    @property
    def has_causes(self) -> bool:
        """Whether the cause of any drift is known."""
        return bool(self.stored.get("causes"))

    @property
    def exceeds_limit(self) -> bool:
        """Whether there are more causes than are kept of drift that is no longer shown."""
        return len(self.stored.get("causes", ())) > _CAUSES

    def without_old_causes(self, needed: Collection[tuple[str, int | None]]) -> Findings:
        """Return the findings without the oldest causes that nothing refers to.

        `needed` has the setting and the time of drift whose cause is shown.
        """
        causes = [
            each
            for at, each in enumerate(self.stored["causes"])
            if at < _CAUSES or (each["setting"], each["found_at"]) in needed
        ]
        return Findings({**self.stored, "causes": causes[:_ALL_CAUSES]})

    def with_delivery(self, setting: str, target: str, time: int, failure: str | None) -> Findings:
        """Return the findings with the result of a delivery.

        `failure` is the reason of a failure, None if it succeeded.
        """
        targets = self.stored.get("deliveries", {}).get(setting, {})
        known = StoredDelivery.from_json(targets.get(target, {}))
        changed = known.after(time, failure)
        if changed is known:
            return self
        kept = {**{k: v for k, v in targets.items() if k != target}, target: changed.to_json()}
        if len(kept) > _TARGETS:
            kept.pop(next(iter(kept)))
        return Findings({**self.stored, "deliveries": {**self.stored.get("deliveries", {}), setting: kept}})

    def deliveries(self, setting: str) -> dict[str, StoredDelivery]:
        """Return the last results by target."""
        targets = self.stored.get("deliveries", {}).get(setting, {})
        return {target: StoredDelivery.from_json(each) for target, each in targets.items()}

    def without_attribution(self, message: str, now: int) -> Findings:
        """Return the findings with the reason why CloudTrail cannot be asked.

        Empty if it can.
        """
        if not message:
            return Findings({k: v for k, v in self.stored.items() if k != "unattributed"})
        if "unattributed" in self.stored:
            return self
        return Findings({**self.stored, "unattributed": {"message": message, "since": now}})

    def conditions(self) -> list[Condition]:
        """Return the conditions that hold."""
        conditions = [
            _failing(
                self.deliveries("replication_configuration"),
                "destination",
                type="ReplicationFailing",
                reason="REPLICATION_FAILED",
            ),
            _failing(
                self.deliveries("pull_through_cache_rules"), "cache rule", type="CacheFailing", reason="CACHE_FAILED"
            ),
        ]
        if denied := self.stored.get("unattributed"):
            conditions.append(
                Condition(
                    type="CausesUnknown",
                    status="TRUE",
                    reason="AWS_ACCESS_DENIED",
                    message=denied["message"],
                    since=denied["since"],
                )
            )
        return [each for each in conditions if each is not None]


def _failing(targets: Mapping[str, StoredDelivery], kind: str, *, type: str, reason: str) -> Condition | None:
    failing = {name: each for name, each in targets.items() if each.fails}
    if not failing:
        return None
    text = "; ".join(f"{kind} {name}: {each.reason}" for name, each in sorted(failing.items())[:10])
    return Condition(type, "TRUE", reason, text, min(each.since or 0 for each in failing.values()))


def drift_times(state: RegistryState) -> set[tuple[str, int | None]]:
    """Return the settings and times of the drift whose causes a state shows."""
    remediation = state.remediation
    removed = () if remediation is None else remediation.drift
    return {
        *((each.setting, each.since) for each in state.drift),
        *((each.setting, remediation.time if each.since is None else each.since) for each in removed if remediation),
        *((setting, each.last) for setting, elements in state.contests.items() for each in elements.values()),
    }


def change(tx: Tx, name: str, edit: Edit) -> None:
    """Change the findings of a resource, if it exists."""
    change_all(tx, {name: edit})


def change_all(tx: Tx, edits: Mapping[str, Edit]) -> None:
    """Change the findings of those of the resources that exist."""
    rows = tx.conn.execute(_locked(tx.dialect), json_rows({"name": name} for name in edits)).all() if edits else ()
    changed = {}
    for name, stored in rows:
        edited = edits[name](Findings.from_json(stored))
        if edited.exceeds_limit:
            state = tx.conn.execute(select(resources.c.state).where(resources.c.name == name)).scalar_one()
            edited = edited.without_old_causes(drift_times(RegistryState(value_of(state))))
        if edited.stored != (stored or {}):
            changed[name] = edited.stored or None
            tx.changes(name)
    if changed:
        values = json_rows(
            {"name": name, "events": _JSON.process_bind_param(each, None)} for name, each in changed.items()
        )
        tx.conn.execute(_change(tx.dialect), values)


@lru_cache(maxsize=64)
def _locked(dialect: Dialect) -> Any:
    names = dialect.json_table({"name": Text()})
    query = select(resources.c.name, resources.c.events).join_from(names, resources, resources.c.name == names.c.name)
    return query.order_by(resources.c.name).with_for_update(of=resources)


@lru_cache(maxsize=64)
def _change(dialect: Dialect) -> Any:
    rows = dialect.json_table({"name": Text(), "events": Text()})
    return update(resources).where(resources.c.name == rows.c.name).values(events=rows.c.events)


def with_causes(stored: Json | None, drift: Iterable[StoredDrift], found_at: int | None = None) -> list[StoredDrift]:
    """Return differences with their causes.

    `found_at` is the first observation of the differences without a time of their own.
    """
    findings = Findings.from_json(stored)
    if not findings.has_causes:
        return list(drift)
    return [
        replace(each, cause=findings.cause(each.setting, each.key, found_at if each.since is None else each.since))
        for each in drift
    ]
