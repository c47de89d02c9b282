"""Replication as one intent.

Both sides are declared in order, a backfill copies images, and each image that did not arrive is reported.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import grpc

from ecrkeeper import names
from ecrkeeper._errors import DeadlineExceeded, FailedPrecondition, NotFound, OperationFailed, RegistryError
from ecrkeeper._pager import AsyncPager, Pager
from ecrkeeper._plans import WritePlan
from ecrkeeper._replication import declarations, registries
from ecrkeeper.v1.registry_pb2 import ReplicationBackfill, ReplicationCheck

if TYPE_CHECKING:
    from ecrkeeper._aio import AsyncClient
    from ecrkeeper._client import Client

T = TypeVar("T")
# A call that a client is to make, and its result; both clients carry out the same steps.
Step = Callable[[Any], Any]
Steps = Generator[Step, Any, T]

_POLL_SECONDS = 1.0
_RUNNING = (ReplicationBackfill.PREPARING, ReplicationBackfill.IN_PROGRESS, ReplicationBackfill.STOPPING)


@dataclass(frozen=True, slots=True)
class _Pause:
    seconds: float


@dataclass(frozen=True, slots=True)
class MissingImage:
    """An image that was at the source and did not arrive; `reason` is ECR's code."""

    repository: str
    digest: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReplicationResult:
    """The images at one destination; true if all that were at the source have arrived.

    `reason` says why it is not known, or why none arrive. `arrived` counts the images of the last backfill.
    """

    destination: str
    arrived: int = 0
    missing: tuple[MissingImage, ...] = ()
    reason: str = ""

    def __bool__(self) -> bool:
        return not self.missing and not self.reason


@dataclass(frozen=True, slots=True)
class Replication:
    """The plans of all sides in their order, and the result at each destination."""

    plans: tuple[WritePlan, ...]
    results: tuple[ReplicationResult, ...] = ()


@dataclass(frozen=True, slots=True)
class Intent:
    """One replication with its options; ValueError for a name that is no registry."""

    source: str
    destinations: Sequence[str]
    owner: str
    prefixes: Sequence[str]
    template: bool
    reason: str
    seconds: float

    def plans(self) -> Steps[tuple[WritePlan, ...]]:
        """Plan each side.

        The server's errors are those of `apply_registry_settings`.
        """
        made = []
        for name, settings in self._declarations().items():
            made.append((yield _call("plan", name, settings)))
        return tuple(made)

    def carry_out(self, *, backfill: bool) -> Steps[tuple[ReplicationResult, ...]]:
        """Declare all sides and wait for each, then return the result at each destination."""
        end = time.monotonic() + self.seconds
        for name, settings in self._declarations().items():
            yield _call("apply_registry_settings", name, settings, reason=self.reason)
            yield _call("wait_until_synced", name, _left(end))
        (source,) = map(str, registries("source", [self.source]))
        checked = yield _call("check_replication", source, timeout=60)
        accepts = {_place(check): check for check in checked.checks}
        results = []
        for each in map(str, registries("destination", self.destinations)):
            check = accepts.get(each)
            if check is not None and check.result == ReplicationCheck.BROKEN:
                results.append(ReplicationResult(each, reason="; ".join(found.message for found in check.findings)))
            elif backfill:
                results.append((yield from self._backfilled(source, each, end)))
            else:
                results.append(ReplicationResult(each))
        return tuple(results)

    def _declarations(self) -> dict[str, dict[str, object]]:
        (source,) = registries("source", [self.source])
        destinations = registries("destination", self.destinations)
        return declarations(source, destinations, self.owner, self.prefixes, template=self.template)

    def _backfilled(self, source: str, destination: str, end: float) -> Steps[ReplicationResult]:
        try:
            last = yield from self._ended(source, destination, end)
        except DeadlineExceeded as error:
            return ReplicationResult(destination, reason=f"the backfill has not ended: {error}")
        except RegistryError as error:
            return ReplicationResult(destination, reason=f"ECR has no backfill of it: {error}")
        failed = yield _call("list_replication_backfill_results", last.name, status="FAILED")
        missing = tuple(
            MissingImage(each.repository_name, each.image_digest or each.image_tag, each.failure_code)
            for each in failed
            if not self.prefixes or each.repository_name.startswith(tuple(self.prefixes))
        )
        stopped = last.status == ReplicationBackfill.STOPPED
        reason = "the backfill was stopped" if stopped else "" if missing else last.failure_code
        return ReplicationResult(destination, last.completed_replication_count, missing, reason)

    def _ended(self, source: str, destination: str, end: float) -> Steps[ReplicationBackfill]:
        """Return an ended backfill.

        Start one unless one copied everything already.
        """
        place = names.parse(destination)
        where = {"region": place.region, "registryId": place.account}
        found = yield from _newest(source, place)
        if found is None or not (found.status in _RUNNING or (yield from self._is_enough(source, found))):
            try:
                operation = yield _call("start_replication_backfill", source, where)
                ended: ReplicationBackfill = yield lambda _: operation.result(_left(end))
            except OperationFailed:
                # The backfill ended with too many failures; its results name them.
                found = yield from _newest(source, place)
                if found is None or found.status != ReplicationBackfill.FAILED:
                    raise
            except FailedPrecondition as error:
                found = yield from _newest(source, place)
                if error.reason != "BACKFILL_IN_PROGRESS" or found is None:
                    raise
            else:
                return ended
        while found.status in _RUNNING:
            yield lambda _: _Pause(min(_POLL_SECONDS, _left(end)))
            found = yield _call("get_replication_backfill", found.name)
        return found

    def _is_enough(self, source: str, found: ReplicationBackfill) -> Steps[bool]:
        """Whether a backfill copied everything after these rules were declared."""
        here = names.parse(source)
        name = names.settings(here.account, here.region, self.owner)
        declared = yield _call("get_registry_settings", name)
        begun = found.start_time.ToNanoseconds() >= declared.update_time.ToNanoseconds()
        return bool(begun and found.status == ReplicationBackfill.COMPLETE and not found.failed_replication_count)


