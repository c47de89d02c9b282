"""Limits on the listed usage of a role in one Region."""

from __future__ import annotations

from ecrkeeper_server.ecr.usage import _bounded
from ecrkeeper_server.roles.usage import blockers


def test_region_usage_is_cut_at_50_elements_and_counted() -> None:
    keys = tuple(f"222222222222/eu-west-1:{at:05}" for at in range(62_500))
    owned = {f"team-{at}": frozenset(keys[at::200]) for at in range(200)}
    usage = _bounded("us-east-1", "IN_USE", owned, frozenset(keys))
    assert (len(usage.resources), usage.omitted_resources) == (50, 62_450)
    assert (len(usage.owners), usage.omitted_owners) == (50, 150)
    (violation,) = blockers("replication", [usage])
    assert "and 62495 more; declared by team-0, " in violation.description
    assert violation.description.endswith("and 195 more")
