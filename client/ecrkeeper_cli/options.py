"""Options of several commands that take a time."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import click
from ecrkeeper_files.plain_text import shown

F = TypeVar("F", bound=Callable[..., Any])


class SecondsType(click.ParamType[float]):
    """A positive, finite number of seconds."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number."""
        try:
            seconds = float(value)
        except ValueError:
            seconds = math.nan
        if not 0 < seconds < math.inf:
            self.fail(f"must be a positive number of seconds, got {shown(str(value))}", param, ctx)
        return seconds


SECONDS = SecondsType()


def wait_option(default: float = 300.0) -> Callable[[F], F]:
    """Return the option `--wait-timeout`."""
    return click.option(
        "--wait-timeout", type=SECONDS, default=default, show_default=True, metavar="SECONDS", help="The longest wait."
    )
