"""Pull-through cache rules: an element is one rule, its key the prefix.

Facts: `CreatePullThroughCacheRule` and `UpdatePullThroughCacheRule` in the
ECR API reference; "Sync an upstream registry" in the ECR user guide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ecrkeeper_server.errors import Violation
from ecrkeeper_server.names import RegistryName, partition_of, shown
from ecrkeeper_server.settings import arns, prefixes
from ecrkeeper_server.settings.collection import Collection
from ecrkeeper_server.settings.elements import ChangeKind, Elements, Value, join_items, split_items
from ecrkeeper_server.settings.plan import Plan
from ecrkeeper_server.settings.prefixes import ROOT
from ecrkeeper_server.settings.setting import Quota, Read, Shape, Warning

MAX_RULES = 50
WITH_SECRET = frozenset(
    {
        "docker-hub",
        "github-container-registry",
        "gitlab-container-registry",
        "azure-container-registry",
        "chainguard",
    }
)
NOT_OFFERED = frozenset({"aws-cn", "aws-us-gov"})

_HOSTS = {
    "public.ecr.aws": "ecr-public",
    "registry.k8s.io": "k8s",
    "quay.io": "quay",
    "registry-1.docker.io": "docker-hub",
    "ghcr.io": "github-container-registry",
    "registry.gitlab.com": "gitlab-container-registry",
    "cgr.dev": "chainguard",
}
_AZURE = re.compile(r"[a-zA-Z0-9-]{1,63}\.azurecr\.io")
_ECR = re.compile(r"([0-9]{12})\.dkr\.ecr\.([a-z0-9-]{1,25})\.amazonaws\.com")
_CREDENTIALS = ("credentialArn", "customRoleArn")


def upstream_of(url: str) -> str | None:
    """Return AWS's name of the upstream, or None if ECR cannot cache that host."""
    if _ECR.fullmatch(url):
        return "ecr"
    return "azure-container-registry" if _AZURE.fullmatch(url) else _HOSTS.get(url)


def key_of(rule: Mapping[str, Any]) -> str:
    """Return the prefix in canonical spelling."""
    return prefixes.canonical(rule.get("ecrRepositoryPrefix", ""))


def value_of(rule: Mapping[str, Any]) -> Value:
    """Return the rule without its prefix, with AWS's defaults in canonical form."""
    url = rule.get("upstreamRegistryUrl", "")
    value = {"upstreamRegistryUrl": url}
    upstream = upstream_of(url) or rule.get("upstreamRegistry")
    if upstream:
        value["upstreamRegistry"] = upstream
    value.update({member: rule[member] for member in _CREDENTIALS if rule.get(member)})
    prefix = prefixes.canonical(rule.get("upstreamRepositoryPrefix") or ROOT)
    if prefix != ROOT:
        value["upstreamRepositoryPrefix"] = prefix
    return value


def _item(key: str, value: Value) -> dict[str, Any]:
    return {"ecrRepositoryPrefix": key, **value}


def _update(_key: str, _before: Value, after: Value) -> dict[str, Any]:
    return {member: after[member] for member in _CREDENTIALS if member in after}


def replaces(before: Value, after: Value) -> list[str]:
    """Return the members that an update cannot change.

    AWS can set another credential or role, but cannot unset either, and changes
    nothing else.
    """
    fixed = sorted((before.keys() | after.keys()) - set(_CREDENTIALS))
    changed = [member for member in fixed if before.get(member) != after.get(member)]
    if "upstreamRegistryUrl" in changed:
        # The upstream's name follows from the URL.
        changed = [member for member in changed if member != "upstreamRegistry"]
    return changed + [member for member in _CREDENTIALS if member in before and member not in after]


def validate(shape: Shape, registry: RegistryName, path: str) -> list[Violation]:
    """Return rules that AWS rejects, or that can never pull an image."""
    rules = list(shape.get("rules") or ())
    at = f"{path}.rules"
    violations = prefixes.validate_unique(rules, "ecrRepositoryPrefix", at, "ecr_repository_prefix")
    if rules and registry.partition in NOT_OFFERED:
        violations.append(Violation(at, f"ECR offers no pull-through cache in {registry.region}"))
    for i, rule in enumerate(rules):
        violations += _validate_upstream(rule, registry, f"{at}[{i}]")
        violations += _validate_credentials(rule, registry, f"{at}[{i}]")
    return violations


