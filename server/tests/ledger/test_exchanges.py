"""Exchanges of currencies: the rate is exact, the postings agree with it, and it is kept."""

from __future__ import annotations

import decimal
from fractions import Fraction
from itertools import permutations, product
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guilder_server.kernel.currencies import EXPONENTS
from guilder_server.kernel.errors import GuilderError, Refused
from guilder_server.kernel.exchange import Exchange, Rounding, bought_for
from guilder_server.ledger.domain.exchanges import Quote, exchange, rounded
from tests.ledger.desk import opened
from tests.ledger.keeping import (
    BULK,
    TRANSACTIONS,
    account,
    holds,
    moved,
    posting,
    refused,
)
from tests.support.api import Answer, Api

CURRENCIES = st.sampled_from(["usd", "eur", "jpy", "kwd", "clp"])
AMOUNTS = st.integers(1, 10**18)
SIDES = st.integers(1, 10**18 - 1)
ROUNDINGS = st.sampled_from(["up", "down", "half_even"])
_DECIMAL = {
    "up": decimal.ROUND_CEILING,
    "down": decimal.ROUND_FLOOR,
    "half_even": decimal.ROUND_HALF_EVEN,
}


def agreed(quote: Quote, moved: dict[str, int]) -> Exchange:
    return exchange(quote, moved, lambda name: name)


def refusal(quote: Quote, moved: dict[str, int]) -> tuple[str, str | None]:
    with pytest.raises(GuilderError) as found:
        agreed(quote, moved)
    return found.value.code, found.value.param


@given(CURRENCIES, CURRENCIES, AMOUNTS, SIDES, SIDES, ROUNDINGS)
def test_what_is_bought_and_the_residue_are_the_exact_amount(
    sold: str, bought: str, amount: int, above: int, below: int, rounding: Any
) -> None:
    if sold == bought:
        return
    exact = Fraction(amount * above * 10 ** EXPONENTS[bought], below * 10 ** EXPONENTS[sold])
    whole = rounded(exact, rounding)
    found = agreed(Quote(f"{above}/{below}", sold, bought, rounding), {sold: amount, bought: whole})
    assert found.bought_amount + found.residue == exact
    assert abs(found.residue) < 1
    assert Fraction(found.numerator, found.denominator) == Fraction(above, below)
    assert (found.residue >= 0) if rounding == "down" else True
    assert (found.residue <= 0) if rounding == "up" else True
    assert (abs(found.residue) <= Fraction(1, 2)) if rounding == "half_even" else True
    wrong = {sold: amount, bought: whole + 1}
    quote = Quote(f"{above}/{below}", sold, bought, rounding)
    assert refusal(quote, wrong) == ("ledger_exchange_mismatch", "exchange[rate]")


@given(st.integers(0, 10**6), st.integers(1, 10**3), ROUNDINGS)
def test_rounding_is_that_of_decimals(above: int, below: int, rounding: Any) -> None:
    exact = Fraction(above, 1000)
    wanted = decimal.Decimal(above).scaleb(-3).quantize(1, _DECIMAL[rounding])
    assert rounded(exact, rounding) == int(wanted)


@given(AMOUNTS, SIDES, SIDES)
def test_without_rounding_only_a_whole_amount_is_taken(amount: int, above: int, below: int) -> None:
    exact = bought_for(amount, Fraction(above, below), "usd", "eur")
    quote = Quote(f"{above}/{below}", "usd", "eur")
    if exact.denominator == 1:
        assert agreed(quote, {"usd": amount, "eur": int(exact)}).residue == 0
    else:
        for near in {int(exact), int(exact) + 1} - {0}:
            wanted = ("ledger_exchange_inexact", "exchange[rounding]")
            assert refusal(quote, {"usd": amount, "eur": near}) == wanted


