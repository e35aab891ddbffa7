"""What a request may say of a payment: amounts, options, addresses, and what a browser may say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guilder_server.kernel import currencies
from guilder_server.kernel.errors import Forbidden, InvalidRequest, NotFound, Refused
from guilder_server.kernel.money import Money
from guilder_server.payments.domain import amounts, browsing, card_options, return_url
from guilder_server.payments.domain.intents import Intent
from tests.payments.things import SECRET, an_intent


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        (50, "usd", None),
        (49, "usd", "amount_too_small"),
        (0, "usd", "parameter_invalid_integer"),
        (-5, "usd", "parameter_invalid_integer"),
        (99_999_999, "usd", None),
        (100_000_000, "usd", "amount_too_large"),
        (50, "jpy", None),
        (49, "jpy", "amount_too_small"),
        (5_000, "kwd", None),
        (5_005, "kwd", "parameter_invalid_integer"),
        (100_000, "isk", None),
        (100_050, "isk", "parameter_invalid_integer"),
        (30, "gbp", None),
    ],
)
def test_an_amount_may_be_charged_or_not(amount: int, currency: str, code: str | None) -> None:
    if code is None:
        assert amounts.chargeable(amount, currency) == Money(amount, currency)
        return
    with pytest.raises(InvalidRequest) as refused:
        amounts.chargeable(amount, currency)
    assert (refused.value.code, refused.value.param) == (code, "amount")


@pytest.mark.parametrize(
    ("amount", "currency", "fits"),
    [
        (1, "usd", True),
        (0, "usd", False),
        (-1, "usd", False),
        (1, "jpy", True),
        (10, "kwd", True),
        (5, "kwd", False),
        (100, "isk", True),
        (150, "isk", False),
    ],
)
def test_a_part_of_an_amount_fits_its_currency(amount: int, currency: str, fits: bool) -> None:
    if fits:
        assert amounts.part(amount, currency, "amount") == amount
        return
    with pytest.raises(InvalidRequest) as refused:
        amounts.part(amount, currency, "amount_to_capture")
    assert refused.value.param == "amount_to_capture"


def test_a_currency_is_written_in_any_case() -> None:
    assert currencies.named("EUR") == "eur"
    with pytest.raises(InvalidRequest, match="Invalid currency: xxx"):
        currencies.named("xxx")


@pytest.mark.parametrize(
    ("current", "sent", "after"),
    [
        (None, {}, None),
        (None, {"card": {"network": "visa"}}, {"card": {"network": "visa"}}),
        ({"card": {"network": "visa"}}, {}, {"card": {"network": "visa"}}),
        ({"card": {"network": "visa"}}, {"card": ""}, None),
        (
            {"card": {"network": "visa", "capture_method": "manual"}},
            {"card": {"capture_method": "", "request_three_d_secure": "any"}},
            {"card": {"network": "visa", "request_three_d_secure": "any"}},
        ),
        ({"card": {"capture_method": "manual"}}, {"card": {"capture_method": ""}}, None),
    ],
)
def test_options_for_cards_are_merged(
    current: dict[str, Any] | None, sent: dict[str, Any], after: dict[str, Any] | None
) -> None:
    assert card_options.merged(current, sent) == after


@pytest.mark.parametrize(
    ("method", "option", "later"),
    [
        ("automatic", None, False),
        ("automatic_async", None, False),
        ("manual", None, True),
        ("automatic", "manual", True),
    ],
)
def test_what_is_said_for_cards_decides_when_the_money_is_taken(
    method: str, option: str | None, later: bool
) -> None:
    options = {"card": {"capture_method": option}} if option else None
    intent = an_intent(capture_method=method, payment_method_options=options)
    assert intent.captures_later is later


@pytest.mark.parametrize(
    ("usage", "option", "meant"),
    [
        (None, None, None),
        ("off_session", None, "off_session"),
        ("off_session", "none", None),
        ("on_session", "off_session", "off_session"),
        (None, "on_session", "on_session"),
    ],
)
def test_what_is_said_for_cards_decides_whether_the_card_is_kept(
    usage: str | None, option: str | None, meant: str | None
) -> None:
    options = {"card": {"setup_future_usage": option}} if option else None
    intent = an_intent(setup_future_usage=usage, payment_method_options=options)
    assert intent.future_usage == meant


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/paid",
        "http://localhost:3000/?a=b#c",
        "shop://paid",
        "com.shop.app://x",
    ],
)
def test_a_customer_can_be_sent_to_a_page_or_an_app(url: str) -> None:
    assert return_url.checked(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop.example/paid",
        "//shop.example",
        "/paid",
        "https://",
        "javascript://%0aalert(1)",
        "JavaScript:alert(1)",
        "data:text/html,hi",
        "data://text/html,hi",
        "https://shop.example/ paid",
        "https://shop.example/\r\nSet-Cookie: a=b",
        "https:\\\\shop.example",
        "mailto:a@b.example",
    ],
)
def test_nobody_is_sent_to_what_is_no_address(url: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        return_url.checked(url)
    assert (refused.value.code, refused.value.param) == ("url_invalid", "return_url")


@pytest.mark.parametrize(
    ("url", "with_answer"),
    [
        ("https://s.example/p", "https://s.example/p?{}"),
        ("https://s.example/p?", "https://s.example/p?{}"),
        ("https://s.example/p?a=%20b", "https://s.example/p?a=%20b&{}"),
        ("https://s.example/#/paid", "https://s.example/?{}#/paid"),
        ("shop://paid", "shop://paid?{}"),
    ],
)
def test_the_merchants_page_is_told_how_it_ended(url: str, with_answer: str) -> None:
    answer = (
        "payment_intent=pi_1&payment_intent_client_secret=pi_1_secret_abc&redirect_status=failed"
    )
    assert return_url.with_answer(url, "pi_1", SECRET, False) == with_answer.format(answer)


@given(st.text())
def test_only_the_secret_opens_a_payment_to_a_browser(guess: str) -> None:
    browsing.require_secret(an_intent(), SECRET)
    if guess != SECRET:
        with pytest.raises(NotFound):
            browsing.require_secret(an_intent(), guess)
    with pytest.raises(NotFound):
        browsing.require_secret(an_intent(), None)


OPEN = an_intent()
SHIPPED = an_intent(shipping={"name": "A"})
KEPT = an_intent(setup_future_usage="on_session")


@pytest.mark.parametrize(
    ("intent", "sent"),
    [
        (OPEN, {"payment_method": "pm_1", "return_url": "https://s.example", "client_secret": "s"}),
        (OPEN, {"payment_method_options": {"card": {"network": "visa"}}}),
        (OPEN, {"payment_method_options": {"card": ""}}),
        (OPEN, {"shipping": {"name": "A"}, "receipt_email": "a@b.example"}),
        (OPEN, {"setup_future_usage": "off_session"}),
        (KEPT, {"setup_future_usage": "off_session"}),
        (KEPT, {"setup_future_usage": "on_session"}),
    ],
)
def test_a_browser_may_say_what_is_the_customers_to_say(
    intent: Intent, sent: dict[str, Any]
) -> None:
    browsing.refuse_terms(intent, sent)


@pytest.mark.parametrize(
    ("intent", "sent", "named"),
    [
        (OPEN, {"off_session": True}, "off_session"),
        (OPEN, {"capture_method": "manual"}, "capture_method"),
        (OPEN, {"payment_method_types": ["card"]}, "payment_method_types"),
        (OPEN, {"error_on_requires_action": True}, "error_on_requires_action"),
        (
            OPEN,
            {"payment_method_options": {"card": {"request_three_d_secure": "automatic"}}},
            "payment_method_options[card][request_three_d_secure]",
        ),
        (
            OPEN,
            {"payment_method_options": {"card": {"capture_method": ""}}},
            "payment_method_options[card][capture_method]",
        ),
        (SHIPPED, {"shipping": {"name": "B"}}, "shipping"),
        (KEPT, {"setup_future_usage": ""}, "setup_future_usage"),
    ],
)
def test_a_browser_may_not_change_the_merchants_terms(
    intent: Intent, sent: dict[str, Any], named: str
) -> None:
    with pytest.raises(Forbidden) as refused:
        browsing.refuse_terms(intent, sent)
    assert refused.value.code == "secret_key_required"
    assert refused.value.message.startswith(f"{named} ")


def test_a_browser_may_not_confirm_what_the_server_will() -> None:
    with pytest.raises(Refused, match="confirmation_method is manual"):
        browsing.refuse_terms(an_intent(confirmation_method="manual"), {})


def test_a_browser_sees_nothing_of_the_merchants_own() -> None:
    noted = {"customer": "cus_hidden", "metadata": {"note": "hidden"}, "id": "pm_1"}
    intent = an_intent(
        customer_id="cus_hidden",
        latest_charge_id="ch_hidden",
        transfer_group="hidden",
        metadata={"note": "hidden"},
        last_payment_error={"message": "no", "payment_method": noted},
        description="a blue fish",
    )
    seen = browsing.seen_by_browser(intent)
    assert "hidden" not in repr(seen)
    assert seen.description == "a blue fish"
    assert seen.last_payment_error is not None
    assert seen.last_payment_error["payment_method"]["id"] == "pm_1"
    assert intent.last_payment_error == {"message": "no", "payment_method": noted}
