"""Read all pages of an AWS list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecrkeeper_server.aws.client import Aws
from ecrkeeper_server.aws.failures import ANSWER_TOO_LARGE
from ecrkeeper_server.aws_errors import Permanent, Temporary
from ecrkeeper_server.settings.elements import cost

# A list with more pages than this is invalid.
_PAGES = 100
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
    pages: int = _PAGES,
) -> list[Any]:
    """Return the items of all pages; raise AWS_ANSWER_INVALID instead of a part."""
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
            break
        elements += cost(answer)
        if elements > _MAX_ELEMENTS:
            text = f"the list has more than {_MAX_ELEMENTS:,} elements"
            raise Permanent(
                f"{service}:{operation}: {text}, more than AWS's quotas allow; remove what is not needed there",
                reason=ANSWER_TOO_LARGE, operation=operation, grpc_code="FAILED_PRECONDITION",
            )  # fmt: skip
        tokens.add(following)
        request = {**params, cursor: following}
    text = f"{service}:{operation}: unusable answer: the list does not end within {pages} pages, or is circular"
    raise Temporary(text, reason="AWS_ANSWER_INVALID", operation=operation)
