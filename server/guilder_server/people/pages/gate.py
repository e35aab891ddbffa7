"""What every page begins with: who comes, whether a form is ours, and how a refusal is shown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from guilder_server.http.app import ClientGone
from guilder_server.http.errors import kind_of
from guilder_server.kernel.errors import GuilderError, NotFound, Unauthenticated
from guilder_server.people.domain.passwords import WINDOW
from guilder_server.people.domain.refusals import ProofRefused, SignInRefused
from guilder_server.people.domain.session import Known, Visitor
from guilder_server.people.flows.sessions import Sessions
from guilder_server.people.pages.browser import Browser, sent_form
from guilder_server.people.pages.layout import link, page, paragraph, redirect

log = structlog.get_logger(__name__)

Handler = Callable[[Request, Visitor], Awaitable[Response]]


class Gate:
    def __init__(self, browser: Browser, sessions: Sessions) -> None:
        self.browser, self.sessions = browser, sessions

    def get(self, path: str, handler: Handler) -> Route:
        return Route(path, self._guarded(handler), methods=["GET"])

    def post(self, path: str, handler: Handler) -> Route:
        return Route(path, self._guarded(handler), methods=["POST"])

    def refused(self, refused: SignInRefused, visitor: Visitor) -> Response:
        log.warning("sign_in_refused", reason=refused.reason, address=visitor.address)
        return _refusal(refused, "You are not signed in", link("/sign-in", _BACK))

    async def known(self, request: Request) -> Known | None:
        token = self.browser.session(request)
        if token is None:
            return None
        try:
            return await self.sessions.find(token)
        except Unauthenticated:
            return None

    async def require_known(self, request: Request) -> Known:
        """Raises Unauthenticated."""
        token = self.browser.session(request)
        return await self.sessions.find(token or "")

    async def form(self, request: Request, visitor: Visitor) -> dict[str, str]:
        """What a page for somebody who is not signed in has sent."""
        sent = await sent_form(request)
        wanted = self.browser.form_token(visitor)
        self.browser.require_own_form(request, sent.get("form", ""), wanted)
        return sent

    async def own_form(self, request: Request) -> tuple[Known, dict[str, str]]:
        """Whose page has sent a form, and what is in it."""
        known = await self.require_known(request)
        sent = await sent_form(request)
        wanted = self.sessions.csrf_token(known.session.id)
        self.browser.require_own_form(request, sent.get("form", ""), wanted)
        return known, sent

    def _guarded(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            visitor, new = self.browser.visitor(request)
            try:
                if not self.browser.trusted:
                    return _only_with_tls()
                if (elsewhere := self.browser.meant(request)) is not None:
                    return redirect(elsewhere)
                response = await handler(request, visitor)
            except SignInRefused as refused:
                return self.refused(refused, visitor)
            except ProofRefused as refused:
                log.warning("proof_refused", reason=refused.reason, address=visitor.address)
                return _refusal(refused, "That did not work", link("/me", "To your page"))
            except Unauthenticated:
                return redirect("/sign-in")
            except ClientGone:
                return Response(status_code=400)
            except GuilderError as error:
                title = "Nothing here" if isinstance(error, NotFound) else "That did not work"
                body = link("/sign-in", _BACK)
                return page(title, body, kind_of(error)[0], alert=error.message)
            if new:
                self.browser.give_visitor(response, visitor)
            return response

        return answer


_BACK = "To the sign-in page"


def _refusal(refused: SignInRefused | ProofRefused, title: str, body: str) -> Response:
    throttled = refused.reason == "throttled"
    response = page(title, body, 429 if throttled else 403, alert=refused.message)
    if throttled:
        response.headers["Retry-After"] = str(int(WINDOW.total_seconds()))
    return response


def _only_with_tls() -> Response:
    words = (
        "People sign in over HTTPS only. Whoever runs this server puts it behind TLS and sets "
        "GUILDER_PUBLIC_URL to its https:// address."
    )
    return page("Not over plain HTTP", paragraph(words), 503)