def _validate_upstream(rule: Mapping[str, Any], registry: RegistryName, at: str) -> list[Violation]:
    violations = []
    url, named = rule.get("upstreamRegistryUrl", ""), rule.get("upstreamRegistry")
    upstream, ecr = upstream_of(url), _ECR.fullmatch(url)
    if upstream is None:
        hosts = ", ".join([*_HOSTS, "{name}.azurecr.io", "{account}.dkr.ecr.{region}.amazonaws.com"])
        description = (
            f"must be a host that ECR can cache, in lower case, without scheme or path ({hosts}), got {shown(url)}"
        )
        violations.append(Violation(f"{at}.upstream_registry_url", description))
    elif upstream in WITH_SECRET and named not in (None, "", upstream):
        # ECR ignores the given name of all other upstreams, and so does `value_of`.
        description = f"{shown(url)} is {upstream}, not {named}; omit the upstream registry or correct it"
        violations.append(Violation(f"{at}.upstream_registry", description))
    if ecr and partition_of(ecr[2]) != registry.partition:
        description = f"must be a registry of partition {registry.partition}, got Region {shown(ecr[2])}"
        violations.append(Violation(f"{at}.upstream_registry_url", description))
    elif ecr and (ecr[1], ecr[2]) == (registry.account, registry.region):
        description = f"must not be the registry itself, got {shown(url)}; name one of another account or Region"
        violations.append(Violation(f"{at}.upstream_registry_url", description))
    prefix = prefixes.canonical(rule.get("upstreamRepositoryPrefix") or ROOT)
    if prefix != ROOT and key_of(rule) == ROOT:
        description = "may be set only if ecr_repository_prefix is not ROOT"
        violations.append(Violation(f"{at}.upstream_repository_prefix", description))
    return violations


def ecr_account(url: str) -> str | None:
    """Return the account of an ECR upstream, or None for any other upstream."""
    match = _ECR.fullmatch(url)
    return match.group(1) if match else None


def _validate_credentials(rule: Mapping[str, Any], registry: RegistryName, at: str) -> list[Violation]:
    """Check that the credential suits the upstream, and that ECR may use it."""
    violations = []
    url, secret, role = rule.get("upstreamRegistryUrl", ""), rule.get("credentialArn"), rule.get("customRoleArn")
    upstream, account = upstream_of(url), ecr_account(url)
    if upstream in WITH_SECRET and not secret:
        description = (
            f"{upstream} needs a login: set a secret of this account and Region named ecr-pullthroughcache/..."
        )
        violations.append(Violation(f"{at}.credential_arn", description))
    elif secret and upstream is not None and upstream not in WITH_SECRET:
        instead = "; for an ECR registry of another account set custom_role_arn" if upstream == "ecr" else ""
        description = f"must be empty because {upstream} takes no login, got {shown(secret)}{instead}"
        violations.append(Violation(f"{at}.credential_arn", description))
    elif secret:
        violations += arns.validate_region(secret, registry, f"{at}.credential_arn", same_account=True)
    if account not in (None, registry.account) and not role:
        description = f"required: the upstream belongs to account {account}; set a role of account {registry.account}"
        violations.append(Violation(f"{at}.custom_role_arn", description))
    elif role and upstream not in (None, "ecr"):
        description = (
            f"must be empty because only an ECR upstream takes a role and {upstream} is none, got {shown(role)}"
        )
        violations.append(Violation(f"{at}.custom_role_arn", description))
    elif role:
        violations += arns.validate_role(role, registry, f"{at}.custom_role_arn")
    return violations


def warnings(plan: Plan, _registry: RegistryName, _context: Mapping[str, Elements]) -> list[Warning]:
    """Warn of rules whose cached repositories outlive them."""
    words = {ChangeKind.REMOVE: "removed", ChangeKind.REPLACE: "deleted and recreated"}
    return [
        Warning(
            "CACHED_REPOSITORIES_REMAIN",
            change.key,
            f"the rule {change.key} is {words[change.kind]}; the repositories that it cached stay, with their images",
        )
        for change in plan.changes
        if change.kind in words
    ]


_GONE = frozenset({"PullThroughCacheRuleNotFound"})


def trial(prefix: str, rule: Value) -> Read | None:
    """Return the call that lets ECR log in to the upstream, if it needs a login."""
    if not (rule.get("credentialArn") or rule.get("customRoleArn")):
        return None
    return Read("ValidatePullThroughCacheRule", {"ecrRepositoryPrefix": prefix})


def trial_failure(answer: Mapping[str, Any]) -> str:
    """Return why ECR cannot log in; empty if it can."""
    return "" if answer.get("isValid") else str(answer.get("failure") or "ECR cannot log in to the upstream")


CACHE_RULES = Collection(
    name="pull_through_cache_rules",
    role="pull-through-cache",
    reads=(
        Read(
            "DescribePullThroughCacheRules",
            {"maxResults": 1000},
            "pullThroughCacheRules",
            _GONE,
        ),
    ),
    items="rules",
    listed=lambda responses: [rule for response in responses for rule in response.get("pullThroughCacheRules") or ()],
    key_of=key_of,
    key_member="ecrRepositoryPrefix",
    create="CreatePullThroughCacheRule",
    create_params=_item,
    update="UpdatePullThroughCacheRule",
    update_params=_update,
    delete="DeletePullThroughCacheRule",
    gone=_GONE,
    exists=frozenset({"PullThroughCacheRuleAlreadyExists"}),
    trial=trial,
    trial_failure=trial_failure,
    split=split_items("rules", key_of, value_of),
    join=join_items("rules", _item),
    validate=validate,
    warnings=warnings,
    replaces=replaces,
    quota=lambda elements: [Quota("pull-through cache rules", len(elements), MAX_RULES)],
    fits=MAX_RULES,
)
