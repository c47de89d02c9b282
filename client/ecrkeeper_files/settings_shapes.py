"""Convert settings as people write them to the shape of messages; pure.

People write bare lists, and policies as objects.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

# Settings that AWS answers with as a list, and the member that holds the list in a message.
LISTS: Mapping[str, str] = {
    "pullThroughCacheRules": "rules",
    "pull_through_cache_rules": "rules",
    "repositoryCreationTemplates": "templates",
    "repository_creation_templates": "templates",
    "accountSettings": "settings",
    "account_settings": "settings",
    "pullTimeUpdateExclusions": "principalArns",
    "pull_time_update_exclusions": "principalArns",
}
_POLICY = frozenset({"policyText", "policy_text"})
_TEMPLATE_POLICIES = frozenset({"repositoryPolicy", "repository_policy", "lifecyclePolicy", "lifecycle_policy"})


def shaped(settings: Any) -> Any:
    """Return settings with bare lists in their members and policies as text.

    Anything else stays as it is.
    """
    if not isinstance(settings, Mapping):
        return settings
    return {name: _setting(name, value) for name, value in settings.items()}


def _setting(name: str, value: Any) -> Any:
    member = LISTS.get(name)
    if member is not None and isinstance(value, list):
        value = {member: value}
    if not isinstance(value, Mapping):
        return value
    if name in ("registryPolicy", "registry_policy"):
        return _texts(value, _POLICY)
    if member == "templates" and isinstance(value.get(member), list):
        return {**value, member: [_texts(each, _TEMPLATE_POLICIES) for each in value[member]]}
    return value


def _texts(value: Any, members: frozenset[str]) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {name: _text(inner) if name in members else inner for name, inner in value.items()}


def _text(policy: Any) -> Any:
    """Return a policy as compact JSON, because AWS limits its length."""
    return json.dumps(policy, separators=(",", ":"), ensure_ascii=False) if isinstance(policy, Mapping) else policy
