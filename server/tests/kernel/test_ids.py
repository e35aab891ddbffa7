"""Ids sort by the time they were made, and say nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guilder_server.kernel.clock import ManualClock
from guilder_server.kernel.ids import DIGITS, Ids, base62, first_id, microseconds, secret

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
instants = st.datetimes(
    datetime(1970, 1, 1),  # noqa: DTZ001 - Hypothesis wants them without a zone
    datetime(2390, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@given(st.integers(0, 62**9 - 1))
def test_base62_is_the_number_in_that_base(number: int) -> None:
    value = 0
    for digit in base62(number, 9):
        value = value * 62 + DIGITS.index(digit)
    assert value == number


@given(st.integers(0, 62**9 - 1), st.integers(0, 62**9 - 1))
def test_base62_sorts_as_numbers_do(one: int, other: int) -> None:
    assert (base62(one, 9) < base62(other, 9)) == (one < other)


@given(instants)
def test_an_id_begins_with_its_time(instant: datetime) -> None:
    made = Ids(ManualClock(instant)).new("pi")
    assert made.startswith(first_id("pi", instant))
    assert made[3:12] == base62(microseconds(instant), 9)


@given(instants, st.timedeltas(timedelta(microseconds=1), timedelta(days=3650)))
def test_later_ids_are_greater(instant: datetime, later: timedelta) -> None:
    clock = ManualClock(instant)
    ids = Ids(clock)
    first = ids.new("pi")
    clock.advance(later)
    assert ids.new("pi") > first


def test_ids_made_at_one_instant_are_in_order_and_differ() -> None:
    ids = Ids(ManualClock(NOON))
    made = [ids.new("evt") for _ in range(1000)]
    assert made == sorted(made)
    assert len(set(made)) == 1000


def test_a_clock_that_goes_back_does_not_take_the_order_along() -> None:
    clock = ManualClock(NOON)
    ids = Ids(clock)
    first = ids.new("pi")
    clock.advance(-timedelta(hours=1))
    assert ids.new("pi") > first


@pytest.mark.parametrize("length", [0, 1, 15, 32])
def test_a_secret_has_its_length_and_only_letters_and_digits(length: int) -> None:
    made = secret(length)
    assert len(made) == length
    assert set(made) <= set(DIGITS)


def test_secrets_use_every_digit_about_equally_often() -> None:
    drawn = secret(62_000)
    counts = [drawn.count(digit) for digit in DIGITS]
    assert min(counts) > 700
    assert max(counts) < 1500


@given(instants)
def test_microseconds_are_exact(instant: datetime) -> None:
    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds(instant)) == (
        instant
    )
