from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guilder_server.gateways import (
    Approved,
    Attempt,
    Checks,
    Declined,
    Pending,
    Request,
    attempts,
)
from guilder_server.gateways.infra.tables import gateway_attempts
from guilder_server.kernel.errors import Conflict
from guilder_server.postgres.mapping import Mapping
from tests.gateways.asking import NOW, authorize, capture, increment, refund, void

SOON = NOW + timedelta(seconds=30)
APPROVED = Approved("ref_1", captured=True)
DECLINED = Declined("card_declined", "Your card was declined.", "generic_decline")


def begun(request: Request | None = None) -> Attempt:
    return attempts.begin(
        request or authorize(),
        subject_id="ch_1",
        gateway="sandbox",
        lease_until=SOON,
        recovery={"key": "k"},
    )


MOVES: dict[str, Callable[[Attempt], Attempt]] = {
    "succeed": lambda attempt: attempts.succeed(attempt, APPROVED),
    "fail": lambda attempt: attempts.fail(attempt, DECLINED),
    "wait": lambda attempt: attempts.wait(attempt, Pending("ref_1", SOON, "succeeded")),
    "lose": lambda attempt: attempts.lose(attempt, "timeout", SOON),
    "lease": lambda attempt: attempts.lease(attempt, SOON),
    "reconcile": lambda attempt: attempts.reconcile(attempt, "not found"),
}


def test_an_attempt_is_pending_in_one_hand_until_its_lease_is_over() -> None:
    request = authorize()
    attempt = begun(request)
    assert (attempt.id, attempt.created) == (request.attempt_id, NOW)
    assert (attempt.state, attempt.lease_until, attempt.version) == ("pending", SOON, 1)
    assert attempt.open


@pytest.mark.parametrize(
    ("move", "state", "lease_until", "reference"),
    [
        ("succeed", "succeeded", None, "ref_1"),
        ("fail", "failed", None, None),
        ("wait", "pending", SOON, "ref_1"),
        ("lose", "unknown", SOON, None),
        ("reconcile", "needs_reconciliation", None, None),
    ],
)
def test_each_outcome_leaves_its_state(
    move: str, state: str, lease_until: object, reference: str | None
) -> None:
    after = MOVES[move](begun())
    assert (after.state, after.lease_until, after.reference) == (state, lease_until, reference)
    assert after.version == 2


@pytest.mark.parametrize("move", sorted(MOVES))
def test_what_answers_the_caller_is_kept_until_the_attempt_is_settled(move: str) -> None:
    after = MOVES[move](begun())
    assert after.recovery == ({} if move in ("succeed", "fail") else {"key": "k"})


def test_an_attempt_is_unheard_of_until_the_gateway_says_anything_of_it() -> None:
    assert begun().unheard
    assert attempts.lease(begun(), SOON).unheard
    assert not any(MOVES[move](begun()).unheard for move in MOVES if move != "lease")


@given(st.lists(st.sampled_from(sorted(MOVES)), max_size=8))
def test_a_settled_attempt_never_changes_and_every_change_counts(moves: list[str]) -> None:
    attempt = begun()
    for count, move in enumerate(moves):
        settled = attempt.state in ("succeeded", "failed")
        # A person who has looked may still say how it ended.
        if settled or (not attempt.open and move not in ("succeed", "fail")):
            with pytest.raises(Conflict):
                MOVES[move](attempt)
            break
        attempt = MOVES[move](attempt)
        assert attempt.version == count + 2
        assert attempt.open == (attempt.lease_until is not None)


@pytest.mark.parametrize(
    "request_",
    [
        authorize(),
        authorize(checks=Checks(cvc_check="unchecked"), off_session=True, return_url="https://x"),
        capture("r"),
        void("r"),
        refund("r"),
        increment("r"),
    ],
)
def test_an_attempt_gives_back_the_request_it_was_begun_with(request_: Request) -> None:
    attempt = begun(request_)
    assert attempt.asked() == request_
    through_json = json.loads(json.dumps(attempt.request))
    assert through_json == attempt.request


def test_an_attempt_keeps_no_check_that_nobody_asked_for() -> None:
    attempt = begun(authorize(checks=Checks(cvc_check="unchecked")))
    assert attempt.request["checks"] == {"cvc_check": "unchecked"}


def test_what_a_newer_release_wrote_can_still_be_read() -> None:
    attempt = begun()
    attempt.request["a_field_of_next_year"] = 1
    attempt.asked()


def test_an_attempts_detail_is_json() -> None:
    for move in MOVES.values():
        json.dumps(move(begun()).detail)


def test_the_table_has_the_fields_of_an_attempt() -> None:
    Mapping(Attempt, gateway_attempts)
