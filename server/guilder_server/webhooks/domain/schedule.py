"""When a delivery that was not taken is tried again."""

from __future__ import annotations

from datetime import timedelta

# Ten attempts over three days: soon, for a listener that is being restarted, then ever less often.
LIVE = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=20),
)
# Five attempts within minutes: somebody sits in front of it.
TEST = (
    timedelta(seconds=5),
    timedelta(seconds=20),
    timedelta(minutes=1),
    timedelta(minutes=3),
)
# Each pause is up to a fifth longer or shorter, so that what failed together does not come back
# together.
JITTER = 0.2


def pause_after(tries: int, *, livemode: bool, chance: float) -> timedelta | None:
    """How long to wait after `tries` attempts; None once all were made. `chance` is a random
    number from 0 to 1."""
    schedule = LIVE if livemode else TEST
    if tries > len(schedule):
        return None
    return schedule[tries - 1] * (1 + JITTER * (2 * chance - 1))
