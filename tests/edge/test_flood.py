"""A flooder over gRPC must retry, while another caller is served."""

from __future__ import annotations

import asyncio
from collections import Counter

import grpc.aio
from ecrkeeper.v1 import registry_pb2
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from ecrkeeper_server.api.layers.limits import Limits
from ecrkeeper_server.settings.codec import settings_from_aws

from tests.edge.calls import GET, SETTINGS, Calls, Failure
from tests.edge.conftest import Serve
from tests.views import largest

UPDATE = f"{SETTINGS}/UpdateRegistrySettings"
CALLERS, INNOCENT_CALLS = 16, 20
FLOODED, OTHER = "accounts/111111111111/registries/us-east-1", "accounts/222222222222/registries/us-east-1"
# One large declaration uses up the burst, and the rate pays for none during the test.
LIMITS = Limits(elements_per_principal=1.0, burst_elements_per_principal=1_000, cpu_per_principal=0)


def update(registry: str, settings: dict[str, object]) -> bytes:
    """Return a request that declares settings."""
    declared = registry_pb2.RegistrySettings(name=f"{registry}/settings/o", settings=settings_from_aws(settings))
    return pb.UpdateRegistrySettingsRequest(registry_settings=declared, allow_missing=True).SerializeToString()


async def flood(calls: Calls, codes: Counter[str], failures: list[Failure]) -> None:
    """Send large declarations without a pause until cancelled."""
    request = update(FLOODED, {largest.REPLICATION: largest.replication(8)})
    while True:
        try:
            await calls.get(request, UPDATE, timeout=60)
            codes["OK"] += 1
        except grpc.aio.AioRpcError as error:
            failures.append(Failure(error))
            codes[failures[-1].code] += 1


async def test_flooder_must_retry_while_another_caller_is_served(serve: Serve) -> None:
    flooder: Counter[str] = Counter()
    failures: list[Failure] = []
    small = update(OTHER, {largest.REPLICATION: {"rules": largest.replication(8)["rules"][:0]}})
    async with serve(LIMITS) as server, server.calls() as loud, server.calls(server.socket) as innocent:
        tasks = [asyncio.create_task(flood(loud, flooder, failures)) for _ in range(CALLERS)]
        try:
            async with asyncio.timeout(120):
                while len(failures) < CALLERS:
                    await asyncio.sleep(0.01)
                before = len(failures)
                for _ in range(INNOCENT_CALLS):
                    await innocent.get(small, UPDATE, timeout=60)
                    request = pb.GetRegistryRequest(name=OTHER)
                    await innocent.get(request.SerializeToString(), GET, timeout=60)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    assert len(failures) > before, "the flood went on beside the other caller"
    assert {each.code for each in failures} == {"RESOURCE_EXHAUSTED"}
    assert {each.reason for each in failures} <= {"WORK_LIMITED", "RATE_LIMITED"}
    limited = [each for each in failures if each.reason == "WORK_LIMITED"]
    assert limited and all(each.retry_after > 0 for each in limited)
    # Calls that had entered before the first one was charged may still be carried out.
    assert 1 <= flooder["OK"] <= CALLERS
