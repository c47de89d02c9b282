"""The members and the account that AWS's answers must have; pure.

botocore's models mark no output member as required, so an answer without members
passes for "nothing is configured". A write planned on that would remove unmanaged
elements.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct


class InvalidAnswer(Exception):
    """An answer that cannot be read or says nothing; the error does not quote it."""


class AnswerTooLarge(InvalidAnswer):
    """An answer that is longer, or has more items, than any that AWS's quotas allow."""


class Essentials(Struct, frozen=True):
    """The members without which an answer says nothing.

    `name[]` is every item of a list, and `name[+]` also requires one. `repeats` maps
    members to the parameters whose values they repeat.
    """

    service: str
    operation: str
    members: tuple[str, ...]
    reason: str
    repeats: Mapping[str, str]


def _row(service: str, operation: str, members: str, reason: str, **repeats: str) -> Essentials:
    return Essentials(service, operation, tuple(members.split()), reason, repeats)


ESSENTIALS = (
    _row(
        "ecr", "DescribeRegistry", "replicationConfiguration.rules",
        "a registry that replicates nothing answers with an empty list",
    ),
    _row("ecr", "GetRegistryPolicy", "policyText", "a registry without a policy answers with an error"),
    _row(
        "ecr", "GetRegistryScanningConfiguration",
        "scanningConfiguration.scanType scanningConfiguration.rules",
        "every registry has a scan type; one that was never configured has an empty list of rules",
    ),
    _row(
        "ecr", "DescribePullThroughCacheRules",
        "pullThroughCacheRules[].ecrRepositoryPrefix pullThroughCacheRules[].upstreamRegistryUrl",
        "a registry without rules answers with an empty list; a rule is a prefix and an upstream",
    ),
    _row(
        "ecr", "DescribeRepositoryCreationTemplates", "repositoryCreationTemplates[].prefix",
        "a registry without templates answers with an empty list; the prefix is a template's key",
    ),
    _row(
        "ecr", "GetAccountSetting", "name value",
        "every setting has a value; a Region that does not offer it answers with an error", name="name",
    ),
    _row(
        "ecr", "ListPullTimeUpdateExclusions", "pullTimeUpdateExclusions[]",
        "a registry without exclusions answers with an empty list",
    ),
    _row(
        "ecr", "GetSigningConfiguration", "signingConfiguration.rules",
        "a registry without a configuration answers with an error",
    ),
    _row(
        "ecr", "ListReplicationBackfills",
        "backfills[].replicationBackfillId backfills[].status"
        " backfills[].destination.region backfills[].destination.registryId",
        "without backfills the list is empty; one that cannot be told from others would be started twice",
    ),
    _row(
        "ecr", "StartReplicationBackfill",
        "replicationBackfillId status destination.region destination.registryId", "the id finds the backfill again",
    ),
    _row(
        "ecr", "StopReplicationBackfill",
        "replicationBackfillId status destination.region destination.registryId", "the answer is shown to the caller",
        replicationBackfillId="replicationBackfillId",
    ),
    _row(
        "ecr", "DescribeReplicationBackfillResults", "results[].status",
        "a backfill without images has an empty list", replicationBackfillId="replicationBackfillId",
    ),
    _row(
        "ecr", "DescribeRepositories", "repositories[].repositoryName",
        "a registry without repositories answers with an empty list",
    ),
    _row("ecr", "ListImages", "imageIds[].imageDigest", "a repository without images answers with an empty list"),
    _row(
        "ecr", "DescribeImageReplicationStatus",
        "replicationStatuses[].region replicationStatuses[].registryId replicationStatuses[].status",
        "an image that was not replicated has an empty list", repositoryName="repositoryName",
    ),
    _row(
        "ecr", "ValidatePullThroughCacheRule", "isValid",
        "absence would read as a login that fails", ecrRepositoryPrefix="ecrRepositoryPrefix",
    ),
    _row(
        "iam", "GetRole", "Role.RoleId Role.RoleName Role.Arn Role.Path Role.CreateDate",
        "id and path tell the service-linked role from others of its name",
        **{"Role.RoleName": "RoleName"},
    ),
    _row("iam", "CreateServiceLinkedRole", "Role.Arn", "the ARN says in which account the role was made"),
    _row("iam", "DeleteServiceLinkedRole", "DeletionTaskId", "only the task says how the deletion ends"),
    _row("iam", "GetServiceLinkedRoleDeletionStatus", "Status", "a task has a status"),
    _row(
        "sts", "AssumeRole",
        "Credentials.AccessKeyId Credentials.SecretAccessKey Credentials.SessionToken Credentials.Expiration"
        " AssumedRoleUser.Arn",
        "nothing can be signed without the keys, and the ARN has their account",
    ),
    _row("sts", "GetCallerIdentity", "Account Arn", "the account is what was asked for"),
    _row(
        "cloudtrail", "LookupEvents", "Events[].EventId Events[].CloudTrailEvent",
        "without events the list is empty; the text of an event says who called",
    ),
    _row(
        "account", "ListRegions", "Regions[+].RegionName",
        "an account has Regions; without them, a role in use would pass for unused",
    ),
    _row(
        "organizations", "ListAccounts", "Accounts[+].Id",
        "an organization has accounts; without them, all would pass for closed",
    ),
    _row(
        "organizations", "ListParents", "Parents[+].Id Parents[+].Type",
        "each account is in a unit or in the root",
    ),
    _row(
        "organizations", "DescribeOrganizationalUnit", "OrganizationalUnit.Id OrganizationalUnit.Name",
        "the name is a part of the path", **{"OrganizationalUnit.Id": "OrganizationalUnitId"},
    ),
    _row(
        "organizations", "ListTagsForResource", "Tags[].Key Tags[].Value",
        "an account without tags answers with an empty list",
    ),
)  # fmt: skip

# An empty queue answers with no member at all.
MAY_BE_EMPTY = frozenset({("sqs", "ReceiveMessage")})

_BY_OPERATION = {(row.service, row.operation): row for row in ESSENTIALS}

# Members that name the answering account by its id or in an ARN, unlike accounts of destinations.
SPEAKERS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "ecr": (("registryId",), ("pullThroughCacheRules", "registryId"), ("repositories", "registryId")),
    "iam": (("Role", "Arn"),),
    "sts": (("AssumedRoleUser", "Arn"),),
}


def essentials(service: str, operation: str) -> Essentials | None:
    """Return the row of an operation, or None if its answer is not used."""
    return _BY_OPERATION.get((service, operation))


def account_of_arn(arn: str) -> str:
    """Return the account in an ARN; "" if it has none."""
    parts = arn.split(":", 5)
    return parts[4] if len(parts) == 6 and parts[0] == "arn" else ""


def other_account(account: str, service: str, data: Mapping[str, Any]) -> str | None:
    """Return the account that an answer names if it is not the expected one."""
    for path in SPEAKERS.get(service, ()):
        for value in values_at(data, path):
            actual = account_of_arn(value) if path[-1] == "Arn" else value
            if actual != account:
                return actual
    return None


def values_at(data: Any, path: tuple[str, ...]) -> Iterator[str]:
    """Yield the values of a member, also of each item of a list."""
    value = data.get(path[0])
    if value is None:
        return
    if len(path) == 1:
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from values_at(item, path[1:])
    else:
        yield from values_at(value, path[1:])
