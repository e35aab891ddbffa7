"""Merchants of all sorts, and what their programs ask of a payments API.

Each story is a customer who pays, in one of the ways that customers do: at once, later, after
a decline, in instalments given back. Words, shapes and sizes vary; two vocabularies share no
word, so that what was learned from the one can be tried on the other.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

# Method, path and parameters in; the object answered out, or None when it was refused.
Ask = Callable[[str, str, dict[str, Any]], Awaitable[dict[str, Any] | None]]


@dataclass(frozen=True)
class Vocabulary:
    given: str
    family: str
    streets: str
    towns: str
    goods: str
    labels: str
    hosts: str


LEARNED = Vocabulary(
    given="Anna Ben Chloe David Elif Farid Grace Hugo Ines Jonas Kaya Liam Mei Noah Olga Priya "
    "Quentin Rosa Samir Tara Umar Vera Wen Ximena Yusuf Zoe",
    family="Abbott Baker Chen Duarte Evans Fischer García Haddad Ivanov Jensen Kowalski Lopez "
    "Müller Nguyen Okafor Patel Quinn Rossi Schmidt Tanaka Usman Virtanen Wang Yilmaz Ziegler",
    streets="Market Station Church Mill Park Queen Bridge High Victoria Garden Hill Oak",
    towns="Berlin Lyon Madrid Porto Leeds Austin Toronto Nagoya Lagos Pune Recife Tallinn",
    goods="T-shirt Coffee Subscription Ticket Invoice Membership Booking Deposit Headphones Lamp",
    labels="order_id cart_id user_id source campaign plan seats invoice_no store channel sku note",
    hosts="example.com mail.example shop.example post.example company.example",
)
HELD_OUT = Vocabulary(
    given="Aroha Bjorn Cedric Dalia Emeka Fiona Goran Hana Idris Jade Kofi Lucia Mateo Nadia Otto "
    "Petra Rahul Sven Tomasz Ulla Viktor Willa Xander Yara Zane",
    family="Andersson Brandt Costa Dlamini Eriksson Fontaine Gupta Hansen Ito Janssen Khan "
    "Lindqvist Moreau Novak Oliveira Petrov Reyes Silva Takahashi Uribe Vargas Weber Young Zhang",
    streets="Elm River Castle Harbour Maple Canal Prince Abbey Forest Spring Linden Meadow",
    towns="Oslo Gent Sevilla Cork Boston Calgary Osaka Accra Chennai Quito Riga Split",
    goods="Bicycle Pass Workshop Rental Renewal Donation Upgrade Delivery Poster Kettle",
    labels="reference basket member_ref origin promo tier licences bill_ref branch medium memo",
    hosts="example.org mail.test shop.test inbox.test firm.test",
)

_CURRENCIES = "usd usd usd eur eur gbp cad aud sek chf jpy brl"
_CARDS = (
    "visa visa visa mastercard mastercard amex visa_debit discover jcb unionpay gb_debit "
    "avsZipFail cvcCheckFail riskLevelElevated visa_cartesBancaires mastercard_prepaid"
)
_DECLINING = (
    "chargeDeclined chargeDeclinedInsufficientFunds chargeDeclinedExpiredCard "
    "chargeDeclinedIncorrectCvc chargeDeclinedProcessingError chargeDeclinedLostCard"
)


class Storyteller:
    def __init__(self, vocabulary: Vocabulary, seed: int) -> None:
        self._words = vocabulary
        self._random = random.Random(seed)

    async def tell(self, ask: Ask) -> None:
        """One customer's story; `ask` carries it out."""
        customer = await self._customer(ask)
        for _ in range(self._random.choice((1, 1, 1, 2, 3))):
            plot = self._random.choices(
                (self._pay, self._hold, self._decline, self._authenticate, self._wait),
                (60, 12, 12, 8, 8),
            )[0]
            await plot(ask, customer)

    async def _customer(self, ask: Ask) -> str | None:
        if self._chance(0.15):
            return None
        name = self._name()
        made = await ask(
            "POST",
            "/v1/customers",
            self._some(
                name=name,
                email=self._email(name),
                phone=self._phone(),
                address=self._address(),
                description=self._sentence(),
                shipping=self._shipping(),
                metadata=self._metadata(),
                preferred_locales=[self._random.choice(["en", "de", "fr-CA", "pt-BR"])],
            ),
        )
        assert made is not None
        if self._chance(0.3):
            change = self._some(phone=self._phone(), email=self._email(self._name()))
            change["metadata"] = self._metadata()
            await ask("POST", f"/v1/customers/{made['id']}", change)
        id: str = made["id"]
        return id

    async def _pay(self, ask: Ask, customer: str | None) -> None:
        paid = await self._confirmed(ask, customer, self._pick(_CARDS), {})
        if paid is None:
            return
        if self._chance(0.2):
            await ask("POST", f"/v1/payment_intents/{paid['id']}", {"metadata": self._metadata()})
        left = paid["amount"]
        while left > 0 and self._chance(0.25):
            part = self._random.choice((left, max(1, left // 3)))
            wish = self._some(reason="requested_by_customer", metadata=self._metadata())
            refund = {"payment_intent": paid["id"], "amount": part, **wish}
            if await ask("POST", "/v1/refunds", refund) is None:
                return
            left -= part

    async def _hold(self, ask: Ask, customer: str | None) -> None:
        held = await self._confirmed(ask, customer, "visa", {"capture_method": "manual"})
        if held is None:
            return
        if self._chance(0.3):
            reason = self._random.choice(("abandoned", "duplicate", "requested_by_customer"))
            await ask(
                "POST", f"/v1/payment_intents/{held['id']}/cancel", {"cancellation_reason": reason}
            )
            return
        wish = {"amount_to_capture": held["amount"] // 2} if self._chance(0.3) else {}
        await ask("POST", f"/v1/payment_intents/{held['id']}/capture", wish)

    async def _decline(self, ask: Ask, customer: str | None) -> None:
        await self._confirmed(ask, customer, self._pick(_DECLINING), {})

    async def _authenticate(self, ask: Ask, customer: str | None) -> None:
        back = {
            "return_url": f"https://{self._pick(self._words.hosts)}/{self._pick(self._words.goods)}"
        }
        await self._confirmed(ask, customer, "threeDSecure2Required", back)

    async def _wait(self, ask: Ask, customer: str | None) -> None:
        """The intent first, the card when the customer has it at hand."""
        made = await ask("POST", "/v1/payment_intents", self._intent(customer))
        if made is None:
            return
        if self._chance(0.4):
            await ask(
                "POST", f"/v1/payment_intents/{made['id']}", {"description": self._sentence()}
            )
        wish = await self._card(ask, self._pick(_CARDS))
        back = {"return_url": f"https://{self._pick(self._words.hosts)}/"}
        await ask("POST", f"/v1/payment_intents/{made['id']}/confirm", wish | back)

    async def _confirmed(
        self, ask: Ask, customer: str | None, card: str, more: dict[str, Any]
    ) -> dict[str, Any] | None:
        wish = self._intent(customer) | await self._card(ask, card) | {"confirm": True} | more
        if "automatic_payment_methods" not in wish:
            wish.setdefault("payment_method_types", ["card"])
        if self._chance(0.1):
            wish["expand"] = self._random.choice((["latest_charge"], ["customer"]))
        return await ask("POST", "/v1/payment_intents", wish)

    def _intent(self, customer: str | None) -> dict[str, Any]:
        wish: dict[str, Any] = {
            "amount": self._random.choice((999, 1500, 2000, 4999)) + self._random.randrange(90_000),
            "currency": self._pick(_CURRENCIES),
            **self._some(
                description=self._sentence(),
                receipt_email=self._email(self._name()),
                shipping=self._shipping(),
                statement_descriptor_suffix=self._pick(self._words.goods).upper()[:10],
                transfer_group=f"{self._pick(self._words.labels)}_{self._random.randrange(10**6)}",
            ),
            "metadata": self._metadata(),
        }
        if customer:
            wish["customer"] = customer
            if self._chance(0.15):
                wish["setup_future_usage"] = "off_session"
        if self._chance(0.3):
            wish["automatic_payment_methods"] = {"enabled": True, "allow_redirects": "never"}
        return wish

    async def _card(self, ask: Ask, card: str) -> dict[str, Any]:
        token = f"pm_card_{card}"
        if self._chance(0.6) or card in _DECLINING.split():
            return {"payment_method": token}
        name = self._name()
        details = self._some(
            name=name, email=self._email(name), phone=self._phone(), address=self._address()
        )
        wish = {"type": "card", "card": {"token": f"tok_{card}"}, "billing_details": details}
        made = await ask("POST", "/v1/payment_methods", wish)
        return {"payment_method": made["id"] if made else token}

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _pick(self, words: str) -> str:
        return self._random.choice(words.split())

    def _some(self, **wishes: Any) -> dict[str, Any]:
        """Each with even odds: few programs send everything."""
        return {name: value for name, value in wishes.items() if self._chance(0.5)}

    def _name(self) -> str:
        return f"{self._pick(self._words.given)} {self._pick(self._words.family)}"

    def _email(self, name: str) -> str:
        local = "".join(c for c in name.lower() if c.isascii() and c.isalpha())
        return f"{local}{self._random.randrange(100)}@{self._pick(self._words.hosts)}"

    def _phone(self) -> str:
        return f"+{self._random.randrange(1, 99)}{self._random.randrange(10**8, 10**10)}"

    def _sentence(self) -> str:
        goods = [self._pick(self._words.goods) for _ in range(self._random.randrange(1, 4))]
        return f"{' + '.join(goods)} for {self._name()} #{self._random.randrange(10**5)}"

    def _address(self) -> dict[str, str]:
        return {
            "line1": f"{self._random.randrange(1, 300)} {self._pick(self._words.streets)} Street",
            "city": self._pick(self._words.towns),
            "postal_code": str(self._random.randrange(10_000, 99_999)),
            "country": self._random.choice(["US", "DE", "GB", "FR", "JP", "BR", "SE", "IN"]),
        }

    def _shipping(self) -> dict[str, Any]:
        return {"name": self._name(), "address": self._address(), "phone": self._phone()}

    def _metadata(self) -> dict[str, str]:
        makers: tuple[Callable[[], str], ...] = (
            lambda: str(self._random.randrange(10**6)),
            lambda: str(uuid.UUID(int=self._random.getrandbits(128))),
            lambda: self._pick(self._words.goods).lower(),
            lambda: f"{self._pick(self._words.towns)}-{self._random.randrange(1000)}",
            self._sentence,
        )
        count = self._random.choice((0, 0, 1, 2, 2, 3, 5, 8))
        labels = self._random.sample(self._words.labels.split(), count)
        return {label: self._random.choice(makers)() for label in labels}