def _call(method: str, *arguments: Any, **options: Any) -> Step:
    return lambda client: getattr(client, method)(*arguments, **options)


def _newest(source: str, place: names.Name) -> Steps[ReplicationBackfill | None]:
    for each in (yield _call("list_replication_backfills", source)):
        if (each.destination.registry_id, each.destination.region) == (place.account, place.region):
            newest: ReplicationBackfill = each
            return newest
    return None


def undo(source: str, destinations: Iterable[str], owner: str, reason: str) -> Steps[list[str]]:
    """Delete the declarations of a replication, the source's first.

    Return the names of those that existed.
    """
    places = [*registries("source", [source]), *registries("destination", destinations)]
    deleted = []
    for name in (names.settings(place.account, place.region, owner) for place in places):
        try:
            yield _call("delete_registry_settings", name, reason=reason)
        except NotFound:
            continue
        deleted.append(name)
    return deleted


def run(steps: Steps[T], client: Client) -> T:
    """Carry out steps with a client and return their result."""
    send: Callable[[], Step] = lambda: next(steps)  # noqa: E731
    while True:
        try:
            step = send()
        except StopIteration as ended:
            result: T = ended.value
            return result
        try:
            answer = step(client)
            if isinstance(answer, _Pause):
                time.sleep(answer.seconds)
            answer = list(answer) if isinstance(answer, Pager) else answer
        except RegistryError as error:
            send = lambda error=error: steps.throw(error)  # type: ignore[misc]  # noqa: E731
        else:
            send = lambda answer=answer: steps.send(answer)  # type: ignore[misc]  # noqa: E731


async def run_async(steps: Steps[T], client: AsyncClient) -> T:
    """Carry out steps with an asynchronous client and return their result."""
    send: Callable[[], Step] = lambda: next(steps)  # noqa: E731
    while True:
        try:
            step = send()
        except StopIteration as ended:
            result: T = ended.value
            return result
        try:
            answer = step(client)
            if isinstance(answer, _Pause):
                await asyncio.sleep(answer.seconds)
            elif isinstance(answer, AsyncPager):
                answer = [each async for each in answer]
            elif inspect.isawaitable(answer):
                answer = await answer
        except RegistryError as error:
            send = lambda error=error: steps.throw(error)  # type: ignore[misc]  # noqa: E731
        else:
            send = lambda answer=answer: steps.send(answer)  # type: ignore[misc]  # noqa: E731


def _place(check: ReplicationCheck) -> str:
    return names.registry(check.destination.registry_id, check.destination.region)


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise DeadlineExceeded("the replication was not done in time", code=grpc.StatusCode.DEADLINE_EXCEEDED)
    return left
