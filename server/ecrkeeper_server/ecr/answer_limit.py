"""Limit the size of AWS's answer for one setting.

No answer takes the time of all registries.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecrkeeper_server.aws.failures import ANSWER_TOO_LARGE
from ecrkeeper_server.aws_errors import Permanent
from ecrkeeper_server.settings.elements import CHARACTERS, has_longer_text, parts_of, tally
from ecrkeeper_server.settings.json_text import MAX_CHARACTERS
from ecrkeeper_server.turns import Steps

TOO_LARGE = ANSWER_TOO_LARGE
MAX_ITEMS = 20_000
"""The items of all lists; the largest setting that AWS's quotas allow has 5,200."""
MAX_TEXTS = 70_000
"""The cost of all texts; the most templates with the longest documents and tags have 55,000."""
# Items of a step.
_AT_ONCE = 500


def checking_cost(setting: str, shape: Mapping[str, Any]) -> Steps[int]:
    """Return the cost of a setting, in steps.

    Raise Permanent if it has more items, longer texts or more text than the limits.
    """
    items = texts = 0
    for part in parts_of(shape, _AT_ONCE):
        more_items, more_texts = tally(part, MAX_ITEMS)
        items, texts = items + more_items, texts + more_texts
        if items > MAX_ITEMS:
            raise _too_large(setting, f"more than {MAX_ITEMS:,} items")
        yield
    if texts > MAX_TEXTS:
        raise _too_large(setting, f"more than {MAX_TEXTS * CHARACTERS:,} characters")
    # No single text can be too long if all together are not.
    for part in parts_of(shape, _AT_ONCE) if texts * CHARACTERS > MAX_CHARACTERS - CHARACTERS else ():
        if has_longer_text(part, MAX_CHARACTERS):
            raise _too_large(setting, f"a text of more than {MAX_CHARACTERS:,} characters")
        yield
    return items + texts


def _too_large(setting: str, excess: str) -> Permanent:
    text = (
        f"AWS has {excess} in {setting}, more than its quotas allow, so ecrkeeper"
        " does not read or write it; remove what is not needed there"
    )
    return Permanent(text, reason=TOO_LARGE, grpc_code="FAILED_PRECONDITION", metadata={"setting": setting})
