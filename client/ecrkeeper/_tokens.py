"""Bearer tokens: by value, out of a file, or printed by a command. Without gRPC."""

from __future__ import annotations

import base64
import json
import math
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

Token: TypeAlias = str | Callable[[], str]

_COMMAND_SECONDS = 60.0
# A token of a command is used this long if it does not say when it expires, and no longer than this before it does.
_KEPT_SECONDS, _MARGIN_SECONDS = 300.0, 60.0


class TokenError(ValueError):
    """A token cannot be read or sent; the message does not show it."""


def checked(token: str) -> str:
    """Return the token.

    TokenError for one that cannot be sent; the error does not show the token.
    """
    if not token:
        raise TokenError("the token is empty")
    for at, character in enumerate(token):
        if not "!" <= character <= "~":
            raise TokenError(
                f"the token must be visible ASCII characters, got U+{ord(character):04X} at position {at:,} of "
                f"{len(token):,}; strip blanks and line ends from a token that you read from a file"
            )
    return token


class FileToken:
    """Reads the token from a file for each call, so that a rotated token counts."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self) -> str:
        """Return the token without the line end; TokenError if there is none."""
        try:
            text = self._path.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            cause = getattr(error, "strerror", None) or error
            raise TokenError(f"cannot read the token file {self._path}: {cause}") from error
        if not text.strip():
            raise TokenError(f"the token file {self._path} is empty")
        return checked(text.strip())


class CommandToken:
    """Runs a command that prints the token; runs it again before the token expires."""

    def __init__(self, command: tuple[str, ...], clock: Callable[[], float] = time.time) -> None:
        self._command = command
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._until = 0.0

    def __call__(self) -> str:
        """Return the token; TokenError if the command fails."""
        with self._lock:
            if self._clock() >= self._until:
                self._token = self._run()
                expiry = expiry_of(self._token)
                now = self._clock()
                self._until = now + _KEPT_SECONDS if expiry is None else max(now, expiry - _MARGIN_SECONDS)
            return self._token

    def _run(self) -> str:
        name = self._command[0]
        try:
            done = subprocess.run(self._command, capture_output=True, text=True, timeout=_COMMAND_SECONDS, check=False)  # noqa: S603
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            raise TokenError(f"the token command {name} failed: {getattr(error, 'strerror', None) or error}") from error
        if done.returncode:
            message = (done.stderr.strip().splitlines() or ["it printed no error"])[-1]
            raise TokenError(f"the token command {name} ended with status {done.returncode}: {message}")
        if not done.stdout.strip():
            raise TokenError(f"the token command {name} printed no token")
        return checked(done.stdout.strip())


def expiry_of(token: str) -> float | None:
    """Return when a JWT expires, in seconds since 1970.

    None for a token that does not say so.
    """
    return _time_of(token, "exp")


def issued_at(token: str) -> float | None:
    """Return when a JWT was issued, by the clock of its issuer.

    In seconds since 1970; None for a token that does not say so.
    """
    return _time_of(token, "iat")


def _time_of(token: str, claim: str) -> float | None:
    try:
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        moment = float(claims[claim])
    except (IndexError, KeyError, TypeError, ValueError, OverflowError, RecursionError):
        return None
    return moment if math.isfinite(moment) else None
