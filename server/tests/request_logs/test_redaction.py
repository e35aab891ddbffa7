"""What of a request may be kept."""

from __future__ import annotations

import json
import string
import time
from typing import Any
from uuid import UUID

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from guilder_server.http.contract import Contract
from guilder_server.kernel.redaction import REDACTED
from guilder_server.kernel.secret_texts import redacted_text
from guilder_server.request_logs.allowed import allowed_of
from guilder_server.request_logs.domain.redaction import (
    ANY,
    ITEM,
    MOST_KEPT,
    redacted,
    speaks_of_a_secret,
)

CONTRACT = Contract.load()
SECRETS = [
    "sk_test_gld4eC39HqLyjWDarjtT1zdp7dcabc123XYZ",
    "rk_live_gldAbCdEfGh0123456789abcdefghijklmno",
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "pi_3MtwBwLkdIwHu7ix28a3tqPa_secret_YrKJUKribcBjcG8HVhfZluoGH",
    "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl",
    "Bearer abcdefghijklmnop",
    "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$aGFzaA",
    "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\n-----END PRIVATE KEY-----",
    "https://user:hunter22@example.com/hook",
    "https://example.com/hook?a=1&api_key=hunter22",
    "https://example.com/hook?Token=hunter22&b=2",
    "4242424242424242",
    "4242 4242 4242 4242",
    "4242-4242-4242-4242",
    "4242  4242  4242  4242",
    "4242\u00a04242\u00a04242\u00a04242",
    "4242\u20134242\u20134242\u20134242",
    "4242_4242_4242_4242",
    "".join(chr(0xFF10 + int(digit)) for digit in "378282246310005"),
    "37828224631000510000000000",
]


def allowed(operation: str) -> Any:
    return allowed_of(CONTRACT.operations[operation].parameters.schema, CONTRACT.document)


def kept(value: object, rule: Any = ANY) -> Any:
    return redacted(value, rule)[0]


@pytest.mark.parametrize("secret", SECRETS)
def test_what_looks_like_a_secret_is_not_kept_wherever_it_stands(secret: str) -> None:
    hidden = secret.partition("_secret_")[2] or secret
    hidden = "hunter22" if "hunter22" in secret else hidden
    for value in (secret, f"see {secret} here", f"a,{secret}", f"jwt-{secret}"):
        assert hidden not in redacted_text(value)
    for shape in (
        {"description": secret},
        {"a": [{"b": secret}]},
        {secret: "x"},
        {"metadata": {"a": secret}},
    ):
        assert hidden not in json.dumps(kept(shape), ensure_ascii=False)


