"""The chart of accounts that payments move money between.

Amounts in the ledger are signed: a debit is above zero, a credit below, and each transaction
sums to zero. Seen from the merchant:

    gateway/<name>        debit   what the gateway has taken for us and has not paid out yet
    merchant/<day>        credit  what the merchant is owed, by the day it becomes available
    fees/<name>           credit  what processing has cost, kept from the merchant's share

A merchant's money has an account for each day of availability, so that "available" and
"pending" need neither a job that moves money at midnight nor a sum over a payment's entries:
available is the sum of the days that have come, pending of those that have not.

Of wallets:

    wallet/<wallet>                  credit  what the holder of the wallet is owed
    memo/wallet/<wallet>/<period>    debit   what has left it in a day (2026-11-20) or a month
                                             (2026-11), where its limits are counted
    memo/wallet                      credit  the other side of all that is so counted

Of payouts:

    payouts/in_transit               credit  what has left wallets and has not reached a bank yet

Memorandum accounts keep a count, not money: theirs sum to zero among themselves.
"""

from __future__ import annotations

from datetime import date, datetime

from guilder_server.kernel.postings import AccountRef

# What ids of transactions begin with that move the merchant's balance.
MOVEMENTS = "txn"

MERCHANT = "merchant/"
FEES = "fees/"
GATEWAY = "gateway/"
WALLET = "wallet/"
PAYOUTS = "payouts/"
MEMO = "memo/"

# Codes that begin so are not for callers to give.
RESERVED = (MERCHANT, FEES, GATEWAY, WALLET, PAYOUTS, MEMO)


def merchant(currency: str, available: datetime) -> AccountRef:
    """What the merchant may pay out from the day of `available` on (UTC)."""
    return AccountRef(f"{MERCHANT}{available.date().isoformat()}", currency, "credit")


def fees(currency: str, gateway: str) -> AccountRef:
    return AccountRef(f"{FEES}{gateway}", currency, "credit")


def gateway(currency: str, name: str) -> AccountRef:
    return AccountRef(f"{GATEWAY}{name}", currency, "debit")


def wallet(id: str, currency: str, floor: int, account_id: str) -> AccountRef:
    code = f"{WALLET}{id}"
    return AccountRef(code, currency, "credit", floor, called="the wallet", id=account_id)


def spent(wallet_id: str, currency: str, period: str) -> AccountRef:
    """What has left a wallet in a `period`, a day or a month."""
    return AccountRef(f"{MEMO}wallet/{wallet_id}/{period}", currency, "debit")


def spending(currency: str) -> AccountRef:
    return AccountRef(f"{MEMO}wallet", currency, "credit")


def in_transit(currency: str) -> AccountRef:
    return AccountRef(f"{PAYOUTS}in_transit", currency, "credit")


def day_of(code: str) -> date:
    """The day on which a merchant account's money becomes available."""
    return date.fromisoformat(code.removeprefix(MERCHANT))
