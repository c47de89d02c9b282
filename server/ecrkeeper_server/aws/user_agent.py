"""The User-Agent of every request: the program, and the attempt that sends it."""

from __future__ import annotations

from contextvars import ContextVar

PROGRAM = "ecrkeeper"
ATTEMPT: ContextVar[str] = ContextVar("attempt", default="-")
"""The id of the attempt on whose behalf AWS is called, as in the log; `-` outside of attempts."""


def user_agent(product: str) -> str:
    """Return the header for a call that is made now."""
    return f"{product} attempt/{ATTEMPT.get()}"
