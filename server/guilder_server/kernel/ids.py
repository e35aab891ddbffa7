"""Public ids: a prefix that names the kind, then 24 letters and digits.

The first nine characters are the microsecond of creation in base 62, the other fifteen are
random (89 bits). Two things follow. Ids sort by creation, so "newest first" is the primary
key read backwards and no list needs a second index. And new rows land at the right edge of
their index, which keeps its pages full and in memory however large the table grows.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import lru_cache

from guilder_server.kernel.clock import Clock

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"  # in ASCII order
TIME_LENGTH = 9  # 62^9 microseconds: four centuries
RANDOM_LENGTH = 15
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PAIRS = [a + b for a in DIGITS for b in DIGITS]
# Each random byte picks a digit. Eight of the 62 come up a fifth oftener than the others, as 256
# is no multiple of 62: a digit is worth 5.94 bits and not 5.95.
_PICKED = bytes(DIGITS.encode()[byte % 62] for byte in range(256))
_WINDOW = 62**4  # microseconds: the first five characters stay the same for 14 seconds


def base62(number: int, length: int) -> str:
    """`number` in exactly `length` base-62 digits, two at a time."""
    out = []
    for _ in range(length // 2):
        number, low = divmod(number, 3844)
        out.append(_PAIRS[low])
    if length % 2:
        out.append(DIGITS[number % 62])
    return "".join(reversed(out))


@lru_cache(maxsize=1024)
def microseconds(instant: datetime) -> int:
    """Since 1970. What is made in one commit has the same few instants, each in a dozen places."""
    return _counted(instant)


def _counted(instant: datetime) -> int:
    """Exactly: a float would round the far future."""
    since = instant - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


class Ids:
    """Makes ids; two from the same maker are never equal and always in order."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0
        self._window = -1
        self._start = ""

    def new(self, prefix: str) -> str:
        self._last = max(self._last + 1, _counted(self._clock.now()))
        window, within = divmod(self._last, _WINDOW)
        if window != self._window:
            self._window, self._start = window, base62(window, TIME_LENGTH - 4)
        high, low = divmod(within, 3844)
        return f"{prefix}_{self._start}{_PAIRS[high]}{_PAIRS[low]}{secret(RANDOM_LENGTH)}"


def secret(length: int) -> str:
    """`length` random base-62 characters from the operating system's generator."""
    return os.urandom(length).translate(_PICKED).decode()


def first_id(prefix: str, instant: datetime) -> str:
    """The lower bound of all ids made at or after `instant`: where a time filter starts."""
    return f"{prefix}_{base62(microseconds(instant), TIME_LENGTH)}"
