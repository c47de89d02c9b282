"""The principals of a resource policy.

Facts: "AWS JSON policy elements: Principal" in the IAM user guide. ECR answers
"Invalid registry policy provided" to a malformed principal and does not name
it.
"""

from __future__ import annotations

import re
from typing import Any

from ecrkeeper_server.errors import Violation
from ecrkeeper_server.names import shown
from ecrkeeper_server.settings.text_lists import texts

KINDS = ("AWS", "Service", "Federated", "CanonicalUser")

_NAME = r"[A-Za-z0-9_+=,.@-]+"
# Any printable character except wildcards. A `/` ends each part of the path.
_PATH = r"(?:[!-)+-.0->@-~]+/)*"
_USER_OR_ROLE = rf"(?:user|role)/{_PATH}{_NAME}"
_SESSION = rf"assumed-role/{_NAME}/{_NAME}|federated-user/{_NAME}"
_ARN = re.compile(rf"arn:(aws[a-z-]*):(?:iam::[0-9]{{12}}:(?:root|{_USER_OR_ROLE})|sts::[0-9]{{12}}:(?:{_SESSION}))")
# AWS shows a deleted user or role by its unique id, and accepts that id.
_WITHOUT_PARTITION = re.compile(r"\*|[0-9]{12}|A(?:IDA|ROA)[A-Z0-9]{12,124}")
_ALLOWED = (
    "`*`, a 12-digit account, `arn:{partition}:iam::ACCOUNT:root`, the ARN of one user, role or STS session"
    " (without wildcards), or a unique id such as `AROA...`"
)


def validate(principal: Any, partition: str, at: str) -> list[Violation]:
    """Return the violations of a `Principal` or `NotPrincipal`."""
    if principal == "*":
        return []
    if not isinstance(principal, dict) or not principal:
        return [Violation(at, 'must be `"*"` or an object such as `{"AWS": "123456789012"}`')]
    description = f"is no kind of principal; allowed are {', '.join(KINDS)}"
    violations = [Violation(f"{at}.{kind}", description) for kind in sorted(principal.keys() - set(KINDS))]
    for kind in KINDS:
        for where, name in texts(principal, kind, at, violations):
            error = _error(name, partition) if kind == "AWS" else "" if name else "must not be empty"
            if error:
                violations.append(Violation(where, error))
    return violations


def _error(name: str, partition: str) -> str:
    """Return the error in an AWS principal; empty if there is none."""
    if _WITHOUT_PARTITION.fullmatch(name):
        return ""
    arn = _ARN.fullmatch(name)
    if arn is None:
        return f"must be {_ALLOWED.format(partition=partition)}; got {shown(name)}"
    if arn[1] != partition:
        return f"is in partition {arn[1]}; the registry is in {partition}"
    return ""
