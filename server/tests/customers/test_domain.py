"""What a request makes of a customer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from guilder_server.customers.domain import customer as rules
from guilder_server.customers.domain.customer import Customer
from guilder_server.customers.views import view_customer
from guilder_server.kernel import contact, metadata
from guilder_server.kernel.errors import InvalidRequest
from guilder_server.kernel.tenant import Tenant
from tests.tenancy.shapes import wrong_with

TENANT = Tenant(1, "acct_1", False)
BLANK = Customer("cus_1", 1, datetime(2026, 11, 20, tzinfo=UTC), "8A7B6C5D")
ADDRESS = {
    "city": "Utrecht",
    "country": "NL",
    "line1": "Oudegracht 1",
    "line2": None,
    "postal_code": "3511 AA",
    "state": None,
}
FULL: dict[str, Any] = {
    "name": "Amy",
    "email": "amy@example.com",
    "phone": "+31 30 1234567",
    "description": "the first",
    "business_name": "Amy & Sons",
    "individual_name": "Amy A.",
    "address": {name: value for name, value in ADDRESS.items() if value},
    "shipping": {"address": {"line1": "Here"}, "name": "Amy", "phone": "1"},
    "invoice_settings": {
        "custom_fields": [{"name": "VAT", "value": "NL1"}],
        "footer": "Thanks",
        "rendering_options": {"amount_tax_display": "exclude_tax"},
    },
    "preferred_locales": ["nl", "en"],
    "tax_exempt": "reverse",
    "metadata": {"order": "17"},
}
AMY = rules.with_default(rules.described(BLANK, FULL), "pm_1")


def test_a_blank_customer_is_shown_as_the_contract_says() -> None:
    shown = view_customer(BLANK, TENANT)
    assert wrong_with("Customer", shown) == []
    assert shown["address"] is None
    assert shown["metadata"] == {}
    assert shown["tax_exempt"] == "none"


def test_a_full_customer_is_shown_as_the_contract_says() -> None:
    shown = view_customer(AMY, TENANT)
    assert wrong_with("Customer", shown) == []
    assert shown["address"] == ADDRESS
    assert shown["shipping"] == {
        "address": contact.NO_ADDRESS | {"line1": "Here"},
        "name": "Amy",
        "phone": "1",
    }
    assert shown["invoice_settings"] == {
        "custom_fields": [{"name": "VAT", "value": "NL1"}],
        "default_payment_method": "pm_1",
        "footer": "Thanks",
        "rendering_options": {"amount_tax_display": "exclude_tax", "template": None},
    }
    assert shown["preferred_locales"] == ["nl", "en"]


@pytest.mark.parametrize("given", [{}, {"expand": []}, {"metadata": {}}, {"invoice_settings": {}}])
def test_what_is_not_sent_stays(given: dict[str, Any]) -> None:
    assert rules.described(AMY, given) == AMY


@pytest.mark.parametrize(
    "name",
    [
        "name",
        "email",
        "phone",
        "description",
        "business_name",
        "individual_name",
        "address",
        "shipping",
    ],
)
def test_an_empty_string_unsets(name: str) -> None:
    after = rules.described(AMY, {name: ""})
    assert getattr(AMY, name) is not None
    assert getattr(after, name) is None


def test_unset_parts_leave_the_others() -> None:
    after = rules.described(
        AMY,
        {
            "address": {"city": "", "line2": "2"},
            "tax_exempt": "",
            "preferred_locales": [],
            "invoice_settings": {"footer": "", "custom_fields": ""},
        },
    )
    assert after.address == ADDRESS | {"city": None, "line2": "2"}
    assert after.tax_exempt == "none"
    assert after.preferred_locales == []
    assert after.invoice_settings == {
        "custom_fields": None,
        "default_payment_method": "pm_1",
        "footer": None,
        "rendering_options": {"amount_tax_display": "exclude_tax", "template": None},
    }


def test_shipping_is_replaced_whole() -> None:
    after = rules.described(AMY, {"shipping": {"address": {"city": "Delft"}, "name": "Bob"}})
    assert after.shipping == {
        "address": contact.NO_ADDRESS | {"city": "Delft"},
        "name": "Bob",
        "phone": None,
    }


def test_settings_of_which_none_is_left_are_not_kept() -> None:
    after = rules.described(
        AMY, {"invoice_settings": {"footer": "", "custom_fields": "", "rendering_options": ""}}
    )
    assert rules.with_default(after, None).invoice_settings is None


def test_the_default_payment_method_is_not_described() -> None:
    after = rules.described(AMY, {"invoice_settings": {"default_payment_method": "pm_2"}})
    assert after.default_payment_method == "pm_1"


@pytest.mark.parametrize("email", ["amy", "@example.com", "amy@", "a b@c.d", "amy@b@c"])
def test_what_cannot_be_an_email_address_is_refused(email: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        rules.described(BLANK, {"email": email})
    assert (refused.value.code, refused.value.param) == ("email_invalid", "email")


def test_an_erased_customer_keeps_nothing_personal() -> None:
    left = rules.erased(AMY)
    assert left.deleted is True
    assert (left.id, left.version, left.created) == (AMY.id, AMY.version, AMY.created)
    assert left == Customer(AMY.id, 1, AMY.created, AMY.invoice_prefix, deleted=True)


# Metadata, which other objects share.


@pytest.mark.parametrize(
    ("given", "after"),
    [
        (None, {"a": "1", "b": "2"}),
        ({}, {"a": "1", "b": "2"}),
        ("", {}),
        ({"a": "3", "c": "4"}, {"a": "3", "b": "2", "c": "4"}),
        ({"a": ""}, {"b": "2"}),
        ({"z": ""}, {"a": "1", "b": "2"}),
    ],
)
def test_metadata_is_merged(given: Any, after: dict[str, str]) -> None:
    before = {"a": "1", "b": "2"}
    assert metadata.merge(before, given) == after
    assert before == {"a": "1", "b": "2"}


def test_metadata_may_be_as_large_as_its_limits() -> None:
    given = {f"{number:040}": "v" * 500 for number in range(50)}
    assert metadata.merge({}, given) == given
    assert len(metadata.merge(given, {f"{0:040}": "", "other": "x"})) == 50


@pytest.mark.parametrize(
    ("given", "param", "words"),
    [
        ({"k" * 41: "v"}, "metadata", "40 characters at most"),
        ({"": "v"}, "metadata", "cannot be empty"),
        ({"a[b": "v"}, "metadata", "square brackets"),
        ({"a]": ""}, "metadata", "square brackets"),
        ({"key": "v" * 501}, "metadata[key]", "500 characters at most"),
        ({str(number): "v" for number in range(51)}, "metadata", "50 keys at most"),
    ],
)
def test_metadata_past_its_limits_is_refused(given: dict[str, str], param: str, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words) as refused:
        metadata.merge({}, given)
    assert refused.value.param == param
