"""An attempt: one request to a gateway, written down before it is sent.

Its id is the gateway's idempotency key. From the row alone another process can find out what
became of the request and finish what the first process began.

    pending ──succeed──▶ succeeded
       │  ╲──fail──────▶ failed
       │lose       ▲
       ▼           │ (asked again)
    unknown ───────┴──reconcile──▶ needs_reconciliation ──succeed / fail──▶ …
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

from guilder_server.gateways.domain.outcomes import Approved, Declined, Pending
from guilder_server.gateways.domain.requests import Kind, Request, restored, stored
from guilder_server.kernel.copies import replace
from guilder_server.kernel.errors import Conflict
from guilder_server.kernel.money import Money

State: TypeAlias = Literal["pending", "succeeded", "failed", "unknown", "needs_reconciliation"]


@dataclass(frozen=True)
class Attempt:
    """`subject_id` is the charge, refund or payout it is for. Until `lease_until` one process has
    it in hand; after that a sweeper may ask about it. `recovery` is what that sweeper needs to
    answer the caller who was left without an answer: the idempotency key, the operation, the
    wished expansions; once the attempt is settled nobody needs it. `detail` is what the gateway
    said."""

    id: str
    version: int
    created: datetime
    kind: Kind
    subject_id: str
    gateway: str
    amount: int
    currency: str
    state: State
    reference: str | None
    lease_until: datetime | None
    request: dict[str, Any]
    recovery: dict[str, Any] = field(default_factory=dict)
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def open(self) -> bool:
        """Still to be found out, by asking the gateway."""
        return self.state in ("pending", "unknown")

    @property
    def settled(self) -> bool:
        """Found out, for good. One that a person must look at is neither open nor settled: an
        answer that comes late is welcome."""
        return self.state in _SETTLED

    @property
    def unheard(self) -> bool:
        """The gateway has not been heard about it so far."""
        return self.state == "pending" and not self.detail

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    def asked(self) -> Request:
        """The request, as it was sent."""
        return restored(self.kind, self.id, self.created, self.money, self.request)


def begin(
    request: Request,
    *,
    subject_id: str,
    gateway: str,
    lease_until: datetime,
    recovery: dict[str, Any] | None = None,
) -> Attempt:
    """To be committed before the gateway is called."""
    return Attempt(
        id=request.attempt_id,
        version=1,
        created=request.made_at,
        kind=request.kind,
        subject_id=subject_id,
        gateway=gateway,
        amount=request.money.amount,
        currency=request.money.currency,
        state="pending",
        reference=None,
        lease_until=lease_until,
        request=stored(request),
        recovery=recovery or {},
    )


def succeed(attempt: Attempt, outcome: Approved) -> Attempt:
    _unsettled(attempt)
    # What else the gateway said is kept with what it was said of, such as the charge.
    return _moved(attempt, "succeeded", reference=outcome.reference, detail={})


def fail(attempt: Attempt, outcome: Declined) -> Attempt:
    _unsettled(attempt)
    reference = outcome.reference or attempt.reference
    return _moved(attempt, "failed", reference=reference, detail=_said(outcome, _REFUSAL))


def wait(attempt: Attempt, outcome: Pending) -> Attempt:
    """The gateway will know later; it is asked again then."""
    _must_be_open(attempt)
    return _moved(
        attempt,
        "pending",
        reference=outcome.reference,
        lease_until=outcome.check_after,
        detail={"shown": outcome.shown},
    )


def lose(attempt: Attempt, reason: str, ask_after: datetime) -> Attempt:
    """The reply is lost: nobody knows. It is asked about, not sent again blindly."""
    _must_be_open(attempt)
    return _moved(attempt, "unknown", lease_until=ask_after, detail={"reason": reason})


def lease(attempt: Attempt, until: datetime) -> Attempt:
    """A sweeper takes it in hand. The version guard lets only one of several succeed."""
    _must_be_open(attempt)
    return replace(attempt, version=attempt.version + 1, lease_until=until)


def reconcile(attempt: Attempt, reason: str) -> Attempt:
    """Asking did not help and sending again is not safe: a person must look."""
    _must_be_open(attempt)
    return _moved(attempt, "needs_reconciliation", detail={"reason": reason})


_SETTLED = ("succeeded", "failed")
_REFUSAL = ("code", "decline_code", "type", "reason", "network_decline_code", "advice_code")


def _said(outcome: Approved | Declined, names: tuple[str, ...]) -> dict[str, Any]:
    """What helps to find this attempt in the gateway's books; charge and refund tell the rest."""
    return {name: value for name in names if (value := getattr(outcome, name)) is not None}


def _moved(
    attempt: Attempt,
    state: State,
    *,
    detail: dict[str, Any],
    reference: str | None = None,
    lease_until: datetime | None = None,
) -> Attempt:
    return replace(
        attempt,
        version=attempt.version + 1,
        state=state,
        reference=reference or attempt.reference,
        lease_until=lease_until,
        recovery={} if state in _SETTLED else attempt.recovery,
        detail=detail,
    )


def _unsettled(attempt: Attempt) -> None:
    if attempt.settled:
        raise Conflict(f"The attempt {attempt.id} has already {attempt.state}.")


def _must_be_open(attempt: Attempt) -> None:
    if not attempt.open:
        raise Conflict(f"The attempt {attempt.id} is no longer open: {attempt.state}.")
