"""Descriptions of the patterns of the protos, for error messages."""

from __future__ import annotations

from collections.abc import Mapping

# Short, because all violations of a request share some kilobytes of trailing metadata.
_PREFIX = "must be `ROOT` or lower-case letters and digits with `.` `_` `-` `/` between them, such as `team-a/base`"
_TAG = "letters, digits, spaces and `_.:/=+-@`"

_MESSAGES: Mapping[str, str] = {
    r"^([0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})?$": "must be a UUID",
    r"^([a-z]([a-z0-9-]*[a-z0-9])?)?$": (
        "must be lower-case letters, digits and hyphens, beginning with a letter and not ending with a hyphen, such as"
        " `team-a`"
    ),
    r"^[0-9]{12}$": "must be 12 digits",
    r"^[0-9a-z-]{2,25}$": "must be an AWS Region such as `eu-west-1`",
    r"^(?:[a-z0-9]+(?:[._-][a-z0-9]*)*/)*[a-z0-9]*(?:[._-][a-z0-9]*)*$": (
        "must begin a repository name: lower-case letters, digits, `.` `_` `-` `/`, no wildcard, such as `team-a/`"
    ),
    r"^[a-z0-9*]+(?:[._\-/][a-z0-9*]+)*$": (
        "must be lower-case letters, digits and `*` with single `.` `_` `-` `/` between them, such as `prod/*`"
    ),
    r"^([a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*\/?|ROOT)$": _PREFIX,
    r"^arn:aws(-\w+)*:secretsmanager:[a-zA-Z0-9-:]+:secret:ecr\-pullthroughcache\/[a-zA-Z0-9\/_+=.@-]+$": (
        "must be the ARN of a secret named `ecr-pullthroughcache/...`, such as"
        " `arn:aws:secretsmanager:eu-west-1:123456789012:secret:ecr-pullthroughcache/hub-AbCdEf`"
    ),
    r"^$|^arn:aws[a-z0-9-]*:kms:[a-z0-9-]+:[0-9]{12}:key\/[a-z0-9-]+$": (
        "must be the ARN of a KMS key, not of an alias, such as `arn:aws:kms:eu-west-1:123456789012:key/1234abcd`"
    ),
    r"^[0-9a-zA-Z._*-]{1,128}$": "must be 1 to 128 letters, digits, `.` `_` `-` `*`, such as `release-*`",
    r"^arn:aws(-[a-z]+)*:iam::[0-9]{12}:(role|user)/[\w+=,.@-]+(/[\w+=,.@-]+)*$": (
        "must be the ARN of an IAM role or user, such as `arn:aws:iam::123456789012:role/scanner`"
    ),
    r"^arn:aws(-[a-z]+)*:signer:[a-z0-9-]+:[0-9]{12}:\/signing-profiles\/[a-zA-Z0-9_]{2,}$": (
        "must be the ARN of a Signer profile without a version, such as"
        " `arn:aws:signer:eu-west-1:123456789012:/signing-profiles/images`"
    ),
    r"^(?:[a-z0-9*]+(?:[._-][a-z0-9*]+)*/)*[a-z0-9*]+(?:[._-][a-z0-9*]+)*$": (
        "must be lower-case letters, digits and `*` with single `.` `_` `-` `/` between them, such as `team-a/*`"
    ),
    r"^(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*$": (
        "must be a repository name: lower-case letters and digits with single `.` `_` `-` `/` between them, such as"
        " `team-a/app`"
    ),
    r"^[\t\n\r\x20-\x7E\x{A1}-\x{FF}]*$": (
        "must be printable ASCII or Latin-1 characters, tabs and line ends, such as `Replicates images`"
    ),
    r"^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$": f"must be {_TAG}, such as `cost-center`",
    r"^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$": f"must be {_TAG}, or empty, such as `platform`",
}


def message_of(pattern: str) -> str:
    """Return the description of a pattern of the protos."""
    return _MESSAGES.get(pattern, "has characters that are not allowed in this field")
