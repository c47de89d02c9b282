"""Sessions: accounts, expiry, and the number of AWS calls."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from ecrkeeper_server.aws.ambient import Ambient
from ecrkeeper_server.aws.call import Call
from ecrkeeper_server.aws.client import AwsClient, AwsOptions
from ecrkeeper_server.aws.failures import failure
from ecrkeeper_server.aws.sessions import Session, Sessions
from ecrkeeper_server.aws.wire import Credentials
from ecrkeeper_server.aws_errors import AwsError, Permanent, Temporary

from tests.engine.conftest import World
from tests.hostile.bodies import ACCOUNT, OTHER, SECRET


@dataclass
class Aws:
    """Issues credentials and their account; `now` is the time."""

    owners: dict[str, str] = field(default_factory=dict)
    requested_accounts: list[str] = field(default_factory=list)
    minted: int = 0
    refuses: list[AwsError] = field(default_factory=list)
    now: float = 0.0
    current: dict[str, Credentials] = field(default_factory=dict)

    async def provide(self, account: str) -> Credentials:
        if account not in self.current:
            self.minted += 1
            self.current[account] = Credentials(f"KEY{self.minted}", SECRET, "token")
            self.owners.setdefault(f"KEY{self.minted}", account)
        return self.current[account]

    async def identify(self, _: str, credentials: Credentials) -> str:
        self.requested_accounts.append(credentials.access_key)
        await asyncio.sleep(0)
        if self.refuses:
            raise self.refuses.pop(0)
        return self.owners[credentials.access_key]

    def forget(self, account: str, credentials: Credentials) -> None:
        if self.current.get(account) == credentials:
            del self.current[account]

    def sessions(self, *, own: bool = True) -> Sessions:
        return Sessions(self.provide, self.identify, self.forget, lambda: self.now, own=own)


def rejection(code: str, operation: str = "DescribeRegistry", status: int = 400) -> AwsError:
    return failure("ecr", operation, status, code, "")


async def test_concurrent_calls_share_one_assume_role() -> None:
    aws = Aws()
    sessions = aws.sessions()
    await asyncio.gather(*(sessions.open(ACCOUNT) for _ in range(50)))
    await sessions.open(ACCOUNT)
    assert aws.requested_accounts == ["KEY1"]
    # They were refreshed.
    aws.current.clear()
    await sessions.open(ACCOUNT)
    assert aws.requested_accounts == ["KEY1", "KEY2"]


async def test_shared_credentials_are_checked_once() -> None:
    aws = Aws(owners={"KEY1": ACCOUNT})
    ambient = Credentials("KEY1", SECRET)
    aws.current = {ACCOUNT: ambient, OTHER: ambient, "333333333333": ambient}
    sessions = aws.sessions(own=False)
    await sessions.open(ACCOUNT)
    for other in (OTHER, "333333333333"):
        for _ in range(3):
            with pytest.raises(Permanent) as caught:
                await sessions.open(other)
            assert caught.value.reason == "WRONG_ACCOUNT"
            assert caught.value.grpc_code == "FAILED_PRECONDITION"
            assert caught.value.metadata == {"expected_account": other, "actual_account": ACCOUNT}
            assert ACCOUNT in caught.value.message
            assert other in caught.value.message
    assert aws.requested_accounts == ["KEY1"]


async def test_session_of_other_account_is_discarded() -> None:
    aws = Aws(owners={"KEY1": OTHER})
    sessions = aws.sessions()
    with pytest.raises(Permanent):
        await sessions.open(ACCOUNT)
    assert (await sessions.open(ACCOUNT)).credentials.access_key == "KEY2"


async def test_unknown_account_is_retried_with_backoff() -> None:
    aws = Aws(refuses=[Temporary("no", reason="AWS_UNREACHABLE", operation="GetCallerIdentity") for _ in range(100)])
    sessions = aws.sessions()
    times = []
    for second in range(200):
        aws.now = second / 2
        before = len(aws.requested_accounts)
        with pytest.raises(Temporary):
            await sessions.open(ACCOUNT)
        if len(aws.requested_accounts) > before:
            times.append(aws.now)
    assert times == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5, 63.5]
    aws.refuses.clear()
    aws.now = 1000
    assert (await sessions.open(ACCOUNT)).account == ACCOUNT


async def test_cancelled_caller_does_not_cancel_others() -> None:
    aws = Aws()
    sessions = aws.sessions()
    first, second = (asyncio.create_task(sessions.open(ACCOUNT)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).account == ACCOUNT
    assert aws.requested_accounts == ["KEY1"]


# AWS's responses to the calls of a new session, and whether the last one drops it
OUTCOMES = [
    ([("A", "UnrecognizedClient")], True, "the credentials are not known"),
    ([("A", "InvalidClientTokenId")], True, "IAM's word for it"),
    ([("A", "ExpiredToken")], True, "the session has ended"),
    ([("A", ""), ("A", "ExpiredToken")], True, "however well it did before"),
    ([("A", "AccessDenied"), ("B", "AccessDenied"), ("C", "AccessDenied")], True, "nothing is allowed"),
    ([("A", "AccessDenied"), ("B", "AccessDenied"), ("B", "AccessDenied")], False, "two operations only"),
    ([("A", ""), ("B", "AccessDenied"), ("C", "AccessDenied"), ("D", "AccessDenied")], False, "one was allowed"),
    (
        [("A", "AccessDenied"), ("B", ""), ("C", "AccessDenied"), ("D", "AccessDenied"), ("E", "AccessDenied")],
        False,
        "one was allowed in between",
    ),
    (
        [("A", "RegistryPolicyNotFound"), ("B", "AccessDenied"), ("C", "AccessDenied"), ("D", "AccessDenied")],
        False,
        "one was answered",
    ),
    (
        [("A", "Throttling"), ("B", "AccessDenied"), ("C", "AccessDenied"), ("D", "AccessDenied")],
        True,
        "a throttle says nothing of the session",
    ),
    ([("A", "InvalidParameter")], False, "rejected for its content"),
    ([("A", "RequestExpired")], False, "the clock is wrong, not the session"),
]


@pytest.mark.parametrize(("calls", "drops", "reason"), OUTCOMES, ids=[row[2] for row in OUTCOMES])
async def test_session_is_dropped_when_aws_rejects_it(calls: list[tuple[str, str]], drops: bool, reason: str) -> None:
    aws = Aws()
    sessions = aws.sessions()
    session = await sessions.open(ACCOUNT)
    again = False
    for operation, code in calls:
        if code:
            again = sessions.failed(session, operation, rejection(code, operation))
        else:
            session.accepted = True
    assert again is drops, reason
    following = await sessions.open(ACCOUNT)
    assert (following.credentials.access_key == "KEY2") is drops, reason


async def test_unrelated_error_keeps_session() -> None:
    aws = Aws()
    sessions = aws.sessions()
    session = await sessions.open(ACCOUNT)
    assert not sessions.failed(session, "DescribeRegistry", rejection("ExpiredToken", "AssumeRole"))
    assert not sessions.failed(session, "DescribeRegistry", Temporary("slow", reason="AWS_THROTTLED", after=1))


async def test_rejecting_region_costs_few_sessions() -> None:
    aws = Aws()
    sessions = aws.sessions()
    for second in range(7200):
        aws.now = float(second)
        session = await sessions.open(ACCOUNT)
        sessions.failed(session, "DescribeRegistry", rejection("UnrecognizedClient"))
    # 1 + 2 + 4 ..., then every five minutes.
    assert 25 < aws.minted < 40


async def test_calls_of_dropped_session_use_the_next() -> None:
    aws = Aws()
    sessions = aws.sessions()
    old: Session = await sessions.open(ACCOUNT)
    assert [sessions.failed(old, "DescribeRegistry", rejection("ExpiredToken")) for _ in range(8)] == [True] * 8
    await sessions.open(ACCOUNT)
    assert sessions.failed(old, "DescribeRegistry", rejection("ExpiredToken"))
    await sessions.open(ACCOUNT)
    assert aws.minted == 2


async def test_rejected_session_is_replaced_within_call(world: World) -> None:
    client = world.aws.client
    await client.call(ACCOUNT, "us-east-1", "ecr", "DescribeRegistry", {})
    for service, code in (("ecr", "UnrecognizedClientException"), ("ecr", "ExpiredTokenException")):
        before = await _count(world, "AssumeRole")
        rule = {"kind": "error", "service": service, "code": code, "message": "no", "status": 400, "count": 1}
        await world.control("POST", "faults", rule)
        put = {"scanType": "BASIC", "rules": []}
        await client.write(Call(ACCOUNT, "us-east-1", "ecr", "PutRegistryScanningConfiguration", put))
        assert await _count(world, "AssumeRole") == before + 1
        # As after the pause.
        client._sessions._drops.clear()


async def test_disabled_region_keeps_session(world: World) -> None:
    client = world.aws.client
    await client.call(ACCOUNT, "us-east-1", "ecr", "DescribeRegistry", {})
    for _ in range(5):
        with pytest.raises(Temporary) as caught:
            await client.call(ACCOUNT, "ap-east-1", "ecr", "DescribeRegistry", {})
        assert caught.value.reason == "AWS_CREDENTIALS_REJECTED"
        await client.call(ACCOUNT, "us-east-1", "ecr", "DescribeRegistry", {})
    assert await _count(world, "AssumeRole") <= 3


async def _count(world: World, operation: str) -> int:
    logged = (await world.control("GET", "requests?since=0"))["requests"]
    return sum(request["operation"] == operation for request in logged)


async def test_ambient_credentials_serve_only_their_account(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCOUNT)
    client = AwsClient(AwsOptions(endpoint_url=world.simulator.url))
    for service, operation, params in (
        ("ecr", "DescribeRegistry", {}),
        ("iam", "GetRole", {"RoleName": "AWSServiceRoleForECRReplication"}),
        ("account", "ListRegions", {}),
        ("ecr", "PutRegistryScanningConfiguration", {"scanType": "BASIC", "rules": []}),
    ):
        with pytest.raises(Permanent) as caught:
            await client.write(Call(OTHER, "us-east-1", service, operation, params))
        assert caught.value.reason == "WRONG_ACCOUNT"
    await client.call(ACCOUNT, "us-east-1", "ecr", "DescribeRegistry", {})
    assert await client.ambient_account() == ACCOUNT
    logged = (await world.control("GET", "requests?since=0"))["requests"]
    assert [r["operation"] for r in logged if r["principal"].endswith(":root")] == [
        "GetCallerIdentity",
        "DescribeRegistry",
    ]
    # They are rotated, and belong to another account now.
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", OTHER)
    client._ambient.forget()
    await client.call(OTHER, "us-east-1", "ecr", "DescribeRegistry", {})
    with pytest.raises(Permanent):
        await client.call(ACCOUNT, "us-east-1", "ecr", "DescribeRegistry", {})
    await client.close()


async def test_ambient_credentials_that_fail_to_load_are_retryable() -> None:
    from botocore.exceptions import CredentialRetrievalError

    class Broken:
        def get_frozen_credentials(self) -> Any:
            raise CredentialRetrievalError(provider="custom-process", error_msg=SECRET)

    with pytest.raises(Temporary) as caught:
        await Ambient(Broken, variables={})(ACCOUNT)
    assert caught.value.reason == "AWS_NO_CREDENTIALS"
    assert SECRET not in str(caught.value)
    assert caught.value.__context__ is None


def test_secrets_are_not_printed() -> None:
    assert SECRET not in repr(Credentials("KEY", SECRET, SECRET))
