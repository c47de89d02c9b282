"""Quotas over all owners, and declarations that do not worsen an excess."""

from __future__ import annotations

import pytest
from ecrkeeper_server.declarations.composition_checks import checking_together
from ecrkeeper_server.errors import QuotaExceeded
from ecrkeeper_server.names import RegistryName, SettingsName
from ecrkeeper_server.settings.algebra import compose, composing
from ecrkeeper_server.settings.elements import Elements
from ecrkeeper_server.turns import finish

NAME = SettingsName(RegistryName("111111111111", "us-east-1"), "team-a")
RULES = "pull_through_cache_rules"


def declared(own: int) -> dict[str, dict[str, Elements]]:
    """Return cache rules of the caller beside 40 of another owner; AWS allows 50."""
    rule = {"upstreamRegistryUrl": "quay.io"}
    owned = {"team-a": [f"a{i}" for i in range(own)], "team-b": [f"b{i}" for i in range(40)]}
    return {owner: {RULES: dict.fromkeys(keys, rule)} for owner, keys in owned.items()}


@pytest.mark.parametrize(
    ("before", "after", "rejected", "reason"),
    [
        (0, 10, False, "it fits exactly"),
        (10, 11, True, "it exceeds the quota"),
        (12, 13, True, "it exceeds the quota further"),
        (13, 12, False, "it uses less than before, although still too much"),
        (12, 12, False, "it uses no more than before"),
    ],
)
def test_quota_rejects_only_increased_use(before: int, after: int, rejected: bool, reason: str) -> None:
    try:
        finish(checking_together(NAME, compose(declared(after)), lambda: composing(declared(before))))
    except QuotaExceeded:
        assert rejected, reason
    else:
        assert not rejected, reason
