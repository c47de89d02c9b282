"""What is wrong with a registry policy, found before AWS half-accepts it.

AWS does not check Resource ARNs: a policy that names the wrong Region is
stored and replication fails for every image. Facts: "IAM JSON policy elements
reference" (IAM user guide); "Registry permissions" (ECR user guide).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ecrkeeper_server.errors import Violation
from ecrkeeper_server.names import RegistryName, shown
from ecrkeeper_server.settings import arns, globs
from ecrkeeper_server.settings.json_text import NotJson, parse
from ecrkeeper_server.settings.statements import DIGEST, MEMBERS, PRINCIPALS

VERSION = "2012-10-17"
OLD_VERSION = "2008-10-17"
TOP = frozenset({"Version", "Id", "Statement"})

_ACTION = re.compile(r"\*|[eE][cC][rR]:[A-Za-z*?]+")
_PRINCIPAL = re.compile(r"\*|[0-9]{12}|[A-Z0-9]{16,128}|arn:(aws[a-z-]*):(?:iam|sts)::[^:]*:.+")
_KINDS = ("AWS", "Service", "Federated", "CanonicalUser")


def lint(shape: Mapping[str, Any], registry: RegistryName, path: str) -> list[Violation]:
    """All faults of the policy text; an empty text has none."""
    text = shape.get("policyText") or ""
    at = f"{path}.policy_text"
    if not text.strip():
        return []
    try:
        document = parse(text)
    except NotJson as error:
        return [Violation(at, str(error))]
    if not isinstance(document, dict):
        return [Violation(at, "must be a JSON object with a member `Statement`")]
    violations = [
        Violation(f"{at}.{name}", "is not a member of a policy; allowed are Version, Id and Statement")
        for name in sorted(document.keys() - TOP)
    ]
    violations += _lint_version(document, text, at)
    statements = statements_of(document)
    if not statements:
        what = "must have a statement; for no policy omit registry_policy or send an empty policy_text"
        return [*violations, Violation(f"{at}.Statement", what)]
    sids: dict[str, int] = {}
    for i, statement in enumerate(statements):
        violations += _lint_statement(statement, registry, f"{at}.Statement[{i}]", sids, i)
    return violations


def statements_of(document: Mapping[str, Any]) -> list[Any]:
    """The statements of a policy, which may be one or a list."""
    given = document.get("Statement")
    return given if isinstance(given, list) else [] if given is None else [given]


def uses_variables(text: str) -> bool:
    """Whether the text holds `${`, which only version 2012-10-17 replaces."""
    return "${" in text


def _lint_version(document: Mapping[str, Any], text: str, at: str) -> list[Violation]:
    version = document.get("Version", OLD_VERSION)
    if version not in (VERSION, OLD_VERSION):
        return [Violation(f"{at}.Version", f"must be `{VERSION}`, got {shown(str(version))}")]
    if version == OLD_VERSION and uses_variables(text):
        what = f"must be `{VERSION}` where a policy variable is used; in older policies `${{` is ordinary text"
        return [Violation(f"{at}.Version", what)]
    return []


def _lint_statement(
    statement: Any, registry: RegistryName, at: str, sids: dict[str, int], index: int
) -> list[Violation]:
    if not isinstance(statement, dict):
        return [Violation(at, "must be a JSON object")]
    violations = [Violation(f"{at}.{m}", "is not a member of a statement") for m in sorted(statement.keys() - MEMBERS)]
    violations += _lint_sid(statement.get("Sid", ""), at, sids, index)
    if statement.get("Effect") not in ("Allow", "Deny"):
        violations.append(Violation(f"{at}.Effect", "must be `Allow` or `Deny`"))
    violations += _lint_one_of(statement, PRINCIPALS, at) + _lint_one_of(statement, ("Action", "NotAction"), at)
    if "Resource" in statement and "NotResource" in statement:
        violations.append(Violation(f"{at}.NotResource", "excludes Resource; give one of them"))
    for member in PRINCIPALS:
        if member in statement:
            violations += _lint_principals(statement[member], registry, f"{at}.{member}")
    for member in ("Action", "NotAction"):
        for where, action in _texts(statement, member, at, violations):
            if not _ACTION.fullmatch(action):
                what = f"must be `*` or an ECR action such as `ecr:ReplicateImage`, got {shown(action)}"
                violations.append(Violation(where, what))
    for member in ("Resource", "NotResource"):
        for where, resource in _texts(statement, member, at, violations):
            violations += _lint_resource(resource, registry, where, f"statement {statement.get('Sid') or index}")
    return violations + _lint_condition(statement.get("Condition", {}), f"{at}.Condition")


def _lint_sid(sid: Any, at: str, sids: dict[str, int], index: int) -> list[Violation]:
    if not isinstance(sid, str) or sid.startswith(DIGEST):
        return [Violation(f"{at}.Sid", f"must be a text that does not begin with `{DIGEST}`")]
    first = sids.setdefault(sid, index) if sid else index
    if first != index:
        return [Violation(f"{at}.Sid", f"{shown(sid)} is the Sid of Statement[{first}] already; Sids are unique")]
    return []


def _lint_one_of(statement: Mapping[str, Any], members: tuple[str, ...], at: str) -> list[Violation]:
    given = [member for member in members if member in statement]
    if len(given) == 1:
        return []
    return [Violation(f"{at}.{members[0]}", f"give exactly one of {' and '.join(members)}")]


def _texts(holder: Mapping[str, Any], member: str, at: str, violations: list[Violation]) -> list[tuple[str, str]]:
    """Each text of a member that is one or a list of them, with its place; others become violations."""
    if member not in holder:
        return []
    given, where = holder[member], f"{at}.{member}"
    places = [(f"{where}[{i}]", v) for i, v in enumerate(given)] if isinstance(given, list) else [(where, given)]
    if not places:
        violations.append(Violation(where, "must not be an empty list"))
    violations.extend(Violation(place, "must be a text") for place, v in places if not isinstance(v, str))
    return [(place, v) for place, v in places if isinstance(v, str)]


def _lint_principals(given: Any, registry: RegistryName, at: str) -> list[Violation]:
    if given == "*":
        return []
    if not isinstance(given, dict) or not given:
        return [Violation(at, 'must be `"*"` or an object such as `{"AWS": "123456789012"}`')]
    what = f"is no kind of principal; allowed are {', '.join(_KINDS)}"
    violations = [Violation(f"{at}.{kind}", what) for kind in sorted(given.keys() - set(_KINDS))]
    for kind in _KINDS:
        for where, who in _texts(given, kind, at, violations):
            match = _PRINCIPAL.fullmatch(who) if kind == "AWS" else None
            if kind == "AWS" and not match:
                what = f"must be `*`, a 12-digit account or the ARN of an IAM principal, got {shown(who)}"
                violations.append(Violation(where, what))
            elif match and match.group(1) not in (None, registry.partition):
                what = f"is in partition {match.group(1)}, the registry in {registry.partition}"
                violations.append(Violation(where, what))
    return violations


def _lint_resource(resource: str, registry: RegistryName, at: str, statement: str) -> list[Violation]:
    expected = f"arn:{registry.partition}:ecr:{registry.region}:{registry.account}:repository/"
    arn = arns.parse(resource)
    if resource == "*":
        return []
    if arn is None:
        return [Violation(at, f"{statement}: must be `*` or `{expected}...`, got {shown(resource)}")]
    wanted = arns.Arn(registry.partition, "ecr", registry.region, registry.account, "repository/")
    wrong = [
        name
        for name, pattern, want in zip(arns.Arn._fields, arn, wanted, strict=True)
        if name != "resource" and "${" not in pattern and not globs.matches(pattern, want, single=True)
    ]
    if not arn.resource.startswith(("repository/", "*", "${")):
        wrong.append("resource")
    if not wrong:
        return []
    what = f"{statement}: wrong {', '.join(wrong)} in {shown(resource)}; expected `{expected}...`"
    return [Violation(at, what)]


def _lint_condition(given: Any, at: str) -> list[Violation]:
    if not isinstance(given, dict):
        return [Violation(at, "must be a JSON object")]
    violations = []
    for operator, test in given.items():
        if not isinstance(test, dict) or not test:
            violations.append(Violation(f"{at}.{operator}", "must be an object of condition keys"))
            continue
        for key, values in test.items():
            listed = values if isinstance(values, list) else [values]
            if any(v is None or isinstance(v, (dict, list)) for v in listed):
                violations.append(Violation(f"{at}.{operator}.{key}", "must be a text or a list of texts"))
    return violations
