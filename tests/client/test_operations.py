"""Operations: waiting and results."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import ecrkeeper
import pytest
from ecrkeeper._operation import LONG_POLL, _Wait
from ecrkeeper.v1.registry_settings_service_pb2 import ReconcileRegistryMetadata
from ecrkeeper.v1.role_service_pb2 import DeleteServiceLinkedRoleMetadata
from google.longrunning.operations_pb2 import Operation
from google.protobuf.empty_pb2 import Empty
from google.rpc import error_details_pb2

from .fake import FakeServer, fail, info, packed, status

NAME = "accounts/111111111111/registries/us-east-1"
RUNNING = Operation(name="operations/1", metadata=packed(ReconcileRegistryMetadata(registry=NAME, generation=7)))
DONE = Operation(name="operations/1", done=True, response=packed(ecrkeeper.Registry(name=NAME, generation=7)))


def later(_request: Any, _context: Any) -> Operation:
    time.sleep(0.002)
    return RUNNING


def test_result_waits_on_the_server(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on("ReconcileRegistry", RUNNING)
    server.on("WaitOperation", RUNNING, DONE)
    operation = client.reconcile_registry(NAME)
    assert operation.name == "operations/1"
    assert operation.metadata == ReconcileRegistryMetadata(registry=NAME, generation=7)
    assert operation.result(timeout=30).generation == 7
    first = server.received[1]
    assert first.rpc == "WaitOperation" and first.request.name == "operations/1"
    assert first.request.timeout.seconds == LONG_POLL
    assert first.deadline == pytest.approx(LONG_POLL + 5, abs=0.5)


def test_long_poll_ends_with_wait_timeout(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on("WaitOperation", DONE)
    client.operation("operations/1").result(timeout=3)
    assert server.received[0].request.timeout.ToNanoseconds() == pytest.approx(3e9, rel=0.05)
    assert server.received[0].deadline == pytest.approx(3, abs=0.5)


def test_done_operation_is_not_polled(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on("ReconcileRegistry", DONE)
    operation = client.reconcile_registry(NAME)
    assert operation.done() and operation.result().name == NAME
    assert len(server.received) == 1
    assert repr(operation) == "Operation(name='operations/1', done=True)"


def test_operation_resumes_by_name(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on("GetOperation", RUNNING, DONE)
    operation = client.operation("operations/1", ecrkeeper.Registry)
    assert operation.metadata is None
    assert server.received == []
    assert not operation.done()
    assert isinstance(operation.metadata, ReconcileRegistryMetadata)
    assert operation.done()
    assert operation.result().generation == 7


def test_operation_without_type_returns_its_response(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on("WaitOperation", Operation(name="operations/2", done=True, response=packed(Empty())))
    assert client.operation("operations/2").result() == Empty()


def test_operation_of_other_type_is_a_type_error(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on("WaitOperation", DONE)
    with pytest.raises(TypeError, match=r"ecrkeeper\.v1\.Registry"):
        client.operation("operations/1", ecrkeeper.ServiceLinkedRole).result()


def test_failed_operation_carries_the_preconditions(server: FakeServer, client: ecrkeeper.Client) -> None:
    failure = error_details_pb2.PreconditionFailure(
        violations=[{"type": "ROLE_IN_USE", "subject": "eu-west-1", "description": "a replication rule"}]
    )
    error = status("FAILED_PRECONDITION", "in use", info("ROLE_IN_USE"), failure)
    metadata = packed(DeleteServiceLinkedRoleMetadata(deletion_task_id="t"))
    server.on("DeleteServiceLinkedRole", Operation(name="operations/3", done=True, error=error, metadata=metadata))
    operation = client.delete_service_linked_role("accounts/1/serviceLinkedRoles/replication")
    with pytest.raises(ecrkeeper.OperationFailed) as caught:
        operation.result()
    assert (caught.value.code.name, caught.value.reason) == ("FAILED_PRECONDITION", "ROLE_IN_USE")
    assert caught.value.operation == "operations/3"
    assert [violation.subject for violation in caught.value.violations] == ["eu-west-1"]


def test_cancelled_operation_fails_as_cancelled(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on("WaitOperation", Operation(name="operations/1", done=True, error=status("CANCELLED")))
    operation = client.operation("operations/1")
    operation.cancel()
    assert server.requests("CancelOperation")[0].name == "operations/1"
    with pytest.raises(ecrkeeper.OperationFailed) as caught:
        operation.result()
    assert caught.value.code.name == "CANCELLED"


def test_wait_timeout_leaves_operation_running(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on("WaitOperation", later)
    operation = client.operation("operations/1")
    with pytest.raises(ecrkeeper.DeadlineExceeded, match=r"operations/1 was not done after 0\.02 s"):
        operation.result(timeout=0.02)
    server.on("WaitOperation", DONE)
    assert operation.result() == ecrkeeper.Registry(name=NAME, generation=7)


def test_wait_survives_restart_and_rate_limit(server: FakeServer, client: ecrkeeper.Client) -> None:
    down = fail("UNAVAILABLE")
    server.on("WaitOperation", fail("RESOURCE_EXHAUSTED"), *[down] * 5, DONE)
    assert client.operation("operations/1").result(timeout=20) == ecrkeeper.Registry(name=NAME, generation=7)


def test_wait_timeout_during_outage_names_it(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on("WaitOperation", fail("UNAVAILABLE"))
    with pytest.raises(ecrkeeper.DeadlineExceeded) as caught:
        client.operation("operations/1").result(timeout=1)
    assert isinstance(caught.value.__cause__, ecrkeeper.Unavailable | ecrkeeper.DeadlineExceeded)
    now = 0.0
    wait = _Wait("operations/1", 10, clock=lambda: now)
    for failure in (ecrkeeper.Unavailable("down"), None):
        wait.pause(failure)
        now += 10
        with pytest.raises(ecrkeeper.DeadlineExceeded) as caught:
            wait.poll()
        assert caught.value.__cause__ is failure


def test_wait_ends_when_operation_is_deleted(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on("WaitOperation", fail("NOT_FOUND"))
    with pytest.raises(ecrkeeper.NotFound):
        client.operation("operations/1").result()


def test_early_polls_are_spaced_out() -> None:
    now = 0.0
    wait = _Wait("operations/1", 100, clock=lambda: now)
    wait.poll()
    early = [wait.pause(None) for _ in range(5)]
    assert early == sorted(early) and early[0] > 0
    now = LONG_POLL
    assert wait.pause(None) == 0


def test_pause_follows_server_up_to_timeout() -> None:
    now = 0.0
    wait = _Wait("operations/1", 10, clock=lambda: now)
    error = ecrkeeper.ResourceExhausted("slow", details=[error_details_pb2.RetryInfo(retry_delay={"seconds": 4})])
    assert wait.pause(error) == 4
    now = 9.0
    assert wait.pause(error) == 1


def test_asyncio_operation_is_awaitable(server: FakeServer) -> None:
    server.on("ReconcileRegistry", RUNNING)
    server.on("GetOperation", RUNNING)
    server.on("WaitOperation", RUNNING, DONE)

    async def reconcile() -> ecrkeeper.Registry:
        async with ecrkeeper.AsyncClient(server.target, insecure=True) as client:
            operation = await client.reconcile_registry(NAME)
            assert not await operation.done()
            await operation.cancel()
            return await operation

    assert asyncio.run(reconcile()).generation == 7
    assert server.requests("CancelOperation")


def test_asyncio_wait_times_out(server: FakeServer) -> None:
    server.on("WaitOperation", later)

    async def wait() -> None:
        async with ecrkeeper.AsyncClient(server.target, insecure=True) as client:
            await client.operation("operations/1", ecrkeeper.Registry).result(timeout=0.02)

    with pytest.raises(ecrkeeper.DeadlineExceeded):
        asyncio.run(wait())
