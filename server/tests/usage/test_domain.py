"""Months, marks, and what a change set uses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guilder_server.usage.domain.metering import room
from guilder_server.usage.domain.meters import (
    METERS,
    bit_of,
    end_of,
    first_of,
    marks_in,
    marks_of,
    month_of,
)

# Hypothesis gives them the zone.
_FIRST, _LAST = datetime(1970, 1, 1), datetime(2399, 1, 1)  # noqa: DTZ001
INSTANTS = st.datetimes(_FIRST, _LAST, timezones=st.just(UTC))


@given(INSTANTS)
def test_an_instant_is_in_its_month(instant: datetime) -> None:
    month = month_of(instant)
    assert first_of(month) <= instant < end_of(month)
    assert month_of(end_of(month) - timedelta(microseconds=1)) == month
    assert month_of(end_of(month)) > month


def test_months_are_those_of_utc() -> None:
    east = timezone(timedelta(hours=3))
    assert month_of(datetime(2026, 12, 1, 2, tzinfo=east)) == "2026-11"
    assert end_of("2026-12") == datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("used", "percents"),
    [(0, []), (79, []), (80, [80]), (99, [80]), (100, [80, 100]), (5000, [80, 100])],
)
def test_a_mark_is_reached_from_its_percent_on(used: int, percents: list[int]) -> None:
    nothing = dict.fromkeys(METERS, 0)
    found = marks_in(marks_of({**nothing, "wallets": used}, {"wallets": 100}))
    assert found == [("wallets", percent) for percent in percents]


def test_a_quota_of_nothing_has_no_marks() -> None:
    assert marks_of(dict.fromkeys(METERS, 0), {"payments": 0}) == 0


@given(st.integers(0, 2 ** (2 * len(METERS)) - 1))
def test_marks_are_what_their_bits_say(bits: int) -> None:
    assert sum(bit_of(*mark) for mark in marks_in(bits)) == bits


def test_a_payment_takes_its_room_once() -> None:
    assert room({"payments_pending": 1, "storage_bytes": 5}) == {"payments": 1, "storage_bytes": 5}
    assert room({"payments_pending": -1, "payments": 1}) == {}
    assert room({"payments_pending": -1}) == {}
    assert room({"wallets": -1, "payments": 1}) == {"payments": 1}
