"""The images of a registry that arrive at one destination.

A backfill copies them. Where ECR rejects it, the replication status of each image says which have arrived.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ecrkeeper import names
from ecrkeeper._errors import DeadlineExceeded, FailedPrecondition, OperationFailed, RegistryError
from ecrkeeper._steps import Pause, Step, Steps, call, seconds_until
from ecrkeeper.v1.registry_pb2 import ImageReplicationStatus, ReplicationBackfill

_POLL_SECONDS = 1.0
# A poll of images is a call to ECR for each of them.
_LONGEST_POLL_SECONDS = 30.0
_PAGE_SECONDS = 60.0
_RUNNING = (ReplicationBackfill.PREPARING, ReplicationBackfill.IN_PROGRESS, ReplicationBackfill.STOPPING)
_COMPLETE, _IN_PROGRESS, _NOT_REPLICATED = "COMPLETE", "IN_PROGRESS", "NOT_REPLICATED"
# ECR's answer to an operation that it does not have, which is so in some Regions.
_UNKNOWN = ("UnknownOperation", "UnknownOperationException")


@dataclass(frozen=True, slots=True)
class MissingImage:
    """An image that was at the source and did not arrive.

    `reason` is ECR's code; IN_PROGRESS or NOT_REPLICATED for an image that has none.
    """

    repository: str
    digest: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReplicationResult:
    """The images at one destination; true if all that were at the source have arrived.

    `reason` says why it is not known, why none arrive, or why ECR copies no images. `arrived` counts the images of the
    last backfill, or those whose replication status is COMPLETE.
    """

    destination: str
    arrived: int = 0
    missing: tuple[MissingImage, ...] = ()
    reason: str = ""

    def __bool__(self) -> bool:
        return not self.missing and not self.reason


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The way of one owner's images to one destination.

    `declaration` is that of the source's rules, and `end` a moment of the monotonic clock.
    """

    source: str
    destination: str
    declaration: str
    prefixes: Sequence[str]
    end: float

    def result(self) -> Steps[ReplicationResult]:
        """Copy the images, and return which have arrived."""
        try:
            last = yield from self._ended()
        except DeadlineExceeded as error:
            return ReplicationResult(self.destination, reason=f"the backfill has not ended: {error}")
        except RegistryError as error:
            if not _is_of_aws(error):
                return ReplicationResult(self.destination, reason=f"the backfill was not started: {error}")
            return (yield from self._by_status(error))
        failed = yield call("list_replication_backfill_results", last.name, status="FAILED")
        missing = tuple(
            MissingImage(each.repository_name, each.image_digest or each.image_tag, each.failure_code)
            for each in failed
            if not self.prefixes or each.repository_name.startswith(tuple(self.prefixes))
        )
        stopped = last.status == ReplicationBackfill.STOPPED
        reason = "the backfill was stopped" if stopped else "" if missing else last.failure_code
        return ReplicationResult(self.destination, last.completed_replication_count, missing, reason)

    @property
    def _where(self) -> dict[str, str]:
        place = names.parse(self.destination)
        return {"region": place.region, "registryId": place.account}

    def _ended(self) -> Steps[ReplicationBackfill]:
        """Return an ended backfill.

        Start one unless one copied everything already.
        """
        latest = yield from self._newest()
        if latest is None or not (latest.status in _RUNNING or (yield from self._is_enough(latest))):
            try:
                operation = yield call("start_replication_backfill", self.source, self._where)
                ended: ReplicationBackfill = yield lambda _: operation.result(seconds_until(self.end))
            except OperationFailed:
                # A backfill that ended with too many failures has results that name them.
                before, latest = latest, (yield from self._newest())
                if latest is None or latest.status != ReplicationBackfill.FAILED or latest == before:
                    raise
            except FailedPrecondition as error:
                latest = yield from self._newest()
                if error.reason != "BACKFILL_IN_PROGRESS" or latest is None:
                    raise
            else:
                return ended
        while latest.status in _RUNNING:
            yield self._pause(_POLL_SECONDS)
            latest = yield call("get_replication_backfill", latest.name)
        return latest

    def _newest(self) -> Steps[ReplicationBackfill | None]:
        where = self._where
        for each in (yield call("list_replication_backfills", self.source)):
            if (each.destination.registry_id, each.destination.region) == (where["registryId"], where["region"]):
                newest: ReplicationBackfill = each
                return newest
        return None

    def _is_enough(self, backfill: ReplicationBackfill) -> Steps[bool]:
        """Whether a backfill copied everything after these rules were declared."""
        declared = yield call("get_registry_settings", self.declaration)
        begun = backfill.start_time.ToNanoseconds() >= declared.update_time.ToNanoseconds()
        return bool(begun and backfill.status == ReplicationBackfill.COMPLETE and not backfill.failed_replication_count)

    def _by_status(self, rejected: RegistryError) -> Steps[ReplicationResult]:
        """Return which images have arrived by their status, without a backfill."""
        reason = _reason(rejected)
        seconds = _POLL_SECONDS
        while True:
            try:
                statuses = yield call(
                    "list_image_replication_statuses",
                    self.source,
                    self._where,
                    repository_prefixes=self.prefixes,
                    timeout=_PAGE_SECONDS,
                )
            except RegistryError as error:
                return ReplicationResult(self.destination, reason=f"{reason}; the images are not known: {error}")
            missing = tuple(_missing(statuses))
            if all(each.reason != _IN_PROGRESS for each in missing):
                break
            try:
                yield self._pause(seconds)
            except DeadlineExceeded:
                break
            seconds = min(2 * seconds, _LONGEST_POLL_SECONDS)
        return ReplicationResult(self.destination, len(statuses) - len(missing), missing, reason if missing else "")

    def _pause(self, seconds: float) -> Step:
        pause = Pause(min(seconds, seconds_until(self.end)))
        return lambda _: pause


def _missing(statuses: Sequence[ImageReplicationStatus]) -> Iterator[MissingImage]:
    for each in statuses:
        if each.status != _COMPLETE:
            reason = each.failure_code or each.status or _NOT_REPLICATED
            yield MissingImage(each.repository_name, each.image_digest, reason)


def _is_of_aws(error: RegistryError) -> bool:
    """Return whether AWS rejected a backfill, and not ecrkeeper."""
    return "aws_code" in error.metadata


def _reason(error: RegistryError) -> str:
    code: Any = error.metadata.get("aws_code")
    return f"{'ECR has no backfill of it' if code in _UNKNOWN else 'ECR rejects the backfill'}: {error}"
