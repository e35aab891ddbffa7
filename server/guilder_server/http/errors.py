"""Errors as the wire shows them: a status and an envelope.

Official clients choose the exception by the status, older ones by the type; both must be right.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any, Final

import msgspec

from guilder_server.http.answer import Answer
from guilder_server.kernel.errors import (
    CardDeclined,
    Conflict,
    Forbidden,
    GuilderError,
    IdempotencyMismatch,
    InvalidRequest,
    KeyInUse,
    NotFound,
    RateLimited,
    Unauthenticated,
    Unavailable,
)

_KINDS: Final[dict[type, tuple[int, str]]] = {
    InvalidRequest: (400, "invalid_request_error"),
    IdempotencyMismatch: (400, "idempotency_error"),
    Unauthenticated: (401, "invalid_request_error"),
    CardDeclined: (402, "card_error"),
    Forbidden: (403, "invalid_request_error"),
    NotFound: (404, "invalid_request_error"),
    Conflict: (409, "invalid_request_error"),
    RateLimited: (429, "invalid_request_error"),
    Unavailable: (503, "api_error"),
    GuilderError: (500, "api_error"),
}

# Names of our own for errors that go without a code on the wire.
UNSAID: Final = frozenset(
    {
        "api_error",
        "api_key_invalid",
        "idempotency_key_reused",
        "parameter_invalid",
        "permission_missing",
        "service_unavailable",
    }
)
# Codes of our own, or that mean something else here: the official page does not explain them.
OWN: Final = frozenset(
    {
        "access_token_expired",
        "access_token_invalid",
        "account_closed",
        "account_suspended",
        "address_not_allowed",
        "balance_exceeded",
        "code_reused",
        "code_wrong",
        "csrf_token_invalid",
        "invitation_accepted",
        "invitation_open",
        "last_owner",
        "ledger_account_closed",
        "ledger_account_frozen",
        "ledger_account_not_empty",
        "ledger_account_system",
        "ledger_amount_too_large",
        "ledger_balances_limit",
        "ledger_code_taken",
        "ledger_condition_failed",
        "ledger_currency_mismatch",
        "ledger_exchange_currencies",
        "ledger_exchange_inexact",
        "ledger_exchange_mismatch",
        "ledger_reference_taken",
        "ledger_reversal_too_large",
        "ledger_transaction_reversed",
        "ledger_transaction_unexpected_state",
        "maker_expires",
        "password_not_set",
        "password_wrong",
        "payout_unexpected_state",
        "payouts_not_supported",
        "session_ended",
        "user_already_member",
        "quota_exceeded",
        "wallet_closed",
        "wallet_currency_mismatch",
        "wallet_frozen",
        "wallet_hold_unexpected_state",
        "wallet_limit_exceeded",
        "wallet_not_empty",
        "webhook_endpoint_disabled",
        "webhook_endpoints_limit",
    }
)
_DOCS: Final = "https://docs.stripe.com/error-codes#"

_RETRY: Final = (b"stripe-should-retry", b"true")
_NO_RETRY: Final = (b"stripe-should-retry", b"false")


class HttpRefusal(InvalidRequest):
    """A request that HTTP has a status of its own for."""

    def __init__(
        self, status: int, message: str, headers: tuple[tuple[bytes, bytes], ...] = ()
    ) -> None:
        super().__init__("parameter_invalid", message)
        self.status = status
        self.headers = headers


class Throttled(RateLimited):
    """A request that was not begun, since too much is asked for. `reason` is one of the words
    that Stripe has for it; `wait_s` is when it is worth trying again."""

    def __init__(
        self,
        message: str,
        reason: str,
        wait_s: float = 1.0,
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        super().__init__(message)
        self.headers = (*_limited(reason, wait_s), *headers)


def _limited(reason: str, wait_s: float) -> tuple[tuple[bytes, bytes], ...]:
    return (
        (b"retry-after", str(max(1, ceil(wait_s))).encode()),
        (b"stripe-rate-limited-reason", reason.encode()),
    )


def kind_of(error: GuilderError) -> tuple[int, str]:
    """The status and the type of an error."""
    if isinstance(error, HttpRefusal):
        return error.status, "invalid_request_error"
    return next(_KINDS[base] for base in type(error).__mro__ if base in _KINDS)


def answer_error(
    error: GuilderError, subject: tuple[str, msgspec.Raw] | None = None, *, repeatable: bool = True
) -> Answer:
    """The answer that tells of `error`.

    `subject` is the rendered object that it carries, under its name. `repeatable` says that the
    request may be sent again without knowing whether it took effect: it only reads, or has an
    idempotency key.
    """
    status, kind = kind_of(error)
    body = msgspec.json.encode({"error": _envelope(error, kind, subject)})
    return Answer(status, body, _headers(error, repeatable))


def answer_fault() -> Answer:
    """The answer to a request that met a fault of ours, which says nothing about the fault."""
    body = {
        "type": "api_error",
        "message": "An unexpected error occurred. It has been logged under the id of this request.",
    }
    return Answer(500, msgspec.json.encode({"error": body}))


def _envelope(
    error: GuilderError, kind: str, subject: tuple[str, msgspec.Raw] | None
) -> Mapping[str, Any]:
    envelope: dict[str, Any] = {"type": kind, "message": error.message}
    if error.code not in UNSAID:
        envelope["code"] = error.code
        if error.code not in OWN:
            envelope["doc_url"] = _DOCS + error.code.replace("_", "-")
    for name in ("param", "decline_code", "charge", "advice_code", "network_decline_code"):
        value = getattr(error, name)
        if value is not None:
            envelope[name] = value
    if subject is not None:
        envelope[subject[0]] = subject[1]
    return envelope


def _headers(error: GuilderError, repeatable: bool) -> tuple[tuple[bytes, bytes], ...]:
    match error:
        case HttpRefusal():
            return error.headers
        case Throttled():
            return error.headers
        case RateLimited():
            return _limited("resource-specific", 1)
        case Unauthenticated():
            return ((b"www-authenticate", b'Bearer realm="Guilder"'),)
        case KeyInUse():
            return (_RETRY, (b"retry-after", b"1"))
        case Conflict():
            return (_RETRY,)
        case Unavailable():
            return (_RETRY if repeatable else _NO_RETRY,)
        case _:
            return ()
