"""Read a CloudFormation template and resolve its functions; pure.

`Ref`, `Fn::Sub`, `Fn::Join` and the pseudo parameters are resolved. Any other function is an error that names its path.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ecrkeeper_files import strict_yaml
from ecrkeeper_files.sources import Errors, located

_VARIABLE = re.compile(r"\$\{(?P<name>!?[A-Za-z0-9:.]+)\}")


def _function(tag: str, argument: Any) -> dict[str, Any]:
    """Return the long form of a function such as `!Sub`."""
    name = tag.removeprefix("!")
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": argument}


# CloudFormation itself supports neither aliases nor merge keys; the version of a policy is often a date without quotes.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
_DIALECT = strict_yaml.Dialect(_function, is_textual=True)


def template_of(text: str, name: str) -> dict[str, Any]:
    """Return a template; Errors for a text that is none."""
    try:
        template = strict_yaml.load(text.encode(), _DIALECT).value
    except strict_yaml.StrictYamlError as error:
        raise Errors(located(name, each) for each in error.violations) from error
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
