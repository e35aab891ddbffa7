"""The page behind a link to set a new password with."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from guilder_server.kernel.errors import InvalidRequest
from guilder_server.people.domain.session import Visitor
from guilder_server.people.flows.resetting import PAGE, Resetting
from guilder_server.people.pages import showing
from guilder_server.people.pages.gate import Gate


class ResetPages:
    def __init__(self, gate: Gate, resetting: Resetting) -> None:
        self._gate, self._resetting = gate, resetting

    def routes(self) -> list[Route]:
        path = PAGE + "/{token}"
        return [self._gate.get(path, self._show), self._gate.post(path, self._set)]

    async def _show(self, request: Request, visitor: Visitor) -> Response:
        return await self._shown(request, visitor)

    async def _set(self, request: Request, visitor: Visitor) -> Response:
        sent = await self._gate.form(request, visitor)
        password = sent.get("password", "")
        if password != sent.get("again", ""):
            return await self._shown(request, visitor, "The two passwords differ.")
        try:
            token = request.path_params["token"]
            with self._gate.counted_link(visitor, token):
                await self._resetting.set(visitor, token, password)
        except InvalidRequest as wrong:
            return await self._shown(request, visitor, wrong.message)
        return showing.password_set()

    async def _shown(
        self, request: Request, visitor: Visitor, alert: str | None = None
    ) -> Response:
        token = request.path_params["token"]
        with self._gate.counted_link(visitor, token):
            user = await self._resetting.look(visitor, token)
        form_token = self._gate.browser.form_token(visitor)
        return showing.new_password(f"{PAGE}/{quote(token)}", form_token, user.email, alert)
