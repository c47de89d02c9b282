"""Errors for AWS's rejections."""

from __future__ import annotations

import botocore.loaders
import pytest
from ecrkeeper_server.api.messages.status import status_of_aws
from ecrkeeper_server.aws.failures import failure, is_throttle, no_answer, short_code
from ecrkeeper_server.aws_errors import Permanent, Temporary

P, T = Permanent, Temporary

# status, code as parsed, kind, reason of the error, whether it has a minimum delay, reason
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
    (400, "TooManyTags", P, "AWS_QUOTA_EXCEEDED", False, "a quota by another name"),
    (400, "TemplateNotFound", P, "AWS_NOT_FOUND", False, "ECR's way to say that it has none"),
    (404, "NoSuchEntity", P, "AWS_NOT_FOUND", False, "IAM's way"),
    (400, "SomethingNewNotFound", P, "AWS_NOT_FOUND", False, "a kind of resource that ECR will get"),
    (400, "PullThroughCacheRuleAlreadyExists", P, "AWS_ALREADY_EXISTS", False, "somebody was faster"),
    (409, "EntityAlreadyExists", P, "AWS_ALREADY_EXISTS", False, "IAM's way"),
    (400, "UnmodifiableEntity", P, "AWS_REJECTED", False, "a state of the role, not a wrong request"),
    (500, "TemplateNotFound", T, "AWS_UNAVAILABLE", False, "the status counts: AWS's own fault"),
    (400, "InvalidParameter", P, "AWS_REJECTED", False, "the declaration is invalid"),
    (400, "ValidationError", P, "AWS_REJECTED", False, "the declaration is invalid"),
    (400, "InvalidInput", P, "AWS_REJECTED", False, "IAM: the declaration is invalid"),
    (500, "Server", T, "AWS_UNAVAILABLE", False, "AWS's own fault"),
    (500, "InternalFailure", T, "AWS_UNAVAILABLE", False, "AWS's own fault"),
    (503, "ServiceUnavailable", T, "AWS_UNAVAILABLE", False, "AWS's own fault"),
    (409, "ConcurrentModification", T, "AWS_UNAVAILABLE", False, "somebody else changes it at the same moment"),
    (400, "RequestTimeout", T, "AWS_UNAVAILABLE", False, "AWS did not get all of the request in time"),
    (429, "SomethingNew", T, "AWS_UNAVAILABLE", False, "the status says it"),
    (400, "SomethingNew", P, "AWS_REJECTED", False, "unknown rejections are not repeated"),
]


@pytest.mark.parametrize(("status", "code", "kind", "reason", "delayed", "label"), TABLE)
def test_rejection_maps_to_reason(status: int, code: str, kind: type, reason: str, delayed: bool, label: str) -> None:
    error = failure("ecr", "PutRegistryPolicy", status, code, "words")
    assert (type(error), error.reason) == (kind, reason), label
    assert bool(getattr(error, "after", None)) is delayed, label
    assert (error.aws_code, error.operation) == (code, "PutRegistryPolicy")
    assert "words" in error.message
    assert "ecr:PutRegistryPolicy" in error.message


# code, text of AWS, code of gRPC, reason
GRPC_CODES = [
    ("LimitExceeded", "50 rules", "RESOURCE_EXHAUSTED", "a used-up quota"),
    ("PullThroughCacheRuleNotFound", "no rule", "NOT_FOUND", "not found in every call"),
    (
        "SecretNotFound",
        "no secret",
        "FAILED_PRECONDITION",
        "the secret is what the rule refers to, not what was asked for",
    ),
    ("TemplateAlreadyExists", "there", "ALREADY_EXISTS", "it exists"),
    ("InvalidInput", "Service role name X has been taken in this account", "ALREADY_EXISTS", "IAM's way to say so"),
    ("InvalidInput", "Custom suffix is not allowed", "INVALID_ARGUMENT", "the same code for a wrong request"),
    ("ReplicationBackfillInProgress", "runs", "FAILED_PRECONDITION", "a conflict"),
    ("ReplicationBackfillInvalidStatus", "done", "FAILED_PRECONDITION", "a conflict"),
    ("UnmodifiableEntity", "protected", "FAILED_PRECONDITION", "a conflict"),
    ("DeleteConflict", "in use", "FAILED_PRECONDITION", "a conflict"),
    ("Validation", "too long", "INVALID_ARGUMENT", "wrong by itself"),
    ("AccessDenied", "User x is not authorized to perform: iam:y", "FAILED_PRECONDITION", "a right is missing"),
]


