"""What may be done with a payment method, and when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from guilder_server.gateways import Checks, Instrument
from guilder_server.kernel import contact
from guilder_server.kernel.errors import InvalidRequest, Refused
from guilder_server.kernel.tenant import Tenant
from guilder_server.payment_methods.domain import payment_method as rules
from guilder_server.payment_methods.domain.payment_method import PaymentMethod
from guilder_server.payment_methods.views import view_payment_method
from tests.tenancy.shapes import wrong_with

TENANT = Tenant(1, "acct_1", False)
NOW = datetime(2026, 11, 20, tzinfo=UTC)
VISA = Instrument(
    token="sandbox_1",
    brand="visa",
    last4="4242",
    exp_month=12,
    exp_year=2030,
    fingerprint="Xt5EWLLDS7FJjR1c",
    networks=("visa", "cartes_bancaires"),
    checks=Checks(cvc_check="unchecked"),
)
NEW = PaymentMethod("pm_1", 1, NOW, VISA)
ATTACHED = replace(NEW, customer_id="cus_1")
SPENT = replace(NEW, spent=True)
BILLING: dict[str, Any] = {
    "address": {"line1": "Oudegracht 1", "postal_code": "3511 AA", "country": "NL"},
    "email": "amy@example.com",
    "name": "Amy",
    "phone": "1",
    "tax_id": "123",
}


def test_a_new_method_is_shown_as_the_contract_says() -> None:
    shown = view_payment_method(NEW, TENANT)
    assert wrong_with("PaymentMethod", shown) == []
    assert shown["customer"] is None
    assert shown["billing_details"] == contact.NO_BILLING_DETAILS
    assert shown["card"]["networks"] == {
        "available": ["visa", "cartes_bancaires"],
        "preferred": None,
    }


def test_a_full_method_is_shown_as_the_contract_says() -> None:
    given = {
        "billing_details": BILLING,
        "allow_redisplay": "always",
        "metadata": {"a": "1"},
        "card": {"networks": {"preferred": "cartes_bancaires"}},
    }
    shown = view_payment_method(rules.with_checks(rules.described(ATTACHED, given)), TENANT)
    assert wrong_with("PaymentMethod", shown) == []
    assert shown["allow_redisplay"] == "always"
    assert shown["billing_details"]["address"]["line1"] == "Oudegracht 1"
    assert shown["card"]["networks"] is not None
    assert shown["card"]["networks"]["preferred"] == "cartes_bancaires"
    assert shown["card"]["checks"] == {
        "address_line1_check": "unchecked",
        "address_postal_code_check": "unchecked",
        "cvc_check": "unchecked",
    }


def test_the_token_is_shown_to_nobody() -> None:
    assert VISA.token not in str(view_payment_method(NEW, TENANT))


@pytest.mark.parametrize(
    ("deed", "method", "words"),
    [
        (lambda m: rules.attached(m, "cus_1"), ATTACHED, "is on file already"),
        (lambda m: rules.attached(m, "cus_2"), ATTACHED, "is on file already"),
        (lambda m: rules.attached(m, "cus_1"), SPENT, "is spent"),
        (rules.detached, NEW, "on no customer's file"),
        (rules.detached, SPENT, "on no customer's file"),
        (lambda m: rules.updated(m, {}, NOW), NEW, "on no customer's file"),
        (lambda m: rules.updated(m, {}, NOW), SPENT, "on no customer's file"),
    ],
)
def test_what_a_method_is_not_ready_for_is_refused(
    deed: Callable[[PaymentMethod], object], method: PaymentMethod, words: str
) -> None:
    with pytest.raises(Refused, match=words) as refused:
        deed(method)
    assert refused.value.code == "payment_method_unexpected_state"


def test_a_method_is_attached_and_detached_once() -> None:
    attached = rules.attached(NEW, "cus_1")
    assert attached == ATTACHED
    assert rules.detached(attached) == SPENT


@pytest.mark.parametrize(("method", "after"), [(NEW, SPENT), (ATTACHED, ATTACHED), (SPENT, SPENT)])
def test_a_payment_spends_a_method_that_nobody_keeps(
    method: PaymentMethod, after: PaymentMethod
) -> None:
    assert rules.spent(method) == after


@pytest.mark.parametrize(
    ("method", "customer"),
    [(NEW, None), (NEW, "cus_1"), (ATTACHED, "cus_1")],
)
def test_a_payment_may_use(method: PaymentMethod, customer: str | None) -> None:
    rules.refuse_use(method, customer)


@pytest.mark.parametrize(
    ("method", "customer", "code", "words"),
    [
        (SPENT, None, "payment_method_unexpected_state", "is spent"),
        (SPENT, "cus_1", "payment_method_unexpected_state", "is spent"),
        (ATTACHED, None, "payment_method_unexpected_state", "on a customer's file"),
        (ATTACHED, "cus_2", "resource_missing", "pm_1 is not on this customer's file"),
    ],
)
def test_a_payment_may_not_use(
    method: PaymentMethod, customer: str | None, code: str, words: str
) -> None:
    with pytest.raises(Refused, match=words) as refused:
        rules.refuse_use(method, customer)
    assert (refused.value.code, refused.value.param) == (code, "payment_method")


def test_an_update_changes_what_is_sent() -> None:
    before = rules.described(ATTACHED, {"billing_details": BILLING, "metadata": {"a": "1"}})
    after = rules.updated(
        before,
        {
            "billing_details": {"email": "", "address": {"city": "Delft"}},
            "card": {"exp_month": 1, "exp_year": 2031},
            "metadata": {"b": "2"},
        },
        NOW,
    )
    assert after.billing_details is not None
    assert after.billing_details["email"] is None
    assert after.billing_details["name"] == "Amy"
    assert after.billing_details["address"]["city"] == "Delft"
    assert after.billing_details["address"]["line1"] == "Oudegracht 1"
    assert (after.instrument.exp_month, after.instrument.exp_year) == (1, 2031)
    assert after.instrument.token == VISA.token
    assert after.metadata == {"a": "1", "b": "2"}
    assert rules.updated(before, {}, NOW) == before


def test_billing_details_of_which_none_is_left_are_not_kept() -> None:
    before = rules.described(ATTACHED, {"billing_details": {"name": "Amy", "address": {}}})
    assert before.billing_details is not None
    after = rules.updated(before, {"billing_details": {"name": "", "address": ""}}, NOW)
    assert after.billing_details is None


@pytest.mark.parametrize(
    ("card", "code", "param"),
    [
        ({"exp_month": 13}, "invalid_expiry_month", "card[exp_month]"),
        ({"exp_month": 0}, "invalid_expiry_month", "card[exp_month]"),
        ({"exp_year": 2025}, "invalid_expiry_year", "card[exp_year]"),
        ({"exp_year": 20301}, "invalid_expiry_year", "card[exp_year]"),
        ({"networks": {"preferred": "mastercard"}}, "parameter_invalid",
         "card[networks][preferred]"),
    ],
)  # fmt: skip
def test_an_impossible_card_is_refused(card: dict[str, Any], code: str, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        rules.updated(ATTACHED, {"card": card}, NOW)
    assert (refused.value.code, refused.value.param) == (code, param)


def test_errors_name_the_place_inside_a_larger_request() -> None:
    for given, param in [
        ({"billing_details": {"email": "x"}}, "payment_method_data[billing_details][email]"),
        ({"metadata": {"a[": "1"}}, "payment_method_data[metadata]"),
        (
            {"card": {"networks": {"preferred": "mastercard"}}},
            "payment_method_data[card][networks][preferred]",
        ),
    ]:
        with pytest.raises(InvalidRequest) as refused:
            rules.described(NEW, given, "payment_method_data")
        assert refused.value.param == param
