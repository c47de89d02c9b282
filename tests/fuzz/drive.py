"""Make fuzzed calls, and check the invariants after each."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio
from ecrkeeper.v1 import (
    audit_service_pb2,
    fleet_service_pb2,
    registry_settings_service_pb2,
    role_service_pb2,
    server_service_pb2,
)
from google.longrunning import operations_pb2
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import DecodeError
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from tests.edge.calls import CHECK, OPTIONS, SERVING
from tests.fuzz import messages
from tests.fuzz.target import Target

_FILES = (
    role_service_pb2,
    registry_settings_service_pb2,
    audit_service_pb2,
    fleet_service_pb2,
    server_service_pb2,
    operations_pb2,
    health_pb2,
    reflection_pb2,
)
METHODS: dict[str, MethodDescriptor] = {
    f"/{service.full_name}/{method.name}": method
    for file in _FILES
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}
METHODS["/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"] = METHODS[
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
]

SLOWEST = 5.0
SLOW = "it took"
_TIMEOUT = 10.0
_READING = ("Get", "List", "Watch", "Wait", "Check", "Explain", "Validate", "ServerReflection")
# Reading calls are made this many at a time: none may change the store.
TOGETHER = 24
_WAITING = 0.6
_STREAM_SECONDS = 0.05
_STEPS = 3
# A rejection may have any code except these; calls that gRPC cannot send do not count.
_FORBIDDEN = {"INTERNAL", "UNKNOWN", "DATA_LOSS"}


# Errors of the client itself, with code INTERNAL, if a stream ended early.
_NOT_SENT = "Internal error from Core"


@dataclass(frozen=True)
class Case:
    """A call that can be repeated."""

    method: str
    request: bytes
    metadata: Sequence[tuple[str, str | bytes]] = ()

    def __str__(self) -> str:
        sent = [[key, value if isinstance(value, str) else {"hex": value.hex()}] for key, value in self.metadata]
        return json.dumps({"method": self.method, "request": self.request.hex(), "metadata": sent})

    @classmethod
    def parse(cls, text: str) -> Case:
        """Return a case from the output of a failure."""
        content = json.loads(text)
        sent = [
            (key, value if isinstance(value, str) else bytes.fromhex(value["hex"]))
            for key, value in content["metadata"]
        ]
        return cls(content["method"], bytes.fromhex(content["request"]), sent)


class Driver:
    """Makes calls and reports errors of each."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._channel = grpc.aio.insecure_channel(target.address, options=OPTIONS)
        self.codes: Counter[str] = Counter()

    async def close(self) -> None:
        await self._channel.close()

    async def wrong(self, case: Case) -> str:
        """Return a violated invariant, or nothing."""
        fault, code = await self._call(case)
        return fault or self._traces(may_change=code == "OK" and not reads(case.method) and not only_validates(case))

    async def wrong_together(self, cases: Sequence[Case]) -> str:
        """Return an invariant violated by concurrent reading calls."""
        faults = [fault for fault, _ in await asyncio.gather(*map(self._call, cases)) if fault]
        return (faults or [""])[0] or self._traces(may_change=False)

    def _traces(self, *, may_change: bool) -> str:
        complaints = self._target.complaints.take()
        if complaints:
            return f"the log has {complaints[0]}"
        if self._target.contents.changed() and not may_change:
            return "the store has changed although the call was rejected, or only reads, or only validates"
        return ""

    async def _call(self, case: Case) -> tuple[str, str]:
        began = time.monotonic()
        code = await self._outcome(case)
        seconds = time.monotonic() - began
        self.codes[code] += 1
        if code in _FORBIDDEN:
            return f"the code is {code}", code
        waits = case.method.endswith("/WaitOperation")
        if seconds > SLOWEST or (code == "DEADLINE_EXCEEDED" and not waits):
            return f"{SLOW} {seconds:.1f} s: {code}", code
        return "", code

    async def healthy(self) -> bool:
        """Return whether the server still answers."""
        return bool(await self._channel.unary_unary(CHECK)(b"", timeout=5) == SERVING)

    async def _outcome(self, case: Case) -> str:
        method = METHODS[case.method]
        try:
            if method.server_streaming:
                await self._stream(case, method)
            else:
                waits = method.name == "WaitOperation"
                await self._channel.unary_unary(case.method)(
                    case.request, timeout=_WAITING if waits else _TIMEOUT, metadata=case.metadata
                )
        except grpc.aio.AioRpcError as error:
            return "NOT_SENT" if error.details() == _NOT_SENT else error.code().name
        return "OK"

    async def _stream(self, case: Case, method: MethodDescriptor) -> None:
        if method.client_streaming:
            stream = self._channel.stream_stream(case.method)(iter([case.request] * 2), metadata=case.metadata)
        else:
            stream = self._channel.unary_stream(case.method)(case.request, metadata=case.metadata)
        try:
            async with asyncio.timeout(_STREAM_SECONDS):
                for _ in range(_STEPS):
                    if await stream.read() is grpc.aio.EOF:
                        break
        except TimeoutError:
            return
        finally:
            stream.cancel()


def reads(method: str) -> bool:
    """Return whether a method is read-only, by its name."""
    return METHODS[method].name.startswith(_READING)


def only_validates(case: Case) -> bool:
    """Return whether the request asks only for a plan."""
    try:
        request: Any = message_factory.GetMessageClass(METHODS[case.method].input_type).FromString(case.request)
    except DecodeError:
        return False
    return bool(getattr(request, "validate_only", False))


def new_case(method: str, rng: random.Random) -> Case:
    """A call of a method."""
    return Case(method, messages.request(METHODS[method].input_type, rng), messages.metadata(rng))


async def smaller(driver: Driver, case: Case, attempts: int = 60) -> Case:
    """Return a smaller failing case, without metadata and irrelevant fields."""
    if case.metadata and await driver.wrong(without := Case(case.method, case.request)):
        case = without
    try:
        message: Any = message_factory.GetMessageClass(METHODS[case.method].input_type).FromString(case.request)
    except DecodeError:
        return case
    holders = [message]
    while holders and attempts > 0:
        holder = holders.pop()
        for field, _ in list(holder.ListFields()):
            attempts -= 1
            kept = type(holder)()
            kept.CopyFrom(holder)
            holder.ClearField(field.name)
            tried = Case(case.method, message.SerializeToString(), case.metadata)
            if await driver.wrong(tried):
                case = tried
                continue
            holder.CopyFrom(kept)
            if field.message_type and not field.is_repeated:
                holders.append(getattr(holder, field.name))
    return case
