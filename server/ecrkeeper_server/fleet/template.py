"""Templates: settings whose strings have placeholders; pure.

The settings of one registry are rendered from them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from ecrkeeper_server.errors import Violation
from ecrkeeper_server.fleet.selectors import matcher
from ecrkeeper_server.fleet.targets import Target
from ecrkeeper_server.json_object import Json
from ecrkeeper_server.names import shown
from ecrkeeper_server.store.fleet_specs import SetSpec
from ecrkeeper_server.store.json_columns import json_text
from ecrkeeper_server.turns import Steps, finish

_DOLLAR = re.compile(r"\$(?:\$|\{([^{}]*)\})?")
_LABEL = re.compile(r"label:([A-Za-z0-9_./+@ -]{1,128})(?::(.*))?", re.DOTALL)
# Items of a list in a step.
_AT_ONCE = 50
_WORDS = ("account", "region", "partition")
_KNOWN = "`${account}`, `${region}`, `${partition}`, `${label:NAME}` or `${label:NAME:default}`"


class MissingLabelError(Exception):
    """A template needs a label that an account does not have."""

    def __init__(self, label: str) -> None:
        super().__init__(f"the account has no label {shown(label)}, and the placeholder has no default")
        self.label = label


class Chosen(Struct, frozen=True, eq=False):
    """The template for some registries; settings without placeholders are theirs.

    `rendered` are the names of the settings with placeholders.
    """

    settings: Json
    rendered: frozenset[str]

    @property
    def has_placeholders(self) -> bool:
        """Whether the settings depend on the registry."""
        return bool(self.rendered)


class Templates:
    """The template of a set with its overrides.

    It is checked once and rendered for any number of registries.
    """

    def __init__(self, spec: SetSpec) -> None:
        self._settings = spec.settings
        self._overrides = [
            (matcher(each.selector, f"overrides[{at}].selector"), each.settings)
            for at, each in enumerate(spec.overrides)
        ]
        self._chosen: dict[tuple[int, ...], Chosen] = {}

    def chosen(self, target: Target) -> Chosen:
        """Return the template for a registry.

        Each member is that of the last override that matches and has it.
        """
        matching = tuple(at for at, (selector, _) in enumerate(self._overrides) if selector.matches(target))
        chosen = self._chosen.get(matching)
        if chosen is None:
            settings = self._settings
            for at in matching:
                settings = {**settings, **self._overrides[at][1]}
            rendered = frozenset(name for name, shape in settings.items() if _has_dollar(shape))
            chosen = self._chosen[matching] = Chosen(settings, rendered)
        return chosen

    def render(self, target: Target) -> Json:
        """Return the settings for a registry.

        MissingLabelError names a label that its account lacks.
        """
        return finish(self.rendering(target))

    def rendering(self, target: Target) -> Steps[Json]:
        """Return the same in steps, one for each item of a list."""
        chosen = self.chosen(target)
        if not chosen.has_placeholders:
            return chosen.settings
        values = _values(target)
        rendered: Json = {}
        for name, shape in chosen.settings.items():
            rendered[name] = (yield from _rendering(shape, values)) if name in chosen.rendered else shape
        return rendered


def _has_dollar(shape: Json) -> bool:
    """Return whether a setting has placeholders."""
    # Its text is searched in less time than its members.
    return "$" in (json_text(shape) or "")


def checking(value: Any, path: str) -> Steps[list[Violation]]:
    """Return what is wrong with the placeholders of a template, in steps."""
    violations: list[Violation] = []
    match value:
        case str():
            problems = (problem for each in _DOLLAR.finditer(value) if (problem := _problem(each)))
            violations += [Violation(path, problem) for problem in problems]
        case Mapping():
            for name, member in value.items():
                violations += yield from checking(member, f"{path}.{name}")
        case list():
            for at, item in enumerate(value):
                if at % _AT_ONCE == _AT_ONCE - 1:
                    yield
                violations += yield from checking(item, f"{path}[{at}]")
    return violations


def measuring(value: Any) -> Steps[int]:
    """Return the length of a value as `json.dumps` writes it, in steps of some items."""
    size = 0
    if isinstance(value, dict) and value:
        # Each member has a colon and a comma with a space behind them; those of the last one count for the brackets.
        for name, member in value.items():
            size += len(json.dumps(name)) + 4 + (yield from measuring(member))
        return size
    if not isinstance(value, list) or not value:
        return len(json.dumps(value))
    if any(map(_holds_list, value)):
        for item in value:
            size += 2 + (yield from measuring(item))
        return size
    for at in range(0, len(value), _AT_ONCE):
        yield
        size += len(json.dumps(value[at : at + _AT_ONCE]))
    return size


def _holds_list(value: Any) -> bool:
    return isinstance(value, list) or (isinstance(value, dict) and any(map(_holds_list, value.values())))


def _problem(match: re.Match[str]) -> str:
    if match[0] == "$$":
        return ""
    if match[1] is None:
        return f"`$` must be followed by `{{` or `$`; write `$$` for a dollar, and {_KNOWN} for a placeholder"
    if match[1] in _WORDS or _LABEL.fullmatch(match[1]):
        return ""
    return f"unknown placeholder {shown(match[0])}; known are {_KNOWN}; write `$${{...}}` for text that AWS is to see"


def _values(target: Target) -> Callable[[re.Match[str]], str]:
    registry, labels = target.registry, target.account.labels
    words = {"account": registry.account, "region": registry.region, "partition": registry.partition}

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return "$"
        if name in words:
            return words[name]
        label = _LABEL.fullmatch(name)
        if label is None:
            return match[0]
        default: str | None = label[2]
        replacement = labels.get(label[1], default)
        if replacement is None:
            raise MissingLabelError(label[1])
        return replacement

    return value


def _rendering(value: Any, values: Callable[[re.Match[str]], str]) -> Steps[Any]:
    match value:
        case str():
            return _DOLLAR.sub(values, value) if "$" in value else value
        case Mapping():
            members = {}
            for name, member in value.items():
                members[name] = yield from _rendering(member, values)
            return members
        case list():
            items = []
            for item in value:
                yield
                items.append((yield from _rendering(item, values)))
            return items
        case _:
            return value
