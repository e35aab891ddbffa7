"""What letting callers in costs: the same payments with authentication, quotas and rate limits,
with Redis and with Redis away, and without any of them, in turn."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guilder_server.embedded import RedisServer
from load import Load
from machine import cpu_s
from stage import EMPTY, Serving, Stage

# Several turns: whatever else the machine does then meets all of them.
_TURNS, _TURN_S = 3, 4
# Before each: while the others had their turns, all keys were forgotten that are looked up again
# after five seconds. In earnest some are each second, and never all at once.
_SETTLING_S = 6
# As in live mode: a thousand merchants stay below it, and all is counted as in earnest.
_LIMITED = {
    "GUILDER_PLANS": str(Path(__file__).with_name("plans.toml")),
    "GUILDER_RATE_TEST": "100",
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
# Each way with the one that it is held against.
_AGAINST = {"guarded": "bare", "guarded_without_redis": "bare", "request_log": "guarded"}

Pay = Callable[..., Load]
Say = Callable[[str], None]


@dataclass
class Seen:
    """What the turns of one way came to; processor time in milliseconds a payment."""

    per_second: list[float] = field(default_factory=list)
    server_ms: list[float] = field(default_factory=list)
    postgres_ms: list[float] = field(default_factory=list)
    redis_ms: list[float] = field(default_factory=list)

    def cpu_ms(self) -> list[float]:
        parts = zip(self.server_ms, self.postgres_ms, self.redis_ms, strict=True)
        return [sum(each) for each in parts]


def measure(stage: Stage, pay: Pay, say: Say, rounds: int) -> dict[str, Any]:
    redis = RedisServer(stage.folder / "redis").start()
    try:
        with ExitStack() as stack:
            stack.enter_context(stage.without_autovacuum())

            def serve(*, bare: bool = False, **settings: str) -> Serving:
                return stack.enter_context(stage.serving(EMPTY, bare=bare, **settings))

            url = {"GUILDER_REDIS_URL": redis.url}
            nobody = {"GUILDER_REDIS_URL": f"unix://{stage.folder}/nobody.sock"}
            ways = {
                "bare": serve(bare=True, **url, **_UNLIMITED),
                "guarded": serve(**url, **_LIMITED),
                "guarded_without_redis": serve(**nobody, **_LIMITED),
                "request_log": serve(**url, **_LIMITED | {"GUILDER_REQUEST_LOG_SAMPLE": "100"}),
            }
            seen = {name: Seen() for name in ways}
            turns = _TURNS * rounds
            for turn in range(turns):
                say(f"limits, turn {turn + 1} of {turns}")
                stage.analyze(EMPTY)
                # Now in this order, now in the other, so that none has the better half of it.
                for name in list(ways)[:: -1 if turn % 2 else 1]:
                    _turn(seen[name], ways[name], stage, redis, pay)
                    rate, cpu = seen[name].per_second[-1], seen[name].cpu_ms()[-1]
                    say(f"  {name:22} {rate:8.0f}/s {cpu:6.3f} ms")
    finally:
        redis.stop()
    return _summary(seen)


def _turn(seen: Seen, serving: Serving, stage: Stage, redis: RedisServer, pay: Pay) -> None:
    def used() -> tuple[float, float, float]:
        return serving.cpu_s(), stage.cpu_s(), cpu_s(redis.pid)

    pay(serving, EMPTY, seconds=_SETTLING_S)
    before = used()
    load = pay(serving, EMPTY, seconds=_TURN_S)
    each = [(end - start) / load.requests * 1000 for start, end in zip(before, used(), strict=True)]
    seen.per_second.append(load.per_second)
    for kept, one in zip((seen.server_ms, seen.postgres_ms, seen.redis_ms), each, strict=True):
        kept.append(one)


def _summary(seen: dict[str, Seen]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for name, other in _AGAINST.items():
        figures |= _compared(f"{name}_ratio", seen[name].per_second, seen[other].per_second)
        figures |= _compared(f"{name}_cpu_ratio", seen[name].cpu_ms(), seen[other].cpu_ms())
    for name, each in seen.items():
        figures[f"{name}_ms"] = {
            "server": round(statistics.median(each.server_ms), 3),
            "postgres": round(statistics.median(each.postgres_ms), 3),
            "redis": round(statistics.median(each.redis_ms), 3),
        }
    figures["limits_rounds"] = {
        name: [round(one) for one in each.per_second] for name, each in seen.items()
    }
    return figures


def _compared(name: str, ones: Sequence[float], others: Sequence[float]) -> dict[str, Any]:
    """The median of the turns' ratios, and between what the middle half of them lies."""
    ratios = [one / other for one, other in zip(ones, others, strict=True)]
    low, median, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return {name: round(median, 3), f"{name}_half": [round(low, 3), round(high, 3)]}
