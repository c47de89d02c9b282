"""Whether a destination registry accepts what a source replicates to it.

AWS checks this only image by image. Facts: "Registry permissions" and "Private
image replication" in the ECR user guide; "Policy evaluation logic" (IAM).
"""

from __future__ import annotations

from collections.abc import Iterable

from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings import arns, globs, statements
from ecrkeeper_server.settings.elements import Elements, Value
from ecrkeeper_server.settings.setting import Warning
from ecrkeeper_server.settings.template_lint import needs_custom_role

SETTINGS_OF_DESTINATION = ("registry_policy", "account_settings", "repository_creation_templates")
ACTIONS = ("ecr:ReplicateImage", "ecr:CreateRepository")


def check(
    source: RegistryName,
    destination: RegistryName,
    *,
    policy: Elements,
    scope: str | None,
    templates: Elements,
) -> list[Warning]:
    """What keeps images of the source out of the destination; empty if nothing does.

    `policy` and `templates` are the destination's elements, `scope` is its
    REGISTRY_POLICY_SCOPE.
    """
    found = []
    if source.partition != destination.partition:
        what = f"{destination.region} is in partition {destination.partition}; replication stays in {source.partition}"
        found.append(Warning("DESTINATION_OTHER_PARTITION", str(destination), what))
    found += _check_policy(source, destination, policy, scope)
    return found + _check_templates(destination, templates)


def _check_policy(
    source: RegistryName, destination: RegistryName, policy: Elements, scope: str | None
) -> list[Warning]:
    own = source.account == destination.account
    if own and (scope != "V2" or not policy):
        return []
    if not policy:
        what = (
            f"destination registry {destination.account}/{destination.region} has no registry policy; it must allow"
            f" {' and '.join(ACTIONS)} to {_root(source)}"
        )
        return [Warning("DESTINATION_POLICY_MISSING", str(destination), what)]
    return [warning for action in ACTIONS for warning in _check_action(action, source, destination, policy, own=own)]


def _root(source: RegistryName) -> str:
    return f"arn:{source.partition}:iam::{source.account}:root"


def _check_action(
    action: str, source: RegistryName, destination: RegistryName, policy: Elements, *, own: bool
) -> list[Warning]:
    about = [
        (key, value)
        for key, value in sorted(policy.items())
        if statements.allows_action(value, action) and _names(value, source)
    ]
    here = [(key, value) for key, value in about if _reaches(value, destination)]
    for effect in ("Deny", "Allow"):
        deciding = [(key, value) for key, value in here if value.get("Effect") == effect]
        certain = [
            key for key, value in deciding if "Condition" not in value and (effect == "Allow" or _everywhere(value))
        ]
        if effect == "Deny" and certain:
            what = f"statement {certain[0]} of the destination's policy denies {action} to {_root(source)}"
            return [Warning("DESTINATION_POLICY_DENIES", str(destination), what)]
        if effect == "Allow" and certain:
            return []
        if deciding and not (own and effect == "Allow"):
            what = (
                f"statement {deciding[0][0]} ({effect}) decides about {action} by a Condition or for some"
                " repositories only, which is not evaluated here"
            )
            return [Warning("DESTINATION_POLICY_CONDITIONAL", str(destination), what)]
    return [] if own else [_not_allowed(action, source, destination, about)]


def _not_allowed(
    action: str, source: RegistryName, destination: RegistryName, about: list[tuple[str, Value]]
) -> Warning:
    elsewhere = [(key, value) for key, value in about if value.get("Effect") == "Allow"]
    if not elsewhere:
        what = f"the policy of {destination} does not allow {action} to {_root(source)}"
        return Warning("DESTINATION_POLICY_NOT_ALLOWED", str(destination), what)
    key, value = elsewhere[0]
    named = ", ".join(value.get("Resource") or value.get("NotResource") or ["no resource"])
    what = (
        f"statement {key} allows {action} on {named}, which are not repositories of destination"
        f" {destination.account} in Region {destination.region}"
    )
    return Warning("DESTINATION_POLICY_WRONG_RESOURCE", str(destination), what)


def _names(value: Value, source: RegistryName) -> bool:
    """Whether a statement is about the root of the source's account."""
    ids = {"*", source.account}
    if "NotPrincipal" in value:
        return not ids & set(value["NotPrincipal"].get("AWS", ()))
    return bool(ids & set((value.get("Principal") or {}).get("AWS", ())))


def _reaches(value: Value, destination: RegistryName) -> bool:
    """Whether a statement's resources can be repositories of the destination."""
    if "NotResource" in value:
        return not any(text == "*" for text in value["NotResource"])
    resources: Iterable[str] = value.get("Resource", ["*"])
    return any(_is_at(text, destination) for text in resources)


def _everywhere(value: Value) -> bool:
    """Whether a statement is about all repositories of the places that it names."""
    return "NotResource" not in value and any(
        text == "*" or text.endswith((":repository/*", ":*")) for text in value.get("Resource", ["*"])
    )


def _is_at(resource: str, destination: RegistryName) -> bool:
    if resource == "*":
        return True
    arn = arns.parse(resource)
    place = (destination.partition, "ecr", destination.region, destination.account)
    return (
        arn is not None
        and all(globs.matches(pattern, want, single=True) for pattern, want in zip(arn[:4], place, strict=True))
        and arn.resource.startswith(("repository/", "*"))
    )


def _check_templates(destination: RegistryName, templates: Elements) -> list[Warning]:
    return [
        Warning(
            "DESTINATION_TEMPLATE_UNUSABLE",
            str(destination),
            f"the template {key} of the destination has {needs_custom_role(value)} and no custom role: ECR cannot"
            " create replicated repositories from it",
        )
        for key, value in sorted(templates.items())
        if "REPLICATION" in value["appliedFor"] and needs_custom_role(value)
    ]
