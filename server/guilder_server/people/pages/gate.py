"""What every page begins with: who comes, whether a form is ours, and how a refusal is shown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from guilder_server.http.app import ClientGone
from guilder_server.http.errors import Throttled, kind_of
from guilder_server.http.limits.strangers import Strangers
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
    """`strangers` counts who comes with sessions and links that nobody made."""

    def __init__(self, browser: Browser, sessions: Sessions, strangers: Strangers) -> None:
        self.browser, self.sessions = browser, sessions
        self._strangers = strangers

    def get(self, path: str, handler: Handler) -> Route:
        return Route(path, self._guarded(handler), methods=["GET"])

    def post(self, path: str, handler: Handler) -> Route:
        return Route(path, self._guarded(handler), methods=["POST"])

    def refused(self, refused: SignInRefused, visitor: Visitor) -> Response:
        log.warning("sign_in_refused", reason=refused.reason, address=visitor.address)
        return _refusal(refused, "You are not signed in", link("/sign-in", _BACK))

    async def known(self, request: Request, visitor: Visitor) -> Known | None:
        """Nobody, too, where it is not looked up any more: the pages for signing in are for all."""
        try:
            return await self.require_known(request, visitor)
        except (Unauthenticated, Throttled):
            return None

    async def require_known(self, request: Request, visitor: Visitor) -> Known:
        """Raises Unauthenticated and Throttled."""
        token = self.browser.session(request)
        if token is None:
            raise Unauthenticated("There is no session.", code="session_ended")
        with self._strangers.watched(visitor.address, token):
            return await self.sessions.find(token)

    @contextmanager
    def counted_link(self, visitor: Visitor, token: str) -> Iterator[None]:
        """Around looking a link up. Raises Throttled."""
        address = visitor.address
        with self._strangers.watched(address, token), self._strangers.keeping_out(address):
            yield

    async def form(self, request: Request, visitor: Visitor) -> dict[str, str]:
        """What a page for somebody who is not signed in has sent."""
        sent = await sent_form(request)
        wanted = self.browser.form_token(visitor)
        self.browser.require_own_form(request, sent.get("form", ""), wanted)
        return sent

    async def own_form(self, request: Request, visitor: Visitor) -> tuple[Known, dict[str, str]]:
        """Whose page has sent a form, and what is in it."""
        known = await self.require_known(request, visitor)
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
            except Throttled as flood:
                return _slow_down(flood)
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


def _slow_down(flood: Throttled) -> Response:
    body = link("/sign-in", _BACK)
    response = page("Too many requests", body, 429, alert=flood.message)
    for name, value in flood.headers:
        response.headers[name.decode()] = value.decode()
    return response


def _only_with_tls() -> Response:
    words = (
        "People sign in over HTTPS only. Whoever runs this server puts it behind TLS and sets "
        "GUILDER_PUBLIC_URL to its https:// address."
    )
    return page("Not over plain HTTP", paragraph(words), 503)
