"""A minimal AWS that stores the calls' parameters."""

from __future__ import annotations

from typing import Any

from ecrkeeper_server.settings.setting import Call, Setting

_KEYS = {"pull_through_cache_rules": "ecrRepositoryPrefix", "repository_creation_templates": "prefix"}


def after(setting: Setting, calls: list[Call], shape: dict[str, Any]) -> dict[str, Any]:
    """Return AWS's shape after the calls."""
    for call in calls:
        shape = _after_one(setting, call, shape)
    return shape


def _after_one(setting: Setting, call: Call, shape: dict[str, Any]) -> dict[str, Any]:
    params = call.params
    if call.operation in ("DeleteRegistryPolicy", "DeleteSigningConfiguration"):
        assert not params
        return {}
    if call.operation in ("PutReplicationConfiguration", "PutSigningConfiguration"):
        (body,) = params.values()
        return dict(body)
    if call.operation in ("PutRegistryPolicy", "PutRegistryScanningConfiguration"):
        return params
    if setting.name == "account_settings":
        assert call.operation == "PutAccountSetting"
        return {"settings": [s for s in shape.get("settings", []) if s["name"] != params["name"]] + [params]}
    if setting.name == "pull_time_update_exclusions":
        others = [arn for arn in shape.get("principalArns", []) if arn != params["principalArn"]]
        return {"principalArns": others + [params["principalArn"]] * call.operation.startswith("Register")}
    member = "rules" if setting.name == "pull_through_cache_rules" else "templates"
    return {member: _items(call, shape.get(member, []), _KEYS[setting.name])}


def _items(call: Call, items: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    named = [item for item in items if item[key] == call.params[key]]
    others = [item for item in items if item[key] != call.params[key]]
    if call.operation.startswith("Create"):
        assert not named, f"{call.params[key]} exists already"
        return [*others, call.params]
    assert named, f"{call.params[key]} does not exist"
    if call.operation.startswith("Delete"):
        assert call.params.keys() == {key}
        return others
    assert call.params.keys() > {key}, "AWS refuses an update of nothing"
    return [*others, {**named[0], **call.params}]
