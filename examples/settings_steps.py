"""The demo's steps on registry settings: declare, share, clash, drift."""

from __future__ import annotations

import json
import time
from typing import Any

import ecrkeeper
from apply import apply
from ecrkeeper.v1.common_pb2 import Cause, Drift
from ecrkeeper.v1.registry_pb2 import Element, Registry
from screen import Progress, checked, note, table
from world import CENTRAL, HOME, PARTNER, SOURCE, WAIT_SECONDS, DemoError, World, check, enum, short, wait_in_sync

_REPLICATION = "replication_configuration"


def declare(world: World) -> None:
    """Declare both owners' settings and wait until AWS has them."""
    world.ecr(CENTRAL, HOME).create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    note("the cache rule `quay` exists in AWS, and nobody declares it")
    apply(world.client, world.declarations, reason="the example")
    table(
        ("registry", "owner", "declares"),
        [(short(d.registry), d.owner, ", ".join(d.settings)) for d in world.declarations],
    )
    wait_in_sync(world, world.registries())
    observed = [world.client.get_registry(name, refresh=True) for name in world.registries()]
    check(
        not any(registry.drift for registry in observed), f"AWS, read once more, matches all {len(observed)} registries"
    )
    rules = {
        rule["ecrRepositoryPrefix"]
        for rule in world.ecr(CENTRAL, HOME).describe_pull_through_cache_rules()["pullThroughCacheRules"]
    }
    check(rules == {"docker-hub", "ecr-public", "quay"}, "Docker Hub and ECR Public are cached; `quay` was left alone")


def share(world: World) -> None:
    """Show both owners' pairs in one AWS document, which the destination accepts."""
    elements = list(world.client.list_registry_elements(SOURCE))
    states = Element.State.DESCRIPTOR
    table(
        ("element", "state", "owners"),
        [(f"{_brief(e.setting)} {e.key}", enum(states, e.state), ", ".join(e.owners) or "-") for e in elements],
    )
    rules = _rules(world, HOME)
    note("the replication document that AWS holds for all of them:")
    _show_rules(rules)
    owners = {_filter(e.key): set(e.owners) for e in elements if e.setting == _REPLICATION}
    shared = [" ".join(_filters(rule)) for rule in rules if len(set().union(*(owners[f] for f in _filters(rule)))) > 1]
    check(shared, f"a rule is shared by two owners: {', '.join(shared)}")
    check({f for rule in rules for f in _filters(rule)} == owners.keys(), "AWS has every owner's pairs and no others")
    statements = json.loads(world.ecr(PARTNER, "eu-west-1").get_registry_policy()["policyText"])["Statement"]
    check(len(statements) == 2, f"{PARTNER}/eu-west-1 has one policy with both owners' statements")
    checks = world.client.check_replication(SOURCE).checks
    check(all(each.result == each.OK for each in checks), f"all {len(checks)} destinations accept the images")


def clash(world: World) -> None:
    """Declare another owner's element with a different value, and show the rejection."""
    name = f"{SOURCE}/settings/team-payments"
    declared = world.client.get_registry_settings(name)
    own = next(d for d in world.declarations if d.name == name)
    rule = {"ecrRepositoryPrefix": "ecr-public", "upstreamRegistryUrl": "quay.io"}
    note("team-payments wants the prefix `ecr-public`, which team-platform declares, for quay.io:")
    try:
        world.client.apply_registry_settings(name, {**own.settings, "pullThroughCacheRules": {"rules": [rule]}})
    except ecrkeeper.FailedPrecondition as error:
        for violation in error.violations:
            note(f"{violation.type} {violation.subject}: {violation.description}")
        check("team-platform" in str(error.violations), "rejected, and the error names the other owner")
    else:
        raise DemoError("two owners could declare one prefix for different upstreams")
    check(world.client.get_registry_settings(name).etag == declared.etag, "the rejected call changed nothing")


def drift(world: World) -> None:
    """Change replication directly in AWS, and wait until ecrkeeper reverts the change."""
    declared = _rules(world, HOME)
    unmanaged = json.loads(json.dumps(declared))
    for rule in unmanaged:
        if "payments/" in _filters(rule):
            rule["repositoryFilters"] = [f for f in rule["repositoryFilters"] if f["filter"] != "payments/"]
            rule["deleteReplication"] = {"enabled": True}
    last = world.client.get_registry(SOURCE).last_remediation.remediation_time.ToNanoseconds()
    somebody = world.stack.assumed("ecr", CENTRAL, HOME, "Admin", "mallory")
    begun = time.monotonic()
    somebody.put_replication_configuration(replicationConfiguration={"rules": unmanaged})
    note("somebody writes the document without ecrkeeper; payments/ is gone, and base/ copies deletions:")
    _show_rules(unmanaged)
    registry = _reverted(world, last, begun)
    kinds = Drift.Kind.DESCRIPTOR
    table(
        ("found", "element", "AWS had", "wanted"),
        [
            (enum(kinds, d.kind), f"{_brief(d.setting)} {d.key}", _value(d, "observed"), _value(d, "desired"))
            for d in registry.last_remediation.drift
        ],
    )
    kinds_of_drift = {enum(kinds, d.kind) for d in registry.last_remediation.drift}
    check(kinds_of_drift == {"MISSING", "CHANGED"}, "the remediation shows the missing and the changed elements")
    cause = registry.last_remediation.cause
    check(cause.principal.endswith(":role/Admin") and cause.session == "mallory", _culprit(cause))
    check(_rules(world, HOME) == declared, "AWS has the declared document again")


def _culprit(cause: Cause) -> str:
    return f"it was {cause.session} as {cause.principal}, from {cause.source_ip} with {cause.user_agent.split()[0]}"


def _reverted(world: World, last: int, begun: float) -> Registry:
    progress, until = Progress(), time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        registry = world.client.get_registry(SOURCE)
        if registry.last_remediation.remediation_time.ToNanoseconds() > last:
            progress.end()
            checked(f"an event reported it: reverted {time.monotonic() - begun:.1f} s after the change")
            return registry
        progress.show("waiting for the event")
        time.sleep(0.05)
    raise DemoError(f"the change was not reverted within {WAIT_SECONDS:.0f} s")


def _rules(world: World, region: str) -> list[dict[str, Any]]:
    return list(world.ecr(CENTRAL, region).describe_registry()["replicationConfiguration"]["rules"])


def _show_rules(rules: list[dict[str, Any]]) -> None:
    table(
        ("filters", "destinations", "deletions"),
        [
            (
                " ".join(_filters(rule)),
                " ".join(f"{d['registryId']}/{d['region']}" for d in rule["destinations"]),
                "copied" if rule.get("deleteReplication", {}).get("enabled") else "not copied",
            )
            for rule in rules
        ],
    )


def _filters(rule: dict[str, Any]) -> list[str]:
    return [str(each["filter"]) for each in rule.get("repositoryFilters", [])]


def _filter(key: str) -> str:
    return key.partition(":")[2]


def _brief(setting: str) -> str:
    return setting.removesuffix("_configuration").removesuffix("s").replace("_", " ")


def _value(drift: Drift, side: str) -> str:
    if not drift.HasField(side):
        return "nothing"
    fields = getattr(drift, side).struct_value
    return ", ".join(f"{name}={fields[name]}" for name in sorted(fields)) or "present"
