"""Requests for tests, with everything filled in that a test does not care about."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import Any

from guilder_server.gateways import (
    AuthorizeRequest,
    CaptureRequest,
    IncrementRequest,
    RefundRequest,
    VoidRequest,
)
from guilder_server.kernel.money import Money

NOW = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
_numbers = count(1)


def attempt_id() -> str:
    return f"att_{next(_numbers):06}"


def usd(amount: int) -> Money:
    return Money(amount, "usd")


def authorize(instrument: str = "ok", **wishes: Any) -> AuthorizeRequest:
    given = {"money": usd(2000), "capture": True, "made_at": NOW, **wishes}
    return AuthorizeRequest(
        attempt_id=given.pop("attempt_id", None) or attempt_id(), instrument=instrument, **given
    )


def capture(reference: str, instrument: str = "ok", amount: int = 2000) -> CaptureRequest:
    return CaptureRequest(attempt_id(), NOW, usd(amount), instrument, reference)


def void(reference: str, instrument: str = "ok", amount: int = 2000) -> VoidRequest:
    return VoidRequest(attempt_id(), NOW, usd(amount), instrument, reference)


def refund(reference: str, instrument: str = "ok", amount: int = 2000) -> RefundRequest:
    return RefundRequest(attempt_id(), NOW, usd(amount), instrument, reference)


def increment(reference: str, instrument: str = "ok", amount: int = 3000) -> IncrementRequest:
    return IncrementRequest(attempt_id(), NOW, usd(amount), instrument, reference)
