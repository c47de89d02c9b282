"""Read all pages of an AWS list."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from ecrkeeper_server.aws.client import Aws
from ecrkeeper_server.aws.failures import ANSWER_TOO_LARGE
from ecrkeeper_server.aws_errors import AwsError, Permanent, Temporary
from ecrkeeper_server.settings.elements import cost

# Every list that AWS's quotas allow has fewer pages: the longest setting has 100 elements.
PAGES = 100
# Most lists are one page, which takes ten seconds at most. An attempt takes longer, so it goes on without the list.
SECONDS = 60.0
# Pages are kept until the last one has come; the most templates with the longest policies have 30,000.
_MAX_ELEMENTS = 200_000


async def read_list(
    aws: Aws,
    account: str,
    region: str,
    service: str,
    operation: str,
    params: Mapping[str, Any],
    *,
    items: str,
    cursor: str = "nextToken",
    pages: int = PAGES,
    seconds: float = SECONDS,
) -> list[Any]:
    """Return the items of all pages, or raise an error instead of a part.

    A list with more pages or elements than the limits is AWS_ANSWER_TOO_LARGE. One that is circular or takes
    longer than `seconds` is AWS_ANSWER_INVALID.
    """
    clock = asyncio.get_running_loop().time
    until = clock() + seconds
    listed: list[Any] = []
    tokens: set[str] = set()
    request = dict(params)
    elements = 0
    for _ in range(pages):
        answer = await aws.call(account, region, service, operation, request)
        listed += answer.get(items) or ()
        following = answer.get(cursor)
        if not following:
            return listed
        if following in tokens:
            raise _unusable(service, operation, "the list is circular")
        if clock() > until:
            raise _unusable(service, operation, f"the list has not ended after {seconds:g} s")
        elements += cost(answer)
        if elements > _MAX_ELEMENTS:
            raise _too_large(service, operation, f"{_MAX_ELEMENTS:,} elements")
        tokens.add(following)
        request = {**params, cursor: following}
    raise _too_large(service, operation, f"{pages:,} pages")


def _unusable(service: str, operation: str, what: str) -> AwsError:
    text = f"{service}:{operation}: unusable answer: {what}"
    return Temporary(text, reason="AWS_ANSWER_INVALID", operation=operation)


def _too_large(service: str, operation: str, limit: str) -> AwsError:
    return Permanent(
        f"{service}:{operation}: the list has more than {limit}, more than AWS's quotas allow;"
        " remove what is not needed there",
        reason=ANSWER_TOO_LARGE, operation=operation, grpc_code="FAILED_PRECONDITION",
    )  # fmt: skip
