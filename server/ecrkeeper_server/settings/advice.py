"""Warnings about the state that a plan leads to.

They name settings that do not work together, and access without limits.

Facts: "Managed signing", "Sync an upstream registry" and "Templates to control
repositories created during a pull through cache, create on push, or
replication action" in the ECR user guide; IAM's guide on the principal `*`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ecrkeeper_server.settings import prefixes, signing, statements
from ecrkeeper_server.settings.elements import Elements
from ecrkeeper_server.settings.json_text import NotJson, parse
from ecrkeeper_server.settings.policy_validation import statements_of
from ecrkeeper_server.settings.prefixes import ROOT
from ecrkeeper_server.settings.setting import Warning
from ecrkeeper_server.turns import Steps

POLICY = "registry_policy"
RULES = "pull_through_cache_rules"
TEMPLATES = "repository_creation_templates"
SIGNING = "signing_configuration"
CACHE = "PULL_THROUGH_CACHE"

READ_ALONG: Mapping[str, tuple[str, ...]] = {
    TEMPLATES: (RULES,),
    SIGNING: (RULES,),
    RULES: (TEMPLATES, SIGNING),
}
"""The other settings that advice on a setting needs."""

Settings = Mapping[str, Elements]
Advice = Iterator[Warning | None]
"""Warnings; None is a pause between two elements."""


def advising(before: Settings, after: Settings) -> Steps[list[Warning]]:
    """Warn of what a change makes questionable, in steps.

    `before` and `after` both omit a setting that is not known.
    """
    warned: list[Warning] = []
    for check in _CHECKS:
        for warning in check(before, after):
            if warning is not None:
                warned.append(warning)
            yield
        yield
    return warned


def _changed(setting: str, before: Settings, after: Settings) -> dict[str, Any]:
    """Return the elements that are new or have another value, by key."""
    known = before.get(setting, {})
    return {key: value for key, value in after.get(setting, {}).items() if known.get(key) != value}


def _open_policies(before: Settings, after: Settings) -> Advice:
    for key, value in _changed(POLICY, before, after).items():
        yield _open(key, f"statement {key} of the registry policy") if statements.open_to_all(value) else None
    for key, template in _changed(TEMPLATES, before, after).items():
        is_open = any(map(statements.open_to_all, _policy_of(template)))
        yield _open(key, f"the repository_policy of template {key}") if is_open else None


def _open(subject: str, where: str) -> Warning:
    message = (
        f"{where} allows its actions to every AWS account, without a condition;"
        " name accounts, or add a condition such as aws:PrincipalOrgID"
    )
    return Warning("POLICY_OPEN_TO_ALL_ACCOUNTS", subject, message)


def _policy_of(template: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    try:
        document = parse(template.get("repositoryPolicy") or "{}")
    except NotJson:
        return []
    listed = statements_of(document) if isinstance(document, dict) else []
    return [statements.canonical(statement) for statement in listed if isinstance(statement, dict)]


def _root_rule(before: Settings, after: Settings) -> Advice:
    rule = _changed(RULES, before, after).get(ROOT)
    if rule is not None:
        message = (
            f"the prefix ROOT matches every repository name that no other cache rule covers: pulls of any name that"
            f" does not exist here, even a mistyped one, go to {rule.get('upstreamRegistryUrl')} and are cached"
        )
        yield Warning("CACHE_RULE_ROOT", ROOT, message)


def _unsigned_images(before: Settings, after: Settings) -> Advice:
    filters = _Filters(after.get(SIGNING, {}))
    yield None
    new_filters = _Filters(_changed(SIGNING, before, after))
    yield None
    new_rules = _changed(RULES, before, after)
    for rule in sorted(after.get(RULES, {})):
        considered = filters if rule in new_rules else new_filters
        matching = considered.matching_under(rule)
        if not matching:
            yield None
            continue
        more = f" and {len(matching) - 5} more" if len(matching) > 5 else ""
        message = (
            f"ECR does not sign the images that the cache rule {rule} caches, although signing filters match their"
            f" repositories: {', '.join(matching[:5])}{more}"
        )
        yield Warning("SIGNING_SKIPS_CACHED_IMAGES", rule, message)


class _Filters:
    """Signing filters, in the order of their text before the first `*`."""

    def __init__(self, keys: Iterable[str]) -> None:
        texts = {signing.pair_of(key)[1] or "*" for key in keys}
        listed = sorted((text.partition("*")[0], text) for text in texts)
        self._literals = [literal for literal, _ in listed]
        self._texts = [text for _, text in listed]

    def matching_under(self, rule: str) -> list[str]:
        """Return the filters that match some repository of a cache rule, in order."""
        begin = "" if rule == ROOT else f"{rule}/"
        # The filters whose literal text continues the rule's prefix. No repository has a character this large.
        first, end = bisect_left(self._literals, begin), bisect_left(self._literals, f"{begin}\U0010ffff")
        matching = self._texts[first:end]
        # A `*` matches the rest of the prefix, and any text after it.
        for length in range(len(begin)):
            literal = begin[:length]
            first, end = bisect_left(self._literals, literal), bisect_right(self._literals, literal)
            matching += [text for text in self._texts[first:end] if text != literal]
        return sorted(matching)


def _idle_templates(before: Settings, after: Settings) -> Advice:
    if RULES not in after:
        return
    changed = _changed(TEMPLATES, before, after)
    for key, template in sorted(after.get(TEMPLATES, {}).items()):
        # A template is compared with all rules and all other templates.
        yield None
        # A push can create any repository, and a replication source may be a registry unknown here.
        if list(template["appliedFor"]) != [CACHE] or not _idle(key, after):
            continue
        if key in changed or not _idle(key, before):
            rules = ", ".join(sorted(after[RULES])[:5]) or "none"
            message = (
                f"template {key} applies to pull through cache only, and no cache rule creates a repository that it"
                f" matches (cache rules: {rules}); make the prefixes agree"
            )
            yield Warning("TEMPLATE_NEVER_APPLIES", key, message)


def _idle(key: str, settings: Settings) -> bool:
    """Return whether a template never applies to a cached repository.

    It is idle if each repository of each cache rule has a more specific template.
    """
    rivals = [
        name
        for name, template in settings.get(TEMPLATES, {}).items()
        if name not in (key, ROOT) and CACHE in template["appliedFor"] and _includes(key, name)
    ]
    for rule in settings.get(RULES, {}):
        if _includes(rule, key) and rule != key:
            return False
        if _includes(key, rule) and not any(_includes(rival, rule) for rival in rivals):
            return False
    return True


def _includes(outer: str, inner: str) -> bool:
    """Return whether all repositories under one prefix are under another."""
    return outer == inner or (inner != ROOT and prefixes.covers(outer, inner))


_CHECKS: tuple[Callable[[Settings, Settings], Advice], ...] = (
    _open_policies,
    _root_rule,
    _unsigned_images,
    _idle_templates,
)
