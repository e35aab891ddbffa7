"""Clocks tell an aware instant in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from guilder_server.kernel.clock import ManualClock, SystemClock, unix


def test_the_clock_of_the_system_is_aware_and_goes_on() -> None:
    before, after = SystemClock().now(), SystemClock().now()
    assert before.tzinfo is UTC
    assert before <= after
    assert abs(datetime.now(UTC) - after) < timedelta(minutes=1)


def test_a_manual_clock_stands_until_it_is_moved() -> None:
    clock = ManualClock(datetime(2026, 11, 20, tzinfo=UTC))
    assert clock.now() == clock.now()
    clock.advance(timedelta(days=1, microseconds=1))
    assert clock.now() == datetime(2026, 11, 21, 0, 0, 0, 1, tzinfo=UTC)


def test_the_wire_writes_whole_seconds_that_have_passed() -> None:
    assert unix(datetime(1970, 1, 1, 0, 0, 1, 999_999, tzinfo=UTC)) == 1
    assert unix(datetime(2026, 11, 20, tzinfo=UTC)) == 1_795_132_800
