"""The errors of SQS, with the codes that clients of its old query protocol know."""

from __future__ import annotations

from ecrkeeper_sim.constraints import Violation
from ecrkeeper_sim.errors import AwsError

_OLD = "AWS.SimpleQueueService."

# Attributes of messages, which queues do not have.
MESSAGE_ATTRIBUTES = frozenset(
    {
        "SenderId",
        "SentTimestamp",
        "ApproximateReceiveCount",
        "ApproximateFirstReceiveTimestamp",
        "SequenceNumber",
        "MessageDeduplicationId",
        "MessageGroupId",
        "AWSTraceHeader",
        "DeadLetterQueueSourceArn",
    }
)


def no_such_queue() -> AwsError:
    """Return the error for a queue that does not exist."""
    return AwsError("QueueDoesNotExist", "The specified queue does not exist.", query_code=f"{_OLD}NonExistentQueue")


def queue_exists() -> AwsError:
    """Return the error for a queue that exists with other attributes."""
    message = "A queue already exists with the same name and a different value for an attribute"
    return AwsError("QueueNameExists", message, query_code="QueueAlreadyExists")


def invalid_address(url: str) -> AwsError:
    """Return the error for the URL of another Region, or for none at all."""
    return AwsError(
        "InvalidAddress", f"The address {url} is not valid for this endpoint.", 404, query_code="InvalidAddress"
    )


def invalid_attribute_name(name: str) -> AwsError:
    """Return the error for an attribute that SQS does not know."""
    return AwsError("InvalidAttributeName", f"Unknown Attribute {name}.", query_code="InvalidAttributeName")


def invalid_attribute_value(name: str) -> AwsError:
    """Return the error for a value that an attribute cannot have."""
    message = f"Invalid value for the parameter {name}."
    return AwsError("InvalidAttributeValue", message, query_code="InvalidAttributeValue")


def invalid_value(name: str, value: object, reason: str) -> AwsError:
    """Return the error for a parameter out of its range."""
    message = f"Value {value} for parameter {name} is invalid. Reason: {reason}"
    return AwsError("InvalidParameterValue", message, query_code="InvalidParameterValue")


def missing(name: str) -> AwsError:
    """Return the error for a parameter that is absent."""
    message = f"The request must contain the parameter {name}."
    return AwsError("MissingParameter", message, query_code="MissingParameter")


def invalid_handle(handle: str) -> AwsError:
    """Return the error for a receipt handle that the queue did not issue."""
    message = f'The input receipt handle "{handle[:200]}" is not a valid receipt handle.'
    return AwsError("ReceiptHandleIsInvalid", message, 404, query_code="ReceiptHandleIsInvalid")


def not_in_flight() -> AwsError:
    """Return the error for the visibility of a message that is not in flight."""
    return AwsError("MessageNotInflight", "The message is not in flight.", query_code=f"{_OLD}MessageNotInflight")


def batch(code: str, message: str) -> AwsError:
    """Return an error for a whole batch."""
    return AwsError(code, message, query_code=_OLD + code)


def unsupported(message: str) -> AwsError:
    """Return the error for parts of SQS that are not simulated."""
    return AwsError("UnsupportedOperation", message, query_code=f"{_OLD}UnsupportedOperation")


def denied(message: str) -> AwsError:
    """Return the error for a caller without the permission."""
    return AwsError("AccessDeniedException", message, 403, query_code="AccessDenied")


def key_denied(message: str) -> AwsError:
    """Return the error for a caller without a permission on the queue's key."""
    return AwsError("KmsAccessDenied", message, query_code="KMS.AccessDeniedException")


def refuse_violations(violations: list[Violation]) -> None:
    """Raise the error for the first constraint of the model that a request breaks.

    ReceiveMessage takes the names of message attributes in `AttributeNames`, where
    the model lists those of queues.
    """
    for violation in violations:
        if violation.value not in MESSAGE_ATTRIBUTES or not violation.path.startswith("AttributeNames["):
            raise _broken_constraint(violation)


def _broken_constraint(violation: Violation) -> AwsError:
    if violation.kind == "required":
        return missing(violation.path)
    if violation.kind == "enum" and "AttributeNames" in violation.path:
        return invalid_attribute_name(violation.value)
    return invalid_value(violation.path, violation.value, violation.constraint)
