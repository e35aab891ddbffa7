"""Webhooks: how many the worker delivers, and how soon after its commit an event arrives.

The listener is sink.c, which costs little beside what it measures and writes down the microsecond
of each arrival. An event's id begins with the microsecond in which it was made, just before its
commit, so what is called the time from commit to receipt here includes the commit.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guilder_server.embedded import RedisServer
from guilder_server.kernel.ids import DIGITS, TIME_LENGTH
from load import LoadFailed
from machine import resident_mb
from stage import CUSTOMER_PREFIX, EMPTY, SAMPLE_PAYMENT, Stage, free_port, post

HERE = Path(__file__).parent
ENDPOINTS = 100
EVENTS_PER_S = 100
EVENTS_PER_PAYMENT = 3
_PAYERS = 8
_BAD = ("hang", "drip", "huge")
_VALUE = {digit: value for value, digit in enumerate(DIGITS)}


@dataclass(frozen=True)
class Receipt:
    at_us: int
    path: str
    event: str

    @property
    def after_ms(self) -> float:
        """Since the event was made."""
        made = 0
        for digit in self.event.partition("_")[2][:TIME_LENGTH]:
            made = made * len(DIGITS) + _VALUE[digit]
        return (self.at_us - made) / 1000


class Sink:
    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._receipts = folder / "receipts"
        self._program = folder / "sink"

    @contextmanager
    def listening(self) -> Iterator[Sink]:
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            raise SystemExit("bench: a C compiler is missing. On Debian or Ubuntu: apt install gcc")
        source = str(HERE / "sink.c")
        subprocess.run([compiler, "-O2", "-o", str(self._program), source], check=True)
        process = subprocess.Popen([str(self._program), str(self.port), str(self._receipts)])
        try:
            yield self
        finally:
            process.kill()
            process.wait()

    def receipts(self) -> list[Receipt]:
        if not self._receipts.exists():
            return []
        whole = self._receipts.read_text(encoding="ascii").rpartition("\n")[0]
        rows = [line.split(" ") for line in whole.splitlines()]
        return [Receipt(int(at), path, event) for at, path, event in rows]

    def wait_for(self, count: int, timeout_s: float) -> list[Receipt]:
        deadline = time.monotonic() + timeout_s
        while len(found := self.receipts()) < count:
            if time.monotonic() > deadline:
                raise LoadFailed(f"{len(found)} of {count} webhooks arrived in {timeout_s:.0f} s")
            time.sleep(0.2)
        return found


def measure(
    stage: Stage, pay: Callable[..., Any], say: Callable[[str], None], seconds: int
) -> dict[str, Any]:
    """The figures; `pay` puts payments of so many merchants through a server."""
    figures: dict[str, Any] = {}
    with ExitStack() as stack:
        redis = stack.enter_context(RedisServer(stage.folder / "redis"))
        sink = stack.enter_context(Sink(stage.folder).listening())
        settings = {"GUILDER_WEBHOOK_LOOPBACK": "on", "GUILDER_REDIS_URL": redis.url}
        serving = stack.enter_context(stage.serving(EMPTY, **settings))
        for number, key in enumerate(stage.keys[:ENDPOINTS]):
            _listen(serving.url, key, f"http://127.0.0.1:{sink.port}/{number}")
        say("a backlog of webhooks, then a worker")
        load = pay(serving, EMPTY, merchants=ENDPOINTS, seconds=seconds)
        backlog = load.requests * EVENTS_PER_PAYMENT
        pid = stack.enter_context(stage.working(EMPTY, **settings))
        arrivals = sorted(one.at_us for one in sink.wait_for(backlog, 120))
        tenth = len(arrivals) // 10
        span_s = (arrivals[-tenth] - arrivals[tenth]) / 1e6
        figures["deliveries_per_s"] = round((len(arrivals) - 2 * tenth) / span_s, 1)
        say(f"  {figures['deliveries_per_s']:8.0f}/s")
        say(f"{EVENTS_PER_S} events a second")
        time.sleep(2)
        quiet = _paced(serving.url, stage.keys[:ENDPOINTS], sink, seconds)
        figures["commit_to_receipt_p50_ms"] = round(statistics.median(quiet), 1)
        figures["commit_to_receipt_p99_ms"] = round(_p99(quiet), 1)
        say("the same beside endpoints that hang, drip and flood")
        before_mb = resident_mb(pid)
        for word, key in zip(_BAD, stage.keys[ENDPOINTS:], strict=False):
            _listen(serving.url, key, f"http://127.0.0.1:{sink.port}/{word}")
        beside = _paced(serving.url, stage.keys[: ENDPOINTS + len(_BAD)], sink, max(20, seconds))
        figures["commit_to_receipt_p99_ms_beside_bad"] = round(_p99(beside), 1)
        figures["worker_mb"] = round(before_mb, 1)
        figures["worker_mb_grown_by_bad"] = round(resident_mb(pid) - before_mb, 1)
    return figures


def _listen(url: str, key: str, listener: str) -> None:
    post(url, key, "/v1/webhook_endpoints", {"url": listener, "enabled_events[0]": "*"})


def _paced(url: str, keys: list[str], sink: Sink, seconds: int) -> list[float]:
    """Milliseconds from event to receipt, at a steady rate, of the listeners that are well."""
    already = len(sink.receipts())
    pause = _PAYERS * EVENTS_PER_PAYMENT / EVENTS_PER_S
    ending = time.monotonic() + seconds
    made: list[str] = []

    def pay(payer: int) -> None:
        turn = payer
        due = time.monotonic() + payer * pause / _PAYERS
        while due < ending:
            time.sleep(max(0.0, due - time.monotonic()))
            customer = f"{CUSTOMER_PREFIX}0001"
            key = keys[turn % len(keys)]
            made.append(
                post(url, key, "/v1/payment_intents", {**SAMPLE_PAYMENT, "customer": customer})
            )
            turn, due = turn + _PAYERS, due + pause

    payers = [threading.Thread(target=pay, args=[payer]) for payer in range(_PAYERS)]
    for payer in payers:
        payer.start()
    for payer in payers:
        payer.join()
    time.sleep(2)
    new = sink.receipts()[already:]
    well = [one.after_ms for one in new if not one.path.startswith(tuple(f"/{w}" for w in _BAD))]
    if len(well) < 0.9 * len(made) * EVENTS_PER_PAYMENT:
        raise LoadFailed(f"{len(made)} payments, but {len(well)} webhooks")
    return well


def _p99(taken: list[float]) -> float:
    return statistics.quantiles(taken, n=100)[98]
