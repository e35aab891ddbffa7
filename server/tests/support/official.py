"""The official Python client as a program uses it, with every answer held to the contract.

`Shop` is a program with an account of its own: `shop.stripe` is the client, unmodified but for
its address, and `shop.answers` are the bodies that it was sent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
import stripe

from guilder_server.tenancy.bootstrap import DevAccount
from tests.support.api import differences


class CheckedTransport(stripe.RequestsClient):
    """The client's own transport, which also looks at what it carries."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[dict[str, Any]] = []
        self.headers: list[Mapping[str, str]] = []

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        **more: Any,
    ) -> tuple[str, int, Mapping[str, str]]:
        content, status, sent = super().request(method, url, headers, post_data, **more)
        body = json.loads(content)
        found = differences(method.upper(), urlsplit(url).path, status, body)
        assert not found, f"{method} {url} answered {status} with {found}"
        self.answers.append(body)
        self.headers.append(sent)
        return content, status, sent


class Shop:
    def __init__(self, url: str, account: DevAccount) -> None:
        self.url = url
        self.account = account
        self.transport = CheckedTransport()
        self.stripe = self.client(account.secret_key)

    def client(self, key: str, **options: Any) -> stripe.StripeClient:
        """The same program with another key: a browser's, a wrong one."""
        return stripe.StripeClient(
            key, base_addresses={"api": self.url}, http_client=self.transport, **options
        )

    @property
    def answers(self) -> list[dict[str, Any]]:
        return self.transport.answers

    def pay(self, amount: int = 2000, **params: Any) -> stripe.PaymentIntent:
        """A card payment, by default one that succeeds at once."""
        given = {"currency": "usd", "payment_method": "pm_card_visa", "confirm": True, **params}
        return self.stripe.v1.payment_intents.create({"amount": amount, **given})

    def hold(self, amount: int = 2000, **params: Any) -> stripe.PaymentIntent:
        return self.pay(amount, capture_method="manual", **params)

    def event_types(self, about: str | None = None) -> list[str]:
        """What happened, oldest first; to one object and what belongs to it, if `about` it."""
        events = list(self.stripe.v1.events.list({"limit": 100}).auto_paging_iter())
        return [
            event.type for event in reversed(events) if about is None or about in str(event.data)
        ]

    def authenticate(self, intent: stripe.PaymentIntent, how: str = "complete") -> httpx.Response:
        """The customer at their bank, by the address that the payment sends them to."""
        assert intent.next_action is not None
        action = intent.next_action.to_dict()
        told = action[action["type"]]
        page: str = told.get("url") or told["stripe_js"]
        shown = httpx.get(page, verify=False)
        assert shown.status_code == 200, shown.text
        form, secret = page.split("?")
        assert f"{urlsplit(form).path}/{how}?{secret}" in shown.text
        return httpx.post(f"{form}/{how}?{secret}", verify=False)
