"""Waiting until AWS matches a registry or one owner's declaration."""

from __future__ import annotations

import asyncio
from typing import Any

import ecrkeeper
import pytest
from ecrkeeper.v1.common_pb2 import Condition
from ecrkeeper.v1.registry_pb2 import DeclarationStatus
from ecrkeeper.v1.registry_settings_service_pb2 import WatchRegistriesResponse as Step

from .fake import FakeServer, fail, info, status
from .test_watch import COMPLETE, NAME, current, removed, stream

OWNED = f"{NAME}/settings/team-a"
# Seconds in which the first answers arrive on a busy machine.
LONG_ENOUGH = 1.0


def conditions(**states: bool) -> list[Condition]:
    of = {True: Condition.TRUE, False: Condition.FALSE}
    return [Condition(type=name, status=of[holds], reason="WHY") for name, holds in states.items()]


BEHIND = current(NAME, generation=2, observed_generation=1, reconciling=True, conditions=conditions(Synced=False))
SYNCED = current(NAME, generation=2, observed_generation=2, conditions=conditions(Synced=True))


def test_wait_ends_when_newest_generation_is_synced(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on("WatchRegistries", stream(BEHIND, COMPLETE, SYNCED, then="open"))
    assert client.wait_until_synced(f"{NAME}/settings/team-a") == SYNCED.registry
    request = server.requests("WatchRegistries")[0]
    assert (request.parent, request.filter) == ("accounts/111111111111", 'region = "us-east-1"')


def test_wait_for_generation_ignores_older_one(server: FakeServer, client: ecrkeeper.Client) -> None:
    third = current(NAME, generation=3, observed_generation=3, conditions=conditions(Synced=True))
    server.on("WatchRegistries", stream(SYNCED, COMPLETE, third, then="open"))
    assert client.wait_until_synced(NAME, generation=3) == third.registry


def test_wait_for_blocked_registry_raises_last_error(server: FakeServer, client: ecrkeeper.Client) -> None:
    error = status("FAILED_PRECONDITION", "AWS said no", info("AWS_ACCESS_DENIED"))
    blocked = current(NAME, generation=2, observed_generation=2, conditions=conditions(Blocked=True), last_error=error)
    server.on("WatchRegistries", stream(BEHIND, COMPLETE, blocked, then="open"))
    with pytest.raises(ecrkeeper.OperationFailed, match="AWS said no") as caught:
        client.wait_until_synced(NAME)
    assert caught.value.reason == "AWS_ACCESS_DENIED"


@pytest.mark.parametrize(("mode", "observed", "reason"), [("PAUSED", 1, "PAUSED"), ("OBSERVE", 2, "OBSERVE_ONLY")])
def test_wait_for_unmanaged_registry_fails(
    server: FakeServer, client: ecrkeeper.Client, mode: Any, observed: int, reason: str
) -> None:
    condition = Condition(type="Synced", status=Condition.FALSE, reason=reason)
    registry = current(NAME, generation=2, observed_generation=observed, mode=mode, conditions=[condition])
    server.on("WatchRegistries", stream(registry, COMPLETE, then="open"))
    with pytest.raises(ecrkeeper.FailedPrecondition, match=mode) as caught:
        client.wait_until_synced(NAME, timeout=20)
    assert caught.value.reason == reason


def test_observed_registry_can_be_in_sync(server: FakeServer, client: ecrkeeper.Client) -> None:
    behind = current(NAME, generation=2, observed_generation=1, mode="OBSERVE", conditions=conditions(Synced=False))
    synced = current(NAME, generation=2, observed_generation=2, mode="OBSERVE", conditions=conditions(Synced=True))
    server.on("WatchRegistries", stream(behind, COMPLETE, synced, then="open"))
    assert client.wait_until_synced(NAME) == synced.registry


@pytest.mark.parametrize("steps", [[COMPLETE], [BEHIND, COMPLETE, removed(NAME)]], ids=["never there", "removed"])
def test_wait_for_missing_registry_ends(server: FakeServer, client: ecrkeeper.Client, steps: list[Step]) -> None:
    server.on("WatchRegistries", stream(*steps, then="open"))
    with pytest.raises(ecrkeeper.NotFound) as caught:
        client.wait_until_synced(NAME)
    assert (caught.value.reason, caught.value.resource) == ("NOT_FOUND", NAME)


def test_registry_wait_timeout_includes_conditions(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on("WatchRegistries", stream(BEHIND, COMPLETE, then="open"))
    with pytest.raises(ecrkeeper.DeadlineExceeded, match=r"not in sync after 1 s \(Synced: WHY\)"):
        client.wait_until_synced(NAME, LONG_ENOUGH)


def test_wait_accepts_only_registries(client: ecrkeeper.Client) -> None:
    with pytest.raises(ecrkeeper.InvalidArgument):
        client.wait_until_synced("accounts/111111111111")


def test_asyncio_client_waits_for_sync(server: FakeServer) -> None:
    server.on("WatchRegistries", stream(BEHIND, COMPLETE, SYNCED, then="open"), stream(BEHIND, COMPLETE, then="open"))

    async def wait() -> ecrkeeper.Registry:
        async with ecrkeeper.AsyncClient(server.target, insecure=True) as client:
            registry = await client.wait_until_synced(NAME)
            with pytest.raises(ecrkeeper.DeadlineExceeded, match="not in sync"):
                await client.wait_until_synced(NAME, 0.05)
            return registry

    assert asyncio.run(wait()) == SYNCED.registry


def failed(code: str, reason: str, *, blocked: bool = False, observed: int = 2, next_in: int = 0) -> Step:
    """Return a registry of generation 2 whose last attempt failed."""
    return current(
        NAME,
        generation=2,
        observed_generation=observed,
        reconciling=observed < 2,
        owners=["team-a", "team-b"],
        conditions=conditions(Synced=False, Blocked=blocked),
        last_error=status(code, "AWS said no", info(reason)),
        update_time={"seconds": 100},
        next_reconcile_time={"seconds": 100 + next_in},
    )


TERMINAL = [
    (failed("INVALID_ARGUMENT", "AWS_REJECTED", blocked=True), "AWS refuses what is declared"),
    (failed("RESOURCE_EXHAUSTED", "AWS_QUOTA_EXCEEDED", blocked=True), "a quota is used up"),
    (failed("UNAVAILABLE", "ODD", blocked=True), "Blocked counts with any code"),
    (failed("FAILED_PRECONDITION", "AWS_ACCESS_DENIED", blocked=True), "only somebody else can grant the right"),
    (failed("FAILED_PRECONDITION", "AWS_NO_CREDENTIALS", blocked=True, next_in=60), "no credentials"),
    (failed("FAILED_PRECONDITION", "WRONG_ACCOUNT", blocked=True, next_in=300), "credentials of another account"),
    (failed("PERMISSION_DENIED", "NEW_REASON", blocked=True), "a reason that is not known here"),
]


@pytest.mark.parametrize(("step", "reason"), TERMINAL, ids=[reason for _, reason in TERMINAL])
def test_wait_fails_on_terminal_error(server: FakeServer, client: ecrkeeper.Client, step: Step, reason: str) -> None:
    server.on("WatchRegistries", stream(BEHIND, COMPLETE, step, then="open"))
    with pytest.raises(ecrkeeper.OperationFailed, match="AWS said no") as caught:
        client.wait_until_synced(NAME, timeout=20)
    assert caught.value.reason == info_of(step)
    assert caught.value.operation == NAME


def info_of(step: Step) -> str:
    failure = ecrkeeper._failures.from_status(step.registry.last_error, operation="")
    return failure.reason


RETRYABLE = [
    (failed("UNAVAILABLE", "AWS_THROTTLED"), "AWS asks to slow down"),
    (failed("UNAVAILABLE", "AWS_THROTTLED", observed=1, next_in=300), "the backoff is long"),
    (failed("FAILED_PRECONDITION", "AWS_ACCESS_DENIED", blocked=True, observed=1), "of the generation before"),
    (failed("FAILED_PRECONDITION", "PRINCIPAL_NOT_FOUND"), "IAM is eventually consistent, so it is not Blocked yet"),
    (failed("INVALID_ARGUMENT", "AWS_REJECTED", blocked=True, observed=1, next_in=1), "the write may have mended it"),
]


@pytest.mark.parametrize(("step", "reason"), RETRYABLE, ids=[reason for _, reason in RETRYABLE])
def test_wait_survives_retryable_error(server: FakeServer, client: ecrkeeper.Client, step: Step, reason: str) -> None:
    server.on("WatchRegistries", stream(step, COMPLETE, SYNCED, then="open"))
    assert client.wait_until_synced(NAME, timeout=20) == SYNCED.registry


def test_wait_fails_on_unwritable_setting(server: FakeServer, client: ecrkeeper.Client) -> None:
    degraded = Condition(type="Degraded", status="TRUE", reason="UNKNOWN_MEMBERS", message="not written: x")
    step = current(NAME, generation=2, observed_generation=2, conditions=[*conditions(Synced=False), degraded])
    server.on("WatchRegistries", stream(BEHIND, COMPLETE, step, then="open"))
    with pytest.raises(ecrkeeper.FailedPrecondition, match="not written: x") as caught:
        client.wait_until_synced(NAME, timeout=20)
    assert caught.value.reason == "UNKNOWN_MEMBERS"


def test_wait_for_deleted_declaration_is_not_found(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on("WatchRegistries", stream(SYNCED, COMPLETE, then="open"))
    server.on("GetRegistrySettings", fail("NOT_FOUND", "gone", info("NOT_FOUND")))
    with pytest.raises(ecrkeeper.NotFound, match="gone"):
        client.wait_until_synced(OWNED, timeout=20)
    assert client.wait_until_synced(NAME, timeout=20) == SYNCED.registry


def test_wait_for_declaration_survives_busy_server(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on("WatchRegistries", stream(SYNCED, COMPLETE, then="open"))
    busy = fail("RESOURCE_EXHAUSTED", "slow down", info("RATE_LIMITED"))
    server.on("GetRegistrySettings", *[busy] * 6, ecrkeeper.RegistrySettings(name=OWNED))

    async def wait() -> ecrkeeper.Registry:
        async with ecrkeeper.AsyncClient(server.target, insecure=True) as other:
            return await other.wait_until_synced(OWNED, timeout=20)

    assert client.wait_until_synced(OWNED, timeout=20) == SYNCED.registry == asyncio.run(wait())
    server.on("GetRegistrySettings", busy)
    with pytest.raises(ecrkeeper.DeadlineExceeded, match="was not in sync after"):
        client.wait_until_synced(OWNED, timeout=0.3)


def test_wait_outlasts_a_server_that_is_away_when_it_begins(server: FakeServer, client: ecrkeeper.Client) -> None:
    away = [fail("UNAVAILABLE")] * 4  # gRPC's own attempts.
    server.on("WatchRegistries", *away, stream(SYNCED, COMPLETE, then="open"))
    with pytest.raises(ecrkeeper.Unavailable):
        client.wait_until_synced(NAME, timeout=20)

    async def wait() -> ecrkeeper.Registry:
        async with ecrkeeper.AsyncClient(server.target, insecure=True) as other:
            await other.get_registry(NAME)
            return await other.wait_until_synced(NAME, timeout=20)

    client.get_registry(NAME)
    for waited in (lambda: client.wait_until_synced(NAME, timeout=20), lambda: asyncio.run(wait())):
        server.on("WatchRegistries", *away, stream(SYNCED, COMPLETE, then="open"))
        assert waited() == SYNCED.registry


def declared(generation: int, observed: int, **states: bool) -> DeclarationStatus:
    return DeclarationStatus(
        owner="team-a", generation=generation, observed_generation=observed, conditions=conditions(**states)
    )


def beside_a_blocked_owner(status: DeclarationStatus) -> Step:
    error = status_of_other()
    return current(
        NAME, generation=5, observed_generation=5, conditions=conditions(Blocked=True, Synced=False), last_error=error,
        declarations=[DeclarationStatus(owner="other", conditions=conditions(Blocked=True)), status],
    )  # fmt: skip


def status_of_other() -> Any:
    return status("FAILED_PRECONDITION", "of somebody else", info("AWS_REJECTED"))


def test_wait_for_declaration_ignores_other_owners(server: FakeServer, client: ecrkeeper.Client) -> None:
    behind, done = (beside_a_blocked_owner(declared(3, n, Synced=n == 3)) for n in (2, 3))
    server.on("WatchRegistries", stream(behind, COMPLETE, done, then="open"))
    assert client.wait_until_synced(OWNED) == done.registry


def test_wait_for_blocked_declaration_raises_its_own_error(server: FakeServer, client: ecrkeeper.Client) -> None:
    awaited = declared(3, 2, Blocked=True, Synced=False)
    awaited.last_error.CopyFrom(status("FAILED_PRECONDITION", "of mine", info("PRINCIPAL_NOT_FOUND")))
    server.on("WatchRegistries", stream(beside_a_blocked_owner(awaited), COMPLETE, then="open"))
    with pytest.raises(ecrkeeper.OperationFailed, match="of mine") as caught:
        client.wait_until_synced(OWNED)
    assert caught.value.reason == "PRINCIPAL_NOT_FOUND"


def test_declaration_wait_timeout_includes_conditions(server: FakeServer, client: ecrkeeper.Client) -> None:
    awaited = declared(3, 2, Synced=False, Blocked=False)
    server.on("WatchRegistries", stream(beside_a_blocked_owner(awaited), COMPLETE, then="open"))
    with pytest.raises(ecrkeeper.DeadlineExceeded, match=r"settings/team-a was not in sync .*\(Synced: WHY\)"):
        client.wait_until_synced(OWNED, LONG_ENOUGH)


CUT = current(
    NAME, generation=2, observed_generation=2, owners=["other"], truncated_fields=["owners", "declarations"],
    conditions=conditions(Synced=False),
)  # fmt: skip
OWN_SYNCED = ecrkeeper.RegistrySettings(
    name=OWNED, generation=4, observed_generation=4, conditions=conditions(Synced=True)
)
OWN_BLOCKED = ecrkeeper.RegistrySettings(
    name=OWNED, generation=4, observed_generation=3, conditions=conditions(Blocked=True),
    last_error=status("FAILED_PRECONDITION", "AWS said no", info("AWS_REJECTED")),
)  # fmt: skip


def test_wait_reads_declaration_omitted_by_basic_view(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on("WatchRegistries", stream(CUT, COMPLETE, then="open"))
    server.on("GetRegistrySettings", OWN_SYNCED)
    assert client.wait_until_synced(OWNED).name == NAME
    assert [each.name for each in server.requests("GetRegistrySettings")] == [OWNED]


def test_wait_fails_on_blocked_declaration_outside_basic_view(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on("WatchRegistries", stream(CUT, COMPLETE, then="open"))
    server.on("GetRegistrySettings", OWN_BLOCKED)
    with pytest.raises(ecrkeeper.OperationFailed, match="AWS said no"):
        client.wait_until_synced(OWNED)


def test_asyncio_client_reads_declaration_omitted_by_basic_view(server: FakeServer) -> None:
    server.on("WatchRegistries", stream(CUT, COMPLETE, then="open"))
    server.on("GetRegistrySettings", OWN_SYNCED)

    async def wait() -> ecrkeeper.Registry:
        async with ecrkeeper.AsyncClient(server.target, insecure=True) as client:
            return await client.wait_until_synced(OWNED)

    assert asyncio.run(wait()).name == NAME
