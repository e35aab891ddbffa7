"""The pages of somebody who has signed in: their password, and their recovery codes."""

from __future__ import annotations

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from guilder_server.kernel.errors import InvalidRequest
from guilder_server.people.assembly import Populace
from guilder_server.people.domain.refusals import ProofRefused
from guilder_server.people.domain.session import Known, Visitor
from guilder_server.people.flows.renewing import Asking
from guilder_server.people.pages import showing_own as showing
from guilder_server.people.pages.gate import Gate
from guilder_server.people.pages.layout import redirect

log = structlog.get_logger(__name__)


class OwnPages:
    def __init__(self, gate: Gate, populace: Populace) -> None:
        self._gate = gate
        self._sessions, self._renewing = populace.sessions, populace.renewing

    def routes(self) -> list[Route]:
        gate = self._gate
        return [
            gate.get("/me", self._me),
            gate.get("/me/password", self._show_password),
            gate.post("/me/password", self._password),
            gate.get("/me/recovery-codes", self._show_codes),
            gate.post("/me/recovery-codes", self._codes),
            gate.post("/me/sign-out", self._sign_out),
            gate.post("/me/sessions/{session}/revoke", self._revoke),
        ]

    async def _me(self, request: Request, visitor: Visitor) -> Response:
        known = await self._gate.require_known(request, visitor)
        session = known.session
        seen = await self._sessions.seen(session.id, known.user.id)
        return showing.me(seen, await self._sessions.mine(known.user.id))

    async def _show_password(self, request: Request, visitor: Visitor) -> Response:
        return self._shown_password(await self._gate.require_known(request, visitor))

    async def _password(self, request: Request, visitor: Visitor) -> Response:
        known, sent = await self._gate.own_form(request, visitor)
        if sent.get("new_password", "") != sent.get("again", ""):
            return self._shown_password(known, "The two new passwords differ.")
        try:
            await self._renewing.change_password(
                _asking(known, visitor), sent.get("password", ""), sent.get("new_password", "")
            )
        except (InvalidRequest, ProofRefused) as wrong:
            return self._shown_password(known, _said(wrong, visitor))
        return showing.password_changed()

    async def _show_codes(self, request: Request, visitor: Visitor) -> Response:
        return await self._shown_codes(await self._gate.require_known(request, visitor))

    async def _codes(self, request: Request, visitor: Visitor) -> Response:
        known, sent = await self._gate.own_form(request, visitor)
        try:
            codes = await self._renewing.recovery_codes(
                _asking(known, visitor), sent.get("password", ""), sent.get("code", "")
            )
        except ProofRefused as wrong:
            return await self._shown_codes(known, _said(wrong, visitor))
        return showing.recovery_codes(codes)

    async def _sign_out(self, request: Request, visitor: Visitor) -> Response:
        known, _ = await self._gate.own_form(request, visitor)
        await self._sessions.revoke(known.session.id, known.user.id, visitor, "sign_out")
        response = showing.signed_out()
        self._gate.browser.take_session(response)
        return response

    async def _revoke(self, request: Request, visitor: Visitor) -> Response:
        known, _ = await self._gate.own_form(request, visitor)
        await self._sessions.revoke(request.path_params["session"], known.user.id, visitor)
        return redirect("/me")

    def _shown_password(self, known: Known, alert: str | None = None) -> Response:
        token = self._sessions.csrf_token(known.session.id)
        return showing.password(token, known.user, alert)

    async def _shown_codes(self, known: Known, alert: str | None = None) -> Response:
        seen = await self._sessions.seen(known.session.id, known.user.id)
        return showing.renewing_codes(seen, alert)


def _asking(known: Known, visitor: Visitor) -> Asking:
    return Asking(known.user.id, known.session.id, visitor)


def _said(wrong: InvalidRequest | ProofRefused, visitor: Visitor) -> str:
    """What the page says, which they may try again on. Raises what ends it."""
    if isinstance(wrong, ProofRefused):
        if wrong.reason not in ("password_wrong", "code_wrong", "code_reused"):
            raise wrong
        log.warning("proof_refused", reason=wrong.reason, address=visitor.address)
    return wrong.message
