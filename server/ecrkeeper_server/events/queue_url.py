"""The URL of a queue, and what it says: its account, its Region and its name."""

from __future__ import annotations

import re
from typing import Self
from urllib.parse import urlsplit

from msgspec import Struct

from ecrkeeper_server.names import is_account, partition_of

_REGION = re.compile(r"(?:^|\.)sqs(?:-fips)?\.([a-z0-9-]+)\.")
_NAME = re.compile(r"[\w-]{1,80}", re.ASCII)
RULE = "must be the URL of a standard queue, such as https://sqs.us-east-1.amazonaws.com/111111111111/ecrkeeper-events"


class QueueUrl(Struct, frozen=True):
    """A queue; `url` is the one that calls name."""

    url: str
    account: str
    region: str
    name: str

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read a URL; ValueError says what it must be."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise ValueError(RULE) from None
        region = _REGION.search(host)
        path = parts.path.split("/")
        odd = parts.scheme != "https" or parts.query or parts.fragment or parts.username or port not in (None, 443)
        if odd or region is None or partition_of(region[1]) is None or len(path) != 3:
            raise ValueError(RULE)
        if not is_account(path[1]) or not _NAME.fullmatch(path[2]):
            raise ValueError(RULE)
        return cls(url, path[1], region[1], path[2])
