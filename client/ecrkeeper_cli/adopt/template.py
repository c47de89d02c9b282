"""Read a CloudFormation template and resolve its functions; pure.

`Ref`, `Fn::Sub`, `Fn::Join` and the pseudo parameters are resolved. Any other function is an error that names its path.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml
from ecrkeeper_files.sources import Errors

_VARIABLE = re.compile(r"\$\{(?P<name>!?[A-Za-z0-9:.]+)\}")


class _Loader(yaml.CSafeLoader):
    """YAML with the short forms of functions, such as `!Sub`."""


def _function(loader: _Loader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    else:
        value = None
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    return {name: value}


_Loader.add_multi_constructor("!", _function)


def _as_text(loader: _Loader, node: yaml.ScalarNode) -> Any:
    """Return a date such as the version 2012-10-17 as text."""
    return loader.construct_scalar(node)


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _as_text)


def template_of(text: str, name: str) -> dict[str, Any]:
    """Return a template; Errors for a text that is none."""
    try:
        template = yaml.load(text, _Loader)  # noqa: S506
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise Errors([f"{name}: not a template: {error}"]) from error
    if not isinstance(template, dict) or not isinstance(template.get("Resources"), dict):
        raise Errors([f"{name}: must be a template with Resources"])
    return template


def parameters_of(
    template: Mapping[str, Any], options: Iterable[str], account: str, region: str, partition: str
) -> dict[str, Any]:
    """Return the values of parameters; Errors.

    They are pseudo parameters, defaults, and those given as NAME=VALUE.
    """
    declared = template.get("Parameters")
    declared = declared if isinstance(declared, Mapping) else {}
    values: dict[str, Any] = {"AWS::AccountId": account, "AWS::Region": region, "AWS::Partition": partition}
    for name, parameter in declared.items():
        if isinstance(parameter, Mapping) and "Default" in parameter:
            values[name] = parameter["Default"]
    errors = []
    for each in options:
        name, separator, value = each.partition("=")
        if not separator or name not in declared:
            errors.append(f"--parameter: must be NAME=VALUE with one of {', '.join(declared) or 'none'}, got {each!r}")
        values[name] = value
    if errors:
        raise Errors(errors)
    return values


def resolved(value: Any, values: Mapping[str, Any], path: str, errors: list[str]) -> Any:
    """Return a value without functions.

    Functions that are not resolved are added to `errors`, by path.
    """
    if isinstance(value, list):
        return [resolved(each, values, f"{path}[{at}]", errors) for at, each in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    if len(value) == 1:
        (name, inner), *_ = value.items()
        if name == "Ref":
            return _named(inner, values, path, errors)
        if name == "Fn::Sub":
            return _substituted(inner, values, path, errors)
        if name == "Fn::Join":
            return _joined(inner, values, path, errors)
        if str(name).startswith("Fn::"):
            errors.append(f"{path}: {name} is not resolved; write its value, got {inner!r}")
            return None
    return {str(name): resolved(inner, values, f"{path}.{name}", errors) for name, inner in value.items()}


def _named(name: Any, values: Mapping[str, Any], path: str, errors: list[str]) -> Any:
    if isinstance(name, str) and name in values:
        return values[name]
    errors.append(f"{path}: {name!r} has no value; give --parameter {name}=VALUE if it is a parameter")
    return None


def _substituted(inner: Any, values: Mapping[str, Any], path: str, errors: list[str]) -> Any:
    text, more = inner if isinstance(inner, list) and len(inner) == 2 else (inner, {})
    if not isinstance(text, str) or not isinstance(more, Mapping):
        errors.append(f"{path}: Fn::Sub takes text, got {inner!r}")
        return None
    known = {**values, **{name: resolved(each, values, path, errors) for name, each in more.items()}}

    def value(match: re.Match[str]) -> str:
        name = match["name"]
        return f"${{{name[1:]}}}" if name.startswith("!") else str(_named(name, known, path, errors))

    return _VARIABLE.sub(value, text)


def _joined(inner: Any, values: Mapping[str, Any], path: str, errors: list[str]) -> Any:
    if not isinstance(inner, list) or len(inner) != 2 or not isinstance(inner[0], str):
        errors.append(f"{path}: Fn::Join takes a delimiter and a list, got {inner!r}")
        return None
    parts = resolved(inner[1], values, path, errors)
    if not isinstance(parts, list):
        errors.append(f"{path}: Fn::Join takes a list, got {inner[1]!r}")
        return None
    return inner[0].join(str(part) for part in parts)
