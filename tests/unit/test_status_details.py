"""A status holds as much of an error as fits."""

from __future__ import annotations

import base64
import re
from typing import Any
from urllib.parse import quote

from ecrkeeper_server.api.messages.status import status_of_error, status_of_stored
from ecrkeeper_server.aws_errors import Permanent
from ecrkeeper_server.errors import (
    FailedPrecondition,
    InvalidArgument,
    PreconditionViolation,
    QuotaViolation,
    Violation,
    rejection,
)
from ecrkeeper_server.store.state_parts import StoredError
from ecrkeeper_server.store.text_limits import TextLimits
from google.rpc import error_details_pb2, status_pb2
from hypothesis import given
from hypothesis import strategies as st

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
FIELDS = st.lists(st.builds(Violation, TEXTS, TEXTS), min_size=1, max_size=120)
QUOTAS = st.lists(st.builds(QuotaViolation, TEXTS, TEXTS), max_size=20)
PLAIN = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")


def entries(status: status_pb2.Status, kind: Any, member: str) -> list[Any]:
    listed: list[Any] = []
    for detail in status.details:
        message = kind()
        if detail.Unpack(message):
            listed += getattr(message, member)
    return listed


def on_the_wire(status: status_pb2.Status) -> int:
    return len(base64.b64encode(status.SerializeToString())) + len(quote(status.message, safe=PLAIN))


def counted(violations: list[Any]) -> int:
    """Return the number of entries, including those that the last one counts."""
    last = re.fullmatch(r"and (\d+) more( violations)?", violations[-1].description) if violations else None
    return len(violations) - 1 + int(last[1]) if last else len(violations)


@given(FIELDS, QUOTAS)
def test_violations_fit_and_omissions_are_counted(fields: list[Violation], quotas: list[QuotaViolation]) -> None:
    status = status_of_error(InvalidArgument(fields, quotas), "0" * 36)
    assert on_the_wire(status) <= 8192 - 500
    assert counted(entries(status, error_details_pb2.BadRequest, "field_violations")) == len(fields)
    assert counted(entries(status, error_details_pb2.QuotaFailure, "violations")) == len(quotas)


@given(st.lists(st.builds(PreconditionViolation, TEXTS, TEXTS, TEXTS), min_size=1, max_size=120), QUOTAS)
def test_preconditions_fit_and_omissions_are_counted(
    rows: list[PreconditionViolation], quotas: list[QuotaViolation]
) -> None:
    error = FailedPrecondition("x" * 2000, reason="OWNER_CONFLICT", preconditions=rows, quotas=quotas)
    status = status_of_error(error, "0" * 36)
    assert on_the_wire(status) <= 8192 - 500
    assert counted(entries(status, error_details_pb2.PreconditionFailure, "violations")) == len(rows)


def test_stored_error_keeps_its_quotas() -> None:
    quotas = [QuotaViolation("ecr:Create", "50 rules")]
    stored = StoredError.of(Permanent("no", reason="AWS_QUOTA_EXCEEDED", grpc_code="RESOURCE_EXHAUSTED", quotas=quotas))
    (quota,) = entries(status_of_stored(stored), error_details_pb2.QuotaFailure, "violations")
    assert (quota.subject, quota.description) == ("ecr:Create", "50 rules")


def test_stored_error_of_an_older_replica_has_no_quotas() -> None:
    stored = StoredError.of(Permanent("no", reason="AWS_REJECTED"))
    assert "quotas" not in stored.to_json()
    assert [d.type_url.rpartition(".")[2] for d in status_of_stored(stored).details] == ["ErrorInfo"]


def test_rejection_prefers_violations_to_quotas() -> None:
    fault, quota = Violation("a", "odd"), Violation("b", "too much", "QUOTA_EXCEEDED")
    assert (rejection([quota]).code, rejection([quota]).quotas) == (
        "RESOURCE_EXHAUSTED", (QuotaViolation("b", "too much"),),
    )  # fmt: skip
    both = rejection([quota, fault])
    assert (both.code, both.violations, both.quotas) == (
        "INVALID_ARGUMENT", (fault,), (QuotaViolation("b", "too much"),),
    )  # fmt: skip


@given(st.lists(st.builds(PreconditionViolation, TEXTS, TEXTS, TEXTS), max_size=120), st.integers(0, 500))
def test_stored_error_counts_details_that_are_not_stored(rows: list[PreconditionViolation], omitted: int) -> None:
    error = StoredError(code="FAILED_PRECONDITION", reason="R", message="m", preconditions=rows, omitted=omitted)
    cut = error.within(TextLimits(details=50))
    assert len(cut.preconditions) == min(50, len(rows))
    violations = entries(status_of_stored(cut), error_details_pb2.PreconditionFailure, "violations")
    assert counted(violations) == len(rows) + omitted
    assert StoredError.from_json(cut.to_json()) == cut
