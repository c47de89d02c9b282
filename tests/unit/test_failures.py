"""What AWS's refusals mean."""

from __future__ import annotations

import pytest
from ecrkeeper_server.aws.failures import failure, is_throttle, no_answer, short_code
from ecrkeeper_server.errors import Permanent, Temporary

P, T = Permanent, Temporary

# status, code as parsed, kind, reason of the error, whether it has a least delay, why
TABLE = [
    (400, "Throttling", T, "AWS_THROTTLED", False, "slow down"),
    (400, "Throttled", T, "AWS_THROTTLED", False, "ThrottledException without its suffix"),
    (400, "RequestLimitExceeded", T, "AWS_THROTTLED", False, "EC2's word for it"),
    (429, "TooManyRequests", T, "AWS_THROTTLED", False, "HTTP's word for it"),
    (503, "SlowDown", T, "AWS_THROTTLED", False, "S3's word for it"),
    (400, "LimitExceeded", P, "AWS_QUOTA_EXCEEDED", False, "a used-up quota is no throttle"),
    (409, "LimitExceeded", P, "AWS_QUOTA_EXCEEDED", False, "IAM's form of it"),
    (403, "AccessDenied", T, "AWS_ACCESS_DENIED", True, "a permission may be given at any moment"),
    (400, "UnrecognizedClient", T, "AWS_CREDENTIALS_REJECTED", True, "a Region that is not enabled"),
    (403, "ExpiredToken", T, "AWS_CREDENTIALS_REJECTED", True, "the session ended"),
    (400, "RequestExpired", T, "AWS_CREDENTIALS_REJECTED", True, "the clock may be set right"),
    (403, "RequestTimeTooSkewed", T, "AWS_CREDENTIALS_REJECTED", True, "the clock may be set right"),
    (400, "SecretNotFound", T, "SECRET_UNUSABLE", True, "the secret may be made"),
    (400, "UnableToAccessSecret", T, "SECRET_UNUSABLE", True, "the secret may be made readable"),
    (400, "BlockedByOrganizationPolicy", P, "BLOCKED_BY_ORGANIZATION_POLICY", False, "an organization's rule"),
    (400, "ReplicationBackfillInProgress", P, "BACKFILL_IN_PROGRESS", False, "another one runs"),
    (400, "InvalidParameter", P, "AWS_REFUSED", False, "the wish is wrong"),
    (400, "ValidationError", P, "AWS_REFUSED", False, "the wish is wrong"),
    (400, "InvalidInput", P, "AWS_REFUSED", False, "IAM: the wish is wrong"),
    (500, "Server", T, "AWS_UNAVAILABLE", False, "AWS's own fault"),
    (500, "InternalFailure", T, "AWS_UNAVAILABLE", False, "AWS's own fault"),
    (503, "ServiceUnavailable", T, "AWS_UNAVAILABLE", False, "AWS's own fault"),
    (409, "ConcurrentModification", T, "AWS_UNAVAILABLE", False, "somebody else changes it at the same moment"),
    (400, "RequestTimeout", T, "AWS_UNAVAILABLE", False, "AWS did not get all of the request in time"),
    (429, "SomethingNew", T, "AWS_UNAVAILABLE", False, "the status says it"),
    (400, "SomethingNew", P, "AWS_REFUSED", False, "unknown refusals are not repeated for ever"),
]


@pytest.mark.parametrize(("status", "code", "kind", "reason", "delayed", "why"), TABLE)
def test_a_refusal_has_a_meaning(status: int, code: str, kind: type, reason: str, delayed: bool, why: str) -> None:
    error = failure("ecr", "PutRegistryPolicy", status, code, "words")
    assert (type(error), error.reason) == (kind, reason), why
    assert bool(getattr(error, "after", None)) is delayed, why
    assert (error.aws_code, error.operation) == (code, "PutRegistryPolicy")
    assert "words" in error.message
    assert "ecr:PutRegistryPolicy" in error.message


# code on the wire, as it is read here, reason
CODES = [
    ("LimitExceededException", "LimitExceeded", "ECR's suffix"),
    ("LimitExceeded", "LimitExceeded", "IAM has none"),
    ("ConcurrentModificationException", "ConcurrentModification", "both forms are known by one name"),
    ("com.amazonaws.ecr#ServerException", "Server", "a namespace in front"),
    ("ThrottlingException:http://internal.amazon.com/", "Throttling", "an address behind"),
    ("Exception", "Exception", "nothing but the suffix"),
    ("400", "400", "no code at all"),
]


@pytest.mark.parametrize(("code", "short", "reason"), CODES)
def test_codes_are_shortened(code: str, short: str, reason: str) -> None:
    assert short_code(code) == short, reason


def test_every_code_of_a_throttle_is_recognised_as_it_is_read_from_the_wire() -> None:
    for code in ("ThrottlingException", "Throttling", "ThrottledException", "TooManyRequestsException", "SlowDown"):
        assert is_throttle(short_code(code)), code
    assert not is_throttle(short_code("LimitExceededException"))


def test_access_denied_names_the_permission_that_is_missing() -> None:
    assert "needs ecr:PutRegistryPolicy" in failure("ecr", "PutRegistryPolicy", 400, "AccessDenied", "").message
    assert "iam:AWSServiceName" in failure("iam", "CreateServiceLinkedRole", 403, "AccessDenied", "").message
    assert "trusted" in failure("sts", "AssumeRole", 403, "AccessDenied", "").message


def test_a_clock_that_is_wrong_is_named_as_the_cause() -> None:
    assert "clock" in failure("ecr", "PutRegistryPolicy", 403, "RequestTimeTooSkewed", "").message
    assert "clock" not in failure("ecr", "PutRegistryPolicy", 400, "UnrecognizedClient", "").message


def test_no_answer_is_temporary() -> None:
    error = no_answer("ecr", "PutRegistryPolicy", TimeoutError())
    assert (error.reason, error.aws_code) == ("AWS_UNREACHABLE", "")