_RATES: dict[str, tuple[str, tuple[int, int] | None]] = {
    "a decimal": ("1.0837", (10837, 10000)),
    "a whole number": ("2", (2, 1)),
    "a ratio": ("13/12", (13, 12)),
    "not in lowest terms": ("26/24", (13, 12)),
    "trailing zeros": ("1.50", (3, 2)),
    "leading zeros": ("001.5", (3, 2)),
    "the least decimal": ("0.00000000000000001", (1, 10**17)),
    "too many digits": ("0.000000000000000001", None),
    "too long a decimal": ("123456789012.1234567", None),
    "shorter in lowest terms": ("123456789012345678.000000000000000000", (123456789012345678, 1)),
    "nothing": ("0", None),
    "nothing at all": ("0/5", None),
    "by nothing": ("5/0", None),
}


@pytest.mark.parametrize(("rate", "sides"), _RATES.values(), ids=_RATES.keys())
def test_a_rate_is_a_ratio_of_at_most_18_digits(rate: str, sides: tuple[int, int] | None) -> None:
    amount = 10**17
    if sides is None:
        moved = {"usd": amount, "eur": amount}
        assert refusal(Quote(rate, "usd", "eur", "down"), moved) == (
            "parameter_invalid",
            "exchange[rate]",
        )
        return
    exact = bought_for(amount, Fraction(*sides), "usd", "eur")
    found = agreed(Quote(rate, "usd", "eur", "up"), {"usd": amount, "eur": rounded(exact, "up")})
    assert (found.numerator, found.denominator) == sides


@pytest.mark.parametrize(
    ("rate", "sold", "bought", "amount", "gives"),
    [
        ("1.0837", "eur", "usd", 10_000, 10_837),
        ("151.5", "usd", "jpy", 200, 303),
        ("0.0066", "jpy", "usd", 1000, 660),
        ("0.307", "usd", "kwd", 100, 307),
        ("2/13", "jpy", "kwd", 13, 2000),
    ],
)
def test_a_rate_is_of_whole_units_whatever_the_minor_ones(
    rate: str, sold: str, bought: str, amount: int, gives: int
) -> None:
    assert agreed(Quote(rate, sold, bought), {sold: amount, bought: gives}).residue == 0


def test_what_is_not_whole_is_refused_with_both_amounts_and_the_exact_one() -> None:
    with pytest.raises(Refused) as decimal_one:
        agreed(Quote("1.0837", "eur", "usd"), {"eur": 12_345, "usd": 13_378})
    assert decimal_one.value.message == (
        "123.45 EUR at 1.0837 is exactly 13378.2765 in minor units of usd, and the postings buy "
        "13378 (133.78 USD). Say with rounding how the one becomes the other."
    )
    with pytest.raises(Refused) as ratio:
        agreed(Quote("2/3", "eur", "usd"), {"eur": 100, "usd": 67})
    assert "is exactly 200/3 in minor units of usd" in ratio.value.message


