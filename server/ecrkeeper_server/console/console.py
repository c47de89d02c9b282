"""The console: answers the requests of browsers on the HTTP port."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import quote

import structlog
from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace

from ecrkeeper_server.api.http.in_process import Caller, CallError, InProcessCalls
from ecrkeeper_server.api.http.peers import auth_of, peer_of
from ecrkeeper_server.api.layers.admission import address_of
from ecrkeeper_server.console import live
from ecrkeeper_server.console.guard import Guard, Rejection
from ecrkeeper_server.console.login import Login, with_token
from ecrkeeper_server.console.rendering import PREFIX, Renderer, static_files
from ecrkeeper_server.console.routes import SECTIONS, Route, route_of
from ecrkeeper_server.console.session import Cookies
from ecrkeeper_server.console.sign_in import SignIn
from ecrkeeper_server.console.view import SNAPSHOTS, Page, View
from ecrkeeper_server.console.visit import Visit, answer, redirect
from ecrkeeper_server.turns import Work

log = structlog.get_logger("ecrkeeper.console")

_HTTP_STATUS = {
    "INVALID_ARGUMENT": 400, "FAILED_PRECONDITION": 400, "OUT_OF_RANGE": 400, "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403, "NOT_FOUND": 404, "ABORTED": 409, "ALREADY_EXISTS": 409, "RESOURCE_EXHAUSTED": 429,
    "UNAVAILABLE": 503, "DEADLINE_EXCEEDED": 504,
}  # fmt: skip
_STATIC_SECONDS = 365 * 24 * 3600


class Options(Struct, frozen=True):
    """The console's setup: which ways to sign in there are, and its version."""

    version: str
    tokens: bool


class Console:
    """Answers requests below `/console`."""

    def __init__(
        self,
        calls: InProcessCalls,
        login: Login,
        sign_in: SignIn,
        guard: Guard,
        renderer: Renderer,
        work_of: Callable[[str], Work],
        options: Options,
    ) -> None:
        self._calls = calls
        self._login = login
        self._sign_in = sign_in
        self._guard = guard
        self._renderer = renderer
        self._work_of = work_of
        self._options = options
        self._static = static_files()
        self._snapshots = asyncio.Semaphore(SNAPSHOTS)

    def serves(self, path: str) -> bool:
        """Return whether the console answers a path of the port."""
        return path in ("/", PREFIX) or path.startswith(f"{PREFIX}/")

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request."""
        try:
            return await self._answered(request)
        except ConnectionError:
            raise
        except Exception:  # After any error of one page, the connection serves the next one.
            log.exception("page_failed", path=request.rel_url.raw_path[:200])
            return await self._rejected(request, Rejection(500, "internal error; see the log"))

    async def _answered(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.rel_url.raw_path
        rejection = self._guard.rejection(request)
        if rejection is not None:
            return await self._rejected(request, rejection)
        if path in ("/", PREFIX):
            return redirect(f"{PREFIX}/")
        path = path.removeprefix(f"{PREFIX}/")
        if path.startswith("static/"):
            return self._file(path.removeprefix("static/"), request)
        visit = await self._visit(request)
        if path in self._sign_in.paths:
            answered = await self._sign_in.answer(visit, path)
            return await self._page(visit, answered) if isinstance(answered, Page) else answered
        if request.method == "POST":
            return await self._rejected(request, Rejection(405, "the method must be GET, got POST"))
        return await self._show(visit, path)

    async def _visit(self, request: web.BaseRequest) -> Visit:
        cookies = Cookies(self._guard.secure(request))
        transport = request.transport
        metadata = tuple((key.lower(), value) for key, value in request.headers.items() if value.isascii())
        caller = Caller(metadata, peer_of(transport), auth_of(transport))
        token = await self._login.token_of(cookies, request.cookies)
        return Visit(request, with_token(caller, token), cookies, token)

    async def _show(self, visit: Visit, path: str) -> web.StreamResponse:
        """Answer with a page or its stream."""
        is_live = path == "live" or path.startswith("live/")
        match = route_of(path.removeprefix("live").removeprefix("/") if is_live else path)
        if match is None or (is_live and match[0].live is None):
            return await self._rejected(visit.request, Rejection(404, "there is no such page"))
        route, path_params = match
        try:
            visit = replace(visit, who=await self._login.who(visit.caller))
            work = self._work_of(visit.key)
            view = View(self._calls, visit.caller, path_params, dict(visit.request.query), work, self._snapshots)
            if is_live and route.live is not None:
                return await live.serve(visit.request, view, route.live, self._renderer)
            return await self._page(visit, await route.show(view), route)
        except CallError as error:
            return await self._failed(visit, error, is_live=is_live)

    async def _failed(self, visit: Visit, error: CallError, *, is_live: bool) -> web.StreamResponse:
        """Answer a request whose call failed; without a session, lead to the login."""
        if error.code == "UNAUTHENTICATED" and not is_live and self._options.tokens:
            target = f"{PREFIX}/login?next={quote(visit.request.rel_url.raw_path_qs, safe='')}"
            ended = visit.cookies.headers(visit.request.cookies, "", 0)
            if "HX-Request" in visit.request.headers:
                return answer(b"", 204, {"HX-Redirect": target}, ended)
            return redirect(target, ended)
        if is_live:
            return await live.failed(visit.request, error)
        status = _HTTP_STATUS.get(error.code, 500)
        page = Page("failed.html", "Error", {"message": str(error), "reason": error.reason or error.code}, status)
        return await self._page(visit, page)

    async def _page(self, visit: Visit, page: Page, route: Route | None = None) -> web.Response:
        common = {
            "who": visit.who,
            "signed_in": bool(visit.token),
            "section": route.section if route is not None else "",
            "sections": SECTIONS,
            "version": self._options.version,
            "live_path": "",
            "first": not visit.request.query.get("page"),
        }
        if route is not None and route.live is not None:
            common["live_path"] = f"{PREFIX}/live{visit.request.rel_url.raw_path.removeprefix(PREFIX)}"
        content = await self._renderer.page(page, self._work_of(visit.key), **common)
        return answer(content, page.status, cookies=list(page.cookies))

    async def _rejected(self, request: web.BaseRequest, rejection: Rejection) -> web.Response:
        address = address_of(peer_of(request.transport))
        values = {"message": rejection.message, "reason": "", "who": None, "signed_in": False, "section": ""}
        common = {"sections": SECTIONS, "version": self._options.version, "live_path": ""}
        page = Page("failed.html", "Error", values, rejection.status)
        return answer(await self._renderer.page(page, self._work_of(address), **common), rejection.status)

    def _file(self, name: str, request: web.BaseRequest) -> web.Response:
        file = self._static.get(name)
        if file is None:
            return answer(b"there is no such file\n", 404, {"Content-Type": "text/plain; charset=utf-8"})
        kind, content = file
        caching = f"public, max-age={_STATIC_SECONDS}, immutable" if "v" in request.query else "no-cache"
        return answer(content, 200, {"Content-Type": kind, "Cache-Control": caching})
