"""The rules for every request of a browser, and the headers of every answer."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from aiohttp import web
from msgspec import Struct

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Server": "ecrkeeper",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: with it, browsers send the origin `null` with the forms of the console.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_METHODS = ("GET", "HEAD", "POST")


class Rejection(Struct, frozen=True):
    """Why a request is rejected, with its HTTP status."""

    status: int
    message: str


class Guard(Struct, frozen=True):
    """Checks requests; `url` is the console's address for browsers, or empty."""

    url: str
    metadata_bytes: int

    def secure(self, request: web.BaseRequest) -> bool:
        """Return whether the browser uses TLS."""
        return self.url.startswith("https://") or (not self.url and request.secure)

    def rejection(self, request: web.BaseRequest) -> Rejection | None:
        """Return why a request is rejected; None if it is not."""
        if sum(map(len, (part for pair in request.raw_headers for part in pair))) > self.metadata_bytes:
            return Rejection(431, f"headers must be at most {self.metadata_bytes} bytes")
        if request.method not in _METHODS:
            return Rejection(405, f"the method must be GET or POST, got {request.method}")
        hosts = request.headers.getall("Host", [])
        if len(hosts) != 1 or not self._serves(hosts[0]):
            return Rejection(421, "the server does not serve this host; set console_url to the address of the console")
        if not self._same_origin(request, hosts[0]):
            return Rejection(403, "pages of other sites may not send requests to the console")
        return None

    def _serves(self, host: str) -> bool:
        """Return whether a host is the console's.

        After DNS rebinding, a page of another site has the name of that site. An address has no
        name that could be bound again.
        """
        if self.url:
            return host.lower() == urlsplit(self.url).netloc.lower()
        try:
            name = urlsplit(f"//{host}").hostname or ""
            return name == "localhost" or bool(ipaddress.ip_address(name))
        except ValueError:
            return False

    def _same_origin(self, request: web.BaseRequest, host: str) -> bool:
        """Return whether the console's own pages or the user sent a request.

        A link of another site may lead to a page: that is a navigation, which shows nothing to the
        other site.
        """
        site = request.headers.get("Sec-Fetch-Site", "")
        origin = request.headers.get("Origin")
        scheme = "https" if self.secure(request) else "http"
        if origin is not None and origin.lower() != f"{scheme}://{host}".lower():
            return False
        if request.method == "POST":
            return origin is not None and site in ("", "same-origin")
        navigates = (
            request.headers.get("Sec-Fetch-Mode") == "navigate" and request.headers.get("Sec-Fetch-Dest") == "document"
        )
        return site in ("", "same-origin", "none") or navigates
