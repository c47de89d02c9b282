"""Only web pages of the configured origins may call the server.

A browser adds the user's client certificate to a request that any page sends. The server therefore
accepts only requests that a browser does not send to another site without a preflight, answers
preflights only for the configured origins, and rejects all other origins. The origin of the server
itself is not exempt: after DNS rebinding, a page of another site has that origin.
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct

from ecrkeeper_server.api.http.connect import TIMEOUT_HEADER, VERSION_HEADER

_REQUEST_HEADERS = ("Authorization", "Content-Type", VERSION_HEADER, TIMEOUT_HEADER, "Traceparent", "X-Request-Id")
_ANSWER_HEADERS = ("Retry-After", "Trailer-X-Request-Id")
_PREFLIGHT_SECONDS = 7200


class Origins(Struct, frozen=True):
    """The origins whose pages may call the server."""

    allowed: Collection[str] = ()

    def allows(self, origin: str | None) -> bool:
        """Return whether a request may come from an origin; None is a request of no page."""
        return origin is None or origin in self.allowed

    def headers(self, origin: str | None) -> dict[str, str]:
        """Return the headers of an answer to a page."""
        if not self.allowed:
            return {}
        vary = {"Vary": "Origin"}
        if origin is None or origin not in self.allowed:
            return vary
        exposed = ", ".join(_ANSWER_HEADERS)
        return {**vary, "Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": exposed}

    def preflight(self, origin: str) -> dict[str, str]:
        """Return the headers of the answer to the preflight of an allowed origin."""
        return {
            **self.headers(origin),
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": ", ".join(_REQUEST_HEADERS),
            "Access-Control-Max-Age": str(_PREFLIGHT_SECONDS),
        }
