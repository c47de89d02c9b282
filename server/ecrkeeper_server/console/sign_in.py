"""Signing in with a token or at the issuer, and signing out."""

from __future__ import annotations

import json
import secrets

from aiohttp import web

from ecrkeeper_server.api.http.in_process import CallError
from ecrkeeper_server.console.login import Login, form_of, local_path
from ecrkeeper_server.console.rendering import PREFIX
from ecrkeeper_server.console.session import Kind
from ecrkeeper_server.console.view import Page
from ecrkeeper_server.console.visit import Visit, redirect
from ecrkeeper_server.errors import StatusError
from ecrkeeper_server.identity.oidc import Attempt, CodeFlow

_ATTEMPT_SECONDS = 600


class SignIn:
    """Begins and ends sessions; `flow` is None without a client at the issuer."""

    paths = ("login", "logout", "login/start", "login/callback")

    def __init__(self, login: Login, flow: CodeFlow | None, *, tokens: bool) -> None:
        self._login = login
        self._flow = flow
        self._tokens = tokens

    async def answer(self, visit: Visit, path: str) -> web.Response | Page:
        """Answer a request for one of the paths."""
        method = visit.request.method
        try:
            if path == "logout":
                return self._ended(visit) if method == "POST" else self._page(visit, "sign out with the button", 405)
            if path == "login":
                return await self._with_token(visit) if method == "POST" else self._page(visit)
            if self._flow is None or method == "POST":
                return self._page(visit, "there is no such way to sign in", 404)
            flow = self._flow
            return await (self._begun(visit, flow) if path == "login/start" else self._returned(visit, flow))
        except (CallError, StatusError) as error:
            status = 503 if error.code == "UNAVAILABLE" else 401
            return self._page(visit, str(error), status)

    def _page(self, visit: Visit, message: str = "", status: int = 200) -> Page:
        values = {
            "next": local_path(visit.request.query.get("next", "")),
            "message": message,
            "tokens": self._tokens,
            "issuer": self._flow is not None,
        }
        return Page("login.html", "Sign in", values, status)

    def _ended(self, visit: Visit) -> web.Response:
        return redirect(f"{PREFIX}/login", visit.cookies.headers(visit.request.cookies, "", 0))

    async def _with_token(self, visit: Visit) -> web.Response:
        form = await form_of(visit.request)
        token = "".join(form.get("token", "").split()).removeprefix("Bearer")
        cookies = await self._login.begun(visit.caller, visit.cookies, visit.request.cookies, token)
        return redirect(local_path(form.get("next", "")), cookies)

    async def _begun(self, visit: Visit, flow: CodeFlow) -> web.Response:
        """Send the browser to the issuer; the cookie binds the answer to this browser."""
        attempt, target = Attempt(), local_path(visit.request.query.get("next", ""))
        address = await flow.address(attempt)
        content = json.dumps([attempt.state, attempt.nonce, attempt.verifier, target])
        sealed = await self._login.sealer.sealed(Kind.LOGIN, content)
        # A page of the issuer leads back, and such a request has no cookies that are Strict.
        cookies = visit.cookies.headers(visit.request.cookies, sealed, _ATTEMPT_SECONDS, same_site="Lax")
        return redirect(address, cookies)

    async def _returned(self, visit: Visit, flow: CodeFlow) -> web.Response | Page:
        """Begin a session with the issuer's answer."""
        query = visit.request.query
        opened = await self._login.sealer.opened(Kind.LOGIN, visit.cookies.read(visit.request.cookies))
        if opened is None:
            return self._page(visit, "the login took too long, or began in another browser; sign in again", 401)
        state, nonce, verifier, target = json.loads(opened)
        if not secrets.compare_digest(query.get("state", "").encode(), state.encode()):
            return self._page(visit, "the answer belongs to another login; sign in again", 401)
        if "code" not in query:
            return self._page(visit, f"the issuer rejected the login: {query.get('error', '')[:200]}", 401)
        token = await flow.token(query["code"], Attempt(state, nonce, verifier))
        cookies = await self._login.begun(visit.caller, visit.cookies, visit.request.cookies, token)
        # A redirect would still be a request of the issuer's page, without the session.
        return Page("signed_in.html", "Signed in", {"target": target}, cookies=tuple(cookies))
