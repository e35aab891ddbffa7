"""A day of a merchant: something of everything that is in the books."""

from __future__ import annotations

from tests.ledger.keeping import ACCOUNTS, TRANSACTIONS, account, moved, posting
from tests.payouts.keeping import PAYOUTS, pay_out
from tests.support.api import Api
from tests.support.processes import eventually
from tests.wallets.keeping import WALLETS, capture, filled, hold, transfer, wallet


def live(api: Api) -> str:
    """A day of a merchant: something of everything that moves money. Gives the id of a refund
    that will fail."""
    paid = api.pay(2000)
    api.post("/v1/refunds", payment_intent=paid["id"], amount=500)
    api.post("/v1/refunds", payment_intent=paid["id"], amount=700)
    api.post("/v1/refunds", payment_intent=api.pay(1500, currency="eur")["id"])
    api.pay(999, currency="jpy")
    held = api.pay(3000, capture_method="manual")
    api.post(f"/v1/payment_intents/{held['id']}/capture", amount_to_capture=1200)
    api.post(f"/v1/payment_intents/{api.pay(800, capture_method='manual')['id']}/cancel")
    api.pay(700, payment_method="pm_card_chargeDeclined")
    failing = api.pay(1100, payment_method="pm_card_refundFail")
    back = api.post("/v1/refunds", payment_intent=failing["id"])
    api.post("/v1/charges", amount=400, currency="usd", source="tok_visa")
    _keep_books(api)
    _keep_wallets(api)
    _pay_out(api)
    return str(back["id"])


def _keep_books(api: Api) -> None:
    """Something of everything that callers do to the ledger."""
    bank = account(api, "assets/bank", floor=-100_000, ceiling=100_000)
    sales = account(api, "sales", normal_side="credit")
    euros = account(api, "euros", currency="eur"), account(api, "more", currency="eur")
    first = moved(api, bank, sales, 500, reference="first", effective_at=1_700_000_000)
    moved(api, bank, sales, 70)
    api.post(f"{TRANSACTIONS}/{first}/reverse", amount=120)
    api.post(TRANSACTIONS, postings=[posting(bank, sales, 30), posting(*euros, 20)])
    moved(api, bank, sales, 11, status="pending", reference="held")
    _change_money(api, bank, sales, euros)
    api.post(f"{ACCOUNTS}/{account(api, 'past')}", status="closed")


def _keep_wallets(api: Api) -> None:
    """Something of everything that is done with wallets."""
    purse, other = filled(api, 5000, limits={"per_day": 4000}), wallet(api)
    transfer(api, purse, other, 300)
    hold(api, purse, 200)
    capture(api, hold(api, purse, 200, destination=other), amount=50, final_capture=False)
    paid = api.pay(amount=2000, wallet=purse, wallet_amount=700)
    api.post("/v1/refunds", charge=paid["wallet_charge"], amount=100)
    brought = api.pay(amount=1000, top_up_wallet=other)
    api.post("/v1/refunds", payment_intent=brought["id"], amount=400)
    api.post(f"{WALLETS}/{wallet(api)}", status="closed")


def _change_money(api: Api, bank: str, sales: str, euros: tuple[str, str]) -> None:
    for rounding, dollars, status in (
        ("down", 13, "posted"),
        ("up", 14, "posted"),
        ("half_even", 13, "pending"),
    ):
        given = {"sold": "eur", "bought": "usd", "rate": "1.0837", "rounding": rounding}
        postings = [posting(*euros, 12), posting(bank, sales, dollars)]
        made = api.post(TRANSACTIONS, postings=postings, exchange=given, status=status)
        api.post(f"{TRANSACTIONS}/{made['id']}/{'post' if status == 'pending' else 'reverse'}")


def _pay_out(api: Api) -> None:
    """Payouts in each state, one of them of a wallet that is closed by now."""
    purse, closed = filled(api, 5000), filled(api, 500)
    for destination in ("ba_pending", "ba_noAccount"):
        pay_out(api, purse, 300, destination=destination)
    canceled = pay_out(api, purse, 300, destination="ba_pending")
    api.post(f"{PAYOUTS}/{canceled['id']}/cancel")
    kept = pay_out(api, closed, 500, destination="ba_couldNotProcess")["id"]
    api.post(f"{WALLETS}/{closed}", status="closed")
    paid = pay_out(api, purse, 300, method="instant")["id"]

    def over() -> bool:
        states = [api.get(f"{PAYOUTS}/{payout}")["status"] for payout in (paid, kept)]
        return states == ["paid", "failed"]

    assert eventually(over)


def refund_status(api: Api, refund: str) -> str:
    return str(api.get(f"/v1/refunds/{refund}")["status"])