@pytest.mark.parametrize(
    "part", ["eyJ", "eyJabcde.", "sk_test_", "token_", "bearer ", "-----BEGIN", "://a:", "4-", "4 "]
)
def test_a_text_that_is_made_to_be_looked_through_without_end_takes_no_longer(part: str) -> None:
    began = time.perf_counter()
    redacted_text(part * (60_000 // len(part)))
    assert time.perf_counter() - began < 0.5


@pytest.mark.parametrize(
    "text",
    [
        "4242424242424242.0",  # as a spreadsheet leaves it
        "4242424242424242 314",
        "4242 4242 4242 4242 12/30",
        "No 7 4242-4242-4242-4242",
    ],
)
def test_a_card_number_is_found_between_other_digits(text: str) -> None:
    assert "4242" not in redacted_text(text)
    assert "4242" not in json.dumps(kept({"description": text}))


@given(st.uuids(), st.sampled_from(["", "key-", "order: "]))
@example(UUID("00004242-4242-4242-4242-000000000000"), "")
def test_a_uuid_is_no_card_number(one: UUID, before: str) -> None:
    assert redacted_text(f"{before}{one}") == f"{before}{one}"
    assert redacted_text(f"{one} 4242424242424242") == f"{one} {REDACTED}"


def test_a_card_number_that_was_sent_as_a_fraction_is_not_kept() -> None:
    assert kept({"description": 4242424242424242.0}) == {"description": REDACTED}


@pytest.mark.parametrize(
    "text",
    [
        "pi_3MtwBwLkdIwHu7ix28a3tqPa",
        "https://example.com/hook?customer=1&monkey=2",
        "2026-11-20T12:00:00.123456Z",
        "order 1001 of 20 November 2026",
        "+49 30 901820",
        "1234567890",
        "The payment was declined.",
    ],
)
def test_what_is_no_secret_is_kept(text: str) -> None:
    assert redacted_text(text) == text


def luhn_valid(digits: str) -> str:
    for last in string.digits:
        total = 0
        for place, one in enumerate(reversed(digits + last)):
            doubled = int(one) * 2 if place % 2 else int(one)
            total += doubled - 9 if doubled > 9 else doubled
        if total % 10 == 0:
            return digits + last
    raise AssertionError


@given(st.text("0123456789", min_size=11, max_size=18), st.sampled_from(["", " ", "-", "."]))
def test_every_digit_run_that_can_be_a_card_number_goes(digits: str, between: str) -> None:
    number = luhn_valid(digits)
    assert redacted_text(f"x {between.join(number)} y") == f"x {REDACTED} y"
    assert kept({"amount": int(number)}) == {"amount": REDACTED} or number.startswith("0")


@pytest.mark.parametrize(
    "name",
    [
        *("password", "newPassword", "client_secret", "api_key", "card_number", "cvc", "CVV2"),
        *("access_token", "totp", "recovery_codes", "number", "session", "x-api-key"),
    ],
)
def test_a_name_that_speaks_of_a_secret_keeps_no_value(name: str) -> None:
    assert speaks_of_a_secret(name)
    assert kept({name: "hunter22"}) == {name: REDACTED}
    assert kept({name: {"inner": ["hunter22"]}}) == {name: REDACTED}
    assert kept({name: None}) == {name: None}


@pytest.mark.parametrize(
    "name", ["idempotency_key", "tracking_number", "amount", "metadata", "keyed"]
)
def test_other_names_do(name: str) -> None:
    assert kept({name: "value"}) == {name: "value"}


def test_a_parameter_that_the_contract_does_not_list_keeps_its_name_only() -> None:
    rule = allowed("create_payment_intent")
    sent = {"amount": "2000", "cvvnumber": "123", "shipping": {"name": "Ada", "door": "9"}}
    assert kept(sent, rule) == {
        "amount": "2000",
        "cvvnumber": REDACTED,
        "shipping": {"name": "Ada", "door": REDACTED},
    }


def test_a_sensitive_parameter_is_not_kept_and_the_others_beside_it_are() -> None:
    rule = allowed("create_payment_method")
    card = {"number": "4000056655665556", "cvc": "314", "exp_month": "8", "exp_year": "2030"}
    found = kept({"type": "card", "card": card}, rule)
    assert found["card"] == {
        "number": REDACTED,
        "cvc": REDACTED,
        "exp_month": "8",
        "exp_year": "2030",
    }


def test_arrays_are_read_as_forms_and_json_write_them() -> None:
    rule = allowed("create_ledger_transaction")
    posting = {"debit": "la_1", "credit": "la_2", "amount": "5"}
    assert kept({"postings": {"0": posting}}, rule) == {"postings": {"0": posting}}
    assert kept({"postings": [posting]}, rule) == {"postings": [posting]}
    assert kept({"postings": [{**posting, "pin": "1234"}]}, rule)["postings"][0]["pin"] == REDACTED
    assert kept({"postings": "0000"}, rule) == {"postings": "0000"}


def test_every_sensitive_parameter_of_the_contract_is_left_out() -> None:
    for name in CONTRACT.operations:
        for path, schema in sensitive(allowed(name), name):
            raise AssertionError(f"{path} of {name}: {schema}")


def sensitive(rule: Any, where: str) -> Any:
    for name, inner in (rule or {}).items():
        if name in ("number", "cvc", "client_secret"):
            yield f"{where}.{name}", inner
        yield from sensitive(inner, f"{where}.{name}")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=200) | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=90), inner, max_size=20)
    ),
    max_leaves=60,
)


@given(VALUES)
def test_what_is_kept_is_bounded_json_and_never_fails(value: object) -> None:
    copied, truncated = redacted(value, most=500)
    found = json.dumps(copied, ensure_ascii=False)
    assume(not truncated)
    assert len(found) < 4000


@pytest.mark.parametrize(
    "heavy",
    [
        "x" * 1_000_000,
        "1" * 1_000_000,
        "1 " * 500_000,
        "sec_" * 200_000,
        "token" * 200_000,
        "://" * 300_000,
    ],
)
def test_a_long_value_costs_nothing_and_is_left_out(heavy: str) -> None:
    began = time.thread_time()
    assert redacted({"description": heavy}) == ({"description": REDACTED}, True)
    for size in (4999, 2500):
        redacted_text(heavy[:size])
    assert time.thread_time() - began < 0.2


@given(st.sampled_from(SECRETS), st.text(max_size=30), st.text(max_size=30))
def test_one_look_at_all_texts_finds_what_a_careful_one_does(
    secret: str, before: str, after: str
) -> None:
    texts = [before, f"{before}{secret}{after}", after]
    careful = [redacted_text(text) for text in texts]
    assert kept(texts) == careful


def test_of_much_the_beginning_is_kept() -> None:
    found, truncated = redacted(
        {"items": [{"description": "a" * 100, "n": n} for n in range(1000)]}
    )
    assert truncated
    assert MOST_KEPT / 2 < len(json.dumps(found)) < MOST_KEPT * 1.5
    assert ITEM == "[]"


def test_what_is_nested_without_end_is_cut_off() -> None:
    deep: Any = {}
    for _ in range(500):
        deep = {"a": deep}
    found, truncated = redacted(deep)
    assert REDACTED in json.dumps(found)
    assert truncated
