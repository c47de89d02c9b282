"""Write to AWS, with an audit record before each call and its outcome after it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from ecrkeeper_server.aws.call import Call
from ecrkeeper_server.aws.client import Aws
from ecrkeeper_server.aws.transport import Fence
from ecrkeeper_server.aws.writer import writer_of
from ecrkeeper_server.aws_errors import AwsError
from ecrkeeper_server.settings.elements import Change, ChangeKind
from ecrkeeper_server.store import audit_stream
from ecrkeeper_server.store.audit import NewEvent
from ecrkeeper_server.store.audit_stream import Completion
from ecrkeeper_server.store.database import Tx

# Without an answer, nobody knows whether the write had an effect.
_UNKNOWN = frozenset({"AWS_UNREACHABLE", "AWS_ANSWER_INVALID", "WRONG_ACCOUNT"})


class AwsWrite(Struct):
    """One mutating AWS call, from its record to its outcome."""

    account: str
    region: str
    service: str
    operation: str
    params: dict[str, Any]
    changes: Sequence[Change]
    owners: Sequence[str] = ()
    # The reason of a call that changes nothing.
    reason: str = ""
    id: int = 0
    outcome: str = "NOT_SENT"
    aws_error_code: str = ""
    aws_request_id: str = ""

    def event(self, resource: str, **known: Any) -> NewEvent:
        """Return the audit record to store before sending, with an unknown outcome."""
        return NewEvent(
            kind="AWS_WRITE",
            method=f"{self.service}:{self.operation}",
            resource=resource,
            account=self.account,
            region=self.region,
            owners=self.owners,
            changes=self.changes,
            reason=self.reason,
            outcome="UNKNOWN",
            **known,
        )

    async def send(self, aws: Aws, fence: Fence | None = None, ready: Fence | None = None) -> dict[str, Any]:
        """Return AWS's answer.

        Raises Permanent or Temporary, or the errors of `fence` and `ready`.
        """

        async def sending() -> None:
            if fence is not None:
                await fence()
            # From here on, AWS may have received the call.
            self.outcome = "UNKNOWN"

        try:
            call = Call(self.account, self.region, self.service, self.operation, self.params, sending, ready)
            answer = await writer_of(aws).write(call)
        except AwsError as error:
            self._failed(error)
            raise
        self.outcome = "SUCCEEDED"
        self.aws_request_id = answer.get("ResponseMetadata", {}).get("RequestId", "")
        return {name: value for name, value in answer.items() if name != "ResponseMetadata"}

    def _failed(self, error: AwsError) -> None:
        if error.operation != self.operation:
            # The rate limit or the credentials prevented the call: AWS did not receive it.
            self.outcome = "NOT_SENT"
        elif error.reason in _UNKNOWN:
            # The call may have had an effect, even in the account of the wrong credentials.
            return
        elif not error.aws_code:
            # The call violates AWS's model, so it was not sent.
            self.outcome = "NOT_SENT"
        else:
            self.aws_error_code, self.aws_request_id = error.aws_code, error.aws_request_id
            # AWS failed internally, perhaps after the effect.
            self.outcome = "UNKNOWN" if error.reason == "AWS_UNAVAILABLE" else "FAILED"


def complete(tx: Tx, writes: Iterable[AwsWrite]) -> None:
    """Record the outcomes of an attempt's writes."""
    audit_stream.complete(tx, [Completion(w.id, w.outcome, w.aws_error_code, w.aws_request_id) for w in writes if w.id])


def change(setting: str, key: str, before: Any, after: Any) -> Change:
    """Return one change, with the kind that follows from its values."""
    kind = ChangeKind.ADD if before is None else ChangeKind.REMOVE if after is None else ChangeKind.UPDATE
    return Change(setting, key, kind, before, after)
