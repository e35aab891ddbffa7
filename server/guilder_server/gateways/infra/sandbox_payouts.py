"""How the sandbox plays a bank: what becomes of a payout follows from its destination, and from the
time that has passed since it was asked for. It keeps no record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from guilder_server.gateways.domain.outcomes import (
    Approved,
    Arrived,
    Declined,
    Outcome,
    Passage,
    Pending,
    Unknown,
)
from guilder_server.gateways.domain.requests import PayOutRequest

# The codes are those of https://docs.stripe.com/api/payouts/failures.
_NO_ACCOUNT = ("no_account", "The bank account could not be found.")
_CLOSED = ("account_closed", "The bank account has been closed.")
_NOT_AUTHORIZED = (
    "debit_not_authorized",
    "Debit transactions are not approved on the bank account.",
)
_NOT_PROCESSED = ("could_not_process", "The bank could not process this payout.")
_CANCELED = ("canceled", "The payout was canceled before it was sent.")


@dataclass(frozen=True, slots=True)
class _Bank:
    """`refuses` at once, `fails` instead of paying, `returns` what it was paid; each a failure
    code with its message. `accepts_late`: it takes its time; `silent`: its reply is lost."""

    refuses: tuple[str, str] | None = None
    fails: tuple[str, str] | None = None
    returns: tuple[str, str] | None = None
    accepts_late: bool = False
    silent: bool = False


# What follows `ba_`. Any other destination, and none, is an account that is paid.
DESTINATIONS: dict[str, _Bank] = {
    "noAccount": _Bank(refuses=_NO_ACCOUNT),
    "accountClosed": _Bank(refuses=_CLOSED),
    "debitNotAuthorized": _Bank(refuses=_NOT_AUTHORIZED),
    "couldNotProcess": _Bank(fails=_NOT_PROCESSED),
    "returned": _Bank(returns=_CLOSED),
    "pending": _Bank(accepts_late=True),
    "unknownOutcome": _Bank(silent=True),
    "unknownOutcomeNoAccount": _Bank(silent=True, refuses=_NO_ACCOUNT),
}
_ANY = _Bank()


@dataclass(frozen=True, slots=True)
class Timetable:
    """How long the bank takes: to accept what it accepts late, to be paid from then on, unless it
    is instant, and to send back what it sends back."""

    accepted_after: timedelta = timedelta(seconds=5)
    paid_after: timedelta = timedelta(seconds=2)
    returned_after: timedelta = timedelta(seconds=5)


class SandboxBank:
    def __init__(self, timetable: Timetable | None = None) -> None:
        self._times = timetable or Timetable()

    def sent(self, request: PayOutRequest, now: datetime) -> Outcome:
        bank, accepts = _bank(request), self._accepts(request)
        reference = _reference(request)
        if bank.silent and now < accepts:
            return Unknown("the sandbox lost its reply, as this destination asks it to")
        if bank.accepts_late and now < accepts:
            return Pending(reference, accepts)
        if bank.refuses is not None:
            return _declined(bank.refuses, reference)
        return Approved(reference, arrives=self._arrives(request))

    def stopped(self, request: PayOutRequest, now: datetime) -> Outcome:
        if _bank(request).accepts_late and now < self._accepts(request):
            return _declined(_CANCELED, _reference(request))
        return self.sent(request, now)

    def found(self, request: PayOutRequest, now: datetime) -> Passage:
        bank, arrives = _bank(request), self._arrives(request)
        reference, returned = _reference(request), arrives + self._times.returned_after
        if now < arrives:
            return Pending(reference, arrives)
        if bank.fails is not None:
            return _declined(bank.fails, reference)
        if bank.returns is None:
            return Arrived()
        return Arrived(returned) if now < returned else _declined(bank.returns, reference)

    def _accepts(self, request: PayOutRequest) -> datetime:
        bank = _bank(request)
        late = bank.accepts_late or bank.silent
        return request.made_at + (self._times.accepted_after if late else timedelta())

    def _arrives(self, request: PayOutRequest) -> datetime:
        accepted = self._accepts(request)
        return accepted if request.method == "instant" else accepted + self._times.paid_after


def _bank(request: PayOutRequest) -> _Bank:
    return DESTINATIONS.get((request.destination or "").removeprefix("ba_"), _ANY)


def _declined(failure: tuple[str, str], reference: str) -> Declined:
    reason, message = failure
    return Declined(
        code="bank_account_declined",
        message=message,
        reason=reason,
        type="invalid",
        reference=reference,
    )


def _reference(request: PayOutRequest) -> str:
    return "sbx_" + request.attempt_id.removeprefix("att_")
