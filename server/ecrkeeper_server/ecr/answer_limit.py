"""Limit the size of AWS's answer for one setting.

No answer takes the time of all registries.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecrkeeper_server.aws.failures import ANSWER_TOO_LARGE
from ecrkeeper_server.aws_errors import Permanent

TOO_LARGE = ANSWER_TOO_LARGE
MAX_ITEMS = 20_000
"""The items of all lists; the largest setting that AWS's quotas allow has 5,200."""


def check_items(setting: str, shape: Mapping[str, Any]) -> None:
    """Raise Permanent if a setting has more items than the limit."""
    count = 0
    unseen: list[Any] = [shape]
    while unseen:
        value = unseen.pop()
        if isinstance(value, list):
            count += len(value)
            if count > MAX_ITEMS:
                text = (
                    f"AWS has more than {MAX_ITEMS:,} items in {setting}, more than its quotas allow, so ecrkeeper"
                    " does not read or write it; remove what is not needed there"
                )
                raise Permanent(
                    text, reason="AWS_ANSWER_TOO_LARGE", grpc_code="FAILED_PRECONDITION", metadata={"setting": setting}
                )
        # By type first: `isinstance` asks the metaclass of an abstract class.
        members = value.values() if type(value) is dict or isinstance(value, Mapping) else value
        unseen += [each for each in members if isinstance(each, (list, dict))]
