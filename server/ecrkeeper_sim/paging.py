"""Paging with opaque tokens over ordered keys."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any, TypeVar

from ecrkeeper_sim.errors import AwsError

T = TypeVar("T")


def page(
    items: Sequence[tuple[str, T]], params: dict[str, Any], default_size: int, names: tuple[str, str]
) -> tuple[list[T], str | None]:
    """Return one page of (key, item) pairs by key, and the next page's token or None."""
    size_name, token_name = names
    size = params.get(size_name) or default_size
    token = params.get(token_name)
    after = _decoded(token, token_name) if token else None
    rest = [pair for pair in items if after is None or pair[0] > after]
    shown = rest[:size]
    more = len(rest) > size
    return [item for _, item in shown], _encoded(shown[-1][0]) if more else None


def ecr_page(items: Sequence[tuple[str, T]], params: dict[str, Any], default_size: int) -> tuple[list[T], str | None]:
    """Return one page under ECR's member names."""
    return page(items, params, default_size, ("maxResults", "nextToken"))


def _encoded(key: str) -> str:
    return base64.urlsafe_b64encode(b"v1:" + key.encode()).decode()


def _decoded(token: str, name: str) -> str:
    try:
        text = base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, UnicodeError, ValueError):
        text = ""
    if not text.startswith("v1:"):
        code = "ValidationError" if name == "Marker" else "InvalidParameterException"
        raise AwsError(code, f"Invalid parameter at '{name}' failed to satisfy constraint: 'Invalid token provided'")
    return text[3:]
