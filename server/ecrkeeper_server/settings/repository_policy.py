"""Validate the repository policy of a creation template.

Facts: "Private repository policies in Amazon ECR" in the ECR user guide;
`SetRepositoryPolicy`, which answers "Invalid repository policy provided".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ecrkeeper_server.errors import Violation
from ecrkeeper_server.names import RegistryName, shown
from ecrkeeper_server.settings import policy_validation
from ecrkeeper_server.settings.ecr_actions import is_known
from ecrkeeper_server.settings.text_lists import texts

_TOKEN = "ecr:getauthorizationtoken"  # noqa: S105 - the name of an action
_NO_POLICY = "to have no policy, omit repository_policy"


def validate(text: str, registry: RegistryName, at: str) -> list[Violation]:
    """Return the violations of the text of a repository policy."""
    return policy_validation.validate_text(text, registry.partition, at, _NO_POLICY, _validate_statement)


def _validate_statement(statement: Mapping[str, Any], at: str, _index: int) -> Iterator[Violation]:
    for member in ("Resource", "NotResource"):
        if member in statement:
            rule = f"must have no member `{member}`: the policy always applies to its own repository"
            yield Violation(at, rule)
    for member in ("Action", "NotAction"):
        # The common checks report members that are not strings.
        for where, action in texts(statement, member, at, []):
            if member == "Action" and action.lower() == _TOKEN:
                rule = "must not be in a repository policy: a token is valid for the whole registry"
                yield Violation(where, f"{action} {rule}")
            elif policy_validation.is_ecr_action(action) and not is_known(action):
                yield Violation(where, f"must name an action of ECR, got {shown(action)}")
