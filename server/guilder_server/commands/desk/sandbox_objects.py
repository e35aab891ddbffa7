"""Real objects of test mode, made through the API so that something happens to them."""

from __future__ import annotations

import secrets
from typing import Any

from guilder_server.commands.desk.api_client import ApiClient
from guilder_server.commands.desk.api_trouble import Refused

Made = dict[str, Any]

_WHY = "Made by `guilder trigger`."


class SandboxObjects:
    """`made` keeps what there is to show for it, each object as it was last answered."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api
        self.made: dict[str, Made] = {}

    async def post(self, path: str, **body: Any) -> Made:
        return self._keep(await self._api.post(f"/v1/{path}", body))

    async def delete(self, path: str) -> Made:
        return self._keep(await self._api.delete(f"/v1/{path}"))

    async def customer(self) -> Made:
        return await self.post("customers", name="Test customer", description=_WHY)

    async def attached(self) -> Made:
        customer = await self.customer()
        return await self.post("payment_methods/pm_card_visa/attach", customer=customer["id"])

    async def unpaid(self, **terms: Any) -> Made:
        given = {"amount": 2000, "currency": "usd", "description": _WHY, **terms}
        return await self.post("payment_intents", **given)

    async def paid(self, card: str = "pm_card_visa", **terms: Any) -> Made:
        """A payment that was tried; whether it went well is the card's affair."""
        return await self.unpaid(
            confirm=True, payment_method=card, payment_method_types=["card"], **terms
        )

    async def declined(self) -> Made:
        """A payment whose card is declined, which the API answers with an error."""
        try:
            return await self.paid("pm_card_chargeDeclined")
        except Refused as refusal:
            intent = refusal.error.get("payment_intent")
            if intent is None:
                raise
            return self._keep(intent)

    async def held(self) -> Made:
        return await self.paid(capture_method="manual")

    async def charge_of(self, intent: Made) -> Made:
        answer = await self._api.get(f"/v1/charges/{intent['latest_charge']}")
        return self._keep(answer.body)

    async def refund(self, card: str = "pm_card_visa") -> Made:
        intent = await self.paid(card)
        return await self.post("refunds", payment_intent=intent["id"])

    async def ledger_account(self) -> Made:
        # A code names one account for good, so each gets one of its own.
        code = f"triggered/{secrets.token_hex(6)}"
        return await self.post(
            "ledger/accounts", code=code, currency="usd", normal_side="debit", name=_WHY
        )

    async def transfer(self, **terms: Any) -> Made:
        """Money that moves between two accounts, or is held for it."""
        debit, credit = [(await self.ledger_account())["id"] for _ in range(2)]
        posting = {"debit": debit, "credit": credit, "amount": 2000}
        return await self.post("ledger/transactions", postings=[posting], description=_WHY, **terms)

    async def wallet(self) -> Made:
        customer = await self.customer()
        return await self.post("wallets", customer=customer["id"], currency="usd", name=_WHY)

    async def top_up(self) -> Made:
        """What a payment brought into a wallet."""
        wallet = await self.wallet()
        await self.paid(top_up_wallet=wallet["id"])
        return await self.top_up_of(wallet["id"])

    async def top_up_of(self, wallet: str) -> Made:
        answer = await self._api.get(f"/v1/wallets/{wallet}/top_ups")
        return self._keep(answer.body["data"][0])

    async def wallet_hold(self) -> Made:
        wallet = (await self.top_up())["wallet"]
        return await self.post(f"wallets/{wallet}/holds", amount=1500, description=_WHY)

    async def payout(self, destination: str = "ba_test") -> Made:
        wallet = (await self.top_up())["wallet"]
        return await self.post(
            "payouts",
            amount=1500,
            currency="usd",
            wallet=wallet,
            destination=destination,
            description=_WHY,
        )

    def _keep(self, made: Made) -> Made:
        self.made[made["id"]] = made
        return made
