"""Validate a policy document before AWS accepts parts of it.

AWS does not check the Resource ARNs of a registry policy: it stores one that
names the wrong Region, and replication fails for every image. Facts: "IAM JSON
policy elements reference" (IAM user guide); "Registry permissions" (ECR user
guide).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ecrkeeper_server.errors import Violation, first_violations
from ecrkeeper_server.names import RegistryName, shown
from ecrkeeper_server.settings import arns, condition_validation, globs, principals
from ecrkeeper_server.settings.json_text import NotJson, parse
from ecrkeeper_server.settings.statements import DIGEST, MEMBERS, PRINCIPALS
from ecrkeeper_server.settings.text_lists import texts

VERSION = "2012-10-17"
OLD_VERSION = "2008-10-17"
TOP = frozenset({"Version", "Id", "Statement"})

_ACTION = re.compile(r"\*|[eE][cC][rR]:[A-Za-z*?]+")
_NO_POLICY = "to have no policy, omit registry_policy or send an empty policy_text"

StatementValidator = Callable[[Mapping[str, Any], str, int], Iterable[Violation]]
"""Checks of one kind of policy: the violations of a statement with its path and index."""


def validate(shape: Mapping[str, Any], registry: RegistryName, path: str) -> list[Violation]:
    """Return the violations of a registry policy; an empty text has none."""
    text = shape.get("policyText") or ""
    if not text.strip():
        return []

    def validate_own(statement: Mapping[str, Any], at: str, index: int) -> list[Violation]:
        return _validate_key(statement.get("Sid"), at) + _validate_resources(statement, registry, at, index)

    return validate_text(text, registry.partition, f"{path}.policy_text", _NO_POLICY, validate_own)


def validate_text(text: str, partition: str, at: str, no_policy: str, of_kind: StatementValidator) -> list[Violation]:
    """Return the violations of the text of a policy, at most a hundred.

    `no_policy` says what to send if there is to be no policy.
    """
    return first_violations(_in_text(text, partition, at, no_policy, of_kind))


def _in_text(text: str, partition: str, at: str, no_policy: str, of_kind: StatementValidator) -> Iterator[Violation]:
    try:
        document = parse(text)
    except NotJson as error:
        yield Violation(at, str(error))
        return
    if not isinstance(document, dict):
        yield Violation(at, "must be a JSON object with a member `Statement`")
        return
    for name in sorted(document.keys() - TOP):
        yield Violation(f"{at}.{name}", "is not a member of a policy; allowed are Version, Id and Statement")
    yield from _validate_version(document, text, at)
    statements = statements_of(document)
    if not statements:
        yield Violation(f"{at}.Statement", f"must have a statement; {no_policy}")
    sids: dict[str, int] = {}
    for i, statement in enumerate(statements):
        path = f"{at}.Statement[{i}]"
        if isinstance(statement, dict):
            yield from _validate_statement(statement, partition, path)
            yield from _validate_sid(statement, path, sids, i)
            yield from of_kind(statement, path, i)
        else:
            yield Violation(path, "must be a JSON object")


def statements_of(document: Mapping[str, Any]) -> list[Any]:
    """Return the statements of a policy, which may be one or a list."""
    listed = document.get("Statement")
    return listed if isinstance(listed, list) else [] if listed is None else [listed]


def uses_variables(text: str) -> bool:
    """Return whether the text holds `${`, which only version 2012-10-17 replaces."""
    return "${" in text


def is_ecr_action(text: str) -> bool:
    """Return whether the text has the form of an ECR action or of a pattern of them."""
    return _ACTION.fullmatch(text) is not None


def _validate_version(document: Mapping[str, Any], text: str, at: str) -> list[Violation]:
    version = document.get("Version", OLD_VERSION)
    if version not in (VERSION, OLD_VERSION):
        return [Violation(f"{at}.Version", f"must be `{VERSION}`, got {shown(str(version))}")]
    if version == OLD_VERSION and uses_variables(text):
        description = f"must be `{VERSION}` to use a policy variable; in older policies `${{` is ordinary text"
        return [Violation(f"{at}.Version", description)]
    return []


def _validate_statement(statement: Mapping[str, Any], partition: str, at: str) -> Iterator[Violation]:
    for member in sorted(statement.keys() - MEMBERS):
        yield Violation(f"{at}.{member}", "is not a member of a statement")
    if statement.get("Effect") not in ("Allow", "Deny"):
        yield Violation(f"{at}.Effect", "must be `Allow` or `Deny`")
    yield from _validate_one_of(statement, PRINCIPALS, at)
    yield from _validate_one_of(statement, ("Action", "NotAction"), at)
    for member in PRINCIPALS:
        if member in statement:
            yield from principals.validate(statement[member], partition, f"{at}.{member}")
    for member in ("Action", "NotAction"):
        wrong: list[Violation] = []
        named = texts(statement, member, at, wrong)
        yield from wrong
        for where, action in named:
            if not is_ecr_action(action):
                description = f"must be `*` or an ECR action such as `ecr:ReplicateImage`, got {shown(action)}"
                yield Violation(where, description)
    yield from condition_validation.validate(statement.get("Condition", {}), f"{at}.Condition")


def _validate_sid(statement: Mapping[str, Any], at: str, sids: dict[str, int], index: int) -> list[Violation]:
    sid = statement.get("Sid", "")
    if not isinstance(sid, str):
        return [Violation(f"{at}.Sid", "must be a text")]
    first = sids.setdefault(sid, index) if sid else index
    if first != index:
        return [Violation(f"{at}.Sid", f"must be unique, got {shown(sid)}, which is the Sid of Statement[{first}]")]
    return []


def _validate_key(sid: Any, at: str) -> list[Violation]:
    """Reject a Sid that looks like the key of a statement without one."""
    if not isinstance(sid, str) or not sid.startswith(DIGEST):
        return []
    return [Violation(f"{at}.Sid", f"must be a string that does not begin with `{DIGEST}`")]


def _validate_one_of(statement: Mapping[str, Any], members: tuple[str, ...], at: str) -> list[Violation]:
    listed = [member for member in members if member in statement]
    if len(listed) == 1:
        return []
    return [Violation(f"{at}.{members[0]}", f"must have exactly one of {' and '.join(members)}")]


def _validate_resources(statement: Mapping[str, Any], registry: RegistryName, at: str, index: int) -> list[Violation]:
    violations = []
    if "Resource" in statement and "NotResource" in statement:
        violations.append(Violation(f"{at}.NotResource", "must not be combined with Resource"))
    for member in ("Resource", "NotResource"):
        for where, resource in texts(statement, member, at, violations):
            violations += _validate_resource(resource, registry, where, f"statement {statement.get('Sid') or index}")
    return violations


def _validate_resource(resource: str, registry: RegistryName, at: str, statement: str) -> list[Violation]:
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
    description = f"{statement}: wrong {', '.join(wrong)} in {shown(resource)}; expected `{expected}...`"
    return [Violation(at, description)]
