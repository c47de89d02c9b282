"""Documents that are slow to validate must not block other calls."""

from __future__ import annotations

import itertools
import json
import time
from typing import Any

import pytest
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings import ecr_actions
from ecrkeeper_server.settings.table import SETTINGS

from .documents import ACCOUNT, IAM, REGION, TAGGED, of, policy_of, rule, rules, when

REGISTRY = RegistryName(ACCOUNT, REGION)
ENDINGS = ["".join(letters) for letters in itertools.product("aeiortnl", repeat=3)]
POLICIES: list[tuple[dict[str, Any], str]] = [
    (policy_of(Action=[f"ecr:*{ending}*" for ending in ENDINGS]), "patterns of actions"),
    (policy_of(Action=[f"ecr:*?{ending}*" for ending in ENDINGS]), "patterns with question marks"),
    (policy_of(Action="ecr:" + "*e" * 4500), "one long pattern"),
    (of([f"{IAM}:role/{'a/' * 4900}*"]), "a long path"),
    (of(["x"] * 2000), "many bad principals"),
    (when("NumericEquals", "1" * 9000 + "x"), "a long number"),
    (when("IpAddress", *["1"] * 2000), "many bad addresses"),
    (policy_of(Condition={"ForAnyValue:" * 800: {"k": "v"}}), "a long operator"),
]


@pytest.mark.parametrize(("document", "reason"), POLICIES)
def test_policy_is_validated_quickly(document: dict[str, Any], reason: str) -> None:
    ecr_actions.is_known.cache_clear()
    template = {"prefix": "a", "appliedFor": ["REPLICATION"], "repositoryPolicy": json.dumps(document)}
    start = time.process_time()
    assert SETTINGS["repository_creation_templates"].validate({"templates": [template]}, REGISTRY, "p"), reason
    assert time.process_time() - start < 0.1, reason


def test_long_lifecycle_policies_are_validated_quickly() -> None:
    long = rules(*(rule(i + 1, **{**TAGGED, "tagPatternList": ["v*"] * 85}) for i in range(50)))
    text = json.dumps(long, separators=(",", ":"))
    assert 28_000 < len(text) <= 30_720
    templates = [{"prefix": f"p{i}", "appliedFor": ["REPLICATION"], "lifecyclePolicy": text} for i in range(100)]
    start = time.process_time()
    assert SETTINGS["repository_creation_templates"].validate({"templates": templates}, REGISTRY, "p") == []
    assert time.process_time() - start < 2.0
