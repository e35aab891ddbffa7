"""What webhooks decide, without a network or a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guilder_server.kernel.copies import replace
from guilder_server.webhooks.domain import delivery as deliveries
from guilder_server.webhooks.domain import endpoint as endpoints
from guilder_server.webhooks.domain.delivery import Attempt, Delivery, Outcome
from guilder_server.webhooks.domain.endpoint import PATIENCE, TEST, Endpoint
from guilder_server.webhooks.domain.replies import Reply
from guilder_server.webhooks.domain.schedule import JITTER, LIVE, pause_after

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def a_delivery(tries: int = 0) -> Delivery:
    first = deliveries.first("evt_1", "charge.succeeded", NOW, "we_0000000012345678", NOW)
    return replace(first, tries=tries)


def an_endpoint(**fields: Any) -> Endpoint:
    usual: dict[str, Any] = {
        "id": "we_0000000012345678",
        "version": 1,
        "created": NOW,
        "url": "https://shop.example/hook",
        "enabled_events": ["*"],
        "description": None,
        "metadata": {},
        "api_version": None,
        "connect": False,
        "secret": b"new",
        "slot": 1,
    }
    return Endpoint(**{**usual, **fields})


def pauses(*, livemode: bool, chance: float) -> list[timedelta]:
    """The gaps between one attempt and the next, until there are no more."""
    found = []
    while (pause := pause_after(len(found) + 1, livemode=livemode, chance=chance)) is not None:
        found.append(pause)
    return found


# The schedule.


def test_live_mode_makes_ten_attempts_over_about_three_days() -> None:
    gaps = pauses(livemode=True, chance=0.5)
    assert len(gaps) + 1 == 10
    assert timedelta(days=2, hours=18) <= sum(gaps, timedelta()) <= timedelta(days=3, hours=6)
    assert gaps == sorted(gaps)


def test_test_mode_makes_five_attempts_within_minutes() -> None:
    gaps = pauses(livemode=False, chance=0.5)
    assert len(gaps) + 1 == 5
    assert gaps[0] == timedelta(seconds=5)
    assert sum(gaps, timedelta()) < timedelta(minutes=6)
    assert gaps == sorted(set(gaps))


@pytest.mark.parametrize("livemode", [True, False])
@given(chance=st.floats(0, 1))
def test_each_gap_is_a_fifth_longer_or_shorter_at_most(livemode: bool, chance: float) -> None:
    even = pauses(livemode=livemode, chance=0.5)
    for middle, gap in zip(even, pauses(livemode=livemode, chance=chance), strict=True):
        assert middle * (1 - JITTER) <= gap <= middle * (1 + JITTER)


def test_the_whole_range_of_the_jitter_is_used() -> None:
    for chance, seconds in ((0.0, 4), (0.5, 5), (1.0, 6)):
        assert pause_after(1, livemode=False, chance=chance) == timedelta(seconds=seconds)


def test_nobody_is_asked_for_a_schedule_beyond_its_end() -> None:
    assert pause_after(len(LIVE) + 1, livemode=True, chance=0.5) is None
    assert pause_after(1000, livemode=True, chance=0.5) is None
    assert pause_after(6, livemode=False, chance=0.5) is None


# What a reply means.

TAKEN = [Reply(3, 200), Reply(3, 204, excerpt="ok"), Reply(3, 299)]
REFUSED = [
    *(Reply(3, status) for status in (100, 199, 300, 301, 302, 307, 308, 400, 401, 404, 500, 503)),
    Reply(15_000, trouble="timeout"),
    Reply(1, trouble="connection_refused"),
    Reply(0, trouble="forbidden_address"),
]


@pytest.mark.parametrize("reply", TAKEN, ids=lambda reply: str(reply.status))
def test_what_is_taken_is_not_sent_again(reply: Reply) -> None:
    found = deliveries.outcome(2, reply, NOW, livemode=True, chance=0.5)
    attempt = Attempt(int(NOW.timestamp()), 3, reply.status, None, reply.excerpt)
    assert found == Outcome("delivered", 3, None, attempt)


@pytest.mark.parametrize("reply", REFUSED, ids=lambda reply: str(reply.status or reply.trouble))
def test_what_is_not_taken_is_tried_again_until_the_last_time(reply: Reply) -> None:
    first = deliveries.outcome(0, reply, NOW, livemode=False, chance=0.5)
    assert (first.status, first.tries) == ("pending", 1)
    assert first.next_attempt_at == NOW + timedelta(seconds=5)
    assert first.attempt is not None
    assert (first.attempt.status_code, first.attempt.trouble) == (reply.status, reply.trouble)
    last = deliveries.outcome(4, reply, NOW, livemode=False, chance=0.5)
    assert (last.status, last.tries, last.next_attempt_at) == ("failed", 5, None)


@pytest.mark.parametrize("livemode", [True, False])
def test_who_says_that_it_is_gone_is_not_asked_again(livemode: bool) -> None:
    found = deliveries.outcome(0, Reply(3, 410), NOW, livemode=livemode, chance=0.5)
    assert (found.status, found.tries, found.next_attempt_at) == ("failed", 1, None)


def test_an_event_that_is_not_kept_any_more_is_given_up_without_an_attempt() -> None:
    assert deliveries.unsendable(3) == Outcome("canceled", 3, None, None)


def test_a_delivery_that_is_put_on_its_way_again_has_all_its_attempts_before_it() -> None:
    log = [Attempt(1, 1, 500, None, "")]
    ended = replace(a_delivery(10), status="failed", next_attempt_at=None, attempts=log)
    later = NOW + timedelta(days=4)
    found = deliveries.again(ended, later)
    assert (found.status, found.tries, found.next_attempt_at) == ("pending", 0, later)
    assert found.attempts == log


# The names of deliveries.

IDS = st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", min_size=24)
EVENTS = IDS.map(lambda text: f"evt_{text[:24]}")
ENDPOINTS = IDS.map(lambda text: f"we_{text[:24]}")


@given(events=st.lists(EVENTS, min_size=2, max_size=2, unique=True), to=st.tuples(*[ENDPOINTS] * 2))
def test_deliveries_sort_as_their_events_do(events: list[str], to: tuple[str, str]) -> None:
    earlier, later = sorted(events)
    assert deliveries.delivery_id(earlier, to[0]) < deliveries.delivery_id(later, to[1])


@given(event=EVENTS, other=EVENTS, to=ENDPOINTS)
def test_an_events_deliveries_and_no_others_lie_between_its_bounds(
    event: str, other: str, to: str
) -> None:
    first, end = deliveries.of_event(event)
    assert first < deliveries.delivery_id(event, to) < end
    assert (first < deliveries.delivery_id(other, to) < end) == (event == other)


@given(event=EVENTS, pair=st.lists(ENDPOINTS, min_size=2, max_size=2, unique_by=lambda w: w[-8:]))
def test_endpoints_have_deliveries_of_their_own(event: str, pair: list[str]) -> None:
    assert len({deliveries.delivery_id(event, to) for to in pair}) == 2
    assert len(deliveries.delivery_id(event, pair[0])) == len("whd_") + 24 + 8


# Endpoints.

OFF = {"disabled_at": NOW, "disabled_reason": "requested"}
WANTS: list[tuple[dict[str, Any], str, bool]] = [
    ({}, "charge.succeeded", True),
    ({}, "customer.created", True),
    ({"enabled_events": ["charge.succeeded"]}, "charge.succeeded", True),
    ({"enabled_events": ["charge.succeeded"]}, "charge.failed", False),
    ({"enabled_events": ["charge.failed", "charge.succeeded"]}, "charge.failed", True),
    ({"enabled_events": ["charge.failed", "*"]}, "customer.created", True),
    ({"connect": True}, "charge.succeeded", False),
    (OFF, "charge.succeeded", False),
    ({"slot": None}, "charge.succeeded", False),
    # It goes to the one that it is about, which nothing here can know.
    ({}, TEST, False),
    ({"enabled_events": [TEST]}, TEST, False),
]


@pytest.mark.parametrize(("fields", "type", "wanted"), WANTS)
def test_an_endpoint_wants_what_it_has_chosen(
    fields: dict[str, Any], type: str, wanted: bool
) -> None:
    assert an_endpoint(**fields).wants(type) is wanted


def test_the_first_failure_is_remembered_and_later_ones_change_nothing() -> None:
    failing = endpoints.failed(an_endpoint(), NOW, gone=False)
    assert failing is not None
    assert (failing.failing_since, failing.enabled) == (NOW, True)
    just_before = NOW + PATIENCE - timedelta(microseconds=1)
    assert endpoints.failed(failing, just_before, gone=False) is None


def test_five_days_of_failure_disable_it() -> None:
    assert timedelta(days=5) == PATIENCE
    failing = an_endpoint(failing_since=NOW)
    found = endpoints.failed(failing, NOW + PATIENCE, gone=False)
    assert found is not None
    assert not found.enabled
    assert (found.disabled_reason, found.disabled_at) == ("failing", NOW + PATIENCE)
    assert found.failing_since == NOW


def test_one_that_takes_something_has_recovered() -> None:
    assert endpoints.recovered(an_endpoint()) is None
    found = endpoints.recovered(an_endpoint(failing_since=NOW))
    assert found is not None
    assert found.failing_since is None
    again = endpoints.failed(found, NOW + PATIENCE, gone=False)
    assert again is not None
    assert again.enabled


def test_one_that_is_gone_is_disabled_at_once() -> None:
    found = endpoints.failed(an_endpoint(), NOW, gone=True)
    assert found is not None
    assert (found.enabled, found.disabled_reason, found.disabled_at) == (False, "gone", NOW)


@pytest.mark.parametrize("fields", [OFF, {"slot": None}])
def test_one_that_is_disabled_or_deleted_cannot_fail_any_more(fields: dict[str, Any]) -> None:
    for gone in (True, False):
        assert endpoints.failed(an_endpoint(**fields), NOW + 2 * PATIENCE, gone=gone) is None


def test_one_that_is_enabled_again_starts_afresh() -> None:
    dead = endpoints.disabled(an_endpoint(failing_since=NOW), "failing", NOW + PATIENCE)
    assert endpoints.enabled(dead) == an_endpoint()


def test_during_the_overlap_both_secrets_sign_and_then_the_new_one_alone() -> None:
    until = NOW + timedelta(hours=1)
    rolled = endpoints.rolled(an_endpoint(secret=b"old"), b"new", until, NOW)
    assert rolled.secrets(NOW) == [b"new", b"old"]
    assert rolled.secrets(until - timedelta(microseconds=1)) == [b"new", b"old"]
    assert rolled.secrets(until) == [b"new"]
    assert an_endpoint().secrets(NOW) == [b"new"]


def test_without_an_overlap_a_leaked_secret_signs_nothing_more() -> None:
    rolled = endpoints.rolled(an_endpoint(secret=b"old"), b"new", NOW, NOW)
    assert (rolled.secrets(NOW), rolled.former_secret) == ([b"new"], None)
    twice = endpoints.rolled(
        endpoints.rolled(an_endpoint(secret=b"a"), b"b", NOW + PATIENCE, NOW), b"c", NOW, NOW
    )
    assert twice.secrets(NOW) == [b"c"]


def test_rolling_twice_keeps_the_last_two() -> None:
    until = NOW + PATIENCE
    once = endpoints.rolled(an_endpoint(secret=b"a"), b"b", until, NOW)
    assert endpoints.rolled(once, b"c", until, NOW).secrets(NOW) == [b"c", b"b"]


def test_nothing_can_be_signed_for_one_that_is_deleted() -> None:
    rolled = endpoints.rolled(an_endpoint(), b"new", NOW + PATIENCE, NOW)
    erased = endpoints.erased(rolled)
    assert (erased.deleted, erased.enabled) == (True, False)
    assert (erased.secret, erased.former_secret, erased.former_secret_until) == (b"", None, None)
