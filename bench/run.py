"""The benchmark: payments a second through the real server, beside what PostgreSQL can take.

    make bench                              everything, some ten minutes
    make bench ARGS=--quick                 without the million, a minute
    make bench ARGS='--only payments hot'   chosen figures

README.md says what is measured and why so. The last line printed is JSON.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import admission
import books
import deliveries
import fairness
import machine
import million
from limit import CLIENT_COUNTS, Limit
from load import Load, LoadFailed, ensure_wrk, wrk
from stage import CUSTOMER_PREFIX, CUSTOMERS, EMPTY, MERCHANTS, MILLION, Serving, Stage, staged

CHOICES = (
    "payments",
    "hot",
    "single",
    "lists",
    "growth",
    "deliveries",
    "ledger",
    "limits",
    "fairness",
)
CONNECTIONS = 64
LIST_CONNECTIONS = 4

# The request log keeps as many requests as there is time for, and for a month: it is told apart.
_BYTES = (
    "SELECT sum(pg_total_relation_size(oid)) FROM pg_class "
    "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'request_logs'"
)
_LOGGED = "SELECT pg_total_relation_size('request_logs')"
# The money of a payment is one debit, so this counts the payments that the ledger knows.
_POSTED = "SELECT coalesce(sum(version), 0) FROM ledger_accounts WHERE normal_side = 'debit'"
_WAL = "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"

# What is wanted on 2 cores that also run PostgreSQL and the load generator.
TARGETS = {
    "payments_per_s": (">=", 1500),
    "ratio": (">=", 0.30),
    "single_client_p50_ms": ("<=", 4),
    "hot_account_ratio": (">=", 0.8),
    "growth_ratio": (">=", 0.8),
    "rss_mb": ("<=", 200),
    "bytes_per_payment": ("<=", 6000),
    "bulk_transactions_per_s": (">=", 12_000),
    "bulk_ratio": (">=", 0.4),
    "single_transactions_per_s": (">=", 1500),
    "hot_ledger_ratio": (">=", 0.8),
    "as_of_p95_ms": ("<=", 5),
    "deliveries_per_s": (">=", 500),
    "commit_to_receipt_p50_ms": ("<=", 100),
    "commit_to_receipt_p99_ms": ("<=", 500),
    "commit_to_receipt_p99_ms_beside_bad": ("<=", 2000),
    "worker_mb_grown_by_bad": ("<=", 50),
    "guarded_ratio": (">=", 0.9),
    "guarded_without_redis_ratio": (">=", 0.9),
    "flood_p99_ratio": ("<=", 1.3),
}


@dataclass(frozen=True)
class Lengths:
    rounds: int
    payments_s: int
    limit_s: int
    search_s: int
    lists_s: int
    deliveries_s: int
    warm_up_s: int = 3


FULL = Lengths(rounds=3, payments_s=8, limit_s=6, search_s=3, lists_s=4, deliveries_s=15)
QUICK = Lengths(rounds=1, payments_s=6, limit_s=5, search_s=2, lists_s=2, deliveries_s=8)


@dataclass
class Cost:
    """What a number of payments has cost, in bytes and in processor time."""

    payments: int = 0
    bytes: int = 0
    logged_bytes: int = 0
    wal_bytes: int = 0
    server_s: float = 0.0
    postgres_s: float = 0.0


@dataclass
class Bench:
    stage: Stage
    lengths: Lengths
    chosen: set[str]
    figures: dict[str, Any] = field(default_factory=dict)
    cost: Cost = field(default_factory=Cost)
    _seed: int = 1

    def measure(self) -> dict[str, Any]:
        growing = "growth" in self.chosen
        if growing:
            say("filling a database with a million payments")
            began = time.monotonic()
            million.fill(self.stage)
            say(f"  {time.monotonic() - began:.0f} s")
        with ExitStack() as stack:
            empty = stack.enter_context(self.stage.serving(EMPTY))
            full = stack.enter_context(self.stage.serving(MILLION)) if growing else None
            self.pay(empty, EMPTY, seconds=self.lengths.warm_up_s)
            if full is not None:
                self.pay(full, MILLION, seconds=self.lengths.warm_up_s)
            if self.chosen & {"payments", "hot", "growth"}:
                self._rounds(empty, full)
            if "single" in self.chosen:
                say("one client, one payment at a time")
                alone = self.pay(empty, EMPTY, connections=1)
                self.figures["single_client_p50_ms"] = alone.p50_ms
                self.figures["single_client_p99_ms"] = alone.p99_ms
            if "lists" in self.chosen:
                self._lists({"empty": empty} | ({"million": full} if full is not None else {}))
            self.figures["rss_mb"] = round(empty.largest_worker_mb(), 1)
        if "deliveries" in self.chosen:
            self.figures |= deliveries.measure(self.stage, self.pay, say, self.lengths.deliveries_s)
        if "limits" in self.chosen:
            self.figures |= admission.measure(self.stage, self.pay, say, self.lengths.rounds)
        if "fairness" in self.chosen:
            self.figures |= fairness.measure(self.stage, say, self.lengths.payments_s)
        if "ledger" in self.chosen:
            self.figures |= books.measure(self.stage, say, self.lengths.payments_s)
        return self.figures

    def pay(
        self,
        serving: Serving,
        database: str,
        *,
        connections: int = CONNECTIONS,
        merchants: int = MERCHANTS,
        seconds: int | None = None,
    ) -> Load:
        """Payments under load. Raises LoadFailed unless the ledger has each acknowledged one."""
        self._seed += 1
        before = self._count(database, _POSTED)
        load = wrk(
            serving.url,
            "payments.lua",
            [
                *(str(self.stage.keys_file), str(merchants)),
                *(CUSTOMER_PREFIX, str(CUSTOMERS), str(self._seed)),
            ],
            connections,
            seconds or self.lengths.payments_s,
        )
        time.sleep(0.5)  # those under way when the generator hung up
        posted = self._count(database, _POSTED) - before
        if not load.requests <= posted <= load.requests + connections:
            raise LoadFailed(f"{load.requests} payments were acknowledged, {posted} posted")
        return load

    def _rounds(self, empty: Serving, full: Serving | None) -> None:
        """The figures that are compared with each other are taken in turn, so that whatever
        else this machine is doing meets all of them."""
        limit = Limit(self.stage)
        clients = self._best_clients(limit)
        seen: dict[str, list[float]] = {}
        spread: list[Load] = []
        for turn in range(self.lengths.rounds):
            say(f"round {turn + 1} of {self.lengths.rounds}")
            spread.append(self._costed(empty))
            self._note(seen, "payments", spread[-1].per_second)
            if "payments" in self.chosen:
                self._note(seen, "limit", limit.payments_per_s(clients, self.lengths.limit_s))
            if "hot" in self.chosen:
                hot = self.pay(empty, EMPTY, merchants=1)
                self._note(seen, "hot", hot.per_second)
            if full is not None:
                self._note(seen, "growth", self.pay(full, MILLION).per_second)
        self._summarize(seen, spread, clients)

    def _best_clients(self, limit: Limit) -> int:
        if "payments" not in self.chosen:
            return 0
        say("the best number of clients for pgbench")
        tried = {}
        for clients in CLIENT_COUNTS:
            tried[clients] = limit.payments_per_s(clients, self.lengths.search_s)
            say(f"  {clients:3} clients {tried[clients]:8.0f}/s")
        return max(tried, key=lambda clients: tried[clients])

    def _note(self, seen: dict[str, list[float]], name: str, per_second: float) -> None:
        seen.setdefault(name, []).append(per_second)
        say(f"  {name:10} {per_second:8.0f}/s")

    def _costed(self, serving: Serving) -> Load:
        """Payments of a thousand merchants, with what they cost."""
        counters = (_POSTED, _BYTES, _WAL, _LOGGED)
        before = [self._count(EMPTY, counter) for counter in counters]
        server_s, postgres_s = serving.cpu_s(), self.stage.cpu_s()
        load = self.pay(serving, EMPTY)
        self.cost.server_s += serving.cpu_s() - server_s
        self.cost.postgres_s += self.stage.cpu_s() - postgres_s
        after = [self._count(EMPTY, counter) for counter in counters]
        grown = [end - start for start, end in zip(before, after, strict=True)]
        self.cost.payments += grown[0]
        self.cost.bytes += grown[1]
        self.cost.wal_bytes += grown[2]
        self.cost.logged_bytes += grown[3]
        return load

    def _summarize(self, seen: dict[str, list[float]], spread: list[Load], clients: int) -> None:
        payments, cost = seen["payments"], self.cost

        def against(name: str, under: list[float], over: list[float]) -> None:
            pairs = zip(over, under, strict=True)
            self.figures[name] = round(statistics.median(a / b for a, b in pairs), 3)

        self.figures["payments_per_s"] = round(statistics.median(payments), 1)
        if "limit" in seen:
            self.figures["limit_per_s"] = round(statistics.median(seen["limit"]), 1)
            against("ratio", seen["limit"], payments)
            self.figures["limit_clients"] = clients
        if "hot" in seen:
            against("hot_account_ratio", payments, seen["hot"])
        if "growth" in seen:
            against("growth_ratio", payments, seen["growth"])
        self.figures["p50_ms"] = statistics.median(load.p50_ms for load in spread)
        self.figures["p99_ms"] = statistics.median(load.p99_ms for load in spread)
        self.figures["bytes_per_payment"] = round(cost.bytes / cost.payments)
        self.figures["request_log_bytes_per_payment"] = round(cost.logged_bytes / cost.payments)
        self.figures["wal_bytes_per_payment"] = round(cost.wal_bytes / cost.payments)
        self.figures["server_cpu_ms_per_payment"] = round(cost.server_s / cost.payments * 1000, 3)
        self.figures["postgres_cpu_ms_per_payment"] = round(
            cost.postgres_s / cost.payments * 1000, 3
        )
        self.figures["rounds"] = {name: [round(one) for one in each] for name, each in seen.items()}

    def _lists(self, servings: dict[str, Serving]) -> None:
        say("lists")
        queries = {
            "newest": "limit=10",
            "of_customer": f"limit=10&customer={CUSTOMER_PREFIX}0007",
            "of_last_week": f"limit=10&created[gte]={int(time.time()) - 7 * 86_400}",
        }
        taken = {
            size: {name: self._list(serving, query) for name, query in queries.items()}
            for size, serving in servings.items()
        }
        self.figures["list_p95_ms"] = {size: max(by.values()) for size, by in taken.items()}
        self.figures["list_p95_ms_by_query"] = taken

    def _list(self, serving: Serving, query: str) -> float:
        """Of the first merchant, who has the most."""
        arguments = [self.stage.keys[0], query]
        return wrk(
            serving.url, "lists.lua", arguments, LIST_CONNECTIONS, self.lengths.lists_s
        ).p95_ms

    def _count(self, database: str, query: str) -> int:
        with self.stage.engine(database).connect() as connection:
            return int(connection.exec_driver_sql(query).scalar_one())


def say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def table(figures: dict[str, Any]) -> str:
    lines = []
    for name, value in figures.items():
        shown = value
        if isinstance(value, dict):
            shown = ", ".join(f"{part} {one}" for part, one in value.items())
        sign, wanted = TARGETS.get(name, ("", ""))
        verdict = ""
        if sign:
            met = value >= wanted if sign == ">=" else value <= wanted
            verdict = f"wanted {sign} {wanted}" + ("" if met else "  MISSED")
        lines.append(f"{name:28} {shown!s:>24}  {verdict}".rstrip())
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="without the million payments")
    parser.add_argument("--only", nargs="+", choices=CHOICES, help="chosen figures")
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(__file__).parent / "build",
        help="where the database lies meanwhile: a folder on a disk (bench/build)",
    )
    options = parser.parse_args()
    chosen = set(options.only or CHOICES) - ({"growth"} if options.quick else set())
    for wish in (signal.SIGINT, signal.SIGTERM):
        signal.signal(wish, signal.default_int_handler)
    try:
        ensure_wrk()
        with staged(options.folder.absolute() / "data") as stage:
            with stage.engine(EMPTY).connect() as connection:
                about = machine.describe(connection, stage.folder)
            lengths = QUICK if options.quick else FULL
            figures = Bench(stage, lengths, chosen).measure()
            about["yardstick_after_ms"] = machine.yardstick_ms()
    except KeyboardInterrupt:
        say("stopped; everything that was started has been stopped too")
        return 130
    except LoadFailed as error:
        say(f"bench: {error}")
        return 1
    print(table(figures))
    print(f"\non {about['cores']} x {about['cpu']}, {about['filesystem']}")
    print(json.dumps(figures | {"machine": about}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
