"""Limits of a running server, as callers see them."""

from __future__ import annotations

import asyncio
import contextlib
from unittest.mock import ANY

import ecrkeeper
import grpc
import grpc.aio
import pytest
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from ecrkeeper_server.api.layers import admission as gate
from ecrkeeper_server.api.layers.admission import AdmissionLayer, address_of
from ecrkeeper_server.api.layers.capacity import Admission
from ecrkeeper_server.api.layers.limits import Limits
from ecrkeeper_server.api.listener import ACCEPT_LOOPS
from ecrkeeper_server.api.server import SERVICES
from ecrkeeper_server.errors import Unavailable
from google.longrunning import operations_pb2
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from tests.edge.calls import CHECK, GET, REFLECT, SERVING, WAIT, WATCH, Calls
from tests.edge.conftest import Serve

HEALTH_WATCH = "/grpc.health.v1.Health/Watch"
EVERYTHING = pb.WatchRegistriesRequest(parent="accounts/-").SerializeToString()
NAMED = pb.GetRegistryRequest(name="accounts/111111111111/registries/us-east-1").SerializeToString()
LIST = reflection_pb2.ServerReflectionRequest(list_services="*").SerializeToString()


async def reflects(calls: Calls) -> bool:
    stream = calls.channel.stream_stream(REFLECT)(iter([LIST]), timeout=10)
    return b"ecrkeeper.v1.RoleService" in await stream.read()


async def test_rejection_has_reason_and_delay_and_health_answers(serve: Serve) -> None:
    async with serve(Limits(rate_per_principal=0.5, burst_per_principal=2)) as server, server.calls() as calls:
        assert await reflects(calls)
        assert (await calls.failure(NAMED)).code == "NOT_FOUND"
        failure = await calls.failure(NAMED)
        assert (failure.code, failure.reason) == ("RESOURCE_EXHAUSTED", "RATE_LIMITED")
        assert failure.metadata == {"limit": "0.5", "of": "calls_per_second", "call_id": ANY}
        assert 1.0 <= failure.retry_after <= 6.0
        assert int(failure.trailers["grpc-retry-pushback-ms"]) in (-1, round(failure.retry_after * 1000))
        for _ in range(20):
            assert await calls.get(method=CHECK) == SERVING
        async with server.calls(server.socket) as others:
            assert await reflects(others)


async def test_rejected_request_is_not_read(serve: Serve) -> None:
    """A slow or silent sender is answered at once."""
    async with serve(Limits(rate_per_principal=0.001, burst_per_principal=1)) as server, server.calls() as calls:
        await calls.failure(NAMED)
        half = calls.channel.stream_unary(GET)(timeout=10)
        assert await asyncio.wait_for(half.code(), 5) is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_greedy_caller_does_not_starve_others(serve: Serve) -> None:
    async with serve(Limits(calls_per_principal=2)) as server:
        async with server.calls() as greedy, server.calls(server.socket) as modest:
            # These requests are never completed: their calls keep their slots.
            waiting = [greedy.channel.stream_unary(GET)(timeout=30) for _ in range(2)]
            for call in waiting:
                await call.wait_for_connection()
            failure = await greedy.failure(NAMED)
            while failure.code == "NOT_FOUND":  # The held calls had not all arrived yet.
                failure = await greedy.failure(NAMED)
            assert failure.reason == "CONCURRENCY_LIMITED"
            assert (await modest.failure(NAMED)).code == "NOT_FOUND"
            for call in waiting:
                call.cancel()
            for _ in range(200):
                if (await greedy.failure(NAMED)).code == "NOT_FOUND":
                    break
                await asyncio.sleep(0.02)
            else:
                raise AssertionError("calls that were cancelled still count")


async def test_streams_are_bounded_and_end_with_callers(serve: Serve) -> None:
    async with serve(Limits(streams_per_principal=2)) as server, server.calls() as calls:
        streams = [calls.stream(request=EVERYTHING) for _ in range(2)]
        for stream in streams:
            await stream.read()
        failure = await calls.stream_failure(calls.stream(request=EVERYTHING))
        assert (failure.code, failure.reason, failure.metadata["of"]) == (
            "RESOURCE_EXHAUSTED",
            "CONCURRENCY_LIMITED",
            "streams",
        )
        waiting = operations_pb2.WaitOperationRequest(name="operations/x").SerializeToString()
        assert (await calls.failure(waiting, WAIT)).reason == "CONCURRENCY_LIMITED", "waiting counts as a stream"
        assert (await calls.failure(NAMED)).code == "NOT_FOUND", "calls are counted apart"
        streams[0].cancel()
        for _ in range(200):
            reopened = calls.stream(request=EVERYTHING)
            with contextlib.suppress(grpc.aio.AioRpcError):
                await reopened.read()
                break
            await asyncio.sleep(0.02)
        else:
            raise AssertionError("a stream that was cancelled still counts")


