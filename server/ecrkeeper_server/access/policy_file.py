"""The policy file: parses its YAML and reports all errors at once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ecrkeeper_files import strict_yaml
from ecrkeeper_files.plain_text import is_plain_name

from ecrkeeper_server.access.patterns import Pattern
from ecrkeeper_server.access.policy import Policy, Rule, Verb
from ecrkeeper_server.names import shown, shown_value

MAX_BYTES = 256 * 1024
_TEXT = 256
_TEXT_RULE = f"text of 1 to {_TEXT} visible characters without blanks around them"
_KEYS = ("name", "principals", "groups", "verbs", "accounts", "regions", "owners")
_EVERY = (Pattern.every(),)
# The characters of patterns, the form of a text without a wildcard, and its description.
_SHAPES = {
    "accounts": (r"[0-9*]+", r"[0-9]{12}", "a 12-digit account, or digits with `*`"),
    "regions": (r"[a-z0-9*-]+", r"[a-z]+(?:-[a-z0-9]+)+", "a Region such as `eu-west-1` or `eu-*`"),
    "owners": (r"[a-z0-9*-]+", r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?", "an owner such as `team-a` or `team-*`"),
}


class PolicyError(Exception):
    """The policy is invalid; `errors` has every error."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("; ".join(errors))
        self.errors = errors


def parse(content: bytes) -> Policy:
    """Return the policy in a file; PolicyError has all errors."""
    if len(content) > MAX_BYTES:
        raise PolicyError([f"the policy must be at most {MAX_BYTES:,} bytes, got {len(content):,}"])
    try:
        document = strict_yaml.load(content)
    except strict_yaml.StrictYamlError as error:
        raise PolicyError(error.violations) from error
    errors = _Errors(document)
    rules = _rules(document.value, errors)
    if errors.errors:
        raise PolicyError(errors.errors)
    return Policy(tuple(rules))


class _Errors:
    """The errors of a document, each with its line and path."""

    def __init__(self, document: strict_yaml.Document) -> None:
        self._document = document
        self.errors: list[str] = []

    def add(self, path: str, text: str) -> None:
        """Add an error of the part at a path."""
        self.errors.append(f"line {self._document.line_of(path)}: {path}: {text}")


def _rules(document: Any, errors: _Errors) -> list[Rule]:
    if not isinstance(document, dict) or not isinstance(document.get("rules"), list):
        errors.add("rules", f"the file must be a mapping with a list `rules`, got {shown_value(document)}")
        return []
    for key in document:
        if key != "rules":
            errors.add("rules", f"unknown key {shown(key)}; `rules` is the only key")
    rules = [_rule(raw, f"rules[{at}]", errors) for at, raw in enumerate(document["rules"])]
    indexes: dict[str, int] = {}
    for at, rule in enumerate(rules):
        if rule.name in indexes:
            errors.add(f"rules[{at}].name", f"{shown(rule.name)} is also the name of rules[{indexes[rule.name]}]")
        indexes.setdefault(rule.name, at)
    return rules


def _rule(raw: Any, path: str, errors: _Errors) -> Rule:
    if not isinstance(raw, dict):
        errors.add(path, f"must be a mapping, got {shown_value(raw)}")
        return Rule(path, (), (), frozenset())
    for key in raw:
        if key not in _KEYS:
            errors.add(path, f"unknown key {shown(key)}; known keys are {', '.join(_KEYS)}")
    name = raw.get("name", path)
    if not _is_text(name):
        errors.add(f"{path}.name", f"must be {_TEXT_RULE}, got {shown_value(name)}")
        name = path
    if "principals" not in raw and "groups" not in raw:
        errors.add(path, "must name `principals` or `groups`")
    rule = Rule(
        name,
        _patterns(raw, path, "principals", errors, ()),
        _patterns(raw, path, "groups", errors, ()),
        _verbs(raw, path, errors),
        _patterns(raw, path, "accounts", errors, _EVERY),
        _patterns(raw, path, "regions", errors, _EVERY),
        _patterns(raw, path, "owners", errors, _EVERY),
    )
    for error in _idle(rule):
        errors.add(path, error)
    return rule


def _idle(rule: Rule) -> Iterable[str]:
    """Return the parts of a rule that have no effect, although its author expects one."""
    limits = [key for key in ("regions", "owners") if not any(p.is_every for p in getattr(rule, key))]
    if Verb.DELETE_ROLE in rule.verbs and limits:
        without = " and ".join(limits)
        yield f"delete-role applies to roles, which belong to the whole account; put it into a rule without {without}"
    if Verb.ADMIN in rule.verbs and "owners" in limits:
        yield "admin applies to registries and the installation, which have no owner; put it into a rule without owners"


def _verbs(raw: dict[Any, Any], path: str, errors: _Errors) -> frozenset[Verb]:
    known = {verb.value: verb for verb in Verb}
    listed = _texts(raw.get("verbs"), f"{path}.verbs", errors)
    for at, text in listed:
        if text not in known and text != "*":
            errors.add(f"{path}.verbs[{at}]", f"must be one of {', '.join(known)} or `*`, got {shown(text)}")
    texts = [text for _, text in listed]
    return frozenset(Verb) if "*" in texts else frozenset(known[text] for text in texts if text in known)


def _patterns(
    raw: dict[Any, Any], path: str, key: str, errors: _Errors, default: tuple[Pattern, ...]
) -> tuple[Pattern, ...]:
    if key not in raw:
        return default
    texts = _texts(raw[key], f"{path}.{key}", errors)
    if key in _SHAPES:
        with_wildcard, exact, rule = _SHAPES[key]
        for at, text in texts:
            if not re.fullmatch(with_wildcard if "*" in text else exact, text):
                errors.add(f"{path}.{key}[{at}]", f"must be {rule}, got {shown(text)}")
    return tuple(Pattern(text) for _, text in texts)


def _texts(value: Any, path: str, errors: _Errors) -> list[tuple[int, str]]:
    if not isinstance(value, list) or not value:
        errors.add(path, f"must be a list with at least one item, got {shown_value(value)}")
        return []
    for at, item in enumerate(value):
        if isinstance(item, (int, float)) and not isinstance(item, bool):
            errors.add(f"{path}[{at}]", f"must be quoted text, got the number {shown_value(item)}")
        elif not _is_text(item):
            errors.add(f"{path}[{at}]", f"must be {_TEXT_RULE}, got {shown_value(item)}")
    return [(at, item) for at, item in enumerate(value) if _is_text(item)]


def _is_text(value: Any) -> bool:
    """Return whether it is a possible name: no caller has one with other characters."""
    return isinstance(value, str) and is_plain_name(value, _TEXT)
