"""Commands that ask AWS's own log for writes of ecrkeeper."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import ecrkeeper
from ecrkeeper import names
from google.protobuf.timestamp_pb2 import Timestamp

from ecrkeeper_cli.resources import moment

# CloudTrail has the calls of IAM, which is global, in one Region of each partition:
# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html
_IAM_REGIONS = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
_ARN = re.compile(r"arn:[A-Za-z0-9+=,.@_:/-]+")


@dataclass(frozen=True, slots=True)
class Window:
    """The time of a hand-over.

    It begins at `start`, after the audit event with the number `after`.
    """

    start: Timestamp
    after: int = 0

    def __str__(self) -> str:
        return moment(self.start)


def lookups(client: ecrkeeper.Client, windows: Mapping[str, Window]) -> Iterator[str]:
    """Yield how to find the writes of ecrkeeper in CloudTrail.

    There is a command for each account and Region.
    """
    partition = client.get_server_info().partition
    starts: dict[tuple[str, str], Timestamp] = {}
    for name, window in windows.items():
        parts = names.parse(name)
        place = parts.account, parts.region or _IAM_REGIONS.get(partition, "us-east-1")
        starts[place] = min(starts.get(place, window.start), window.start, key=Timestamp.ToNanoseconds)
    yield ""
    yield "CloudTrail shows calls up to 15 minutes later. Each of these commands must then print []:"
    for (account, region), start in sorted(starts.items()):
        yield ""
        yield f"# with credentials of {account}"
        yield _command(region, start, _principal(client, account))


def _principal(client: ecrkeeper.Client, account: str) -> str:
    """Return the ARN of the server in an account, without the name of its session."""
    arn = client.get_aws_identity(f"accounts/{account}").arn
    if _ARN.fullmatch(arn) is None:
        raise ValueError(f"accounts/{account}: the server has the identity {arn!r}, which is no ARN")
    return f"{arn.rpartition('/')[0]}/" if ":assumed-role/" in arn else arn


def _command(region: str, start: Timestamp, principal: str) -> str:
    query = f'Events[?contains(CloudTrailEvent, `"{principal}"`)].EventName'
    since = start.ToDatetime().strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        f"aws cloudtrail lookup-events --region {region} --start-time {since} --output json \\\n"
        f"  --lookup-attributes AttributeKey=ReadOnly,AttributeValue=false --query {shlex.quote(query)}"
    )
