"""The details of a status, with as many violations as its carrier can hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2

from ecrkeeper_server.errors import PreconditionViolation, QuotaViolation, Violation

DOMAIN = "ecrkeeper"
# Clients accept 8 KiB of trailing metadata, counted as HTTP/2 does: name, value and 32 bytes for each entry.
_METADATA_BYTES = 8192
# `:status`, `content-type`, `grpc-status`, the call's id, the retry delay, and the names of all
# entries.
_OTHER_BYTES = 700
# The error of a resource or an operation is in the body of an answer, which has more capacity.
STORED_BYTES = 20_000
_MESSAGE_CHARACTERS, _MESSAGE_BYTES = 1_000, 2_000
_VALUE_BYTES = 512
# The type and the lengths around a packed detail, and an entry with the number of omitted ones.
_AROUND, _MORE = 64, 96


class Details:
    """A builder of a status; it adds violations as far as they fit."""

    def __init__(self, code: str, message: str, size: int | None = None) -> None:
        text = _cut(message[:_MESSAGE_CHARACTERS], _MESSAGE_BYTES, lambda part: len(quote(part, safe=_PLAIN)))
        self.status = status_pb2.Status(code=code_pb2.Code.Value(code), message=text)
        if size is None:
            # The details are sent in base64, and the message again as `grpc-message`.
            size = (_METADATA_BYTES - _OTHER_BYTES - len(quote(text, safe=_PLAIN))) * 3 // 4
        self._size = size

    def info(self, reason: str, metadata: Mapping[str, str]) -> None:
        """Add the reason code and its metadata."""
        values = {key: _cut(value, _VALUE_BYTES, _utf8) for key, value in metadata.items()}
        self._add(error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN, metadata=values))

    def resource(self, kind: str, name: str) -> None:
        """Add the resource."""
        name = _cut(name, _VALUE_BYTES, _utf8)
        self._add(error_details_pb2.ResourceInfo(resource_type=f"ecrkeeper/{kind}", resource_name=name))

    def retry(self, seconds: float) -> None:
        """Add the retry delay."""
        delay = duration_pb2.Duration(seconds=int(seconds), nanos=int(seconds % 1 * 1e9))
        self._add(error_details_pb2.RetryInfo(retry_delay=delay))

    def violations(
        self,
        fields: Sequence[Violation] = (),
        quotas: Sequence[QuotaViolation] = (),
        preconditions: Sequence[PreconditionViolation] = (),
        *,
        omitted: int = 0,
    ) -> None:
        """Add the violations, those of fields first; call this method last.

        `omitted` counts those that are not given, of the last kind.
        """
        lists = [self._fields(fields), self._quotas(quotas), self._preconditions(preconditions)]
        present = [each for each in lists if each[2]] or (lists[2:] if omitted else [])
        for at, (detail, member, entries, more) in enumerate(present):
            # Reserve capacity for the minimum of the following lists.
            kept = (len(present) - at - 1) * (_AROUND + _MORE)
            capacity = self._size - self.status.ByteSize() - _AROUND - kept
            _fill(getattr(detail, member), entries, more, capacity, omitted if at == len(present) - 1 else 0)
            self._add(detail)

    def _add(self, detail: Message) -> None:
        packed = any_pb2.Any()
        packed.Pack(detail)
        self.status.details.append(packed)

    def _fields(self, violations: Sequence[Violation]) -> _List:
        kind = error_details_pb2.BadRequest.FieldViolation
        # The last violation marks that the check stopped counting.
        endless = bool(violations) and violations[-1].reason == "MORE_VIOLATIONS"
        entries = [
            kind(field=v.field[:256], description=v.description[:400], reason=v.reason)
            for v in (violations[:-1] if endless else violations)
        ]

        def more(remaining: int) -> Any:
            count = f"at least {remaining - 1} more" if endless else f"{remaining} more"
            return kind(description=f"and {count} violations", reason="MORE_VIOLATIONS")

        if endless:
            entries.append(kind(description="and more violations", reason="MORE_VIOLATIONS"))
        return error_details_pb2.BadRequest(), "field_violations", entries, more

    def _quotas(self, violations: Sequence[QuotaViolation]) -> _List:
        kind = error_details_pb2.QuotaFailure.Violation
        entries = [kind(subject=q.subject[:256], description=q.description[:400]) for q in violations]
        return (
            error_details_pb2.QuotaFailure(),
            "violations",
            entries,
            lambda remaining: kind(description=f"and {remaining} more"),
        )

    def _preconditions(self, violations: Sequence[PreconditionViolation]) -> _List:
        kind = error_details_pb2.PreconditionFailure.Violation
        entries = [kind(type=p.type, subject=p.subject[:256], description=p.description[:400]) for p in violations]
        return (
            error_details_pb2.PreconditionFailure(),
            "violations",
            entries,
            lambda remaining: kind(type="MORE", description=f"and {remaining} more"),
        )


_List = tuple[Message, str, list[Any], Callable[[int], Any]]

# The characters that `grpc-message` does not escape: printable ASCII except the percent sign.
_PLAIN = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")


def _fill(holder: Any, entries: Iterable[Any], more: Callable[[int], Any], capacity: int, omitted: int) -> None:
    """Add entries up to the capacity; the last one has the number of omitted ones."""
    waiting = list(entries)
    for at, entry in enumerate(waiting):
        # The tag and the length of an entry take up to four bytes.
        needed, remaining = entry.ByteSize() + 4, len(waiting) - at + omitted
        if needed + (_MORE if remaining > 1 else 0) > capacity:
            holder.append(more(remaining))
            return
        holder.append(entry)
        capacity -= needed
    if omitted:
        holder.append(more(omitted))


def _utf8(text: str) -> int:
    return len(text.encode())


def _cut(text: str, size: int, measure: Callable[[str], int]) -> str:
    """Return the longest prefix of a text of at most `size` bytes."""
    if measure(text) <= size:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if measure(text[:middle]) <= size else (low, middle - 1)
    return text[:low]
