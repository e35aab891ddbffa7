"""The chart of accounts that payments move money between.

Amounts in the ledger are signed: a debit is above zero, a credit below, and each transaction
sums to zero. Seen from the merchant:

    gateway/<name>        debit   what the gateway has taken for us and has not paid out yet
    merchant/<day>        credit  what the merchant is owed, by the day it becomes available
    fees/<name>           credit  what processing has cost, kept from the merchant's share

A merchant's money has an account for each day of availability, so that "available" and
"pending" need neither a job that moves money at midnight nor a sum over a payment's entries:
available is the sum of the days that have come, pending of those that have not.
"""

from __future__ import annotations

from datetime import date, datetime

from guilder_server.kernel.postings import AccountRef

MERCHANT = "merchant/"
FEES = "fees/"
GATEWAY = "gateway/"


def merchant(currency: str, available: datetime) -> AccountRef:
    """What the merchant may pay out from the day of `available` on (UTC)."""
    return AccountRef(f"{MERCHANT}{available.date().isoformat()}", currency, "credit")


def fees(currency: str, gateway: str) -> AccountRef:
    return AccountRef(f"{FEES}{gateway}", currency, "credit")


def gateway(currency: str, name: str) -> AccountRef:
    return AccountRef(f"{GATEWAY}{name}", currency, "debit")


def day_of(code: str) -> date:
    """The day on which a merchant account's money becomes available."""
    return date.fromisoformat(code.removeprefix(MERCHANT))
