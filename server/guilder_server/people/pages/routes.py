"""The pages and what leads from one to the next."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from urllib.parse import quote

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from guilder_server.http.errors import Throttled, kind_of
from guilder_server.http.limits.strangers import Strangers
from guilder_server.kernel.errors import GuilderError, InvalidRequest, NotFound, Unauthenticated
from guilder_server.people.assembly import Populace
from guilder_server.people.domain.refusals import SignInRefused
from guilder_server.people.domain.session import Known, NewSession, Visitor
from guilder_server.people.flows.by_provider import CALLBACK, Returned
from guilder_server.people.pages import showing
from guilder_server.people.pages.browser import Browser, sent_form
from guilder_server.people.pages.layout import link, page, paragraph, redirect

log = structlog.get_logger(__name__)

Handler = Callable[[Request, Visitor], Awaitable[Response]]


class Pages:
    """`strangers` counts who comes with sessions and links that nobody made."""

    def __init__(self, browser: Browser, populace: Populace, strangers: Strangers) -> None:
        self._strangers = strangers
        self._browser, self._sessions = browser, populace.sessions
        self._by_password, self._by_provider = populace.by_password, populace.by_provider
        self._joining = populace.joining
        provider = populace.tools.provider
        self._provider_name = None if provider is None else provider.name

    def routes(self) -> list[Route]:
        invitation = "/invitations/{token}"
        return [
            self._get("/sign-in", self._show_sign_in),
            self._get("/sign-in/provider", self._to_provider),
            self._get(CALLBACK, self._from_provider),
            self._post("/sign-in/password", self._password),
            self._post("/sign-in/code", self._code),
            self._get(invitation, self._show_invitation),
            self._get(invitation + "/provider", self._to_provider),
            self._post(invitation + "/password", self._join_with_password),
            self._post(invitation + "/join", self._join),
            self._get("/me", self._me),
            self._post("/me/sign-out", self._sign_out),
            self._post("/me/sessions/{session}/revoke", self._revoke),
        ]

    def _get(self, path: str, handler: Handler) -> Route:
        return Route(path, self._guarded(handler), methods=["GET"])

    def _post(self, path: str, handler: Handler) -> Route:
        return Route(path, self._guarded(handler), methods=["POST"])

    def _guarded(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            visitor, new = self._browser.visitor(request)
            try:
                if not self._browser.trusted:
                    return _only_with_tls()
                if (elsewhere := self._browser.meant(request)) is not None:
                    return redirect(elsewhere)
                response = await handler(request, visitor)
            except SignInRefused as refused:
                return self._refused(refused, visitor)
            except Unauthenticated:
                return redirect("/sign-in")
            except Throttled as flood:
                return _slow_down(flood)
            except GuilderError as error:
                title = "Nothing here" if isinstance(error, NotFound) else "That did not work"
                return page(title, _BACK, kind_of(error)[0], alert=error.message)
            if new:
                self._browser.give_visitor(response, visitor)
            return response

        return answer

    def _refused(self, refused: SignInRefused, visitor: Visitor) -> Response:
        log.warning("sign_in_refused", reason=refused.reason, address=visitor.address)
        status = 429 if refused.reason == "throttled" else 403
        response = page("You are not signed in", _BACK, status, alert=refused.message)
        if status == 429:
            response.headers["Retry-After"] = "900"
        return response

    async def _show_sign_in(self, request: Request, visitor: Visitor) -> Response:
        if await self._known(request, visitor) is not None:
            return redirect("/me")
        token = self._browser.form_token(visitor)
        return showing.sign_in(token, self._provider_name)

    async def _to_provider(self, request: Request, visitor: Visitor) -> Response:
        if self._by_provider is None:
            raise NotFound("provider", "none")
        invitation = request.path_params.get("token")
        return redirect(await self._by_provider.begin(visitor, invitation))

    async def _from_provider(self, request: Request, visitor: Visitor) -> Response:
        if self._by_provider is None:
            raise NotFound("provider", "none")
        query = request.query_params
        returned = Returned(query.get("state", ""), query.get("code"), query.get("iss"))
        new = await self._by_provider.finish(visitor, returned)
        return await self._let_in(request, visitor, new)

    async def _password(self, request: Request, visitor: Visitor) -> Response:
        sent = await self._form(request, visitor)
        email = sent.get("email", "")
        try:
            step = await self._by_password.password(visitor, email, sent.get("password", ""))
        except SignInRefused as refused:
            if refused.reason != "password_wrong":
                raise
            self._refused(refused, visitor)
            token = self._browser.form_token(visitor)
            return showing.sign_in(token, self._provider_name, email, refused.message)
        return await self._show_step(visitor, step.kind == "enrolment", step.token)

    async def _code(self, request: Request, visitor: Visitor) -> Response:
        sent = await self._form(request, visitor)
        token = sent.get("step", "")
        try:
            new = await self._by_password.code(visitor, token, sent.get("code", ""))
        except SignInRefused as refused:
            if refused.reason not in ("code_wrong", "code_reused"):
                raise
            self._refused(refused, visitor)
            enrolling = sent.get("kind") == "enrolment"
            return await self._show_step(visitor, enrolling, token, refused.message)
        return await self._let_in(request, visitor, new)

    async def _show_invitation(self, request: Request, visitor: Visitor) -> Response:
        return await self._shown_invitation(request, visitor)

    async def _shown_invitation(
        self, request: Request, visitor: Visitor, alert: str | None = None
    ) -> Response:
        token = request.path_params["token"]
        with self._counted_link(visitor, token):
            offer = await self._joining.look(visitor, token)
        known = await self._known(request, visitor)
        return showing.invitation(
            f"/invitations/{quote(token)}",
            offer,
            provider=self._provider_name,
            form_token=self._browser.form_token(visitor),
            signed_in_as=None if known is None else known.user.email,
            alert=alert,
        )

    async def _join_with_password(self, request: Request, visitor: Visitor) -> Response:
        sent = await self._form(request, visitor)
        token, password = request.path_params["token"], sent.get("password", "")
        if password != sent.get("again", ""):
            return await self._shown_invitation(request, visitor, "The two passwords differ.")
        try:
            with self._counted_link(visitor, token):
                step = await self._joining.with_password(visitor, token, sent.get("name"), password)
        except InvalidRequest as wrong:
            return await self._shown_invitation(request, visitor, wrong.message)
        return await self._show_step(visitor, True, step)

    async def _join(self, request: Request, visitor: Visitor) -> Response:
        await self._form(request, visitor)
        known = await self._require_known(request, visitor)
        await self._joining.join(visitor, known.user, request.path_params["token"])
        self._sessions.forget(known.user.id)
        return redirect("/me")

    async def _me(self, request: Request, visitor: Visitor) -> Response:
        known = await self._require_known(request, visitor)
        session = known.session
        seen = await self._sessions.seen(session.id, known.user.id)
        return showing.me(seen, await self._sessions.mine(known.user.id))

    async def _sign_out(self, request: Request, visitor: Visitor) -> Response:
        known = await self._own_form(request, visitor)
        await self._sessions.revoke(known.session.id, known.user.id, visitor, "sign_out")
        response = page("You are signed out", link("/sign-in", "Sign in again"))
        self._browser.take_session(response)
        return response

    async def _revoke(self, request: Request, visitor: Visitor) -> Response:
        known = await self._own_form(request, visitor)
        await self._sessions.revoke(request.path_params["session"], known.user.id, visitor)
        return redirect("/me")

    async def _show_step(
        self, visitor: Visitor, enrolling: bool, step: str, alert: str | None = None
    ) -> Response:
        token = self._browser.form_token(visitor)
        if not enrolling:
            return showing.code(token, step, alert)
        return showing.enrolment(
            token, step, await self._by_password.enrolment(visitor, step), alert
        )

    async def _let_in(self, request: Request, visitor: Visitor, new: NewSession) -> Response:
        """With a new session; one that the browser had before ends."""
        self._strangers.vouch(new.token)
        before = await self._known(request, visitor)
        if before is not None:
            await self._sessions.revoke(before.session.id, before.user.id, visitor, "sign_out")
        response = redirect("/me")
        self._browser.give_session(response, new)
        return response

    async def _known(self, request: Request, visitor: Visitor) -> Known | None:
        """Nobody, too, where it is not looked up any more: the pages for signing in are for all."""
        try:
            return await self._require_known(request, visitor)
        except (Unauthenticated, Throttled):
            return None

    async def _require_known(self, request: Request, visitor: Visitor) -> Known:
        """Raises Unauthenticated and Throttled."""
        token = self._browser.session(request)
        if token is None:
            raise Unauthenticated("There is no session.", code="session_ended")
        with self._strangers.watched(visitor.address, token):
            return await self._sessions.find(token)

    @contextmanager
    def _counted_link(self, visitor: Visitor, token: str) -> Iterator[None]:
        """Around looking a link up. Raises Throttled."""
        address = visitor.address
        with self._strangers.watched(address, token), self._strangers.keeping_out(address):
            yield

    async def _form(self, request: Request, visitor: Visitor) -> dict[str, str]:
        """What a page for somebody who is not signed in has sent."""
        sent = await sent_form(request)
        wanted = self._browser.form_token(visitor)
        self._browser.require_own_form(request, sent.get("form", ""), wanted)
        return sent

    async def _own_form(self, request: Request, visitor: Visitor) -> Known:
        """Whose page has sent a form."""
        known = await self._require_known(request, visitor)
        sent = await sent_form(request)
        wanted = self._sessions.csrf_token(known.session.id)
        self._browser.require_own_form(request, sent.get("form", ""), wanted)
        return known


_BACK = link("/sign-in", "To the sign-in page")


def _slow_down(flood: Throttled) -> Response:
    response = page("Too many requests", _BACK, 429, alert=flood.message)
    for name, value in flood.headers:
        response.headers[name.decode()] = value.decode()
    return response


def _only_with_tls() -> Response:
    words = (
        "People sign in over HTTPS only. Whoever runs this server puts it behind TLS and sets "
        "GUILDER_PUBLIC_URL to its https:// address."
    )
    return page("Not over plain HTTP", paragraph(words), 503)
