"""The policy file: YAML, checked as a whole; every fault is named at once."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable
from typing import Any

import yaml

from ecrkeeper_server.access.patterns import Pattern
from ecrkeeper_server.access.policy import Policy, Rule, Verb
from ecrkeeper_server.names import shown

MAX_BYTES = 256 * 1024
_TEXT = 256
_KEYS = ("name", "principals", "groups", "verbs", "accounts", "regions", "owners")
_EVERY = (Pattern.every(),)
# What patterns may be made of, what they must be without a wildcard, and how to say it.
_SHAPES = {
    "accounts": (r"[0-9*]+", r"[0-9]{12}", "a 12-digit account, or digits with `*`"),
    "regions": (r"[a-z0-9*-]+", r"[a-z]+(?:-[a-z0-9]+)+", "a Region such as `eu-west-1` or `eu-*`"),
    "owners": (r"[a-z0-9*-]+", r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?", "an owner such as `team-a` or `team-*`"),
}


class PolicyError(Exception):
    """The policy has faults; `faults` names every one."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class _Loader(yaml.SafeLoader):
    """Plain YAML: a few bytes of aliases can stand for gigabytes, and a repeated key hides what came before."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases are not supported", mark)
        node: yaml.Node | None = super().compose_node(parent, index)
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {shown(key.value)} is repeated", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def parse(content: bytes) -> Policy:
    """The policy in a file; PolicyError names all faults."""
    if len(content) > MAX_BYTES:
        raise PolicyError([f"the policy must be at most {MAX_BYTES:,} bytes, got {len(content):,}"])
    try:
        document = yaml.load(content.decode(), _Loader)  # noqa: S506 - a SafeLoader
    except UnicodeDecodeError as error:
        raise PolicyError([f"is not UTF-8: {error.reason} at byte {error.start}"]) from error
    except yaml.MarkedYAMLError as error:
        at = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise PolicyError([f"{at}{error.problem}"]) from error
    except (yaml.YAMLError, ValueError) as error:
        raise PolicyError([" ".join(str(error).split())]) from error
    except RecursionError as error:
        raise PolicyError(["is nested too deeply"]) from error
    return _policy(document)


def _policy(document: Any) -> Policy:
    if not isinstance(document, dict) or not isinstance(document.get("rules"), list):
        raise PolicyError([f"must be a mapping with a list `rules`, got {_brief(document)}"])
    faults = [f"unknown key {_brief(key)}; known is `rules`" for key in document if key != "rules"]
    rules = [_rule(raw, f"rules[{at}]", faults) for at, raw in enumerate(document["rules"])]
    seen: dict[str, int] = {}
    for at, rule in enumerate(rules):
        if rule.name in seen:
            faults.append(f"rules[{at}].name: {shown(rule.name)} is the name of rules[{seen[rule.name]}] too")
        seen.setdefault(rule.name, at)
    if faults:
        raise PolicyError(faults)
    return Policy(tuple(rules))


def _rule(raw: Any, path: str, faults: list[str]) -> Rule:
    if not isinstance(raw, dict):
        faults.append(f"{path}: must be a mapping, got {_brief(raw)}")
        return Rule(path, (), (), frozenset())
    faults += [f"{path}: unknown key {_brief(key)}; known are {', '.join(_KEYS)}" for key in raw if key not in _KEYS]
    name = raw.get("name", path)
    if not isinstance(name, str) or not 0 < len(name) <= _TEXT:
        faults.append(f"{path}.name: must be text of 1 to {_TEXT} characters, got {_brief(name)}")
        name = path
    if "principals" not in raw and "groups" not in raw:
        faults.append(f"{path}: must name `principals` or `groups`, to which it gives its verbs")
    rule = Rule(
        name,
        _patterns(raw, path, "principals", faults, ()),
        _patterns(raw, path, "groups", faults, ()),
        _verbs(raw, path, faults),
        _patterns(raw, path, "accounts", faults, _EVERY),
        _patterns(raw, path, "regions", faults, _EVERY),
        _patterns(raw, path, "owners", faults, _EVERY),
    )
    faults += [f"{path}: {fault}" for fault in _idle(rule)]
    return rule


def _idle(rule: Rule) -> Iterable[str]:
    """What a rule says to no effect: its author believes that it allows more than it does."""
    limits = [what for what in ("regions", "owners") if not any(p.is_every for p in getattr(rule, what))]
    if Verb.DELETE_ROLE in rule.verbs and limits:
        without = " and ".join(limits)
        yield f"delete-role is for roles, which belong to an account as a whole; put it into a rule without {without}"
    if Verb.ADMIN in rule.verbs and "owners" in limits:
        yield "admin is for registries and the installation, which have no owner; put it into a rule without owners"


def _verbs(raw: dict[Any, Any], path: str, faults: list[str]) -> frozenset[Verb]:
    known = {verb.value: verb for verb in Verb}
    given = _texts(raw.get("verbs"), f"{path}.verbs", faults)
    for at, text in given:
        if text not in known and text != "*":
            faults.append(f"{path}.verbs[{at}]: must be one of {', '.join(known)} or `*`, got {shown(text)}")
    texts = [text for _, text in given]
    return frozenset(Verb) if "*" in texts else frozenset(known[text] for text in texts if text in known)


def _patterns(
    raw: dict[Any, Any], path: str, key: str, faults: list[str], default: tuple[Pattern, ...]
) -> tuple[Pattern, ...]:
    if key not in raw:
        return default
    texts = _texts(raw[key], f"{path}.{key}", faults)
    if key in _SHAPES:
        made_of, exact, rule = _SHAPES[key]
        for at, text in texts:
            if not re.fullmatch(made_of if "*" in text else exact, text):
                faults.append(f"{path}.{key}[{at}]: must be {rule}, got {shown(text)}")
    return tuple(Pattern(text) for _, text in texts)


def _texts(value: Any, path: str, faults: list[str]) -> list[tuple[int, str]]:
    if not isinstance(value, list) or not value:
        faults.append(f"{path}: must be a list that is not empty, got {_brief(value)}")
        return []
    for at, item in enumerate(value):
        if isinstance(item, (int, float)) and not isinstance(item, bool):
            faults.append(f"{path}[{at}]: must be text in quotes, got the number {shown(str(item))}")
        elif not isinstance(item, str) or not 0 < len(item) <= _TEXT:
            faults.append(f"{path}[{at}]: must be text of 1 to {_TEXT} characters, got {_brief(item)}")
    return [(at, item) for at, item in enumerate(value) if isinstance(item, str) and 0 < len(item) <= _TEXT]


def _brief(value: Any) -> str:
    if value is None:
        return "nothing"
    return shown(value) if isinstance(value, str) else shown(str(value))
