"""Pull-time update exclusions: an element is the ARN of one principal.

Facts: `RegisterPullTimeUpdateExclusion` in the ECR API reference.
"""

from __future__ import annotations

from ecrkeeper_server.errors import Violation
from ecrkeeper_server.names import RegistryName, shown
from ecrkeeper_server.settings import arns
from ecrkeeper_server.settings.collection import Collection
from ecrkeeper_server.settings.elements import join_items, split_items
from ecrkeeper_server.settings.setting import Quota, Read, Shape

MAX_EXCLUSIONS = 100


def validate(shape: Shape, registry: RegistryName, path: str) -> list[Violation]:
    """Return principals of another partition."""
    violations = []
    for i, text in enumerate(shape.get("principalArns") or ()):
        arn = arns.parse(text)
        if arn is None or arn.partition != registry.partition:
            description = f"must be in the registry's partition {registry.partition}, got {shown(text)}"
            violations.append(Violation(f"{path}.principal_arns[{i}]", description))
    return violations


EXCLUSIONS = Collection(
    name="pull_time_update_exclusions",
    reads=(Read("ListPullTimeUpdateExclusions", {"maxResults": 1000}, "pullTimeUpdateExclusions"),),
    items="principalArns",
    listed=lambda responses: [arn for response in responses for arn in response.get("pullTimeUpdateExclusions") or ()],
    key_of=str,
    key_member="principalArn",
    create="RegisterPullTimeUpdateExclusion",
    create_params=lambda key, _value: {"principalArn": key},
    bare=True,
    gone=frozenset({"ExclusionNotFound"}),
    exists=frozenset({"ExclusionAlreadyExists"}),
    delete="DeregisterPullTimeUpdateExclusion",
    split=split_items("principalArns", str, lambda _arn: {}),
    join=join_items("principalArns", lambda key, _value: key),
    validate=validate,
    quota=lambda elements: [Quota("pull-time update exclusions", len(elements), MAX_EXCLUSIONS)],
    fits=MAX_EXCLUSIONS,
)
