"""Limit the size of AWS's answer for one setting.

No answer takes the time of all registries.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecrkeeper_server.aws.failures import ANSWER_TOO_LARGE
from ecrkeeper_server.aws_errors import Permanent
from ecrkeeper_server.settings.elements import tally

TOO_LARGE = ANSWER_TOO_LARGE
MAX_ITEMS = 20_000
"""The items of all lists; the largest setting that AWS's quotas allow has 5,200."""


def checked_cost(setting: str, shape: Mapping[str, Any]) -> int:
    """Return the cost of a setting.

    Raise Permanent if it has more items than the limit.
    """
    items, texts = tally(shape, MAX_ITEMS)
    if items > MAX_ITEMS:
        text = (
            f"AWS has more than {MAX_ITEMS:,} items in {setting}, more than its quotas allow, so ecrkeeper"
            " does not read or write it; remove what is not needed there"
        )
        raise Permanent(
            text, reason="AWS_ANSWER_TOO_LARGE", grpc_code="FAILED_PRECONDITION", metadata={"setting": setting}
        )
    return items + texts
