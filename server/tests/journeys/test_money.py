"""The balance and its transactions, held against fees counted by hand."""

from __future__ import annotations

import psycopg
import stripe

from guilder_server.ledger.verification import PROOFS
from tests.support.official import Shop
from tests.support.served import Served

# 2.9 % rounded half up, and 30 of the smallest unit; where there are no decimals the same.
FEES = {
    ("usd", 50): 31,  # 1.45 -> 1
    ("usd", 1000): 59,  # 29
    ("usd", 1259): 67,  # 36.511 -> 37
    ("eur", 99999): 2930,  # 2899.971 -> 2900
    ("jpy", 10_000): 320,  # 290
    ("kwd", 10_000): 590,  # 290, and 0.300 of the unit
}


def test_the_balance_is_the_sum_of_what_happened(shop: Shop, served: Served) -> None:
    client = shop.stripe.v1
    nets: dict[str, int] = {}
    for (currency, amount), fee in FEES.items():
        intent = shop.pay(amount, currency=currency, expand=["latest_charge.balance_transaction"])
        charge = intent.latest_charge
        assert isinstance(charge, stripe.Charge)
        transaction = charge.balance_transaction
        assert isinstance(transaction, stripe.BalanceTransaction)
        assert (transaction.amount, transaction.fee, transaction.net) == (amount, fee, amount - fee)
        assert [(each.amount, each.currency) for each in transaction.fee_details] == [
            (fee, currency)
        ]
        assert (transaction.type, transaction.status) == ("charge", "pending")
        assert transaction.source == charge.id
        assert transaction.available_on > transaction.created
        nets[currency] = nets.get(currency, 0) + amount - fee
    refund = client.refunds.create({"payment_intent": intent.id, "amount": 4000})
    given_back = client.balance_transactions.retrieve(str(refund.balance_transaction))
    assert (given_back.amount, given_back.fee, given_back.net) == (-4000, 0, -4000)
    assert (given_back.type, given_back.source) == ("refund", refund.id)
    nets[intent.currency] -= 4000

    balance = client.balance.retrieve()
    assert {each.currency: each.amount for each in balance.pending} == nets
    assert {each.amount for each in balance.available} == {0}
    listed = list(client.balance_transactions.list({"limit": 2}).auto_paging_iter())
    assert len(listed) == len(FEES) + 1
    for currency, net in nets.items():
        own = client.balance_transactions.list({"currency": currency}).data
        assert sum(each.net for each in own) == net
    assert [each.id for each in client.balance_transactions.list({"type": "refund"}).data] == [
        given_back.id
    ]
    assert [each.id for each in client.balance_transactions.list({"source": refund.id}).data] == [
        given_back.id
    ]
    with psycopg.connect(served.database_url) as connection:
        for proof in PROOFS:
            assert connection.execute(proof.differences).fetchone() is None, proof.claim


def test_money_that_may_be_paid_out_at_once_is_available(shop: Shop) -> None:
    shop.pay(10_000, payment_method="pm_card_bypassPending")
    shop.pay(20_000)
    balance = shop.stripe.v1.balance.retrieve()
    assert [each.amount for each in balance.available] == [10_000 - 320]
    assert [each.amount for each in balance.pending] == [20_000 - 610]
    assert balance.available[0].source_types is not None
    assert balance.available[0].source_types.card == 10_000 - 320
