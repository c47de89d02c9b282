"""A token bucket; pure, by a clock that its caller reads."""

from __future__ import annotations

from msgspec import Struct


class TokenBucket(Struct):
    """Tokens that refill at a rate, up to a burst.

    `at` is the time of the last refill in seconds.

    Rates are in tokens per second. Callers pass them each time, because they may change.
    """

    tokens: float
    at: float

    def refill(self, now: float, rate: float, burst: float) -> float:
        """Add the tokens of the time since the last refill; return that time in seconds."""
        elapsed, self.at = now - self.at, now
        self.tokens = min(burst, self.tokens + elapsed * rate)
        return elapsed

    def acquire(self, now: float, rate: float, burst: float) -> float:
        """Acquire a token and return 0, or return the seconds until there is one."""
        self.refill(now, rate, burst)
        if self.tokens < 1.0:
            return (1.0 - self.tokens) / rate
        self.tokens -= 1.0
        return 0.0

    def reserve(self, rate: float) -> float:
        """Acquire a token, in advance if there is none; return the seconds until its time."""
        self.tokens -= 1.0
        return max(0.0, -self.tokens / rate)

    def release(self) -> None:
        """Return a token that was not used."""
        self.tokens += 1.0

    def spend(self, amount: float) -> None:
        """Take tokens, whether or not there are so many: the rest is a debt."""
        self.tokens -= amount

    def debt_seconds(self, now: float, rate: float, burst: float) -> float:
        """Return the seconds until the debt is paid; 0 if there is none."""
        self.refill(now, rate, burst)
        return max(0.0, -self.tokens / rate)
