"""Read all pages of an AWS list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecrkeeper_server.aws.client import Aws
from ecrkeeper_server.aws_errors import Temporary

# A list with more pages than this is invalid.
_PAGES = 100


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
    for _ in range(pages):
        answer = await aws.call(account, region, service, operation, request)
        listed += answer.get(items) or ()
        following = answer.get(cursor)
        if not following:
            return listed
        if following in tokens:
            break
        tokens.add(following)
        request = {**params, cursor: following}
    text = f"{service}:{operation}: unusable answer: the list does not end within {pages} pages, or is circular"
    raise Temporary(text, reason="AWS_ANSWER_INVALID", operation=operation)
