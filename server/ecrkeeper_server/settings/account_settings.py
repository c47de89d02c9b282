"""Account settings: an element is one named switch; AWS cannot unset one.

Facts: `PutAccountSetting` in the ECR API reference; "Private registry
settings" in the ECR user guide (Clair is gone; scope V1 is no longer a value).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecrkeeper_server.errors import Violation
from ecrkeeper_server.names import RegistryName, shown
from ecrkeeper_server.settings.collection import Collection
from ecrkeeper_server.settings.elements import Elements, Value, join_items, split_items
from ecrkeeper_server.settings.plan import Plan
from ecrkeeper_server.settings.policy import SCOPE, denies
from ecrkeeper_server.settings.setting import Read, Shape, Warning

VALUES: Mapping[str, tuple[str, ...]] = {
    "BASIC_SCAN_TYPE_VERSION": ("AWS_NATIVE",),
    "BLOB_MOUNTING": ("ENABLED", "DISABLED"),
    SCOPE: ("V2",),
}


def _name(item: Mapping[str, Any]) -> str:
    return str(item.get("name", ""))


def _item(key: str, value: Value) -> dict[str, Any]:
    return {"name": key, "value": value}


def validate(shape: Shape, _registry: RegistryName, path: str) -> list[Violation]:
    """Return names and values that AWS does not accept, and names that occur twice."""
    violations = []
    indexes: dict[str, int] = {}
    for i, item in enumerate(shape.get("settings") or ()):
        at, name, value = f"{path}.settings[{i}]", item.get("name", ""), item.get("value", "")
        first = indexes.setdefault(name, i)
        if first != i:
            violations.append(Violation(f"{at}.name", f"is already set by {path}.settings[{first}]"))
        if name not in VALUES:
            description = f"must be one of {', '.join(VALUES)}, got {shown(name)}"
            violations.append(Violation(f"{at}.name", description))
        elif value not in VALUES[name]:
            description = f"must be {' or '.join(VALUES[name])} for {name}, got {shown(value)}"
            violations.append(Violation(f"{at}.value", description))
    return violations


def warnings(plan: Plan, _registry: RegistryName, context: Mapping[str, Elements]) -> list[Warning]:
    """Warn of the switch that cannot be set back, and of callers it may lock out."""
    if not any(change.key == SCOPE and change.after == "V2" for change in plan.changes):
        return []
    message = f"{SCOPE} V2 enforces the registry policy on every ECR request and cannot be set back to V1"
    warned = [Warning("SCOPE_V2_IRREVERSIBLE", SCOPE, message)]
    if any(map(denies, context.get("registry_policy", {}).values())):
        message = "the registry policy has a Deny; V2 enforces it on every ECR request and may lock out callers"
        warned.append(Warning("POLICY_DENY_MAY_LOCK_OUT", SCOPE, message))
    return warned


ACCOUNT_SETTINGS = Collection(
    name="account_settings",
    removable=False,
    defaults={"BASIC_SCAN_TYPE_VERSION": "AWS_NATIVE", "BLOB_MOUNTING": "DISABLED"},
    # A Region that does not offer a setting yet rejects its name.
    reads=tuple(
        Read("GetAccountSetting", {"name": name}, absent=frozenset({"InvalidParameter", "Validation"}))
        for name in VALUES
    ),
    items="settings",
    listed=lambda responses: [{"name": r["name"], "value": r["value"]} for r in responses if r.get("value")],
    key_of=_name,
    key_member="name",
    create="PutAccountSetting",
    create_params=_item,
    update="PutAccountSetting",
    update_params=lambda key, _before, after: _item(key, after),
    split=split_items("settings", _name, lambda item: item.get("value", "")),
    join=join_items("settings", _item),
    validate=validate,
    warnings=warnings,
)
