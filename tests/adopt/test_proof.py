"""A hand-over is proven only by a complete plan, and only of a readable state."""

from __future__ import annotations

import pytest
from ecrkeeper._plans import Caution, WritePlan
from ecrkeeper_cli.adopt.members import policy
from ecrkeeper_cli.adopt.proof import differences
from ecrkeeper_cli.adopt.state import instances
from ecrkeeper_files.sources import Errors

NAME = "accounts/111111111111/registries/us-east-1/settings/team-a"
DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize(
    ("plan", "expected", "reason"),
    [
        (WritePlan(NAME), [], "an empty plan proves it"),
        (WritePlan(NAME, omitted=2), ["2 more changes"], "a change is missing"),
        (WritePlan(NAME, calls=("ecr:PutRegistryPolicy",)), ["1 more changes"], "a call without its changes"),
        (WritePlan(NAME, omitted_warnings=3), ["3 more warnings"], "one of them may say that AWS was not read"),
        (
            WritePlan(NAME, warnings=(Caution("AWS_ACCESS_DENIED", "registry_policy", "not read"),)),
            ["registry_policy"],
            "AWS was not read",
        ),
    ],
)
def test_incomplete_plan_proves_nothing(plan: WritePlan, expected: list[str], reason: str) -> None:
    listed = list(differences(plan, lambda name, setting, key: name))
    assert len(listed) == len(expected), reason
    assert all(text in line for text, line in zip(expected, listed, strict=True)), reason


def test_deep_json_is_an_error_of_the_state() -> None:
    with pytest.raises(Errors) as rejected:
        instances(DEEP, "terraform.tfstate")
    assert str(rejected.value).startswith("terraform.tfstate: not JSON: ")
    assert policy(DEEP) == DEEP
