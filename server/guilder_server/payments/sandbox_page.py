"""The sandbox's page for 3D Secure: here a developer plays the customer with their bank.

It stands outside the contract and takes no key: whoever holds a payment's client secret is its
customer. It serves test mode only, keeps no session and runs no script.
"""

from __future__ import annotations

import base64
import hashlib
import re
from html import escape
from urllib.parse import quote, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from guilder_server.http.errors import kind_of
from guilder_server.kernel.actor import at_work
from guilder_server.kernel.changes import GuardLost
from guilder_server.kernel.currencies import display
from guilder_server.kernel.errors import GuilderError, NotFound
from guilder_server.kernel.steps import Settler
from guilder_server.kernel.tenant import Tenant
from guilder_server.payments.domain import return_url
from guilder_server.payments.domain.browsing import require_secret
from guilder_server.payments.domain.intents import Intent
from guilder_server.payments.flows.intending import authenticate_intent, found
from guilder_server.payments.ports import Tools, Wish

PATH = "/sandbox/authenticate"

_TRIES = 5
_INTENT = re.compile(r"pi_[0-9A-Za-z]{1,64}")
_PLAIN_HOST = re.compile(r"[A-Za-z0-9.:\[\]-]+")

_STYLE = """
body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 28rem; margin: 4rem auto; }
form { display: inline; }
button { font: inherit; padding: .5rem 1.25rem; margin-right: .5rem; }
dt, footer { color: #555; }
dd { margin: 0 0 .75rem; }
footer { margin-top: 2rem; font-size: .9rem; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<h1>{title}</h1>
{body}
<footer>Guilder sandbox: no money moves here.</footer>
</body>
</html>
"""
_QUESTION = """<dl>
<dt>Amount</dt><dd>{amount}</dd>
<dt>Merchant</dt><dd>{merchant}</dd>
<dt>Payment</dt><dd>{payment}</dd>
</dl>
<p>A real bank would now ask the customer whether this payment is theirs.</p>
<form method="post" action="{complete}"><button>Complete</button></form>
<form method="post" action="{fail}"><button>Fail</button></form>
"""


class SandboxPage:
    def __init__(self, tools: Tools, settler: Settler) -> None:
        self._tools = tools
        self._settler = settler

    def routes(self) -> list[Route]:
        return [
            Route(PATH + "/{intent}", self._show, methods=["GET"]),
            Route(PATH + "/{intent}/complete", self._complete, methods=["POST"]),
            Route(PATH + "/{intent}/fail", self._fail, methods=["POST"]),
        ]

    async def _show(self, request: Request) -> Response:
        try:
            tenant, intent = await self._waiting(request)
        except NotFound:
            return _nothing_to_do()
        own = f"{PATH}/{quote(intent.id)}/{{}}?client_secret={quote(intent.client_secret)}"
        body = _QUESTION.format(
            amount=escape(display(intent.amount, intent.currency)),
            merchant=escape(tenant.account),
            payment=escape(intent.id),
            complete=escape(own.format("complete")),
            fail=escape(own.format("fail")),
        )
        return _page("Is this payment yours?", body, leads_to=intent.return_url)

    async def _complete(self, request: Request) -> Response:
        return await self._finish(request, succeeded=True)

    async def _fail(self, request: Request) -> Response:
        return await self._finish(request, succeeded=False)

    async def _finish(self, request: Request, *, succeeded: bool) -> Response:
        for _ in range(_TRIES):
            try:
                tenant, intent = await self._waiting(request)
                wish = Wish(tenant, {})
                step = await authenticate_intent(self._tools, wish, intent, succeeded)
                with at_work("sandbox_page"):
                    await self._settler.settle(tenant, step)
            except GuardLost:
                continue
            except NotFound:
                return _nothing_to_do()
            except GuilderError as error:
                status = kind_of(error)[0]
                return _page("Not authenticated", f"<p>{escape(error.message)}</p>", status)
            return await self._answer(tenant, intent.id)
        return _page("Try again", "<p>Somebody else is changing this payment.</p>", 409)

    async def _answer(self, tenant: Tenant, intent_id: str) -> Response:
        """Back to the merchant, as a bank would send the customer."""
        intent = await found(self._tools, tenant, intent_id)
        paid = intent.status != "requires_payment_method"
        if intent.return_url is not None:
            secret = intent.client_secret
            address = return_url.with_answer(intent.return_url, intent.id, secret, paid)
            return RedirectResponse(address, 303, _headers())
        title = "Thank you" if paid else "The payment did not go through"
        return _page(title, "<p>You can close this page and return to the shop.</p>")

    async def _waiting(self, request: Request) -> tuple[Tenant, Intent]:
        """The payment that waits for this customer. Raises NotFound for every other."""
        id = request.path_params["intent"]
        waiting = None
        if _INTENT.fullmatch(id):
            waiting = await self._tools.store.awaiting_customer(id)
        if waiting is None:
            raise NotFound("payment_intent", id)
        require_secret(waiting[1], request.query_params.get("client_secret"))
        return waiting


def _nothing_to_do() -> Response:
    words = "This link is not right, or the payment no longer waits for its customer."
    return _page("Nothing to do here", f"<p>{words}</p>", 404)


def _page(title: str, body: str, status: int = 200, leads_to: str | None = None) -> Response:
    page = _PAGE.format(title=escape(title), style=_STYLE, body=body)
    return HTMLResponse(page, status, _headers(leads_to))


def _headers(leads_to: str | None = None) -> dict[str, str]:
    """A strict policy. `leads_to` is where a form may end up, by way of our own answer."""
    policy = (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
        f"frame-ancestors 'none'; form-action 'self'{_source_of(leads_to)}"
    )
    return {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        # The address of the page holds the payment's secret.
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


def _source_of(address: str | None) -> str:
    """The address as a policy names where it leads: an origin, or the scheme of an app."""
    parts = urlsplit(address or "")
    if parts.scheme in ("http", "https"):
        return f" {parts.scheme}://{parts.netloc}" if _PLAIN_HOST.fullmatch(parts.netloc) else ""
    return f" {parts.scheme}:" if parts.scheme else ""
