"""What a merchant who floods does to the others: the slowest answers of a thousand, in turn with
and without the flood."""

from __future__ import annotations

import json
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from guilder_server.embedded import RedisServer
from load import HERE, Load, wrk
from stage import CUSTOMER_PREFIX, CUSTOMERS, EMPTY, MERCHANTS, Serving, Stage

_TURNS = 4
_CALLERS, _PAUSE_MS = 24, 120
_FLOODING = 16
# With this pause its connections together stay just within what it may.
_WITHIN_MS = 650
# The flood begins earlier, so that its first burst is over, and ends later.
_BEFORE_S = 2
_LIMITED = {"GUILDER_RATE_TEST": "25", "GUILDER_REQUESTS_PER_ACCOUNT": "200"}


def measure(stage: Stage, say: Callable[[str], None], seconds: int) -> dict[str, Any]:
    redis = RedisServer(stage.folder / "redis").start()
    try:
        with stage.serving(EMPTY, GUILDER_REDIS_URL=redis.url, **_LIMITED) as serving:
            _others(stage, serving, 2, 0)
            return _in_turn(stage, serving, say, seconds)
    finally:
        redis.stop()


def _in_turn(
    stage: Stage, serving: Serving, say: Callable[[str], None], seconds: int
) -> dict[str, Any]:
    quiet: list[Load] = []
    allowed: list[Load] = []
    flooded: list[Load] = []
    floods: list[dict[str, Any]] = []
    for turn in range(1, _TURNS + 1):
        say(f"fairness, turn {turn} of {_TURNS}")
        quiet.append(_others(stage, serving, seconds, 2 * turn))
        say(f"  alone         {quiet[-1].per_second:6.0f}/s  p99 {quiet[-1].p99_ms:.1f} ms")
        with _flood(stage, serving, seconds, _WITHIN_MS) as within:
            allowed.append(_others(stage, serving, seconds, 2 * turn))
        told = f"{within['requests'] / within['seconds']:.0f}/s, {within['refused']} refused"
        say(f"  beside {told}: p99 {allowed[-1].p99_ms:.1f} ms")
        with _flood(stage, serving, seconds) as flood:
            flooded.append(_others(stage, serving, seconds, 2 * turn + 1))
        floods.append(flood)
        told = f"{flood['requests'] / flood['seconds']:.0f}/s flood, {flood['refused']} refused"
        say(f"  beside {told}: p99 {flooded[-1].p99_ms:.1f} ms")
    pairs = zip(flooded, quiet, strict=True)
    excess = zip(flooded, allowed, strict=True)
    return {
        "others_per_s": round(statistics.median(load.per_second for load in quiet), 1),
        "others_p99_ms": statistics.median(load.p99_ms for load in quiet),
        "others_p99_ms_beside_allowance": statistics.median(load.p99_ms for load in allowed),
        "others_p99_ms_beside_flood": statistics.median(load.p99_ms for load in flooded),
        "flood_p99_ratio": round(statistics.median(a.p99_ms / b.p99_ms for a, b in pairs), 3),
        "flood_p99_ratio_to_allowance": round(
            statistics.median(a.p99_ms / b.p99_ms for a, b in excess), 3
        ),
        "flood_per_s": round(
            statistics.median(one["requests"] / one["seconds"] for one in floods), 1
        ),
        "flood_let_through_per_s": round(
            statistics.median(
                (one["requests"] - one["refused"]) / one["seconds"] for one in floods
            ),
            1,
        ),
    }


def _others(stage: Stage, serving: Serving, seconds: int, seed: int) -> Load:
    """Everybody but the first. Raises LoadFailed if one of them is refused."""
    arguments = [
        *(str(stage.keys_file), "2", str(MERCHANTS)),
        *(CUSTOMER_PREFIX, str(CUSTOMERS), str(seed), str(_PAUSE_MS)),
    ]
    return wrk(serving.url, "mixed.lua", arguments, _CALLERS, seconds)


@contextmanager
def _flood(
    stage: Stage, serving: Serving, seconds: int, pause_ms: int = 0
) -> Iterator[dict[str, Any]]:
    """Payments of the first merchant: as fast as answers come, or with a pause after each."""
    lasts = f"{seconds + 2 * _BEFORE_S}s"
    command = ["wrk", "-t", "1", "-c", str(_FLOODING), "-d", lasts, "--timeout", "30s"]
    arguments = [str(stage.keys_file), "1", CUSTOMER_PREFIX, str(CUSTOMERS), "1"]
    arguments += [str(pause_ms)] if pause_ms else []
    command += ["-s", "payments.lua", serving.url, "--", *arguments]
    process = subprocess.Popen(command, cwd=HERE, stdout=subprocess.PIPE, text=True)
    seen: dict[str, Any] = {}
    try:
        time.sleep(_BEFORE_S)
        yield seen
        said, _ = process.communicate(timeout=30)
        seen |= json.loads(said.rpartition("\nsummary ")[2])
    finally:
        process.kill()
        process.wait()
