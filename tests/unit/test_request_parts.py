"""Large requests to AWS are serialized in steps, and as botocore serializes them."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from botocore.exceptions import ParamValidationError
from ecrkeeper_server.aws import models
from ecrkeeper_server.aws.botocore_public import PublicCodec
from ecrkeeper_server.aws.call import Call
from ecrkeeper_server.aws.client import AwsClient, AwsOptions
from ecrkeeper_server.aws.codec import Codec, Serialized
from ecrkeeper_server.aws.connection import NoAnswer
from ecrkeeper_server.aws.params import counted
from ecrkeeper_server.aws.request_parts import serializing
from ecrkeeper_server.aws.transport import Transport
from ecrkeeper_server.aws.wire import Credentials, Wire
from ecrkeeper_server.turns import MANY, WORK, Turns, Work, finish

FILTERS = [{"filter": f"{at:05}" + 'ä"\\' * 50, "filterType": "PREFIX_MATCH"} for at in range(100)]
DESTINATIONS = [{"region": "eu-west-1", "registryId": str(222_222_222_200 + at)} for at in range(25)]
REPLICATION = {
    "replicationConfiguration": {"rules": [{"destinations": DESTINATIONS, "repositoryFilters": FILTERS}] * 25}
}
SIGNING_RULE = {
    "signingProfileArn": "arn:aws:signer:us-east-1:111111111111:/signing-profiles/x",
    "repositoryFilters": [{**each, "filterType": "WILDCARD_MATCH"} for each in FILTERS],
}
SCANNING_RULE = {
    "scanFrequency": "SCAN_ON_PUSH",
    "repositoryFilters": [{**each, "filterType": "WILDCARD"} for each in FILTERS],
}
TAGS = [{"Key": f"{at}", "Value": 'x "resourceTags": []'} for at in range(200)]
CALLS: list[tuple[str, dict[str, Any], int, str]] = [
    ("PutReplicationConfiguration", REPLICATION, 25, "rules in a configuration"),
    ("PutSigningConfiguration", {"signingConfiguration": {"rules": [SIGNING_RULE] * 10}}, 10, "rules of signing"),
    (
        "PutRegistryScanningConfiguration",
        {"scanType": "ENHANCED", "rules": [SCANNING_RULE] * 2},
        2,
        "rules beside another parameter",
    ),
    (
        "CreateRepositoryCreationTemplate",
        {"prefix": "a", "description": '"resourceTags": []', "resourceTags": TAGS, "appliedFor": ["REPLICATION"]},
        4,
        "small items between other parameters",
    ),
    ("PutRegistryPolicy", {"policyText": '"rules": []' * 900}, 0, "a text"),
    ("DescribePullThroughCacheRules", {"ecrRepositoryPrefixes": ["xx"] * 300}, 0, "a list of texts"),
]


@pytest.fixture(params=["chosen", "public"])
def codec(request: pytest.FixtureRequest) -> Codec:
    return models.codec() if request.param == "chosen" else PublicCodec()


@pytest.mark.parametrize(("operation", "params", "parts", "reason"), CALLS, ids=[reason for *_, reason in CALLS])
def test_request_in_parts_is_the_same(
    codec: Codec, operation: str, params: dict[str, Any], parts: int, reason: str
) -> None:
    sizes: list[int] = []

    def serialize(some: Any) -> Serialized:
        sizes.append(counted_all(some))
        return codec.serialize("ecr", operation, dict(some))

    steps = list[None]()
    result = counting_steps(serializing(serialize, params), steps)
    assert result == codec.serialize("ecr", operation, params), reason
    if parts:
        # One of them has no items.
        assert len(sizes) == parts + 1
        assert len(steps) >= parts
        assert max(sizes) <= 2 * MANY + 50, reason


def counting_steps(steps: Any, paused: list[None]) -> Any:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
        paused.append(None)


def counted_all(params: Any) -> int:
    """Return the number of all values in parameters."""
    if isinstance(params, dict):
        return sum(map(counted_all, params.values()))
    return sum(map(counted_all, params)) if isinstance(params, list) else 1


def test_invalid_item_has_its_place_in_the_error() -> None:
    rules = [*REPLICATION["replicationConfiguration"]["rules"][:3], {"destinations": 1}]
    params = {"replicationConfiguration": {"rules": rules}}
    with pytest.raises(ParamValidationError, match=r"rules\[3\]"):
        finish(
            serializing(lambda some: models.codec().serialize("ecr", "PutReplicationConfiguration", dict(some)), params)
        )


def test_large_call_is_signed_as_a_short_one() -> None:
    wire = Wire(clock=lambda: 1_700_000_000.0)
    arguments: Any = ("ecr", "us-east-1", "PutReplicationConfiguration", REPLICATION, Credentials("key", "secret"))
    assert counted(REPLICATION) == MANY
    assert finish(wire.preparing(*arguments)) == wire.prepare(*arguments)


async def test_client_writes_large_call_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    client = AwsClient(AwsOptions())
    ticks, waits = itertools.count(), list[str]()
    turns = Turns(lambda: next(ticks) / 1_000)
    wait = turns.wait

    async def counting(key: str, *, begun: bool = False) -> None:
        waits.append(key)
        await wait(key, begun=begun)

    async def exchange(*_: Any) -> Any:
        raise NoAnswer("not sent")

    monkeypatch.setattr(turns, "wait", counting)
    monkeypatch.setattr(Transport, "exchange", exchange)
    WORK.set(lambda: Work(turns, "account 111111111111"))
    call = Call("111111111111", "us-east-1", "ecr", "PutReplicationConfiguration", REPLICATION)
    with pytest.raises(NoAnswer):
        await client._once(call, Credentials("key", "secret"))
    assert len(waits) >= 10
    waits.clear()
    with pytest.raises(NoAnswer):
        await client._once(Call("111111111111", "us-east-1", "ecr", "DescribeRegistry", {}), Credentials("key", "x"))
    assert waits == []
