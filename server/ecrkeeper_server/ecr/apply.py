"""The writes to AWS as the audit trail has them: recorded before they are sent, completed afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ecrkeeper_server.aws.call import Call
from ecrkeeper_server.aws.client import Aws
from ecrkeeper_server.aws.transport import Fence
from ecrkeeper_server.aws.writer import writer_of
from ecrkeeper_server.aws_errors import AwsError
from ecrkeeper_server.settings.elements import Change, ChangeKind
from ecrkeeper_server.store import audit
from ecrkeeper_server.store.audit import Completion, NewEvent
from ecrkeeper_server.store.database import Tx

# There was no answer that says whether the write had its effect.
_UNKNOWN = frozenset({"AWS_UNREACHABLE", "AWS_ANSWER_INVALID", "WRONG_ACCOUNT"})


@dataclass(slots=True)
class AwsWrite:
    """One call that changes something in AWS, from its record to its outcome."""

    account: str
    region: str
    service: str
    operation: str
    params: dict[str, Any]
    changes: Sequence[Change]
    owners: Sequence[str] = ()
    id: int = 0
    outcome: str = "NOT_SENT"
    aws_error_code: str = ""
    aws_request_id: str = ""

    def event(self, resource: str, **known: Any) -> NewEvent:
        """What the trail is to say before the call is sent: that its outcome is not known."""
        return NewEvent(
            kind="AWS_WRITE",
            method=f"{self.service}:{self.operation}",
            resource=resource,
            account=self.account,
            region=self.region,
            owners=self.owners,
            changes=self.changes,
            outcome="UNKNOWN",
            **known,
        )

    async def send(self, aws: Aws, fence: Fence | None = None, ready: Fence | None = None) -> dict[str, Any]:
        """The answer of AWS; raises Permanent or Temporary, or what `fence` or `ready` raises."""

        async def sending() -> None:
            if fence is not None:
                await fence()
            # From here on AWS may have seen it.
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
            # Our own rate limit, no credentials, another account's, or no role to assume: AWS has not seen the call.
            self.outcome = "NOT_SENT"
        elif error.reason in _UNKNOWN:
            # It may have had its effect, and where the credentials were those of another account, there.
            return
        elif not error.aws_code:
            # Against AWS's model, so it was not sent.
            self.outcome = "NOT_SENT"
        else:
            self.aws_error_code, self.aws_request_id = error.aws_code, error.aws_request_id
            # AWS's own fault, and so perhaps one that came after the effect.
            self.outcome = "UNKNOWN" if error.reason == "AWS_UNAVAILABLE" else "FAILED"


def complete(tx: Tx, writes: Iterable[AwsWrite]) -> None:
    """Record how the writes of a step ended."""
    audit.complete(tx, [Completion(w.id, w.outcome, w.aws_error_code, w.aws_request_id) for w in writes if w.id])


def change(setting: str, key: str, before: Any, after: Any) -> Change:
    """One change, with the kind that before and after make it."""
    kind = ChangeKind.ADD if before is None else ChangeKind.REMOVE if after is None else ChangeKind.UPDATE
    return Change(setting, key, kind, before, after)
