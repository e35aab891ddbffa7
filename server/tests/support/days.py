"""Tests that count within a day, in UTC, with the real clock."""

from __future__ import annotations

import time

_DAY_S = 86_400
_A_TEST_S = 20


def not_over_midnight() -> None:
    """Wait for the next day, where a test that begins now could end in it."""
    left_s = _DAY_S - time.time() % _DAY_S
    if left_s < _A_TEST_S:
        time.sleep(left_s + 0.1)