async def test_health_streams_do_not_use_caller_limits(serve: Serve) -> None:
    async with serve(Limits(streams=1, streams_per_principal=1, health_streams=4)) as server, server.calls() as calls:
        health = calls.stream(HEALTH_WATCH)
        assert await health.read() == SERVING
        failure = await calls.stream_failure(calls.stream(HEALTH_WATCH))
        assert (failure.code, failure.reason, failure.metadata["of"]) == (
            "RESOURCE_EXHAUSTED",
            "CONCURRENCY_LIMITED",
            "health_streams",
        )
        reflection = calls.channel.stream_stream(REFLECT)(iter([LIST]), timeout=10)
        assert (await calls.stream_failure(reflection)).reason == "CONCURRENCY_LIMITED"
        assert await calls.stream(request=EVERYTHING).read(), "a caller's stream has a place of its own"
        assert await calls.get(method=CHECK) == SERVING


@pytest.mark.parametrize("method", [CHECK, HEALTH_WATCH])
async def test_health_calls_without_request_are_bounded(serve: Serve, method: str) -> None:
    """gRPC itself waits for them indefinitely, and counts them towards its limit."""
    limits = Limits(calls=10, streams=10, calls_per_principal=600, health_streams=40)
    async with serve(limits) as server, server.calls() as anonymous:
        opened = [anonymous.channel.stream_stream(method)(timeout=30) for _ in range(110)]
        first = await next(iter(asyncio.as_completed([stream.code() for stream in opened])))
        assert first is grpc.StatusCode.RESOURCE_EXHAUSTED
        async with server.calls(server.socket) as others:
            assert await others.get(method=CHECK) == SERVING
            assert (await others.failure(NAMED)).code == "NOT_FOUND"


async def test_old_stream_ends_so_that_caller_reconnects(serve: Serve) -> None:
    async with serve(Limits(stream_seconds=0.3)) as server, server.calls() as calls:
        failure = await calls.stream_failure(calls.stream(request=EVERYTHING))
        assert (failure.code, failure.reason) == ("UNAVAILABLE", "STREAM_TOO_OLD")


async def test_client_watch_survives_end_of_streams_and_connections(serve: Serve) -> None:
    async with serve(Limits(stream_seconds=0.3, connection_seconds=0.5)) as server:
        async with ecrkeeper.AsyncClient(server.address, insecure=True) as client:
            steps = client.watch_registries()
            async with asyncio.timeout(20):
                kinds = [(await anext(steps)).kind for _ in range(4)]
            assert set(kinds) == {pb.WatchRegistriesResponse.SNAPSHOT_COMPLETE}


async def test_client_library_retries_after_delay(serve: Serve) -> None:
    async with serve(Limits(rate_per_principal=4.0, burst_per_principal=1)) as server:
        async with ecrkeeper.AsyncClient(server.address, insecure=True) as client:
            for _ in range(4):
                await anext(client.list_registries().pages)
        rejected = {
            "grpc_type": "unary",
            "grpc_service": "ecrkeeper.v1.RegistrySettingsService",
            "grpc_method": "ListRegistries",
            "grpc_code": "RESOURCE_EXHAUSTED",
        }
        assert server.metrics.registry.get_sample_value("grpc_server_handled_total", rejected)


async def test_client_reports_reason_when_delay_exceeds_deadline(serve: Serve) -> None:
    async with serve(Limits(rate_per_principal=0.5, burst_per_principal=1)) as server:
        async with ecrkeeper.AsyncClient(server.address, insecure=True) as client:
            await anext(client.list_registries().pages)
            with pytest.raises(ecrkeeper.ResourceExhausted) as caught:
                await anext(client.list_registries(timeout=0.5).pages)
            assert caught.value.reason == "RATE_LIMITED" and (caught.value.retry_after or 0) > 0.5


class Silent:
    """An AWS that never answers."""

    def __init__(self) -> None:
        self.cancelled = asyncio.Event()

    async def call(self, *_: object) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()


REFRESHED = pb.GetRegistryRequest(name="accounts/111111111111/registries/us-east-1", refresh=True).SerializeToString()


async def test_long_call_ends_with_reason(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "_LONGEST_SECONDS", 0.2)
    aws = Silent()
    async with serve(Limits(), aws) as server, server.calls() as calls:
        failure = await calls.failure(REFRESHED, timeout=10)
        assert (failure.code, failure.reason) == ("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED")
        assert aws.cancelled.is_set()


async def test_call_is_cancelled_at_the_deadline_of_its_caller(serve: Serve) -> None:
    aws = Silent()
    async with serve(Limits(), aws) as server, server.calls() as calls:
        assert (await calls.failure(REFRESHED, timeout=0.2)).code == "DEADLINE_EXCEEDED"
        await asyncio.wait_for(aws.cancelled.wait(), 5)


