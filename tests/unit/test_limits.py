"""Token buckets, with a clock moved by hand."""

from __future__ import annotations

import pytest
from ecrkeeper_server.aws.limits import RATES, Limiter, family_of, is_read


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("family", sorted(RATES))
def test_a_full_bucket_lets_a_burst_through_and_then_paces(family: str) -> None:
    clock = Clock()
    limiter, (rate, size) = Limiter(clock), RATES[family]
    assert [limiter.take("1", "r", family) for _ in range(int(size))] == [0.0] * int(size)
    assert limiter.take("1", "r", family) == pytest.approx(1 / rate)
    assert limiter.take("1", "r", family) == pytest.approx(2 / rate)
    clock.now += 2 / rate
    assert limiter.take("1", "r", family) == pytest.approx(1 / rate)
    clock.now += 10_000
    assert [limiter.take("1", "r", family) for _ in range(int(size))] == [0.0] * int(size)
    assert limiter.take("1", "r", family) > 0


# account, Region, family, whether it shares the bucket of account 1, Region a, reason
SHARED = [
    ("1", "a", "ecr-write", "ecr-write", True, "the same"),
    ("2", "a", "ecr-write", "ecr-write", False, "another account"),
    ("1", "b", "ecr-write", "ecr-write", False, "another Region"),
    ("1", "a", "ecr-read", "ecr-write", False, "another family"),
    ("1", "b", "iam", "iam", True, "IAM is global"),
    ("2", "a", "iam", "iam", False, "IAM of another account"),
]


@pytest.mark.parametrize(("account", "region", "family", "emptied", "shared", "reason"), SHARED)
def test_a_throttle_empties_one_bucket(
    account: str, region: str, family: str, emptied: str, shared: bool, reason: str
) -> None:
    limiter = Limiter(Clock())
    limiter.throttled("1", "a", emptied)
    assert (limiter.take(account, region, family) > 0) is shared, reason


def test_a_throttle_does_not_forgive_what_was_taken_in_advance() -> None:
    limiter = Limiter(Clock())
    for _ in range(40):
        limiter.take("1", "a", "iam")
    limiter.throttled("1", "a", "iam")
    assert limiter.take("1", "a", "iam") == pytest.approx(21 / 5)


# service, operation, family, whether it reads, reason
FAMILIES = [
    ("iam", "GetRole", "iam", True, "IAM has one family"),
    ("iam", "CreateServiceLinkedRole", "iam", False, "so have its writes"),
    ("ecr", "DescribeRegistry", "ecr-read", True, "a read"),
    ("ecr", "ValidatePullThroughCacheRule", "ecr-read", True, "logs in upstream, changes nothing"),
    ("ecr", "PutRegistryPolicy", "ecr-write", False, "a write"),
    ("ecr", "StartReplicationBackfill", "ecr-write", False, "not idempotent"),
    ("sts", "AssumeRole", "other", True, "may be repeated"),
    ("account", "ListRegions", "other", True, "neither"),
]


@pytest.mark.parametrize(("service", "operation", "family", "reads", "reason"), FAMILIES)
def test_operations_have_families(service: str, operation: str, family: str, reads: bool, reason: str) -> None:
    assert (family_of(service, operation), is_read(operation)) == (family, reads), reason