class Desk:
    """Somebody who changes euros into dollars."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.eur = account(api, "eur/wallet", currency="eur", normal_side="credit")
        self.usd = account(api, "usd/wallet", currency="usd", normal_side="credit")
        self.fx_eur = account(api, "fx/eur", currency="eur")
        self.fx_usd = account(api, "fx/usd", currency="usd")

    def postings(self, euros: int, dollars: int) -> list[dict[str, Any]]:
        return [
            posting(self.eur, self.fx_eur, euros),
            posting(self.fx_usd, self.usd, dollars),
        ]

    def change(self, euros: int, dollars: int, rate: str, **params: Any) -> Answer:
        given = {"sold": "EUR", "bought": "usd", "rate": rate}
        given |= {"rounding": params.pop("rounding")} if "rounding" in params else {}
        postings = self.postings(euros, dollars)
        return self.api.post(TRANSACTIONS, postings=postings, exchange=given, **params)


@pytest.fixture
def desk(api: Api) -> Desk:
    return Desk(api)


SHOWN = {
    "bought": "usd",
    "bought_amount": 13_378,
    "rate": {"numerator": 10_837, "denominator": 10_000},
    "residue": {"numerator": 553, "denominator": 2000},
    "rounding": "down",
    "sold": "eur",
    "sold_amount": 12_345,
}


def test_an_exchange_is_kept_with_its_transaction_and_shown_wherever_that_is(desk: Desk) -> None:
    made = desk.change(12_345, 13_378, "1.0837", rounding="down")
    assert made["exchange"] == SHOWN
    assert desk.api.get(f"{TRANSACTIONS}/{made['id']}").body == made.body
    assert desk.api.get(TRANSACTIONS)["data"] == [made.body]
    [event] = desk.api.get("/v1/events", type="ledger.transaction.posted")["data"]
    assert event["data"]["object"] == made.body
    assert moved(desk.api, desk.fx_eur, desk.eur, 1) != made["id"]
    assert desk.api.get(TRANSACTIONS)["data"][0]["exchange"] is None


def test_a_pending_exchange_is_the_same_when_it_is_posted(desk: Desk) -> None:
    held = desk.change(12_345, 13_378, "1.0837", rounding="down", status="pending")
    assert held["exchange"] == SHOWN
    path = f"{TRANSACTIONS}/{held['id']}"
    assert desk.api.get(path).body == held.body
    assert desk.api.get(TRANSACTIONS, status="pending")["data"] == [held.body]
    part = desk.api.post(f"{path}/post", amount=5)
    assert refused(part) == (400, None, "amount")
    posted = desk.api.post(f"{path}/post")
    assert (posted["status"], posted["exchange"]) == ("posted", SHOWN)
    assert desk.api.get(path).body == posted.body


def test_an_exchange_that_is_voided_was_one(desk: Desk) -> None:
    held = desk.change(12_345, 13_378, "1.0837", rounding="down", status="pending")
    voided = desk.api.post(f"{TRANSACTIONS}/{held['id']}/void")
    assert (voided["status"], voided["exchange"]) == ("voided", SHOWN)


def test_the_reversal_of_an_exchange_is_whole_and_has_its_rate(desk: Desk) -> None:
    made = desk.change(12_345, 13_378, "1.0837", rounding="down")
    path = f"{TRANSACTIONS}/{made['id']}/reverse"
    assert refused(desk.api.post(path, amount=5)) == (400, None, "amount")
    back = desk.api.post(path)
    assert (back["reverses"], back["exchange"]) == (made["id"], SHOWN)
    assert [holds(desk.api, id)[0] for id in (desk.eur, desk.usd)] == [0, 0]


_REFUSED: dict[str, tuple[dict[str, Any], str | None, str]] = {
    "not whole": ({"rate": "1.0837"}, "ledger_exchange_inexact", "exchange[rounding]"),
    "rounded otherwise": (
        {"rate": "1.0837", "rounding": "up"},
        "ledger_exchange_mismatch",
        "exchange[rate]",
    ),
    "another rate": ({"rate": "2"}, "ledger_exchange_mismatch", "exchange[rate]"),
    "another currency": ({"bought": "jpy"}, "ledger_exchange_currencies", "exchange"),
    "no currency": ({"sold": "xxx"}, "ledger_exchange_currencies", "exchange"),
    "one currency": ({"sold": "usd"}, "ledger_exchange_currencies", "exchange"),
    "no rate": ({"rate": "0"}, None, "exchange[rate]"),
    "a word": ({"rate": "much"}, None, "exchange[rate]"),
    "below zero": ({"rate": "-1"}, None, "exchange[rate]"),
    "a power": ({"rate": "1e3"}, None, "exchange[rate]"),
    "half a ratio": ({"rate": "1/"}, None, "exchange[rate]"),
    "too long": ({"rate": "1" * 19}, None, "exchange[rate]"),
    "another rounding": ({"rounding": "nearest"}, None, "exchange[rounding]"),
    "no word for it": ({"rate": None}, "parameter_missing", "exchange[rate]"),
}


@pytest.mark.parametrize(("given", "code", "param"), _REFUSED.values(), ids=_REFUSED.keys())
def test_an_exchange_that_does_not_agree_is_named_and_nothing_is_posted(
    desk: Desk, given: dict[str, Any], code: str | None, param: str
) -> None:
    asked = {"sold": "eur", "bought": "usd", "rate": "1.0837"} | given
    exchange = {name: value for name, value in asked.items() if value is not None}
    one = {"postings": desk.postings(12_345, 13_378), "exchange": exchange}
    assert refused(desk.api.post(TRANSACTIONS, **one)) == (400, code, param)
    assert refused(desk.api.raw("POST", TRANSACTIONS, json=one)) == (400, code, param)
    sound = {"postings": [posting(desk.fx_eur, desk.eur, 5)]}
    bulk = desk.api.raw("POST", BULK, json={"transactions": [sound, one]})
    first, bracket, rest = param.partition("[")
    assert refused(bulk) == (400, code, f"transactions[1][{first}]{bracket}{rest}")
    assert holds(desk.api, desk.eur) == (0, 0)


@pytest.mark.parametrize("rate", [1.0837, 2])
def test_a_rate_is_not_a_number_that_a_machine_has_rounded(desk: Desk, rate: float) -> None:
    exchange = {"sold": "eur", "bought": "usd", "rate": rate}
    one = {"postings": desk.postings(100, 200), "exchange": exchange}
    answer = desk.api.raw("POST", TRANSACTIONS, json=one)
    assert refused(answer) == (400, None, "exchange[rate]")


def test_one_currency_or_three_are_no_exchange(desk: Desk) -> None:
    yen = [account(desk.api, currency="jpy") for _ in range(2)]
    asked = {"sold": "eur", "bought": "usd", "rate": "2"}
    euros, dollars = desk.postings(100, 200)
    for postings in ([euros], [euros, dollars, posting(*yen, 5)]):
        answer = desk.api.post(TRANSACTIONS, postings=postings, exchange=asked)
        assert refused(answer) == (400, "ledger_exchange_currencies", "exchange")


def test_several_postings_of_a_currency_are_counted_together(desk: Desk) -> None:
    postings = [*desk.postings(60, 150), *desk.postings(40, 50)]
    asked = {"sold": "eur", "bought": "usd", "rate": "2"}
    made = desk.api.post(TRANSACTIONS, postings=postings, exchange=asked)
    assert (made["exchange"]["sold_amount"], made["exchange"]["bought_amount"]) == (100, 200)


def test_many_exchanges_in_one_call_stand_each_by_itself(desk: Desk) -> None:
    asked = {"sold": "eur", "bought": "usd", "rate": "1.5"}
    wanted = [
        {"postings": desk.postings(2, 3), "exchange": asked},
        {"postings": desk.postings(2, 4), "exchange": asked},
        {"postings": desk.postings(4, 6), "exchange": asked, "status": "pending"},
    ]
    answer = desk.api.raw("POST", BULK, json={"atomic": False, "transactions": wanted})
    first, second, third = answer["results"]
    assert second["error"]["code"] == "ledger_exchange_mismatch"
    assert second["error"]["param"] == "transactions[1][exchange][rate]"
    for one, amount in ((first, 2), (third, 4)):
        made = desk.api.get(f"{TRANSACTIONS}/{one['transaction']}")
        assert made["exchange"]["sold_amount"] == amount


@pytest.mark.anyio
async def test_every_exchange_that_is_posted_is_proved_by_the_rows(fresh_database_url: str) -> None:
    """Halves to even numbers too, and currencies with no and with three decimals."""
    rates = ("1/2", "3/2", "1.0837", "0.0001", "151.237", "2/3")
    async with opened(fresh_database_url) as desk:
        tenant = desk.tenant()
        ids = {
            currency: [await desk.open(tenant, f"{currency}/{n}", currency=currency) for n in "ab"]
            for currency in ("usd", "jpy", "kwd")
        }
        for sold, bought in permutations(ids, 2):
            for rate, rounding in product(rates, get_args(Rounding)):
                amount = 12_345
                exact = bought_for(amount, Fraction(rate), sold, bought)
                moves = [(*ids[sold], amount), (*ids[bought], rounded(exact, rounding))]
                if moves[1][2]:
                    quote = Quote(rate, sold, bought, rounding)
                    await desk.post(tenant, *moves, exchange=quote)
        assert await desk.rows("SELECT count(*) FROM ledger_transactions") >= [(90,)]
        assert await desk.differences() == []
