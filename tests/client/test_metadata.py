"""Metadata, interceptors, spans, logged retries and slow token functions."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import ecrkeeper
import grpc
import pytest
from ecrkeeper import telemetry
from ecrkeeper.v1.registry_settings_service_pb2 import WatchRegistriesResponse
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from .fake import FakeServer, fail

NAME = "accounts/111111111111/registries/us-east-1"
ENDED = WatchRegistriesResponse(kind=WatchRegistriesResponse.SNAPSHOT_COMPLETE)


def test_metadata_is_sent_with_each_call(server: FakeServer) -> None:
    ids = iter(["a", "b"])
    with ecrkeeper.Client(server.target, insecure=True, metadata=lambda: {"x-request-id": next(ids)}) as client:
        client.get_registry(NAME)
        list(client.list_registries())
    assert [call.metadata["x-request-id"] for call in server.received] == ["a", "b"]


def test_metadata_is_sent_by_both_clients_and_on_given_channels(server: FakeServer) -> None:
    async def call() -> None:
        async with grpc.aio.insecure_channel(server.target) as channel:
            async with ecrkeeper.AsyncClient(channel=channel, metadata={"x-team": "web"}) as client:
                await client.get_registry(NAME)

    asyncio.run(call())
    with grpc.insecure_channel(server.target) as channel:
        ecrkeeper.Client(channel=channel, metadata={"x-team": "web"}).get_registry(NAME)
    assert [each.metadata["x-team"] for each in server.received] == ["web", "web"]


def test_user_agent_names_the_version_of_the_client(server: FakeServer) -> None:
    async def call() -> None:
        async with ecrkeeper.AsyncClient(server.target, insecure=True) as client:
            await client.get_registry(NAME)

    asyncio.run(call())
    with ecrkeeper.Client(server.target, insecure=True) as client:
        client.get_registry(NAME)
    begin = f"ecrkeeper/{version('ecrkeeper')} grpc-python"
    agents = [each.metadata["user-agent"] for each in server.received]
    assert len(agents) == 2
    assert all(agent.startswith(begin) for agent in agents), agents
    assert ecrkeeper.__version__ == version("ecrkeeper")


@pytest.mark.parametrize(
    ("metadata", "message", "reason"),
    [
        ({"X-Team": "a"}, "small letters", "capital letters"),
        ({"authorization": "Bearer t"}, "that the client or gRPC sets", "the token"),
        ({"grpc-timeout": "1S"}, "that the client or gRPC sets", "a name of gRPC"),
        ({"x-bin": "a"}, "does not end in -bin", "a binary value"),
        ({"x-team": "a\nb"}, "printable ASCII", "a line end"),
        ({"x-team": "ü"}, "printable ASCII", "no ASCII"),
        ({"x-team": 1}, "printable ASCII", "no text"),
    ],
)
def test_metadata_that_cannot_be_sent_is_rejected(metadata: Any, message: str, reason: str) -> None:
    with pytest.raises(ValueError, match=message):
        ecrkeeper.Client("127.0.0.1:1", insecure=True, metadata=metadata)


def test_slow_token_function_does_not_block_the_event_loop(server: FakeServer) -> None:
    threads: list[threading.Thread] = []
    released = threading.Event()

    def slow() -> str:
        threads.append(threading.current_thread())
        assert released.wait(10)
        return "t"

    async def call() -> None:
        async with ecrkeeper.AsyncClient(server.target, insecure=True, token=slow) as client:
            running = asyncio.create_task(client.get_registry(NAME))
            watching = asyncio.create_task(anext(aiter(client.watch_registries())))
            while len(threads) < 2:
                await asyncio.sleep(0.001)
            # The loop runs on while both functions wait.
            released.set()
            await running
            watching.cancel()

    server.on("WatchRegistries", lambda _request, _context: iter([ENDED]))
    asyncio.run(call())
    assert threading.main_thread() not in threads


@pytest.fixture
def spans() -> tuple[TracerProvider, Callable[[], list[Any]]]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))

    def finished() -> list[Any]:
        end = time.monotonic() + 5
        while time.monotonic() < end and len(exporter.get_finished_spans()) < 2:
            time.sleep(0.005)
        return sorted(exporter.get_finished_spans(), key=lambda span: span.start_time)

    return provider, finished


def check(server: FakeServer, spans: list[Any]) -> None:
    service = "ecrkeeper.v1.RegistrySettingsService"
    assert [span.name for span in spans] == [f"{service}/GetRegistry", f"{service}/WatchRegistries"]
    codes = [span.attributes["rpc.grpc.status_code"] for span in spans]
    assert codes == [grpc.StatusCode.NOT_FOUND.value[0], grpc.StatusCode.CANCELLED.value[0]]
    assert {span.status.status_code for span in spans} == {StatusCode.ERROR}
    for call, span in zip(server.received, spans, strict=True):
        assert call.metadata["traceparent"].split("-")[1] == f"{span.context.trace_id:032x}"


def steps(_request: Any, context: grpc.ServicerContext) -> Any:
    ended = threading.Event()
    context.add_callback(ended.set)
    yield ENDED
    ended.wait(10)


def test_calls_have_spans_whose_context_is_sent(server: FakeServer, spans: Any) -> None:
    provider, finished = spans
    server.on("GetRegistry", fail("NOT_FOUND"))
    server.on("WatchRegistries", steps)
    with ecrkeeper.Client(server.target, insecure=True, interceptors=telemetry.interceptors(provider)) as client:
        with pytest.raises(ecrkeeper.NotFound):
            client.get_registry(NAME)
        with client.watch_registries() as watched:
            next(watched)
        check(server, finished())


def test_calls_of_the_asyncio_client_have_spans(server: FakeServer, spans: Any) -> None:
    provider, finished = spans
    server.on("GetRegistry", fail("NOT_FOUND"))
    server.on("WatchRegistries", steps)

    async def call() -> None:
        around = telemetry.aio_interceptors(provider)
        async with ecrkeeper.AsyncClient(server.target, insecure=True, interceptors=around) as client:
            with pytest.raises(ecrkeeper.NotFound):
                await client.get_registry(NAME)
            async with client.watch_registries() as watched:
                await anext(watched)
            check(server, await asyncio.to_thread(finished))

    asyncio.run(call())


def test_interrupted_watch_is_logged(server: FakeServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "ecrkeeper")
    server.on("WatchRegistries", lambda _request, _context: iter([ENDED]))
    with ecrkeeper.Client(server.target, insecure=True) as client, client.watch_registries() as watched:
        next(watched)
        next(watched)
    (record, *_) = caplog.records
    assert record.getMessage().startswith("WatchRegistries: the stream ended (None); subscribing again in ")
