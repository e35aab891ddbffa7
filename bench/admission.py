"""What it costs to count requests, and to log them: the same payments with and without, in turn."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from guilder_server.embedded import RedisServer
from load import Load
from stage import EMPTY, Serving, Stage

# So high that nobody is refused, and all is counted as in earnest.
# Many short turns: whatever else the machine does then meets all of them.
_TURNS, _TURN_S = 4, 2
_LIMITED = {
    "GUILDER_RATE_TEST": "1000000",
    "GUILDER_REQUESTS_PER_ACCOUNT": "1000",
    "GUILDER_REQUEST_LOG_SAMPLE": "0",
}
_UNLIMITED = {
    "GUILDER_RATE_TEST": "0",
    "GUILDER_RATE_BAD_KEYS": "0",
    "GUILDER_REQUESTS_PER_ACCOUNT": "0",
    "GUILDER_REQUESTS_PER_PROCESS": "0",
    "GUILDER_REQUEST_LOG_SAMPLE": "0",
}


def measure(
    stage: Stage, pay: Callable[..., Load], say: Callable[[str], None], rounds: int
) -> dict[str, Any]:
    """Payments a second without limits, with them, with Redis away, and with every request logged;
    each as a part of the first, the median of the rounds."""
    redis = RedisServer(stage.folder / "redis").start()
    try:
        with ExitStack() as stack:
            url = {"GUILDER_REDIS_URL": redis.url}

            def serve(**settings: str) -> Serving:
                return stack.enter_context(stage.serving(EMPTY, **settings))

            ways = {
                "unlimited": serve(**url, **_UNLIMITED),
                "limits": serve(**url, **_LIMITED),
                "limits_without_redis": serve(
                    **_LIMITED, GUILDER_REDIS_URL=f"unix://{stage.folder}/nobody.sock"
                ),
                "request_log": serve(**url, **_UNLIMITED | {"GUILDER_REQUEST_LOG_SAMPLE": "100"}),
            }
            return _in_turn(ways, pay, say, rounds)
    finally:
        redis.stop()


def _in_turn(
    ways: dict[str, Serving], pay: Callable[..., Load], say: Callable[[str], None], rounds: int
) -> dict[str, Any]:
    for serving in ways.values():
        pay(serving, EMPTY, seconds=2)
    seen: dict[str, list[float]] = {name: [] for name in ways}
    cost: dict[str, list[float]] = {name: [] for name in ways}
    turns = _TURNS * rounds
    for turn in range(turns):
        say(f"limits, turn {turn + 1} of {turns}")
        # Now in this order, now in the other, so that none has the better half of each round.
        for name in list(ways)[:: -1 if turn % 2 else 1]:
            used = ways[name].cpu_s()
            load = pay(ways[name], EMPTY, seconds=_TURN_S)
            seen[name].append(load.per_second)
            cost[name].append((ways[name].cpu_s() - used) / load.requests * 1000)
            say(f"  {name:22} {load.per_second:8.0f}/s {cost[name][-1]:6.3f} ms")
    figures: dict[str, Any] = {}
    for name in list(ways)[1:]:
        pairs = zip(seen[name], seen["unlimited"], strict=True)
        figures[f"{name}_ratio"] = round(statistics.median(a / b for a, b in pairs), 3)
        pairs = zip(cost[name], cost["unlimited"], strict=True)
        figures[f"{name}_cpu_ratio"] = round(statistics.median(a / b for a, b in pairs), 3)
    figures["limits_rounds"] = {name: [round(one) for one in each] for name, each in seen.items()}
    return figures
