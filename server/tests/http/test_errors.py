"""Errors as the wire shows them."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from guilder_server.http.errors import HttpRefusal, answer_error, answer_fault
from guilder_server.kernel import errors
from guilder_server.kernel.errors import GuilderError

RETRY = (b"stripe-should-retry", b"true")


@pytest.mark.parametrize(
    ("error", "status", "kind", "code"),
    [
        (errors.InvalidRequest("parameter_unknown", "m", "p"), 400, "invalid_request_error", True),
        (errors.Refused("amount_too_small", "m"), 400, "invalid_request_error", True),
        (errors.NoSuchReference("charge", "ch_1"), 400, "invalid_request_error", True),
        (errors.NotFound("charge", "ch_1"), 404, "invalid_request_error", True),
        (errors.Unauthenticated("m"), 401, "invalid_request_error", False),
        (errors.Unauthenticated("m", code="api_key_expired"), 401, "invalid_request_error", True),
        (errors.CardDeclined("card_declined", "m"), 402, "card_error", True),
        (errors.Forbidden("m"), 403, "invalid_request_error", False),
        (errors.Conflict("m"), 409, "invalid_request_error", True),
        (errors.KeyInUse("m"), 409, "invalid_request_error", True),
        (errors.IdempotencyMismatch("m"), 400, "idempotency_error", False),
        (errors.RateLimited("m"), 429, "invalid_request_error", True),
        (errors.Unavailable("m"), 503, "api_error", False),
        (GuilderError("m"), 500, "api_error", False),
        (HttpRefusal(413, "m"), 413, "invalid_request_error", False),
    ],
)
def test_an_error_has_its_status_and_type(
    error: GuilderError, status: int, kind: str, code: bool
) -> None:
    answer = answer_error(error)
    told = json.loads(answer.body)["error"]
    assert (answer.status, told["type"]) == (status, kind)
    assert told.get("code") == (error.code if code else None)
    assert ("doc_url" in told) == code


def test_a_code_of_our_own_is_not_looked_up_in_the_documents_of_others() -> None:
    answer = answer_error(errors.Forbidden("m", code="account_suspended"))
    told = json.loads(answer.body)["error"]
    assert (answer.status, told["code"]) == (403, "account_suspended")
    assert "doc_url" not in told


def test_an_error_tells_all_it_knows_and_nothing_else() -> None:
    error = errors.CardDeclined(
        "card_declined",
        "Your card was declined.",
        "insufficient_funds",
        charge="ch_1",
        advice_code="try_again_later",
        network_decline_code="51",
    )
    subject = ("payment_intent", msgspec.Raw(b'{"id":"pi_1"}'))
    assert json.loads(answer_error(error, subject).body) == {
        "error": {
            "type": "card_error",
            "code": "card_declined",
            "doc_url": "https://docs.stripe.com/error-codes#card-declined",
            "message": "Your card was declined.",
            "decline_code": "insufficient_funds",
            "charge": "ch_1",
            "advice_code": "try_again_later",
            "network_decline_code": "51",
            "payment_intent": {"id": "pi_1"},
        }
    }


@pytest.mark.parametrize(
    ("error", "repeatable", "headers"),
    [
        (errors.InvalidRequest("parameter_unknown", "m"), True, ()),
        (errors.Conflict("m"), True, (RETRY,)),
        (errors.KeyInUse("m"), True, (RETRY, (b"retry-after", b"1"))),
        (errors.Unavailable("m"), True, (RETRY,)),
        (errors.Unavailable("m"), False, ((b"stripe-should-retry", b"false"),)),
        (errors.Unauthenticated("m"), True, ((b"www-authenticate", b'Bearer realm="Guilder"'),)),
        (HttpRefusal(405, "m", ((b"allow", b"GET"),)), True, ((b"allow", b"GET"),)),
    ],
)
def test_headers_tell_what_to_do_next(
    error: GuilderError, repeatable: bool, headers: tuple[Any, ...]
) -> None:
    assert answer_error(error, repeatable=repeatable).headers == headers


def test_a_fault_says_nothing_about_itself() -> None:
    answer = answer_fault()
    assert answer.status == 500
    assert json.loads(answer.body)["error"].keys() == {"type", "message"}


def test_every_code_on_the_wire_is_in_the_contract() -> None:
    from guilder_server.http.contract import Contract

    known = Contract.load().document["components"]["schemas"]["ErrorCode"]["enum"]
    raised = [errors.Conflict("m"), errors.KeyInUse("m"), errors.RateLimited("m")]
    raised += [errors.NotFound("charge", "ch_1")]
    for error in raised:
        assert json.loads(answer_error(error).body)["error"]["code"] in known