async def test_call_without_request_is_rejected(serve: Serve) -> None:
    async with serve(Limits()) as server, server.calls() as calls:
        empty = calls.channel.stream_unary(GET)(iter(()), timeout=10)
        assert await empty.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "without a request" in await empty.details()


async def test_health_and_reflection_reject_bytes_that_are_no_message(serve: Serve) -> None:
    garbage = b"\x0a\x05\xff"
    async with serve(Limits()) as server, server.calls() as calls:
        assert (await calls.failure(garbage, CHECK)).code == "INVALID_ARGUMENT"
        watch = calls.stream(HEALTH_WATCH, garbage)
        assert (await calls.stream_failure(watch)).code == "INVALID_ARGUMENT"
        for method in (REFLECT, REFLECT.replace(".v1.", ".v1alpha.")):
            stream = calls.channel.stream_stream(method)(iter([LIST, garbage]), timeout=10)
            assert (await calls.stream_failure(stream)).code == "INVALID_ARGUMENT"


async def test_health_lists_all_services(serve: Serve) -> None:
    async with serve(Limits()) as server, server.calls() as calls:
        listed = health_pb2.HealthListResponse.FromString(await calls.get(method="/grpc.health.v1.Health/List"))
        assert listed.statuses.keys() == {"", *SERVICES}
        assert {each.status for each in listed.statuses.values()} == {health_pb2.HealthCheckResponse.SERVING}


@pytest.mark.parametrize("path", [b"/ecrkeeper.v1.RoleService/\xff\xfe", b"/\xff", b"", b"/a/b/c\x00", "/żółw/x", "/x"])
async def test_unknown_method_is_harmless(serve: Serve, path: str | bytes) -> None:
    """A method name that is not UTF-8 ends the accept loop of grpc.aio."""
    if not ACCEPT_LOOPS.usable and isinstance(path, bytes) and b"\xff" in path:
        pytest.skip("only the accept loops of the server's own survive that")
    async with serve(Limits()) as server, server.calls() as calls:
        assert (await calls.failure(method=path)).code == "UNIMPLEMENTED"
        assert await calls.get(method=CHECK) == SERVING
        assert (await calls.failure(NAMED)).code == "NOT_FOUND"


async def test_oversized_requests_and_metadata_are_rejected(serve: Serve) -> None:
    async with serve(Limits(message_bytes=100_000, metadata_bytes=20_000)) as server, server.calls() as calls:
        assert (await calls.failure(b"x" * 99_000)).code == "INVALID_ARGUMENT"
        assert (await calls.failure(b"x" * 101_000)).code == "RESOURCE_EXHAUSTED"
        assert (await calls.failure(NAMED, metadata=[("x-a", "a" * 19_000)])).code == "NOT_FOUND"
        assert (await calls.failure(NAMED, metadata=[("x-a", "a" * 30_000)])).code == "RESOURCE_EXHAUSTED"
        assert (await calls.failure(NAMED)).code == "NOT_FOUND"


async def test_client_with_excessive_pings_is_disconnected(serve: Serve) -> None:
    pings = {"grpc__keepalive_time_ms": 100, "grpc__http2__max_pings_without_data": 0}
    async with serve(Limits()) as server, server.calls(**pings) as calls:
        stream = calls.stream(request=EVERYTHING)
        failure = await asyncio.wait_for(calls.stream_failure(stream), 20)
        assert failure.code == "UNAVAILABLE"
        assert "ping" in failure.text.lower()


async def test_old_connection_closes_and_its_calls_continue(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    peers = []

    def noted(peer: str) -> str:
        peers.append(peer)
        return address_of(peer)

    monkeypatch.setattr(gate, "address_of", noted)
    async with serve(Limits(connection_seconds=0.5)) as server, server.calls() as calls:
        stream = calls.stream(WATCH, EVERYTHING)
        await stream.read()
        for _ in range(15):
            assert (await calls.failure(NAMED)).code == "NOT_FOUND"
            await asyncio.sleep(0.1)
        assert not stream.done()
    assert len(set(peers)) > 1, "a new connection comes from another port"


async def test_admission_rejects_stream_at_maximum_age() -> None:
    closing, errors = AdmissionLayer(Limits(), Admission(Limits())), list[Exception]()
    loop = asyncio.get_running_loop()
    end = loop.time() + 0.02

    async def stream() -> None:
        async with closing._open_until(end):
            await asyncio.sleep(10)

    def close() -> None:
        try:
            closing.close()
        except RuntimeError as error:
            errors.append(error)

    streaming = asyncio.create_task(stream())
    await asyncio.sleep(0)
    loop.call_at(end, close)
    with pytest.raises(Unavailable):
        await streaming
    assert not errors
