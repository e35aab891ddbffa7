"""The pages and what leads from one to the next."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from guilder_server.http.limits.strangers import Strangers
from guilder_server.kernel.errors import InvalidRequest, NotFound
from guilder_server.people.assembly import Populace
from guilder_server.people.domain.refusals import SignInRefused
from guilder_server.people.domain.session import NewSession, Visitor
from guilder_server.people.flows.by_provider import CALLBACK, Returned
from guilder_server.people.pages import showing
from guilder_server.people.pages.browser import Browser
from guilder_server.people.pages.gate import Gate
from guilder_server.people.pages.layout import redirect
from guilder_server.people.pages.own import OwnPages
from guilder_server.people.pages.resetting import ResetPages
from guilder_server.people.pages.showing_own import recovery_codes


class Pages:
    """`strangers` counts who comes with sessions and links that nobody made."""

    def __init__(self, browser: Browser, populace: Populace, strangers: Strangers) -> None:
        self._strangers = strangers
        self._browser, self._sessions = browser, populace.sessions
        self._gate = Gate(browser, populace.sessions, strangers)
        self._others = (
            OwnPages(self._gate, populace),
            ResetPages(self._gate, populace.resetting),
        )
        self._by_password, self._by_provider = populace.by_password, populace.by_provider
        self._joining = populace.joining
        provider = populace.tools.provider
        self._provider_name = None if provider is None else provider.name

    def routes(self) -> list[Route]:
        invitation = "/invitations/{token}"
        get, post = self._gate.get, self._gate.post
        return [
            get("/sign-in", self._show_sign_in),
            get("/sign-in/provider", self._to_provider),
            get(CALLBACK, self._from_provider),
            post("/sign-in/password", self._password),
            post("/sign-in/code", self._code),
            post("/sign-in/recovery-code", self._recovery_code),
            get(invitation, self._show_invitation),
            get(invitation + "/provider", self._to_provider),
            post(invitation + "/password", self._join_with_password),
            post(invitation + "/join", self._join),
            *(route for pages in self._others for route in pages.routes()),
        ]

    async def _show_sign_in(self, request: Request, visitor: Visitor) -> Response:
        if await self._gate.known(request, visitor) is not None:
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
        sent = await self._gate.form(request, visitor)
        email = sent.get("email", "")
        try:
            step = await self._by_password.password(visitor, email, sent.get("password", ""))
        except SignInRefused as refused:
            if refused.reason != "password_wrong":
                raise
            self._gate.refused(refused, visitor)
            token = self._browser.form_token(visitor)
            return showing.sign_in(token, self._provider_name, email, refused.message)
        return await self._show_step(visitor, step.kind == "enrolment", step.token)

    async def _code(self, request: Request, visitor: Visitor) -> Response:
        sent = await self._gate.form(request, visitor)
        token = sent.get("step", "")
        try:
            new = await self._by_password.code(visitor, token, sent.get("code", ""))
        except SignInRefused as refused:
            if refused.reason not in ("code_wrong", "code_reused"):
                raise
            self._gate.refused(refused, visitor)
            enrolling = sent.get("kind") == "enrolment"
            return await self._show_step(visitor, enrolling, token, refused.message)
        return await self._let_in(request, visitor, new)

    async def _recovery_code(self, request: Request, visitor: Visitor) -> Response:
        sent = await self._gate.form(request, visitor)
        token, code = sent.get("step", ""), sent.get("recovery_code", "")
        try:
            new = await self._by_password.code(visitor, token, code, recovery=True)
        except SignInRefused as refused:
            if refused.reason != "recovery_code_wrong":
                raise
            self._gate.refused(refused, visitor)
            form_token = self._browser.form_token(visitor)
            return showing.code(form_token, token, refused.message, recovering=True)
        return await self._let_in(request, visitor, new)

    async def _show_invitation(self, request: Request, visitor: Visitor) -> Response:
        return await self._shown_invitation(request, visitor)

    async def _shown_invitation(
        self, request: Request, visitor: Visitor, alert: str | None = None
    ) -> Response:
        token = request.path_params["token"]
        with self._gate.counted_link(visitor, token):
            offer = await self._joining.look(visitor, token)
        known = await self._gate.known(request, visitor)
        return showing.invitation(
            f"/invitations/{quote(token)}",
            offer,
            provider=self._provider_name,
            form_token=self._browser.form_token(visitor),
            signed_in_as=None if known is None else known.user.email,
            alert=alert,
        )

    async def _join_with_password(self, request: Request, visitor: Visitor) -> Response:
        sent = await self._gate.form(request, visitor)
        token, password = request.path_params["token"], sent.get("password", "")
        if password != sent.get("again", ""):
            return await self._shown_invitation(request, visitor, "The two passwords differ.")
        try:
            with self._gate.counted_link(visitor, token):
                step = await self._joining.with_password(visitor, token, sent.get("name"), password)
        except InvalidRequest as wrong:
            return await self._shown_invitation(request, visitor, wrong.message)
        return await self._show_step(visitor, True, step)

    async def _join(self, request: Request, visitor: Visitor) -> Response:
        await self._gate.form(request, visitor)
        known = await self._gate.require_known(request, visitor)
        await self._joining.join(visitor, known.user, request.path_params["token"])
        self._sessions.forget(known.user.id)
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
        before = await self._gate.known(request, visitor)
        if before is not None:
            await self._sessions.revoke(before.session.id, before.user.id, visitor, "sign_out")
        self._sessions.forget(new.session.user_id)
        codes = new.recovery_codes
        response = recovery_codes(codes) if codes else redirect("/me")
        self._browser.give_session(response, new)
        return response