@pytest.mark.parametrize(("code", "message", "grpc_code", "reason"), GRPC_CODES)
def test_failure_maps_to_grpc_code(code: str, message: str, grpc_code: str, reason: str) -> None:
    assert failure("ecr", "Some", 400, code, message).grpc_code == grpc_code, reason


def test_not_found_codes_of_models_are_recognized() -> None:
    loader = botocore.loaders.Loader()
    for service in ("ecr", "iam"):
        shapes = loader.load_service_model(service, "service-2")["shapes"]
        errors = {n: s.get("error", {}).get("code", n) for n, s in shapes.items() if s.get("exception")}
        missing = {short_code(code) for name, code in errors.items() if "NotFound" in name or "NoSuchEntity" in name}
        assert len(missing) > (5 if service == "ecr" else 0)
        for code in missing - {"SecretNotFound"}:
            assert failure(service, "Some", 400, code, "").grpc_code == "NOT_FOUND", code


def test_exceeded_quota_keeps_aws_message_without_delay() -> None:
    error = failure("ecr", "CreatePullThroughCacheRule", 400, "LimitExceeded", "at most 50 rules")
    assert [(q.subject, q.description) for q in error.quotas] == [
        ("ecr:CreatePullThroughCacheRule", "at most 50 rules")
    ]
    kinds = {detail.type_url.rpartition(".")[2] for detail in status_of_aws(error).details}
    assert kinds == {"ErrorInfo", "QuotaFailure"}


def test_unknown_service_principal_needs_no_permission() -> None:
    text = "template.ecr.amazonaws.com is not a valid AWS service name (Service Principal)"
    error = failure("iam", "CreateServiceLinkedRole", 403, "AccessDenied", text)
    assert (type(error), error.reason, error.grpc_code) == (P, "SERVICE_PRINCIPAL_UNKNOWN", "FAILED_PRECONDITION")
    assert "needs iam:" not in error.message and text in error.message


def test_rejected_policy_does_not_blame_scope_by_itself() -> None:
    text = "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid registry policy provided'"
    error = failure("ecr", "PutRegistryPolicy", 400, "InvalidParameter", text)
    assert (error.reason, error.grpc_code) == ("AWS_REJECTED", "INVALID_ARGUMENT")
    assert "SCOPE" not in error.message


# code on the wire, as parsed, reason
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


def test_throttling_codes_are_recognized() -> None:
    for code in ("ThrottlingException", "Throttling", "ThrottledException", "TooManyRequestsException", "SlowDown"):
        assert is_throttle(short_code(code)), code
    assert not is_throttle(short_code("LimitExceededException"))


def test_access_denied_names_missing_permission() -> None:
    assert "needs ecr:PutRegistryPolicy" in failure("ecr", "PutRegistryPolicy", 400, "AccessDenied", "").message
    assert "iam:AWSServiceName" in failure("iam", "CreateServiceLinkedRole", 403, "AccessDenied", "").message
    assert "trusted" in failure("sts", "AssumeRole", 403, "AccessDenied", "").message


def test_clock_skew_is_named_as_cause() -> None:
    assert "clock" in failure("ecr", "PutRegistryPolicy", 403, "RequestTimeTooSkewed", "").message
    assert "clock" not in failure("ecr", "PutRegistryPolicy", 400, "UnrecognizedClient", "").message


def test_missing_response_is_retryable() -> None:
    error = no_answer("ecr", "PutRegistryPolicy", TimeoutError())
    assert (error.reason, error.aws_code) == ("AWS_UNREACHABLE", "")
