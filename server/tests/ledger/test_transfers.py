"""What makes a transaction unfit, and which parameter is named for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from guilder_server.kernel.errors import GuilderError
from guilder_server.ledger.domain import transfers
from guilder_server.ledger.domain.account import (
    LedgerAccount,
    Standing,
    entry_id,
    reserved,
    version_of,
)
from guilder_server.ledger.domain.transfers import Expectation, Posting, Wish

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def _standing(id: str, **changed: Any) -> Standing:
    account = LedgerAccount(id, 1, NOW, id, "usd", "debit", None, None, None, {}, "open")
    return Standing(replace(account, **changed), 0, 0)


STANDINGS = {
    "a": _standing("a"),
    "b": _standing("b", normal_side="credit", floor=0),
    "euros": _standing("euros", currency="eur"),
    "more euros": _standing("more euros", currency="eur"),
    "frozen": _standing("frozen", status="frozen"),
    "closed": _standing("closed", status="closed"),
    "system": replace(_standing("system"), system=True),
}
SOUND = Posting("a", "b", 5)

_UNFIT: dict[str, tuple[Wish, str, str]] = {
    "the future": (
        Wish([SOUND], effective_at=NOW + timedelta(seconds=1)),
        "parameter_invalid",
        "effective_at",
    ),
    "the same account": (
        Wish([SOUND, Posting("a", "a", 5)]),
        "parameter_invalid",
        "postings[1][credit]",
    ),
    "two currencies": (
        Wish([Posting("euros", "a", 5)]),
        "ledger_currency_mismatch",
        "postings[0][credit]",
    ),
    "a frozen account": (
        Wish([SOUND, SOUND, Posting("frozen", "a", 5)]),
        "ledger_account_frozen",
        "postings[2][debit]",
    ),
    "a closed account": (
        Wish([Posting("a", "closed", 5)]),
        "ledger_account_closed",
        "postings[0][credit]",
    ),
    "an account of payments": (
        Wish([Posting("a", "system", 5)]),
        "ledger_account_system",
        "postings[0][credit]",
    ),
    "one with a date that is pending": (
        Wish([SOUND], pending=True, effective_at=NOW),
        "parameter_invalid",
        "effective_at",
    ),
    "one that is posted and expires": (
        Wish([SOUND], expires_at=NOW + timedelta(days=1)),
        "parameter_invalid",
        "expires_at",
    ),
    "one that has expired already": (
        Wish([SOUND], pending=True, expires_at=NOW),
        "parameter_invalid",
        "expires_at",
    ),
}


@pytest.mark.parametrize(("wish", "code", "param"), _UNFIT.values(), ids=_UNFIT.keys())
def test_an_unfit_transaction_is_refused_where_it_is_unfit(
    wish: Wish, code: str, param: str
) -> None:
    head, bracket, rest = param.partition("[")
    for place, named in (
        ("", param),
        ("transactions[3]", f"transactions[3][{head}]{bracket}{rest}"),
    ):
        with pytest.raises(GuilderError) as refused:
            transfers.transaction("lt_1", replace(wish, place=place), STANDINGS, NOW)
        assert (refused.value.code, refused.value.param) == (code, named)


def test_a_transaction_that_follows_from_another_names_only_that() -> None:
    wish = Wish([Posting("frozen", "a", 5)], follows="transaction")
    with pytest.raises(GuilderError) as refused:
        transfers.transaction("lt_1", wish, STANDINGS, NOW)
    assert refused.value.param == "transaction"


def test_a_fit_transaction_has_a_debit_and_a_credit_for_each_posting() -> None:
    wish = Wish(
        [SOUND, Posting("b", "a", 2)],
        [Expectation("euros", 3, 7)],
        effective_at=NOW,
        reference="once",
        place="transactions[3]",
    )
    built = transfers.transaction("lt_1", wish, STANDINGS, NOW)
    moved = [(leg.account.code, leg.amount) for leg in built.legs]
    assert moved == [("a", 5), ("b", -5), ("b", 2), ("a", -2)]
    assert (built.currency, built.effective_at, built.reference) == ("usd", NOW, "once")
    assert built.pairs == (("a", "b", 5), ("b", "a", 2))
    [condition] = built.conditions
    assert (condition.account.code, condition.entries, condition.least) == ("euros", 3, 7)
    assert (built.param, condition.param) == (
        "transactions[3][postings]",
        "transactions[3][conditions][0]",
    )


def test_a_transaction_in_two_currencies_has_none_of_its_own() -> None:
    wish = Wish([SOUND, Posting("euros", "more euros", 7)])
    assert transfers.transaction("lt_1", wish, STANDINGS, NOW).currency is None


def test_every_account_is_named_where_it_stands() -> None:
    wish = Wish([SOUND], [Expectation("euros", None, None)], place="transactions[0]")
    assert wish.accounts() == [
        ("a", "transactions[0][postings][0][debit]"),
        ("b", "transactions[0][postings][0][credit]"),
        ("euros", "transactions[0][conditions][0][account]"),
    ]


@pytest.mark.parametrize(
    ("code", "taken"),
    [
        ("merchant", True),
        ("merchant/1", True),
        ("gateway/x/y", True),
        ("fees", True),
        ("merchants", False),
        ("a/fees", False),
        ("Merchant", False),
    ],
)
def test_payments_keep_their_own_codes(code: str, taken: bool) -> None:
    assert reserved(code) is taken


def test_an_entry_is_named_by_its_account_and_number() -> None:
    assert entry_id("la_x", 12) == "le_x_12"
    assert version_of("le_x_12") == 12
    for wrong in ("le_x_", "le_x_-1", "x", "", "le_x_1²", "le_x_" + "9" * 19):
        assert version_of(wrong) is None
